#include "common/zap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ENDPOINT "inproc://zeromq.zap.01"
#define VERSION  "1.0"

/* RFC 27, "The Request Message": the delimiter before them was taken off by the socket. */
enum {
	FRAME_VERSION,
	FRAME_ID,
	FRAME_DOMAIN,
	FRAME_ADDRESS,
	FRAME_IDENTITY,
	FRAME_MECHANISM,
	FRAME_CREDENTIALS,
	FRAMES,
};

enum { REQUEST_BURST = 64 };

const struct counter_def zap_counter_defs[ZAP_COUNTERS] = {
	[ZAP_ACCEPTED] = {"channel_accepted", "connections of data planes let in by their key"},
	[ZAP_UNKNOWN_KEY] = {"channel_refused_key", "connections refused: the key is nobody's"},
	[ZAP_BAD_REQUEST] = {"channel_refused_mechanism",
		"connections refused: authentication is not by CURVE"},
};

static bool frame_is(const struct iovec *frame, const char *text)
{
	return frame->iov_len == strlen(text) && memcmp(frame->iov_base, text, strlen(text)) == 0;
}

static void copy_address(char to[static ZAP_ADDRESS_MAX + 1], const struct iovec *from)
{
	size_t len = from->iov_len < ZAP_ADDRESS_MAX ? from->iov_len : ZAP_ADDRESS_MAX;
	const char *text = from->iov_base;

	for (size_t i = 0; i < len; i++)
		to[i] = text[i] > ' ' && text[i] < 0x7f ? text[i] : '?';
	to[len] = '\0';
}

int zap_request_read(const struct iovec *frames, size_t count, struct zap_request *r)
{
	*r = (struct zap_request){0};
	if (count <= FRAME_ID || frames[FRAME_ID].iov_len > ZAP_ID_MAX)
		return -EBADMSG;
	r->id_len = frames[FRAME_ID].iov_len;
	if (r->id_len)
		memcpy(r->id, frames[FRAME_ID].iov_base, r->id_len);
	if (count != FRAMES || !frame_is(&frames[FRAME_VERSION], VERSION) ||
		!frame_is(&frames[FRAME_MECHANISM], "CURVE") ||
		frames[FRAME_CREDENTIALS].iov_len != CURVE_KEY_LEN)
		return -EPROTO;
	copy_address(r->address, &frames[FRAME_ADDRESS]);
	memcpy(r->key.b, frames[FRAME_CREDENTIALS].iov_base, CURVE_KEY_LEN);
	return 0;
}

/* Decides; returns the counter that tells how. */
static enum zap_counter judge(const struct zap *zap, int error, const struct zap_request *r)
{
	if (error)
		return ZAP_BAD_REQUEST;
	return zap->allow(zap->arg, r) ? ZAP_ACCEPTED : ZAP_UNKNOWN_KEY;
}

static void answer(struct zap *zap, const struct iovec *frames, size_t count)
{
	struct zap_request r;
	enum zap_counter verdict = judge(zap, zap_request_read(frames, count, &r), &r);
	const char *code = verdict == ZAP_ACCEPTED ? "200" : "400";
	const char *text = verdict == ZAP_ACCEPTED ? "OK" : "refused";
	char user[CURVE_TEXT_SIZE] = "";

	counter_add(&zap->counters[verdict], 1);
	if (verdict == ZAP_ACCEPTED)
		curve_text(&r.key, user);
	const struct iovec reply[] = {
		{.iov_base = VERSION, .iov_len = strlen(VERSION)},
		{.iov_base = r.id, .iov_len = r.id_len},
		{.iov_base = (void *)code, .iov_len = strlen(code)},
		{.iov_base = (void *)text, .iov_len = strlen(text)},
		{.iov_base = user, .iov_len = strlen(user)},
		{.iov_base = NULL, .iov_len = 0}, /* no metadata */
	};
	zsock_send(&zap->socket, reply, sizeof(reply) / sizeof(reply[0]));
}

void zap_serve(struct zap *zap)
{
	for (int i = 0; i < REQUEST_BURST; i++) {
		struct iovec frames[ZSOCK_PARTS_MAX];
		struct zsock_message m;
		int error = zsock_recv(&zap->socket, &m);

		/* One with too many frames wants an answer as well, or none follows. */
		if (error == -EMSGSIZE) {
			answer(zap, NULL, 0);
			continue;
		}
		if (error)
			return;
		for (size_t n = 0; n < m.count; n++)
			frames[n] = (struct iovec){.iov_base = (void *)zsock_part(&m, n),
				.iov_len = zsock_part_len(&m, n)};
		answer(zap, frames, m.count);
		zsock_message_close(&m);
	}
}

int zap_open(struct zap *zap, zap_allow_fn *allow, void *arg)
{
	const struct zsock_options options = {.type = ZMQ_REP};

	*zap = (struct zap){.allow = allow, .arg = arg};
	return zsock_bind(&zap->socket, &options, ENDPOINT);
}

void zap_close(struct zap *zap)
{
	zsock_close(&zap->socket);
}
