#include "ctrl/keyring.h"

#include "common/log.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZAP_DOMAIN "dmm"

enum {
	WATCHES_MAX = 2,
	WATCH_BURST = 256,
};

const struct counter_def keyring_counter_defs[KEYRING_COUNTERS] = {
	[KEYRING_REFUSED_PLAIN] = {"channel_refused_plain",
		"connections refused: they are not encrypted"},
	[KEYRING_REFUSED_SERVER_KEY] = {"channel_refused_server_key",
		"connections refused: they expect another key of dmm-ctrl"},
	[KEYRING_BROKEN] = {"channel_handshake_broken",
		"connections that ended within the handshake"},
	[KEYRING_REVOKED] = {"channel_refused_revoked",
		"messages refused: the key of the connection is no longer listed"},
	[KEYRING_RELOADS] = {"channel_key_reloads", "times that the keys were read anew"},
};

/* A key and whose it is. */
struct entry {
	struct curve_key key;
	unsigned dp;
};

struct table {
	size_t count;
	struct entry entries[];
};

struct keyring {
	const struct ctrl_config *config;
	struct loop *loop;
	bool open; /* the handler serves */
	struct zap zap;
	struct curve_key secret;
	struct table *table;
	struct zsock watches[WATCHES_MAX];
	size_t watch_count;
	uint64_t counters[KEYRING_COUNTERS];
};

static bool has_tcp(const struct ctrl_config *c)
{
	return zsock_is_tcp(c->endpoints.update) || zsock_is_tcp(c->endpoints.packet);
}

static const struct ctrl_config_data_plane *plane_at(const struct ctrl_config *c, unsigned dp)
{
	return config_item(&c->data_planes, struct ctrl_config_data_plane, dp);
}

/* Index of the data plane that has the key, or -ENOENT. */
static int find_key(const struct table *t, const struct curve_key *key)
{
	for (size_t i = 0; t && i < t->count; i++)
		if (curve_equal(&t->entries[i].key, key))
			return (int)t->entries[i].dp;
	return -ENOENT;
}

/* A key as the configuration gives it: a path, or the digits. */
static int read_key(const char *text, struct curve_key *key, char *why, size_t why_size)
{
	if (text[0] == '/')
		return curve_read_public(text, key, why, why_size);
	if (curve_parse(text, key) == 0)
		return 0;
	snprintf(why, why_size, "a public key is 64 hexadecimal digits, or the path of its file");
	return -EINVAL;
}

/* The keys of one data plane into the table. */
static void read_plane(const struct ctrl_config *c, unsigned dp, struct table *t, const char *file,
	struct config_report *report)
{
	const struct ctrl_config_data_plane *plane = plane_at(c, dp);
	char name[64], why[256];

	snprintf(name, sizeof(name), "data_planes[%u].public_keys", dp);
	for (size_t i = 0; i < plane->public_keys.count; i++) {
		const char *text = *config_item(&plane->public_keys, char *, i);
		struct entry *e = &t->entries[t->count];

		if (read_key(text, &e->key, why, sizeof(why)) < 0) {
			config_report_add(report, file, 0, name, "\"%.200s\": %s", text, why);
			continue;
		}
		int owner = find_key(t, &e->key);

		if (owner >= 0) {
			config_report_add(report, file, 0, name,
				"\"%.200s\" is a key of \"%s\" already, each data plane needs its "
				"own",
				text, plane_at(c, (unsigned)owner)->name);
			continue;
		}
		e->dp = dp;
		t->count++;
	}
	if (has_tcp(c) && plane->public_keys.count == 0)
		config_report_add(report, file, 0, name,
			"is required for \"%s\": an endpoint is on tcp", plane->name);
}

/* All public keys of a configuration; NULL: no memory. */
static struct table *read_table(
	const struct ctrl_config *c, const char *file, struct config_report *report)
{
	size_t most = 0;

	for (unsigned dp = 0; dp < c->data_planes.count; dp++)
		most += plane_at(c, dp)->public_keys.count;
	struct table *t = calloc(1, sizeof(*t) + (most + 1) * sizeof(t->entries[0]));

	for (unsigned dp = 0; t && dp < c->data_planes.count; dp++)
		read_plane(c, dp, t, file, report);
	return t;
}

/* Our own key, when there is one. */
static void read_secret(const struct ctrl_config *c, struct curve_key *secret, const char *file,
	struct config_report *report)
{
	const char *path = c->security.secret_key_file;
	char why[256];

	*secret = (struct curve_key){0};
	if (!path) {
		if (has_tcp(c))
			config_report_add(report, file, 0, "security.secret_key_file",
				"is required: an endpoint is on tcp");
	} else if (curve_read_secret(path, secret, why, sizeof(why)) < 0) {
		config_report_add(
			report, file, 0, "security.secret_key_file", "\"%.200s\": %s", path, why);
	}
}

int keyring_check(const struct ctrl_config *config, const char *file, struct config_report *report)
{
	size_t before = report->count;
	struct table *t = read_table(config, file, report);
	struct curve_key secret;

	if (!t)
		return -ENOMEM;
	read_secret(config, &secret, file, report);
	curve_wipe(&secret);
	free(t);
	return report->count == before ? 0 : -EINVAL;
}

/* The handler's question: is a key welcome? */
static bool allow(void *arg, const struct zap_request *request)
{
	static struct log_limit limit = LOG_LIMIT(2);
	const struct keyring *k = arg;
	int dp = find_key(k->table, &request->key);
	char text[CURVE_TEXT_SIZE];

	if (dp >= 0) {
		LOG_DEBUG("keyring", "accepted", "data_plane=%s address=%s",
			plane_at(k->config, (unsigned)dp)->name, request->address);
		return true;
	}
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "keyring", "unknown-key", "address=%s public_key=%s",
		request->address, curve_text(&request->key, text));
	return false;
}

static void serve(void *arg)
{
	struct keyring *k = arg;

	zap_serve(&k->zap);
}

/* Takes the watch's events: those that the handler was never asked about. */
static void watch(struct keyring *k, struct zsock *from)
{
	static const enum keyring_counter counters[ZSOCK_EVENTS] = {
		[ZSOCK_REFUSED_KEY] = KEYRING_COUNTERS, /* the handler counts them */
		[ZSOCK_NOT_CURVE] = KEYRING_REFUSED_PLAIN,
		[ZSOCK_WRONG_KEY] = KEYRING_REFUSED_SERVER_KEY,
		[ZSOCK_BROKEN] = KEYRING_BROKEN,
	};
	static struct log_limit limit = LOG_LIMIT(2);
	enum zsock_event event;

	for (int i = 0; i < WATCH_BURST && zsock_watch_next(from, &event) == 0; i++) {
		enum keyring_counter counter = counters[event];

		if (counter == KEYRING_COUNTERS)
			continue;
		counter_add(&k->counters[counter], 1);
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "keyring", "connection-refused", "reason=%s",
			keyring_counter_defs[counter].name);
	}
}

static void watch_all(void *arg)
{
	struct keyring *k = arg;

	for (size_t i = 0; i < k->watch_count; i++)
		watch(k, &k->watches[i]);
}

/* Starts the handler, with the keys of a configuration that was checked a moment ago. */
static int start(struct keyring *k)
{
	struct config_report report = {0};
	int error = -ENOMEM;

	k->table = read_table(k->config, "configuration", &report);
	read_secret(k->config, &k->secret, "configuration", &report);
	if (report.count) {
		LOG_ERROR("keyring", "keys-unreadable", "error=%s", LOG_QUOTE(report.text));
		error = -EINVAL;
	} else if (k->table) {
		error = zap_open(&k->zap, allow, k);
	}
	config_report_free(&report);
	if (error)
		return error;
	k->open = true;
	return loop_add_socket(k->loop, &k->zap.socket, serve, k);
}

int keyring_open(struct keyring **keyring, const struct ctrl_config *config, struct loop *loop)
{
	struct keyring *k = calloc(1, sizeof(*k));
	int error = 0;

	*keyring = NULL;
	if (!k)
		return -ENOMEM;
	k->config = config;
	k->loop = loop;
	if (has_tcp(config))
		error = start(k);
	if (error) {
		keyring_close(k);
		return error;
	}
	*keyring = k;
	return 0;
}

void keyring_close(struct keyring *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->watch_count; i++)
		zsock_close(&k->watches[i]);
	if (k->open)
		zap_close(&k->zap);
	curve_wipe(&k->secret);
	free(k->table);
	free(k);
}

int keyring_bind(struct keyring *k, struct zsock *z, const struct zsock_options *options,
	const char *endpoint)
{
	struct zsock_options secured = *options;
	struct zsock *watched;
	int error;

	if (!zsock_is_tcp(endpoint))
		return zsock_bind(z, options, endpoint);
	if (!k || !k->open || k->watch_count == WATCHES_MAX)
		return -EACCES;
	watched = &k->watches[k->watch_count];
	secured.curve_secret = &k->secret;
	secured.zap_domain = ZAP_DOMAIN;
	secured.watch = watched;
	/* Who takes another's routing id must not get its messages, nor end its connection. */
	secured.router_handover = false;
	error = zsock_bind(z, &secured, endpoint);
	if (error)
		return error;
	k->watch_count++;
	return loop_add_socket(k->loop, watched, watch_all, k);
}

int keyring_data_plane(struct keyring *k, struct zsock_message *m)
{
	static struct log_limit limit = LOG_LIMIT(2);
	const char *user = zsock_user(m);
	struct curve_key key;
	int dp = -ENOENT;

	if (user && curve_parse(user, &key) == 0)
		dp = find_key(k->table, &key);
	if (dp >= 0)
		return dp;
	counter_add(&k->counters[KEYRING_REVOKED], 1);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "keyring", "revoked-key", "public_key=%s",
		user ? user : "-");
	zsock_cut(m);
	return -EACCES;
}

bool keyring_peer_is(const struct keyring_peer *peer, struct zsock_message *m)
{
	return peer->id_len && peer->id_len == zsock_part_len(m, 0) &&
	       memcmp(peer->id, zsock_part(m, 0), peer->id_len) == 0;
}

void keyring_peer_set(struct keyring_peer *peer, struct zsock_message *m)
{
	size_t len = zsock_part_len(m, 0);
	const char *user = zsock_user(m);

	*peer = (struct keyring_peer){0};
	if (len > sizeof(peer->id) || (user && curve_parse(user, &peer->key) < 0))
		return;
	peer->id_len = (uint8_t)len;
	memcpy(peer->id, zsock_part(m, 0), len);
}

bool keyring_peer_drop(const struct keyring *k, unsigned dp, struct keyring_peer *peer)
{
	if (!peer->id_len || find_key(k->table, &peer->key) == (int)dp)
		return false;
	*peer = (struct keyring_peer){0};
	return true;
}

/* The table of a new configuration in the numbers of the running one. */
static void renumber(const struct keyring *k, const struct ctrl_config *fresh, struct table *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->count; i++) {
		const char *name = plane_at(fresh, t->entries[i].dp)->name;
		int dp = ctrl_config_data_plane(k->config, name);

		if (dp < 0) {
			LOG_WARN("keyring", "new-data-plane",
				"name=%s taken_over=no remedy=\"restart dmm-ctrl\"", name);
			continue;
		}
		t->entries[kept] = t->entries[i];
		t->entries[kept++].dp = (unsigned)dp;
	}
	t->count = kept;
}

int keyring_reload(struct keyring *k, const char *path, struct config_report *report)
{
	struct ctrl_config fresh;
	struct table *t = NULL;
	int error = ctrl_config_load(&fresh, path, report);

	if (!error && k->open && !has_tcp(&fresh))
		config_report_add(report, path, 0, "endpoints",
			"are no longer on tcp, as those in use are: a restart takes them over");
	if (!error) {
		t = read_table(&fresh, path, report);
		error = !t ? -ENOMEM : report->count ? -EINVAL : 0;
	}
	if (!error) {
		renumber(k, &fresh, t);
		free(k->table);
		k->table = t;
		counter_add(&k->counters[KEYRING_RELOADS], 1);
		LOG_INFO("keyring", "keys-read", "keys=%zu", t->count);
	} else {
		free(t);
	}
	ctrl_config_free(&fresh);
	return error;
}

const uint64_t *keyring_counters(const struct keyring *k)
{
	return k->counters;
}

const uint64_t *keyring_zap_counters(const struct keyring *k)
{
	return k->zap.counters;
}
