#include "proto/channel/update.h"

#include <errno.h>

#include "proto/channel/record.h"

enum {
	UPDATE_MAGIC = 0x444d,
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const type_names[] = {
	[UPDATE_HELLO] = "hello",
	[UPDATE_ACK] = "ack",
	[UPDATE_HEARTBEAT] = "heartbeat",
	[UPDATE_STATS] = "stats",
	[UPDATE_EVENT] = "event",
	[UPDATE_DIGEST] = "digest",
	[UPDATE_COUNTS] = "counts",
	[UPDATE_BEGIN] = "begin",
	[UPDATE_OBJECTS] = "objects",
	[UPDATE_END] = "end",
	[UPDATE_DELTA] = "delta",
	[UPDATE_STATS_REQUEST] = "stats-request",
	[UPDATE_REFUSE] = "refuse",
	[UPDATE_DIGEST_REQUEST] = "digest-request",
	[UPDATE_ADOPT] = "adopt",
	[UPDATE_TRACE] = "trace",
	[UPDATE_TRACED] = "traced",
	[UPDATE_COUNT_REQUEST] = "count-request",
	[UPDATE_DOWN] = "down",
};

static const char *const event_names[] = {
	[UPDATE_EVENT_WRONG_SOURCE] = "wrong-source",
	[UPDATE_EVENT_TUNNEL_ERROR] = "tunnel-error",
	[UPDATE_EVENT_PORT] = "port",
};

static const struct {
	const char *name;
	uint8_t values;
} stat_groups[] = {
	[UPDATE_STAT_COUNTER] = {"counter", 1},
	[UPDATE_STAT_DROP] = {"drop", 1},
	[UPDATE_STAT_NODE] = {"node", 3},
	[UPDATE_STAT_PORT] = {"port", 6},
	[UPDATE_STAT_TABLE] = {"table", 3},
	[UPDATE_STAT_PATH] = {"path", UPDATE_PATH_VALUES},
	[UPDATE_STAT_ORDER] = {"order", UPDATE_ORDER_VALUES},
};

static const char *name_of(const char *const *names, size_t count, unsigned value)
{
	return value < count ? names[value] : NULL;
}

static const char *name_or_unknown(const char *name)
{
	return name ? name : "unknown";
}

const char *update_type_name(enum update_type type)
{
	return name_or_unknown(name_of(type_names, COUNT(type_names), (unsigned)type));
}

const char *update_event_name(enum update_event_kind kind)
{
	return name_or_unknown(name_of(event_names, COUNT(event_names), (unsigned)kind));
}

const char *update_stat_group_name(enum update_stat_group group)
{
	unsigned i = (unsigned)group;

	return name_or_unknown(i < COUNT(stat_groups) ? stat_groups[i].name : NULL);
}

uint8_t update_stat_values(enum update_stat_group group)
{
	unsigned i = (unsigned)group;

	return i < COUNT(stat_groups) ? stat_groups[i].values : 0;
}

static bool type_known(unsigned type)
{
	return name_of(type_names, COUNT(type_names), type) != NULL;
}

static int body_end(const struct cursor *c)
{
	return cursor_ok(c) && cursor_left(c) == 0 ? 0 : -EBADMSG;
}

int update_head_encode(struct writer *w, const struct update_head *head)
{
	struct record_mark mark = record_begin(w);

	if (!type_known((unsigned)head->type))
		return -EINVAL;
	writer_u16(w, UPDATE_MAGIC);
	writer_u8(w, UPDATE_VERSION);
	writer_u8(w, (uint8_t)head->type);
	writer_u64(w, head->epoch);
	writer_u64(w, head->sequence);
	return record_end(w, mark);
}

int update_head_decode(struct cursor *c, struct update_head *head)
{
	uint16_t magic = cursor_u16(c);

	*head = (struct update_head){0};
	head->version = cursor_u8(c);
	head->type = cursor_u8(c);
	if (!cursor_ok(c) || magic != UPDATE_MAGIC) {
		cursor_fail(c);
		return -EBADMSG;
	}
	head->epoch = cursor_u64(c);
	head->sequence = cursor_u64(c);
	if (head->version != UPDATE_VERSION) {
		cursor_fail(c);
		return -EPROTO;
	}
	if (!type_known((unsigned)head->type))
		cursor_fail(c);
	return cursor_ok(c) ? 0 : -EBADMSG;
}

/* name, room (32), ports (8), then each: name, MAC (6 octets), MTU (16), up (8) */
static bool hello_ok(const struct update_hello *hello)
{
	if (!record_text_ok(hello->name, 1, UPDATE_NAME_MAX, false) ||
		hello->port_count > UPDATE_PORTS_MAX)
		return false;
	for (unsigned i = 0; i < hello->port_count; i++)
		if (!record_text_ok(hello->ports[i].name, 1, OBJECT_PORT_NAME_MAX, false))
			return false;
	return true;
}

int update_hello_encode(struct writer *w, const struct update_hello *hello)
{
	struct record_mark mark = record_begin(w);

	if (!hello_ok(hello))
		return -EINVAL;
	record_text_encode(w, hello->name);
	writer_u32(w, hello->subscribers_max);
	writer_u8(w, hello->port_count);
	for (unsigned i = 0; i < hello->port_count; i++) {
		record_text_encode(w, hello->ports[i].name);
		writer_bytes(w, hello->ports[i].mac.b, sizeof(hello->ports[i].mac.b));
		writer_u16(w, hello->ports[i].mtu);
		writer_u8(w, hello->ports[i].up);
	}
	return record_end(w, mark);
}

int update_hello_decode(struct cursor *c, struct update_hello *hello)
{
	*hello = (struct update_hello){0};
	record_text_decode(c, hello->name, 1, UPDATE_NAME_MAX, false);
	hello->subscribers_max = cursor_u32(c);
	hello->port_count = cursor_u8(c);
	if (hello->port_count > UPDATE_PORTS_MAX) {
		cursor_fail(c);
		return -EBADMSG;
	}
	for (unsigned i = 0; i < hello->port_count; i++) {
		struct update_port *port = &hello->ports[i];

		record_text_decode(c, port->name, 1, OBJECT_PORT_NAME_MAX, false);
		cursor_copy(c, port->mac.b, sizeof(port->mac.b));
		port->mtu = cursor_u16(c);
		port->up = record_bool_decode(c);
	}
	return body_end(c);
}

/* failures in all (32), told (16), then each: kind (8), id (64), error (16) */
static bool failure_ok(const struct update_failure *failure)
{
	return object_kind_known(failure->kind) && failure->id != 0 && failure->error != 0;
}

static bool ack_counts_ok(const struct update_ack *ack)
{
	return ack->failure_count <= UPDATE_FAILURES_MAX &&
	       ack->failure_count <= ack->failure_total;
}

int update_ack_encode(struct writer *w, const struct update_ack *ack)
{
	struct record_mark mark = record_begin(w);

	if (!ack_counts_ok(ack))
		return -EINVAL;
	for (unsigned i = 0; i < ack->failure_count; i++)
		if (!failure_ok(&ack->failures[i]))
			return -EINVAL;
	writer_u32(w, ack->failure_total);
	writer_u16(w, ack->failure_count);
	for (unsigned i = 0; i < ack->failure_count; i++) {
		writer_u8(w, (uint8_t)ack->failures[i].kind);
		writer_u64(w, ack->failures[i].id);
		writer_u16(w, ack->failures[i].error);
	}
	return record_end(w, mark);
}

int update_ack_decode(struct cursor *c, struct update_ack *ack)
{
	ack->failure_total = cursor_u32(c);
	ack->failure_count = cursor_u16(c);
	if (!ack_counts_ok(ack)) {
		cursor_fail(c);
		return -EBADMSG;
	}
	for (unsigned i = 0; i < ack->failure_count; i++) {
		struct update_failure *failure = &ack->failures[i];

		failure->kind = cursor_u8(c);
		failure->id = cursor_u64(c);
		failure->error = cursor_u16(c);
		if (!failure_ok(failure)) {
			cursor_fail(c);
			return -EBADMSG;
		}
	}
	return body_end(c);
}

/* kind (8), subscriber (64), inner, outer (16 octets each), ICMP type (8), code (8), value (32),
 * port name */
static bool event_ok(const struct update_event *event)
{
	size_t min = event->kind == UPDATE_EVENT_PORT ? 1 : 0;
	size_t max = event->kind == UPDATE_EVENT_PORT ? OBJECT_PORT_NAME_MAX : 0;

	return name_of(event_names, COUNT(event_names), (unsigned)event->kind) &&
	       record_text_ok(event->port, min, max, false);
}

int update_event_encode(struct writer *w, const struct update_event *event)
{
	struct record_mark mark = record_begin(w);

	if (!event_ok(event))
		return -EINVAL;
	writer_u8(w, (uint8_t)event->kind);
	writer_u64(w, event->subscriber);
	writer_addr6(w, &event->inner);
	writer_addr6(w, &event->outer);
	writer_u8(w, event->icmp_type);
	writer_u8(w, event->icmp_code);
	writer_u32(w, event->value);
	record_text_encode(w, event->port);
	return record_end(w, mark);
}

int update_event_decode(struct cursor *c, struct update_event *event)
{
	*event = (struct update_event){.kind = cursor_u8(c)};
	event->subscriber = cursor_u64(c);
	event->inner = cursor_addr6(c);
	event->outer = cursor_addr6(c);
	event->icmp_type = cursor_u8(c);
	event->icmp_code = cursor_u8(c);
	event->value = cursor_u32(c);
	record_text_decode(c, event->port, 0, OBJECT_PORT_NAME_MAX, false);
	if (!event_ok(event))
		cursor_fail(c);
	return body_end(c);
}

/* whose question (64), by kind: count (32), sum (64); by bucket: sum (64) */
int update_digest_encode(struct writer *w, const struct update_digest_answer *answer)
{
	struct record_mark mark = record_begin(w);

	writer_u64(w, answer->asked);
	for (unsigned i = 0; i < UPDATE_DIGEST_KINDS; i++) {
		writer_u32(w, answer->digest.kinds[i].count);
		writer_u64(w, answer->digest.kinds[i].sum);
	}
	for (unsigned i = 0; i < OBJECT_BUCKETS; i++)
		writer_u64(w, answer->buckets[i]);
	return record_end(w, mark);
}

int update_digest_decode(struct cursor *c, struct update_digest_answer *answer)
{
	answer->asked = cursor_u64(c);
	for (unsigned i = 0; i < UPDATE_DIGEST_KINDS; i++) {
		answer->digest.kinds[i].count = cursor_u32(c);
		answer->digest.kinds[i].sum = cursor_u64(c);
	}
	for (unsigned i = 0; i < OBJECT_BUCKETS; i++)
		answer->buckets[i] = cursor_u64(c);
	return body_end(c);
}

/* epoch (64), sequence (64), a bit for each bucket */
int update_adopt_encode(struct writer *w, const struct update_adopt *adopt)
{
	struct record_mark mark = record_begin(w);

	if (adopt->epoch == 0)
		return -EINVAL;
	writer_u64(w, adopt->epoch);
	writer_u64(w, adopt->sequence);
	for (unsigned i = 0; i < OBJECT_BUCKETS / 64; i++)
		writer_u64(w, adopt->buckets.bits[i]);
	return record_end(w, mark);
}

int update_adopt_decode(struct cursor *c, struct update_adopt *adopt)
{
	adopt->epoch = cursor_u64(c);
	adopt->sequence = cursor_u64(c);
	for (unsigned i = 0; i < OBJECT_BUCKETS / 64; i++)
		adopt->buckets.bits[i] = cursor_u64(c);
	if (adopt->epoch == 0)
		cursor_fail(c);
	return body_end(c);
}

int update_reason_encode(struct writer *w, const char *reason)
{
	struct record_mark mark = record_begin(w);

	if (!record_text_ok(reason, 1, UPDATE_REASON_MAX, true))
		return -EINVAL;
	record_text_encode(w, reason);
	return record_end(w, mark);
}

int update_reason_decode(struct cursor *c, char reason[UPDATE_REASON_MAX + 1])
{
	record_text_decode(c, reason, 1, UPDATE_REASON_MAX, true);
	return body_end(c);
}

/* id (32), count (8), as many subscribers (64) */
int update_stats_request_encode(struct writer *w, const struct update_stats_request *request)
{
	struct record_mark mark = record_begin(w);

	if (request->count > UPDATE_ASKED_MAX)
		return -EINVAL;
	writer_u32(w, request->id);
	writer_u8(w, request->count);
	for (unsigned i = 0; i < request->count; i++)
		writer_u64(w, request->subscribers[i]);
	return record_end(w, mark);
}

int update_stats_request_decode(struct cursor *c, struct update_stats_request *request)
{
	*request = (struct update_stats_request){.id = cursor_u32(c)};
	request->count = cursor_u8(c);
	if (request->count > UPDATE_ASKED_MAX)
		return -EBADMSG;
	for (unsigned i = 0; i < request->count; i++)
		request->subscribers[i] = cursor_u64(c);
	return body_end(c);
}

int update_stats_id_encode(struct writer *w, uint32_t request_id)
{
	struct record_mark mark = record_begin(w);

	writer_u32(w, request_id);
	return record_end(w, mark);
}

int update_stats_id_decode(struct cursor *c, uint32_t *request_id)
{
	*request_id = cursor_u32(c);
	return cursor_ok(c) ? 0 : -EBADMSG;
}

/* group (8), name, as many values (64) as the group has */
int update_stat_encode(struct writer *w, const struct update_stat *stat)
{
	struct record_mark mark = record_begin(w);
	uint8_t values = update_stat_values(stat->group);

	if (values == 0 || stat->value_count != values ||
		!record_text_ok(stat->name, 1, UPDATE_STAT_NAME_MAX, false))
		return -EINVAL;
	writer_u8(w, (uint8_t)stat->group);
	record_text_encode(w, stat->name);
	for (unsigned i = 0; i < values; i++)
		writer_u64(w, stat->values[i]);
	return record_end(w, mark);
}

int update_stat_decode(struct cursor *c, struct update_stat *stat)
{
	*stat = (struct update_stat){.group = cursor_u8(c)};
	stat->value_count = update_stat_values(stat->group);
	if (stat->value_count == 0)
		cursor_fail(c);
	record_text_decode(c, stat->name, 1, UPDATE_STAT_NAME_MAX, false);
	for (unsigned i = 0; i < stat->value_count; i++)
		stat->values[i] = cursor_u64(c);
	return cursor_ok(c) ? 0 : -EBADMSG;
}

/* number (32), kind (8), ids (64 each) */
int update_count_request_encode(struct writer *w, uint32_t request_id, enum object_kind kind,
	const uint64_t ids[], size_t count)
{
	struct record_mark mark = record_begin(w);

	if (!object_kind_known((unsigned)kind) || count == 0 || count > UPDATE_COUNT_IDS_MAX)
		return -EINVAL;
	writer_u32(w, request_id);
	writer_u8(w, (uint8_t)kind);
	for (size_t i = 0; i < count; i++)
		writer_u64(w, ids[i]);
	return record_end(w, mark);
}

int update_count_request_decode(struct cursor *c, uint32_t *request_id, enum object_kind *kind)
{
	size_t left;

	*request_id = cursor_u32(c);
	*kind = (enum object_kind)cursor_u8(c);
	left = cursor_left(c);
	if (!object_kind_known((unsigned)*kind) || left == 0 || left % sizeof(uint64_t) ||
		left / sizeof(uint64_t) > UPDATE_COUNT_IDS_MAX)
		cursor_fail(c);
	return cursor_ok(c) ? 0 : -EBADMSG;
}

/* kind (8), id (64), UPDATE_COUNT_VALUES values (64) */
int update_count_encode(struct writer *w, const struct update_count *count)
{
	struct record_mark mark = record_begin(w);

	if (!object_kind_known((unsigned)count->kind))
		return -EINVAL;
	writer_u8(w, (uint8_t)count->kind);
	writer_u64(w, count->id);
	for (unsigned i = 0; i < UPDATE_COUNT_VALUES; i++)
		writer_u64(w, count->values[i]);
	return record_end(w, mark);
}

int update_count_decode(struct cursor *c, struct update_count *count)
{
	*count = (struct update_count){.kind = (enum object_kind)cursor_u8(c)};
	count->id = cursor_u64(c);
	for (unsigned i = 0; i < UPDATE_COUNT_VALUES; i++)
		count->values[i] = cursor_u64(c);
	if (!object_kind_known((unsigned)count->kind))
		cursor_fail(c);
	return cursor_ok(c) ? 0 : -EBADMSG;
}
