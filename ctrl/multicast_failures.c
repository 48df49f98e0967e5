#include "ctrl/multicast_failures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/multicast_missing.h"
#include "ctrl/publish/publish.h"

enum { MORE_MS = 1 }; /* if there was room for what was tried again last */

struct multicast_failures {
	const struct ctrl_config *config;
	struct publish *publish;
	struct loop *loop;
	uint32_t retry_ms;
	struct uninstalled *uninstalled;
	struct multicast_missing *missing;
	struct wheel_timer timer; /* armed while there is anything to be tried again */
};

static uint64_t renew(void *context, uint64_t id)
{
	struct multicast_failures *failures = context;
	uint64_t sequence;

	return publish_again(failures->publish, id, &sequence) ? 0 : sequence;
}

static void retry(struct wheel_timer *timer, void *context)
{
	struct multicast_failures *failures = wheel_entry(timer, struct multicast_failures, timer);

	(void)context;
	uninstalled_retry(failures->uninstalled);
	publish_flush(failures->publish);
	if (uninstalled_count(failures->uninstalled))
		loop_arm_ms(failures->loop, timer, failures->retry_ms);
}

static const char *name_of_error(const struct update_ack *ack)
{
	const char *name = NULL;

	for (uint16_t i = 0; i < ack->failure_count && !name; i++)
		if (ack->failures[i].kind == OBJECT_GROUP || ack->failures[i].kind == OBJECT_MEMBER)
			name = strerrorname_np(ack->failures[i].error);
	return name ? name : "unknown";
}

static bool lacks(void *context, unsigned dp, enum object_kind kind, uint64_t id)
{
	static struct log_limit limit = LOG_LIMIT(1);
	struct multicast_failures *failures = context;
	const size_t before = uninstalled_count(failures->uninstalled);
	const int rc = uninstalled_missing(failures->uninstalled, dp, kind, id);

	if (rc > 0)
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "multicast", "not-there",
			"data_plane=%s object=%" PRIx64 " missing=%zu",
			ctrl_config_data_plane_name(failures->config, dp), id,
			uninstalled_count(failures->uninstalled));
	if (!before && uninstalled_count(failures->uninstalled))
		loop_arm_ms(failures->loop, &failures->timer, failures->retry_ms);
	return rc >= 0;
}

/* What it did not name, or what is not kept, is to be found out. */
static bool leaves_open(const struct multicast_failures *failures, const struct update_ack *ack)
{
	return ack && (ack->failure_total > ack->failure_count ||
			      (ack->failure_count &&
				      uninstalled_count(failures->uninstalled) >= UNINSTALLED_MAX));
}

static void acked(void *arg, unsigned dp, uint64_t sequence, const struct update_ack *ack)
{
	static struct log_limit limit = LOG_LIMIT(1);
	struct multicast_failures *failures = arg;
	const size_t before = uninstalled_count(failures->uninstalled);
	const unsigned fresh = uninstalled_acked(failures->uninstalled, dp, sequence, ack);

	if (fresh)
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "multicast", "not-installed",
			"data_plane=%s count=%u error=%s missing=%zu",
			ctrl_config_data_plane_name(failures->config, dp), fresh,
			name_of_error(ack), uninstalled_count(failures->uninstalled));
	if (!before && uninstalled_count(failures->uninstalled))
		loop_arm_ms(failures->loop, &failures->timer, failures->retry_ms);
	if (leaves_open(failures, ack))
		multicast_missing_suspect(failures->missing, dp);
	else if (before && uninstalled_count(failures->uninstalled) &&
		 uninstalled_taken(failures->uninstalled)) {
		loop_cancel(failures->loop, &failures->timer);
		loop_arm_ms(failures->loop, &failures->timer, MORE_MS);
	}
}

struct multicast_failures *multicast_failures_new(const struct ctrl_config *config,
	struct publish *publish, struct loop *loop, uint32_t retry_ms)
{
	struct multicast_failures *failures = calloc(1, sizeof(*failures));
	const struct uninstalled_config given = {.renew = renew, .context = failures};
	const struct publish_handlers handlers = {.arg = failures, .acked = acked};
	const struct multicast_missing_config missing = {.publish = publish,
		.loop = loop,
		.later_ms = retry_ms,
		.lacks = lacks,
		.context = failures};

	if (!failures)
		return NULL;
	failures->config = config;
	failures->publish = publish;
	failures->loop = loop;
	failures->retry_ms = retry_ms;
	wheel_timer_init(&failures->timer, retry);
	failures->uninstalled = uninstalled_new(&given);
	failures->missing = multicast_missing_new(&missing);
	if (!failures->uninstalled || !failures->missing ||
		publish_add_handlers(publish, &handlers) < 0) {
		multicast_failures_free(failures);
		errno = ENOMEM;
		return NULL;
	}
	return failures;
}

void multicast_failures_free(struct multicast_failures *failures)
{
	if (!failures)
		return;
	loop_cancel(failures->loop, &failures->timer);
	multicast_missing_free(failures->missing);
	uninstalled_free(failures->uninstalled);
	free(failures);
}

void multicast_failures_forget(struct multicast_failures *failures, uint64_t id)
{
	uninstalled_forget(failures->uninstalled, id);
	multicast_missing_forget(failures->missing, id);
}

uint64_t multicast_failures_at(const struct multicast_failures *failures, uint64_t id, int *error)
{
	return uninstalled_at(failures->uninstalled, id, error);
}

const struct uninstalled *multicast_failures_all(const struct multicast_failures *failures)
{
	return failures->uninstalled;
}
