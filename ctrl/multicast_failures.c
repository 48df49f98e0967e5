#include "ctrl/multicast_failures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"

enum { RETRY_MS = 5000 };

struct multicast_failures {
	const struct ctrl_config *config;
	struct publish *publish;
	struct loop *loop;
	struct uninstalled *uninstalled;
	struct wheel_timer timer;
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
		loop_arm_ms(failures->loop, timer, RETRY_MS);
}

static const char *name_of_error(const struct update_ack *ack)
{
	const char *name = NULL;

	for (uint16_t i = 0; i < ack->failure_count && !name; i++)
		if (ack->failures[i].kind == OBJECT_GROUP || ack->failures[i].kind == OBJECT_MEMBER)
			name = strerrorname_np(ack->failures[i].error);
	return name ? name : "unknown";
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
		loop_arm_ms(failures->loop, &failures->timer, RETRY_MS);
}

struct multicast_failures *multicast_failures_new(
	const struct ctrl_config *config, struct publish *publish, struct loop *loop)
{
	struct multicast_failures *failures = calloc(1, sizeof(*failures));
	const struct uninstalled_config given = {.renew = renew, .context = failures};
	const struct publish_handlers handlers = {.arg = failures, .acked = acked};

	if (!failures)
		return NULL;
	failures->config = config;
	failures->publish = publish;
	failures->loop = loop;
	wheel_timer_init(&failures->timer, retry);
	failures->uninstalled = uninstalled_new(&given);
	if (!failures->uninstalled || publish_add_handlers(publish, &handlers) < 0) {
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
	uninstalled_free(failures->uninstalled);
	free(failures);
}

void multicast_failures_forget(struct multicast_failures *failures, uint64_t id)
{
	uninstalled_forget(failures->uninstalled, id);
}

uint64_t multicast_failures_at(const struct multicast_failures *failures, uint64_t id, int *error)
{
	return uninstalled_at(failures->uninstalled, id, error);
}

const struct uninstalled *multicast_failures_all(const struct multicast_failures *failures)
{
	return failures->uninstalled;
}
