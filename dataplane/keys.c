#include "dataplane/keys.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/daemon.h"
#include "common/hmac.h"
#include "common/log.h"
#include "common/zsock.h"
#include "dataplane/config.h"

struct set {
	struct curve_key secret;
	struct curve_key control[KEYS_CONTROL_MAX];
	unsigned control_count;
};

static struct {
	pthread_mutex_t lock;
	const char *file;
	uint32_t generation; /* 0: there are no keys */
	struct set now;
} keys = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool has_tcp(const struct dp_config *c)
{
	return zsock_is_tcp(c->endpoints.update) || zsock_is_tcp(c->endpoints.packet);
}

static void read_secret(
	const struct dp_config *c, struct set *set, const char *file, struct config_report *report)
{
	static const char key[] = "security.secret_key_file";
	const char *path = c->security.secret_key_file;
	char why[256];

	if (!path) {
		if (has_tcp(c))
			config_report_add(
				report, file, 0, key, "is required: an endpoint is on tcp");
	} else if (curve_read_secret(path, &set->secret, why, sizeof(why)) < 0) {
		config_report_add(report, file, 0, key, "\"%.200s\": %s", path, why);
	}
}

static void read_control(
	const struct dp_config *c, struct set *set, const char *file, struct config_report *report)
{
	static const char key[] = "security.control_keys";
	const struct config_list *list = &c->security.control_keys;

	for (size_t i = 0; i < list->count && i < KEYS_CONTROL_MAX; i++) {
		const char *text = *config_item(list, char *, i);
		struct curve_key *to = &set->control[set->control_count];
		char why[256] = "a public key is 64 hexadecimal digits, or the path of its file";
		int rc;

		if (text[0] == '/')
			rc = curve_read_public(text, to, why, sizeof(why));
		else
			rc = curve_parse(text, to);
		if (rc < 0)
			config_report_add(report, file, 0, key, "\"%.200s\": %s", text, why);
		else
			set->control_count++;
	}
	if (has_tcp(c) && list->count == 0)
		config_report_add(report, file, 0, key, "is required: an endpoint is on tcp");
}

static void read_set(
	const struct dp_config *c, struct set *set, const char *file, struct config_report *report)
{
	*set = (struct set){0};
	read_secret(c, set, file, report);
	read_control(c, set, file, report);
}

void keys_check(const struct dp_config *config, const char *file, struct config_report *report)
{
	struct set set;

	read_set(config, &set, file, report);
	hmac_wipe(&set, sizeof(set));
}

/* Makes what a configuration names the keys that are used, if all of it is right. */
static int take(const struct dp_config *c, struct config_report *report)
{
	struct set set;
	int rc = -EINVAL;

	read_set(c, &set, keys.file, report);
	if (report->count == 0 && (!c->security.secret_key_file || set.control_count == 0))
		config_report_add(report, keys.file, 0, "security",
			"is required: the endpoints in use are on tcp");
	if (report->count == 0) {
		pthread_mutex_lock(&keys.lock);
		keys.now = set;
		__atomic_store_n(&keys.generation, keys.generation + 1, __ATOMIC_RELEASE);
		pthread_mutex_unlock(&keys.lock);
		rc = 0;
	}
	hmac_wipe(&set, sizeof(set));
	return rc;
}

static int told(int rc, struct config_report *report, const char *event)
{
	if (rc < 0)
		LOG_ERROR("keys", event, "error=%s",
			LOG_QUOTE(report->text ? report->text : strerror(-rc)));
	config_report_free(report);
	return rc;
}

int keys_open(const struct dp_config *config, const char *file)
{
	struct config_report report = {0};

	keys.file = file;
	if (!has_tcp(config))
		return 0;
	daemon_protect_secrets();
	return told(take(config, &report), &report, "keys-unreadable");
}

int keys_reload(void)
{
	struct config_report report = {0};
	struct dp_config fresh = {0};

	if (keys_generation() == 0)
		return 0;
	/* The cores of this thread are no longer those that the process started with. */
	int rc = dp_config_read(&fresh, keys.file, &report);
	if (rc == 0)
		rc = take(&fresh, &report);
	dp_config_free(&fresh);
	if (rc == 0)
		LOG_INFO("keys", "keys-read", "control_keys=%u", keys.now.control_count);
	return told(rc, &report, "reload-refused");
}

void keys_close(void)
{
	pthread_mutex_lock(&keys.lock);
	hmac_wipe(&keys.now, sizeof(keys.now));
	__atomic_store_n(&keys.generation, 0, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&keys.lock);
}

uint32_t keys_generation(void)
{
	return __atomic_load_n(&keys.generation, __ATOMIC_ACQUIRE);
}

uint32_t keys_get(unsigned attempt, struct curve_key *secret, struct curve_key *control)
{
	pthread_mutex_lock(&keys.lock);
	uint32_t generation = keys.generation;

	if (generation) {
		*secret = keys.now.secret;
		*control = keys.now.control[attempt % keys.now.control_count];
	}
	pthread_mutex_unlock(&keys.lock);
	return generation;
}
