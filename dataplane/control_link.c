#include "dataplane/control_link.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "dataplane/keys.h"

static int make(struct control_link *l)
{
	struct curve_key secret, control;

	if (!l->secured)
		return zsock_connect(&l->sock, &l->options, l->endpoint);
	l->generation = keys_get(l->attempt, &secret, &control);
	if (l->generation == 0)
		return -EACCES;
	struct zsock_options options = l->options;
	options.curve_secret = &secret;
	options.curve_server = &control;
	options.watch = &l->watch;
	int rc = zsock_connect(&l->sock, &options, l->endpoint);
	curve_wipe(&secret);
	return rc;
}

int control_link_open(struct control_link *l, const struct zsock_options *options, const char *name,
	const char *endpoint)
{
	*l = (struct control_link){
		.options = *options, .endpoint = endpoint, .secured = zsock_is_tcp(endpoint)};
	/* On tcp our key is our name. */
	if (!l->secured) {
		l->options.routing_id = name;
		l->options.routing_id_len = strlen(name);
	}
	int rc = make(l);
	if (rc < 0)
		control_link_close(l);
	return rc;
}

void control_link_close(struct control_link *l)
{
	zsock_close(&l->sock);
	zsock_close(&l->watch);
}

/* Takes what became of attempts to connect. */
static void look(struct control_link *l, uint64_t now_ms)
{
	static const char *const reasons[ZSOCK_EVENTS] = {
		[ZSOCK_REFUSED_KEY] = "control does not list our public key",
		[ZSOCK_NOT_CURVE] = "it is not encrypted there",
		[ZSOCK_WRONG_KEY] = "control has another key",
		[ZSOCK_BROKEN] = "it was ended: perhaps control has another key",
	};
	static struct log_limit limit = LOG_LIMIT(1);
	enum zsock_event event;

	while (zsock_watch_next(&l->watch, &event) == 0) {
		LOG_LIMITED(&limit, LOG_LEVEL_ERROR, "control", "connection-refused",
			"endpoint=%s reason=%s", l->endpoint, LOG_QUOTE(reasons[event]));
		if (l->again_ms == 0)
			l->again_ms = now_ms + CONTROL_LINK_AGAIN_MS;
	}
}

bool control_link_renew(struct control_link *l, uint64_t now_ms)
{
	l->again_ms = 0;
	control_link_close(l);
	int rc = make(l);
	if (rc < 0) {
		LOG_ERROR("control", "connect-failed", "endpoint=%s error=%s", l->endpoint,
			LOG_QUOTE(strerror(-rc)));
		l->again_ms = now_ms + CONTROL_LINK_AGAIN_MS;
	}
	return rc == 0;
}

bool control_link_tick(struct control_link *l, uint64_t now_ms)
{
	if (l->secured)
		look(l, now_ms);
	bool changed = l->secured && l->generation != keys_generation();

	if (!changed && (l->again_ms == 0 || now_ms < l->again_ms))
		return false;
	l->attempt = changed ? 0 : l->attempt + 1;
	return control_link_renew(l, now_ms);
}
