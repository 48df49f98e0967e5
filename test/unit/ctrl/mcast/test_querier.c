/* The router side of MLD: each row of the tables of RFC 3810, 7.4, and what time does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/addr.h"
#include "common/clock.h"
#include "ctrl/mcast/querier.h"
#include "proto/mobility/mcast.h"
#include "proto/mobility/mld.h"

enum { QUERIES = 64, GROUPS_MAX = 3 };

#define S 1000000000ull

/* A query that was sent, its sources as a set of bits. */
struct asked {
	struct in6_addr dst, group;
	uint32_t sources;
	bool suppress, is_old;
	uint32_t response_ms;
};

struct fixture {
	struct wheel wheel;
	uint64_t now;
	struct querier *q;
	uint64_t counters[QUERIER_COUNTERS];
	struct asked asked[QUERIES];
	unsigned count;
	bool unreachable;
	/* Of the last group that was told: what is listened to. */
	bool listens, excluding;
	uint32_t sources;
};

static const struct in6_addr own = {.s6_addr = {0xfe, 0x80, [15] = 5}};
static const struct in6_addr host = {.s6_addr = {0xfe, 0x80, [15] = 9}};

static struct in6_addr numbered(const char *text, unsigned n)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	a.s6_addr[15] = (uint8_t)n;
	return a;
}

static struct in6_addr group_of(unsigned n)
{
	return numbered("ff1e::", n);
}

static uint32_t bits(const uint8_t *sources, unsigned count)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < count; i++)
		set |= 1u << sources[16 * i + 15];
	return set;
}

static int send_query(void *context, const struct in6_addr *dst, uint8_t *buf, size_t len)
{
	struct fixture *f = context;
	struct mcast_query query;
	struct asked *at = &f->asked[f->count];

	if (f->unreachable)
		return -1;
	assert_int_equal(
		mcast_query_decode(buf + MLD_PACKET_HEAD, len, &query, NULL), MCAST_FAULT_NONE);
	assert_true(f->count < QUERIES);
	if (!query.is_old) {
		assert_int_equal(query.robustness, 2);
		assert_int_equal(query.interval_s, 125);
	}
	at->dst = *dst;
	memcpy(&at->group, query.group, sizeof(at->group));
	at->sources = bits(query.sources, query.source_count);
	at->suppress = query.suppress;
	at->is_old = query.is_old;
	at->response_ms = query.response_ms;
	f->count++;
	return 0;
}

static bool allows(void *context, const struct in6_addr *group)
{
	(void)context;
	return group->s6_addr[1] == 0x1e;
}

static void changed(void *context, const struct in6_addr *group, const struct mcast_state *state)
{
	struct fixture *f = context;
	struct mcast_record record = {0};

	f->listens = state->count;
	if (f->listens)
		assert_true(mcast_state_find(state, group, &record));
	f->excluding = f->listens && record.type == MCAST_IS_EXCLUDE;
	f->sources = bits(record.sources, record.source_count);
}

static struct querier_config config_of(void)
{
	return (struct querier_config){.robustness = 2,
		.interval_ms = 125000,
		.response_ms = 10000,
		.last_ms = 1000,
		.max_groups = GROUPS_MAX};
}

/* Another one in the place of the one there. */
static void begin(struct fixture *f, const struct querier_config *config)
{
	static const struct querier_ops ops = {
		.send = send_query, .allows = allows, .changed = changed};

	querier_free(f->q);
	f->q = querier_new(config, &ops, f, &f->wheel, f->now, f->counters);
	assert_non_null(f->q);
}

static int setup(void **state)
{
	const struct querier_config config = config_of();
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.now = 1000 * S;
	wheel_init(&f.wheel, f.now, NULL);
	begin(&f, &config);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	querier_free(((struct fixture *)*state)->q);
	return 0;
}

/* Lets time pass; steps keep what happens in between in order. */
static void pass(struct fixture *f, uint64_t ns)
{
	const uint64_t end = f->now + ns;

	while (f->now < end) {
		f->now = f->now + S / 10 < end ? f->now + S / 10 : end;
		wheel_advance(&f->wheel, f->now, 0);
	}
}

static void report(struct fixture *f, enum mcast_record_type type, unsigned group, uint32_t set)
{
	struct in6_addr addr = group_of(group), sources[32];
	struct mcast_record record = {
		.type = (uint8_t)type, .group = addr.s6_addr, .sources = sources->s6_addr};
	struct mcast_writer w;
	uint8_t buf[1024];
	ssize_t len;

	for (unsigned i = 0; i < 32; i++)
		if (set >> i & 1)
			sources[record.source_count++] = numbered("2001:db8::", i);
	mcast_writer_init(&w, MCAST_MLD2_REPORT, &record, 1);
	len = mcast_writer_next(&w, buf, sizeof(buf));
	assert_true(len > 0);
	querier_receive(f->q, &own, &host, buf, (size_t)len, f->now);
	wheel_advance(&f->wheel, f->now, 0);
}

static void old_message(struct fixture *f, uint8_t type, unsigned group)
{
	struct in6_addr addr = group_of(group);
	uint8_t buf[64];
	ssize_t len = mcast_old_encode(type, addr.s6_addr, buf, sizeof(buf));

	assert_true(len > 0);
	querier_receive(f->q, &own, &host, buf, (size_t)len, f->now);
}

enum { A = 1 << 1, B = 1 << 2, C = 1 << 3, D = 1 << 4 };

/* Queries about groups since, as sets of sources; ASK_GROUP: about the group. */
enum { ASK_GROUP = 1 };

static uint32_t asked_since(const struct fixture *f, unsigned from)
{
	uint32_t set = 0;

	for (unsigned i = from; i < f->count; i++) {
		if (addr_is_unspecified(&f->asked[i].group))
			continue;
		assert_true(addr_equal(&f->asked[i].dst, &f->asked[i].group));
		set |= f->asked[i].sources ? f->asked[i].sources : ASK_GROUP;
	}
	return set;
}

/* A row of 7.4.1 or 7.4.2: from a state, what is reported, the state then, and what is asked. */
struct row {
	bool excluding;
	uint32_t wanted, excluded; /* before */
	enum mcast_record_type type;
	uint32_t reported;
	bool now_excluding;
	uint32_t told; /* the sources wanted, or excluded */
	uint32_t asks;
	uint32_t left; /* once the last listener query time is over, as told */
	bool left_excluding;
};

static void make(struct fixture *f, const struct row *row)
{
	if (row->excluding) {
		report(f, MCAST_IS_EXCLUDE, 1, row->excluded);
		if (row->wanted)
			report(f, MCAST_ALLOW_NEW, 1, row->wanted);
	} else if (row->wanted) {
		report(f, MCAST_IS_INCLUDE, 1, row->wanted);
	}
}

static void test_table(void **state)
{
	static const struct row rows[] = {
		{false, A | B, 0, MCAST_ALLOW_NEW, B | C, false, A | B | C, 0, A | B | C, false},
		{false, A | B, 0, MCAST_BLOCK_OLD, B | C, false, A | B, B, A, false},
		{false, A | B, 0, MCAST_TO_EXCLUDE, B | C, true, C, B, B | C, true},
		{false, A | B, 0, MCAST_TO_INCLUDE, B | C, false, A | B | C, A, B | C, false},
		{false, A | B, 0, MCAST_IS_INCLUDE, C, false, A | B | C, 0, A | B | C, false},
		{false, A | B, 0, MCAST_IS_EXCLUDE, B | C, true, C, 0, C, true},
		{false, 0, 0, MCAST_TO_INCLUDE, A, false, A, 0, A, false},
		{false, 0, 0, MCAST_IS_EXCLUDE, 0, true, 0, 0, 0, true},
		{true, A, B, MCAST_ALLOW_NEW, B | C, true, 0, 0, 0, true},
		{true, A, B, MCAST_IS_INCLUDE, B | C, true, 0, 0, 0, true},
		{true, A, B, MCAST_BLOCK_OLD, A | B | C, true, B, A | C, A | B | C, true},
		{true, A, B, MCAST_TO_EXCLUDE, A | B | C, true, B, A | C, A | B | C, true},
		{true, A, B, MCAST_TO_EXCLUDE, D, true, 0, D, D, true},
		{true, A, B, MCAST_IS_EXCLUDE, A | B | D, true, B, 0, B, true},
		{true, A, B, MCAST_IS_EXCLUDE, 0, true, 0, 0, 0, true},
		/* Nobody else excludes: what is wanted stays. */
		{true, A, B, MCAST_TO_INCLUDE, B | C, true, 0, A | ASK_GROUP, B | C, false},
		{true, 0, 0, MCAST_TO_INCLUDE, C, true, 0, ASK_GROUP, C, false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		unsigned from;

		teardown(state);
		setup(state);
		make(f, row);
		pass(f, S);
		from = f->count;
		report(f, row->type, 1, row->reported);
		assert_true(f->listens);
		assert_int_equal(f->excluding, row->now_excluding);
		assert_int_equal(f->sources, row->told);
		assert_int_equal(asked_since(f, from), row->asks);
		pass(f, 3 * S);
		assert_true(f->listens);
		assert_int_equal(f->excluding, row->left_excluding);
		assert_int_equal(f->sources, row->left);
	}
}

/* Each query of a listener that may have left is sent as often as robustness says; one that is
 * answered lets the other routers keep their timers. */
static void test_last_listener(void **state)
{
	struct fixture *f = *state;
	unsigned from;

	pass(f, 40 * S);
	report(f, MCAST_TO_EXCLUDE, 1, 0);
	from = f->count;
	report(f, MCAST_TO_INCLUDE, 1, 0);
	assert_int_equal(f->count, from + 1);
	assert_false(f->asked[from].suppress);
	pass(f, S / 2);
	report(f, MCAST_IS_EXCLUDE, 1, 0);
	pass(f, S);
	assert_int_equal(f->count, from + 2);
	assert_true(f->asked[from + 1].suppress);
	pass(f, 5 * S);
	assert_int_equal(f->count, from + 2);
	assert_true(f->listens);
	report(f, MCAST_TO_INCLUDE, 1, 0);
	pass(f, 19 * S / 10);
	assert_true(f->listens);
	pass(f, 2 * S / 10);
	assert_false(f->listens);
	assert_int_equal(querier_groups(f->q), 0);
}

/* Who says nothing for the listening interval, 2 * 125 s + 10 s, is gone. */
static void test_silence(void **state)
{
	struct fixture *f = *state;

	report(f, MCAST_IS_EXCLUDE, 1, A);
	report(f, MCAST_ALLOW_NEW, 1, B);
	pass(f, 100 * S);
	report(f, MCAST_IS_INCLUDE, 1, C);
	pass(f, 159 * S);
	assert_true(f->listens && f->excluding);
	pass(f, 2 * S);
	/* Those who excluded are gone, and who wanted B; who wants C is not. */
	assert_true(f->listens && !f->excluding);
	assert_int_equal(f->sources, C);
	pass(f, 100 * S);
	assert_false(f->listens);
}

/* General queries: two soon, then one an interval; what cannot be sent is sent later. */
static void test_general(void **state)
{
	static const struct in6_addr all_nodes = {.s6_addr = {0xff, 2, [15] = 1}};
	struct fixture *f = *state;

	f->unreachable = true;
	pass(f, 10 * S);
	assert_int_equal(f->count, 0);
	f->unreachable = false;
	pass(f, 2 * S);
	assert_int_equal(f->count, 1);
	assert_true(addr_equal(&f->asked[0].dst, &all_nodes));
	pass(f, 32 * S);
	assert_int_equal(f->count, 2);
	pass(f, 126 * S);
	assert_int_equal(f->count, 3);
}

/* Those that could not be sent are sent as soon as the link can be reached; the first have a
 * response interval of their own. */
static void test_retry(void **state)
{
	struct fixture *f = *state;

	f->unreachable = true;
	pass(f, S / 10);
	assert_int_equal(f->counters[QUERIER_UNSENT], 1);
	f->unreachable = false;
	querier_retry(f->q, f->now);
	pass(f, S / 10);
	assert_int_equal(f->count, 1);
	/* Nothing is left to be sent again. */
	querier_retry(f->q, f->now);
	pass(f, S);
	assert_int_equal(f->count, 1);
	pass(f, 170 * S);
	assert_int_equal(f->count, 3);
	assert_int_equal(f->asked[0].response_ms, 10000);
}

static void hear_query(struct fixture *f, unsigned from, unsigned group, bool suppress)
{
	struct in6_addr src = numbered("fe80::", from), none = {0}, addr = group_of(group);
	const struct mcast_query query = {.type = MCAST_MLD_QUERY,
		.response_ms = 1000,
		.group = group ? addr.s6_addr : none.s6_addr,
		.robustness = 3,
		.interval_s = 20,
		.suppress = suppress};
	uint8_t buf[64];
	ssize_t len = mcast_query_encode(&query, buf, sizeof(buf));

	assert_true(len > 0);
	querier_receive(f->q, &own, &src, buf, (size_t)len, f->now);
}

/* The lowest address asks; when it is silent for 3 * 20 s + 5 s, this one does again. */
static void test_election(void **state)
{
	struct in6_addr other = {0}, lower = numbered("fe80::", 4);
	struct fixture *f = *state;
	unsigned from;

	pass(f, S);
	hear_query(f, 6, 0, false);
	assert_true(querier_asks(f->q, NULL));
	hear_query(f, 4, 0, false);
	assert_false(querier_asks(f->q, &other));
	assert_true(addr_equal(&other, &lower));
	assert_int_equal(f->counters[QUERIER_YIELDED], 1);
	report(f, MCAST_IS_EXCLUDE, 1, 0);
	from = f->count;
	/* It does not ask, and lowers its timer when the other one does: to 3 * 1 s. */
	report(f, MCAST_TO_INCLUDE, 1, 0);
	pass(f, 10 * S);
	assert_int_equal(f->count, from);
	assert_true(f->listens);
	hear_query(f, 4, 1, true);
	pass(f, 4 * S);
	assert_true(f->listens);
	hear_query(f, 4, 1, false);
	pass(f, 4 * S);
	assert_false(f->listens);
	pass(f, 60 * S);
	assert_false(querier_asks(f->q, NULL));
	pass(f, 6 * S);
	assert_true(querier_asks(f->q, NULL));
	assert_int_equal(f->count, from + 1);
}

/* RFC 3810, 8.3.1: on a link with routers of MLDv1. */
static void test_acts_as_older_router(void **state)
{
	struct fixture *f = *state;
	struct querier_config config = config_of();

	config.old = true;
	config.first_response_ms = 500;
	begin(f, &config);
	pass(f, 40 * S);
	assert_int_equal(f->count, 2);
	assert_true(f->asked[0].is_old && f->asked[1].is_old);
	assert_int_equal(f->asked[0].response_ms, 500);
	pass(f, 130 * S);
	assert_int_equal(f->asked[2].response_ms, 10000);
	/* Only whole groups are asked about, and nothing is blocked. */
	report(f, MCAST_ALLOW_NEW, 1, A | B);
	f->count = 0;
	report(f, MCAST_TO_INCLUDE, 1, A);
	assert_int_equal(f->count, 1);
	assert_true(f->asked[0].is_old && !f->asked[0].sources);
	assert_true(f->asked[0].group.s6_addr[15] == 1);
	old_message(f, MCAST_MLD1_REPORT, 1);
	report(f, MCAST_BLOCK_OLD, 1, A);
	report(f, MCAST_TO_EXCLUDE, 1, B);
	pass(f, 5 * S);
	assert_true(f->listens && f->excluding && !f->sources);
	old_message(f, MCAST_MLD1_DONE, 1);
	pass(f, 3 * S);
	assert_false(f->listens);
	/* A query of MLDv2 is of another version, and heard all the same. */
	hear_query(f, 4, 0, false);
	assert_int_equal(f->counters[QUERIER_HEARD_OTHER], 1);
	assert_false(querier_asks(f->q, NULL));
}

/* RFC 3810, 7.6.2 and 8.3.1: the interface identifier decides; an older router is one too. */
static void test_older_router(void **state)
{
	struct in6_addr other = {0}, higher = numbered("fe80::", 6),
			lower = numbered("fe80:1::", 4);
	struct in6_addr none = {0};
	const struct mcast_query query = {.type = MCAST_MLD_QUERY,
		.is_old = true,
		.response_ms = 10000,
		.group = none.s6_addr};
	struct fixture *f = *state;
	uint8_t buf[24];

	assert_int_equal(mcast_query_encode(&query, buf, sizeof(buf)), sizeof(buf));
	pass(f, S);
	querier_receive(f->q, &own, &higher, buf, sizeof(buf), f->now);
	assert_true(querier_asks(f->q, NULL));
	querier_receive(f->q, &own, &lower, buf, sizeof(buf), f->now);
	assert_false(querier_asks(f->q, &other));
	assert_true(addr_equal(&other, &lower));
	assert_int_equal(f->counters[QUERIER_HEARD], 2);
	assert_int_equal(f->counters[QUERIER_HEARD_OTHER], 2);
	/* It says nothing of robustness and interval: those of this one hold, 2 * 125 s + 5 s. */
	pass(f, 254 * S);
	assert_false(querier_asks(f->q, NULL));
	pass(f, 2 * S);
	assert_true(querier_asks(f->q, NULL));
}

/* RFC 3810, 8.3.2. */
static void test_older_listeners(void **state)
{
	struct fixture *f = *state;

	old_message(f, MCAST_MLD1_REPORT, 1);
	assert_true(f->listens && f->excluding);
	report(f, MCAST_BLOCK_OLD, 1, A);
	report(f, MCAST_TO_EXCLUDE, 1, B);
	pass(f, 3 * S);
	assert_true(f->listens && f->excluding);
	assert_int_equal(f->sources, 0);
	old_message(f, MCAST_MLD1_DONE, 1);
	pass(f, 3 * S);
	assert_false(f->listens);
	/* For 2 * 125 s + 10 s. */
	old_message(f, MCAST_MLD1_REPORT, 2);
	pass(f, 259 * S);
	report(f, MCAST_IS_EXCLUDE, 2, 0);
	report(f, MCAST_BLOCK_OLD, 2, A);
	pass(f, 4 * S);
	assert_int_equal(f->sources, 0);
	report(f, MCAST_BLOCK_OLD, 2, A);
	pass(f, 3 * S);
	assert_true(f->listens && f->excluding);
	assert_int_equal(f->sources, A);
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	const struct in6_addr sources[1] = {numbered("2001:db8::", 1)};
	struct in6_addr addr = numbered("ff05::", 1);
	struct mcast_record record = {.type = MCAST_IS_EXCLUDE, .group = addr.s6_addr};
	struct mcast_writer w;
	uint8_t buf[64];
	ssize_t len;

	for (unsigned n = 1; n <= GROUPS_MAX + 2; n++)
		report(f, MCAST_IS_EXCLUDE, n, 0);
	assert_int_equal(querier_groups(f->q), GROUPS_MAX);
	assert_int_equal(f->counters[QUERIER_GROUPS_FULL], 2);
	mcast_writer_init(&w, MCAST_MLD2_REPORT, &record, 1);
	len = mcast_writer_next(&w, buf, sizeof(buf));
	querier_receive(f->q, &own, &host, buf, (size_t)len, f->now);
	assert_int_equal(f->counters[QUERIER_FORBIDDEN], 1);
	querier_receive(f->q, &own, &host, buf, (size_t)len - 1, f->now);
	assert_int_equal(f->counters[QUERIER_MALFORMED], 1);
	addr = numbered("2001:db8::", 1);
	len = (ssize_t)mcast_old_encode(MCAST_MLD1_REPORT, addr.s6_addr, buf, sizeof(buf));
	querier_receive(f->q, &own, &host, buf, (size_t)len, f->now);
	assert_int_equal(f->counters[QUERIER_NO_GROUP], 1);
	/* One of the link is none that could be brought, and no fault. */
	addr = numbered("ff02::", 1);
	len = (ssize_t)mcast_old_encode(MCAST_MLD1_REPORT, addr.s6_addr, buf, sizeof(buf));
	querier_receive(f->q, &own, &host, buf, (size_t)len, f->now);
	assert_int_equal(f->counters[QUERIER_NO_GROUP], 1);
	assert_int_equal(f->counters[QUERIER_FORBIDDEN], 1);
	/* What nobody listens to is nothing to forget. */
	report(f, MCAST_TO_INCLUDE, 9, 0);
	report(f, MCAST_BLOCK_OLD, 9, A);
	assert_int_equal(querier_groups(f->q), GROUPS_MAX);
	for (unsigned n = 0; n < QUERIER_SOURCES_MAX + 5; n++) {
		struct in6_addr source = sources[0], group = group_of(1);

		source.s6_addr[14] = (uint8_t)n;
		record = (struct mcast_record){.type = MCAST_ALLOW_NEW,
			.group = group.s6_addr,
			.source_count = 1,
			.sources = source.s6_addr};
		mcast_writer_init(&w, MCAST_MLD2_REPORT, &record, 1);
		len = mcast_writer_next(&w, buf, sizeof(buf));
		querier_receive(f->q, &own, &host, buf, (size_t)len, f->now);
	}
	assert_int_equal(f->counters[QUERIER_SOURCES_FULL], 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table),
		TEST(test_last_listener),
		TEST(test_silence),
		TEST(test_general),
		TEST(test_election),
		TEST(test_retry),
		TEST(test_acts_as_older_router),
		TEST(test_older_router),
		TEST(test_older_listeners),
		TEST(test_limits),
	};

	return cmocka_run_group_tests_name("querier", tests, NULL, NULL);
}
