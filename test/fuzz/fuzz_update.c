/* Update channel: whatever arrives, it is either refused or written again as it was read. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/channel/down.h"
#include "proto/channel/trace.h"
#include "proto/channel/update.h"

enum { VERSION_AT = 2 }; /* offset of the octet in the head */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t again[UPDATE_MESSAGE_MAX];

/* What was decoded from `from` up to the cursor is what encoding it gave. */
static void check_same(int rc, const struct writer *w, const uint8_t *from, const struct cursor *c)
{
	size_t len = (size_t)(c->pos - from);

	if (rc || writer_len(w) != len || memcmp(again, from, len) != 0)
		abort();
}

static void objects(struct cursor *c)
{
	while (cursor_left(c)) {
		const uint8_t *from = c->pos;
		struct object obj;
		struct writer w;

		if (object_decode(c, &obj))
			return;
		writer_init(&w, again, OBJECT_WIRE_MAX);
		check_same(object_encode(&w, &obj), &w, from, c);
	}
}

static void stats(struct cursor *c)
{
	uint32_t id;

	if (update_stats_id_decode(c, &id))
		return;
	while (cursor_left(c)) {
		const uint8_t *from = c->pos;
		struct update_stat stat;
		struct writer w;

		if (update_stat_decode(c, &stat))
			return;
		writer_init(&w, again, sizeof(again));
		check_same(update_stat_encode(&w, &stat), &w, from, c);
	}
}

static void traced(struct cursor *c)
{
	while (cursor_left(c)) {
		const uint8_t *from = c->pos;
		struct trace_packet packet;
		struct writer w;

		if (trace_packet_decode(c, &packet))
			return;
		writer_init(&w, again, sizeof(again));
		check_same(trace_packet_encode(&w, &packet), &w, from, c);
	}
}

static void count_request(struct cursor *c)
{
	static uint64_t ids[UPDATE_COUNT_IDS_MAX];
	const uint8_t *from = c->pos;
	enum object_kind kind;
	size_t count = 0;
	struct writer w;
	uint32_t id;

	if (update_count_request_decode(c, &id, &kind))
		return;
	while (cursor_left(c))
		ids[count++] = cursor_u64(c);
	writer_init(&w, again, sizeof(again));
	check_same(update_count_request_encode(&w, id, kind, ids, count), &w, from, c);
}

static void counts(struct cursor *c)
{
	uint32_t id;

	if (update_stats_id_decode(c, &id))
		return;
	while (cursor_left(c)) {
		const uint8_t *from = c->pos;
		struct update_count count;
		struct writer w;

		if (update_count_decode(c, &count))
			return;
		writer_init(&w, again, sizeof(again));
		check_same(update_count_encode(&w, &count), &w, from, c);
	}
}

static void one_body(enum update_type type, struct cursor *c)
{
	const uint8_t *from = c->pos;
	static struct update_hello hello;
	static struct update_event event;
	static struct update_ack ack;
	static struct update_digest_answer digest;
	static struct update_adopt adopt;
	static struct update_stats_request request;
	static struct trace_wanted wanted;
	static struct down_tunnels down;
	char reason[UPDATE_REASON_MAX + 1];
	struct writer w;

	writer_init(&w, again, sizeof(again));
	switch (type) {
	case UPDATE_HELLO:
		if (update_hello_decode(c, &hello) == 0)
			check_same(update_hello_encode(&w, &hello), &w, from, c);
		break;
	case UPDATE_ACK:
		if (update_ack_decode(c, &ack) == 0)
			check_same(update_ack_encode(&w, &ack), &w, from, c);
		break;
	case UPDATE_EVENT:
		if (update_event_decode(c, &event) == 0)
			check_same(update_event_encode(&w, &event), &w, from, c);
		break;
	case UPDATE_DIGEST:
		if (update_digest_decode(c, &digest) == 0)
			check_same(update_digest_encode(&w, &digest), &w, from, c);
		break;
	case UPDATE_ADOPT:
		if (update_adopt_decode(c, &adopt) == 0)
			check_same(update_adopt_encode(&w, &adopt), &w, from, c);
		break;
	case UPDATE_STATS_REQUEST:
		if (update_stats_request_decode(c, &request) == 0)
			check_same(update_stats_request_encode(&w, &request), &w, from, c);
		break;
	case UPDATE_TRACE:
		if (trace_wanted_decode(c, &wanted) == 0)
			check_same(trace_wanted_encode(&w, &wanted), &w, from, c);
		break;
	case UPDATE_DOWN:
		if (down_tunnels_decode(c, &down) == 0)
			check_same(down_tunnels_encode(&w, &down), &w, from, c);
		break;
	case UPDATE_REFUSE:
		if (update_reason_decode(c, reason) == 0)
			check_same(update_reason_encode(&w, reason), &w, from, c);
		break;
	default:
		break;
	}
}

static void one_message(const uint8_t *data, size_t size)
{
	struct update_head head;
	struct writer w;
	struct cursor c;
	int rc;

	cursor_init(&c, data, size);
	rc = update_head_decode(&c, &head);
	if (rc == -EPROTO && head.version == UPDATE_VERSION)
		abort();
	if (rc)
		return;
	writer_init(&w, again, sizeof(again));
	check_same(update_head_encode(&w, &head), &w, data, &c);
	if (head.type == UPDATE_OBJECTS || head.type == UPDATE_DELTA)
		objects(&c);
	else if (head.type == UPDATE_STATS)
		stats(&c);
	else if (head.type == UPDATE_TRACED)
		traced(&c);
	else if (head.type == UPDATE_COUNTS)
		counts(&c);
	else if (head.type == UPDATE_COUNT_REQUEST)
		count_request(&c);
	else
		one_body(head.type, &c);
}

/* The same in the version of today: seeds do not end at the head when there is a new one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *today;

	one_message(data, size);
	if (size <= VERSION_AT || data[VERSION_AT] == UPDATE_VERSION)
		return 0;
	today = malloc(size); /* of its own size, so that what is read behind it is seen */
	if (!today)
		abort();
	memcpy(today, data, size);
	today[VERSION_AT] = UPDATE_VERSION;
	one_message(today, size);
	free(today);
	return 0;
}
