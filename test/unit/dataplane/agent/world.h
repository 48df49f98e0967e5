/* A data plane's end of the update channel: tables that are a set of ids, and all that it said. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "dataplane/agent/session.h"

enum {
	HEARTBEAT = 100,
	MISSED = 3,
	MESSAGES_MAX = 64,
	IDS_MAX = 64,
};

static const uint64_t EPOCH = 0x1122334455667788, OTHER = 0x99;

/* A data plane whose table is a set of ids, and what it said. */
struct world {
	struct session session;
	uint64_t now;
	bool has[IDS_MAX], marked[IDS_MAX];
	uint64_t refuse_id;
	unsigned quiesced;
	bool deaf; /* nothing can be sent */
	uint32_t stats_asked, counts_asked;
	unsigned digests_asked;
	uint64_t asked;
	size_t count;
	struct update_head said[MESSAGES_MAX];
	struct update_ack ack;
	struct update_hello hello;
	struct update_event event;
	uint64_t expected[SESSION_EXPECT_MAX];
	unsigned expected_count, next_expected;
};

/* What is applied next is exactly what was announced. */
static inline void expect(void *context, const struct object objects[], unsigned n)
{
	struct world *w = context;

	assert_int_equal(w->next_expected, w->expected_count);
	assert_true(n <= SESSION_EXPECT_MAX);
	for (unsigned i = 0; i < n; i++)
		w->expected[i] = objects[i].id;
	w->expected_count = n;
	w->next_expected = 0;
}

static inline int apply(void *context, const struct object *object)
{
	struct world *w = context;

	assert_true(w->next_expected < w->expected_count);
	assert_int_equal(object->id, w->expected[w->next_expected++]);
	if (object->id == w->refuse_id)
		return -ENOSPC;
	w->has[object->id] = object->op == OBJECT_SET;
	w->marked[object->id] = false;
	return 0;
}

static inline void mark(void *context, const struct object_buckets *buckets)
{
	struct world *w = context;

	for (int i = 0; i < IDS_MAX; i++)
		w->marked[i] = w->has[i] && (!buckets || object_buckets_have(buckets, (uint64_t)i));
}

static inline uint32_t sweep(void *context)
{
	struct world *w = context;
	uint32_t removed = 0;

	for (int i = 0; i < IDS_MAX; i++) {
		removed += w->marked[i];
		if (w->marked[i])
			w->has[i] = false;
		w->marked[i] = false;
	}
	return removed;
}

static inline void quiesce(void *context)
{
	struct world *w = context;

	w->quiesced++;
}

static inline int hear(void *context, const void *message, size_t len)
{
	struct world *w = context;
	struct cursor c;

	if (w->deaf)
		return -EAGAIN;
	assert_true(w->count < MESSAGES_MAX);
	struct update_head *head = &w->said[w->count++];
	cursor_init(&c, message, len);
	assert_int_equal(update_head_decode(&c, head), 0);
	if (head->type == UPDATE_ACK)
		assert_int_equal(update_ack_decode(&c, &w->ack), 0);
	if (head->type == UPDATE_HELLO)
		assert_int_equal(update_hello_decode(&c, &w->hello), 0);
	if (head->type == UPDATE_EVENT)
		assert_int_equal(update_event_decode(&c, &w->event), 0);
	return 0;
}

static inline void fill_hello(void *context, struct update_hello *hello)
{
	(void)context;
	hello->subscribers_max = 4711;
	hello->port_count = 1;
	strcpy(hello->ports[0].name, "core");
	hello->ports[0].mtu = 1500;
}

static inline void stats(void *context, const struct update_stats_request *request)
{
	struct world *w = context;

	w->stats_asked = request->id;
}

static inline int count(void *context, struct cursor *request)
{
	struct world *w = context;
	enum object_kind kind;

	return update_count_request_decode(request, &w->counts_asked, &kind);
}

static inline void digest(void *context, uint64_t asked)
{
	struct world *w = context;

	w->digests_asked++;
	w->asked = asked;
}

static const struct session_ops ops = {.apply = apply,
	.expect = expect,
	.mark = mark,
	.sweep = sweep,
	.quiesce = quiesce,
	.send = hear,
	.hello = fill_hello,
	.stats = stats,
	.count = count,
	.digest = digest};

static inline int setup(void **state)
{
	static struct world world;

	log_set_fd(-1);
	memset(&world, 0, sizeof(world));
	world.now = 1000;
	world.refuse_id = UINT64_MAX;
	session_init(&world.session, &ops, &world, "dp1", HEARTBEAT, MISSED);
	*state = &world;
	return 0;
}

static inline void later(struct world *w, uint64_t ms)
{
	w->now += ms;
	session_tick(&w->session, w->now);
}

static inline unsigned said(const struct world *w, enum update_type type)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->count; i++)
		n += w->said[i].type == type;
	return n;
}

static inline const struct update_head *last(const struct world *w, enum update_type type)
{
	for (size_t i = w->count; i-- > 0;) {
		if (w->said[i].type == type)
			return &w->said[i];
	}
	fail_msg("no %s was sent", update_type_name(type));
	return NULL;
}

static inline struct object local(uint64_t id, enum object_op op)
{
	struct object object = {.kind = OBJECT_LOCAL, .op = op, .id = id, .local = {.id = id}};

	object.local.addr.s6_addr[0] = 0x20;
	object.local.addr.s6_addr[15] = (uint8_t)id;
	return object;
}

/* A message of control, with objects to set (positive) or delete (negative), ended by 0. */
static inline void tell(
	struct world *w, enum update_type type, uint64_t epoch, uint64_t sequence, const int ids[])
{
	const struct update_head head = {
		.type = type, .version = UPDATE_VERSION, .epoch = epoch, .sequence = sequence};
	uint8_t buf[4096];
	struct writer out;

	writer_init(&out, buf, sizeof(buf));
	assert_int_equal(update_head_encode(&out, &head), 0);
	for (; ids && *ids; ids++) {
		struct object object = local(
			(uint64_t)(*ids < 0 ? -*ids : *ids), *ids < 0 ? OBJECT_DELETE : OBJECT_SET);

		assert_int_equal(object_encode(&out, &object), 0);
	}
	session_message(&w->session, buf, writer_len(&out), w->now);
}

#define IDS(...)                                                                                   \
	(const int[])                                                                              \
	{                                                                                          \
		__VA_ARGS__, 0                                                                     \
	}

static inline void snapshot(struct world *w, uint64_t epoch, uint64_t sequence, const int ids[])
{
	tell(w, UPDATE_BEGIN, epoch, sequence, NULL);
	tell(w, UPDATE_OBJECTS, epoch, sequence, ids);
	tell(w, UPDATE_END, epoch, sequence, NULL);
	session_settle(&w->session, w->now);
}

static inline void assert_synced(const struct world *w, uint64_t epoch, uint64_t sequence)
{
	assert_int_equal(w->session.state, SESSION_SYNCED);
	assert_int_equal(last(w, UPDATE_ACK)->epoch, epoch);
	assert_int_equal(last(w, UPDATE_ACK)->sequence, sequence);
}
