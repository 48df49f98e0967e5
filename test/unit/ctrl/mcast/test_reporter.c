/* The listener side of MLD, and what several listeners want together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/addr.h"
#include "ctrl/mcast/merge.h"
#include "ctrl/mcast/reporter.h"
#include "proto/mobility/mcast.h"
#include "proto/mobility/mld.h"

enum { RECORDS = 512, ROBUSTNESS = 3 };

#define S  1000000000ull
#define MS 1000000ull

/* A record that was sent, its sources as a set of bits. */
struct said {
	uint8_t type;
	struct in6_addr group;
	uint64_t sources;
	unsigned count;
};

struct fixture {
	struct wheel wheel;
	uint64_t now;
	struct reporter *r;
	uint64_t counters[REPORTER_COUNTERS];
	struct said said[RECORDS];
	unsigned count, reports;
};

static struct in6_addr numbered(const char *text, unsigned n)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	a.s6_addr[15] = (uint8_t)n;
	return a;
}

static uint64_t bits(const uint8_t *sources, unsigned count)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < count; i++)
		set |= 1ull << sources[16 * i + 15];
	return set;
}

static int take_report(void *context, const struct in6_addr *dst, uint8_t *buf, size_t len)
{
	const struct in6_addr routers = {.s6_addr = {0xff, 2, [15] = 0x16}};
	struct fixture *f = context;
	struct mcast_report report;
	struct mcast_record record;
	size_t at = 0;

	assert_true(addr_equal(dst, &routers));
	assert_in_range(len, 1, 1152);
	assert_int_equal(
		mcast_report_decode(buf + MLD_PACKET_HEAD, len, &report, NULL), MCAST_FAULT_NONE);
	f->reports++;
	while (mcast_report_next(&report, &at, &record)) {
		struct said *said = &f->said[f->count++];

		assert_true(f->count < RECORDS);
		*said = (struct said){.type = record.type,
			.sources = bits(record.sources, record.source_count),
			.count = record.source_count};
		memcpy(&said->group, record.group, sizeof(said->group));
	}
	return 0;
}

static int setup(void **state)
{
	static const struct reporter_config config = {
		.robustness = ROBUSTNESS, .unsolicited_ms = 1000};
	static const struct reporter_ops ops = {.send = take_report};
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.now = 1000 * S;
	wheel_init(&f.wheel, f.now, NULL);
	f.r = reporter_new(&config, &ops, &f, &f.wheel, f.counters);
	*state = &f;
	return f.r ? 0 : -1;
}

static int teardown(void **state)
{
	reporter_free(((struct fixture *)*state)->r);
	return 0;
}

static void pass(struct fixture *f, uint64_t ns)
{
	for (uint64_t step = 0; step < ns; step += MS) {
		f->now += MS;
		wheel_advance(&f->wheel, f->now, 64);
	}
}

/* A state of a group with the sources of a set. */
static struct mcast_state state_of(const struct in6_addr *group, uint8_t type, uint64_t sources)
{
	struct in6_addr list[64] = {0};
	struct mcast_record record = {
		.type = type, .group = group->s6_addr, .sources = list[0].s6_addr};
	struct mcast_state state;

	for (unsigned i = 0; i < 64; i++)
		if (sources >> i & 1)
			list[record.source_count++] = numbered("2001:db8:8::", i);
	mcast_state_clear(&state);
	assert_int_equal(mcast_state_apply(&state, &record), 0);
	return state;
}

static void want(struct fixture *f, unsigned n, uint8_t type, uint64_t sources)
{
	const struct in6_addr group = numbered("ff1e::", n);
	const struct mcast_state state = state_of(&group, type, sources);

	assert_int_equal(reporter_set(f->r, &group, &state, f->now), 0);
}

/* These records were said, each so often, and nothing else. */
static void expect(struct fixture *f, unsigned times, const struct said *expected, unsigned count)
{
	assert_int_equal(f->count, times * count);
	for (unsigned i = 0; i < f->count; i++) {
		const struct said *e = &expected[i % count];

		assert_int_equal(f->said[i].type, e->type);
		assert_int_equal(f->said[i].sources, e->sources);
	}
	f->count = f->reports = 0;
}

/* RFC 3810, 6.1: each change is told as often as the robustness says, within a second each. */
static void changes(void **state)
{
	static const struct {
		uint8_t type;
		uint64_t sources;
		unsigned count;
		struct said said[2];
	} steps[] = {
		{MCAST_IS_INCLUDE, 0x6, 1, {{.type = MCAST_ALLOW_NEW, .sources = 0x6}}},
		{MCAST_IS_INCLUDE, 0xc, 2,
			{{.type = MCAST_ALLOW_NEW, .sources = 0x8},
				{.type = MCAST_BLOCK_OLD, .sources = 0x2}}},
		{MCAST_IS_EXCLUDE, 0x30, 1, {{.type = MCAST_TO_EXCLUDE, .sources = 0x30}}},
		{MCAST_IS_EXCLUDE, 0x60, 2,
			{{.type = MCAST_BLOCK_OLD, .sources = 0x40},
				{.type = MCAST_ALLOW_NEW, .sources = 0x10}}},
		{MCAST_IS_INCLUDE, 0x2, 1, {{.type = MCAST_TO_INCLUDE, .sources = 0x2}}},
		{MCAST_IS_INCLUDE, 0, 1, {{.type = MCAST_BLOCK_OLD, .sources = 0x2}}},
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		want(f, 1, steps[i].type, steps[i].sources);
		assert_int_equal(reporter_groups(f->r), steps[i].sources != 0);
		pass(f, 4 * S);
		assert_int_equal(f->reports, ROBUSTNESS);
		expect(f, ROBUSTNESS, steps[i].said, steps[i].count);
	}
	want(f, 1, MCAST_IS_INCLUDE, 0);
	pass(f, 4 * S);
	expect(f, 0, NULL, 1);
}

/* A change while another one is told: all is told anew. */
static void change_of_a_change(void **state)
{
	const struct said all = {.type = MCAST_TO_INCLUDE, .sources = 0x2};
	struct fixture *f = *state;

	want(f, 1, MCAST_IS_INCLUDE, 0x6);
	pass(f, 2 * MS);
	assert_int_equal(f->reports, 1);
	f->count = f->reports = 0;
	want(f, 1, MCAST_IS_INCLUDE, 0x2);
	pass(f, 4 * S);
	expect(f, ROBUSTNESS, &all, 1);
}

static void ask(struct fixture *f, const struct in6_addr *group, uint64_t sources)
{
	struct in6_addr list[64] = {0};
	struct mcast_query query = {.type = MCAST_MLD_QUERY,
		.response_ms = 500,
		.group = group->s6_addr,
		.sources = list[0].s6_addr};
	uint8_t buf[28 + 64 * 16];
	ssize_t len;

	for (unsigned i = 0; i < 64; i++)
		if (sources >> i & 1)
			list[query.source_count++] = numbered("2001:db8:8::", i);
	len = mcast_query_encode(&query, buf, sizeof(buf));
	assert_true(len > 0);
	reporter_receive(f->r, buf, (size_t)len, f->now);
}

/* RFC 3810, 6.2 and 6.3. */
static void queries(void **state)
{
	static const struct in6_addr none;
	const struct in6_addr one = numbered("ff1e::", 1), two = numbered("ff1e::", 2);
	const struct in6_addr three = numbered("ff1e::", 3);
	static const struct said all[] = {{.type = MCAST_IS_INCLUDE, .sources = 0xe},
		{.type = MCAST_IS_EXCLUDE, .sources = 0x30}};
	static const struct said some = {.type = MCAST_IS_INCLUDE, .sources = 0x6};
	static const struct said others = {.type = MCAST_IS_INCLUDE, .sources = 0x40};
	struct fixture *f = *state;

	want(f, 1, MCAST_IS_INCLUDE, 0xe);
	want(f, 2, MCAST_IS_EXCLUDE, 0x30);
	pass(f, 4 * S);
	f->count = f->reports = 0;
	ask(f, &none, 0);
	pass(f, S);
	assert_int_equal(f->reports, 1);
	expect(f, 1, all, 2);
	ask(f, &two, 0);
	pass(f, S);
	expect(f, 1, &all[1], 1);
	ask(f, &one, 0x2);
	ask(f, &one, 0x14);
	pass(f, S);
	expect(f, 1, &some, 1);
	ask(f, &two, 0x50);
	pass(f, S);
	expect(f, 1, &others, 1);
	/* Nothing of what was asked about is wanted, and nothing of this group. */
	ask(f, &one, 0x10);
	ask(f, &three, 0);
	pass(f, S);
	expect(f, 0, NULL, 1);
	/* One about all serves for one about a group that comes later. */
	ask(f, &none, 0);
	ask(f, &one, 0);
	pass(f, S);
	assert_true(f->count >= 2);
	assert_int_equal(f->counters[REPORTER_QUERIES], 9);
	reporter_receive(f->r, (const uint8_t *)"\202", 1, f->now);
	assert_int_equal(f->counters[REPORTER_MALFORMED], 1);
}

/* More than a message holds goes in several. */
static void many_groups(void **state)
{
	static const struct in6_addr none;
	struct fixture *f = *state;

	for (unsigned n = 1; n <= 100; n++)
		want(f, n, MCAST_IS_INCLUDE, 0xffff);
	pass(f, 2 * MS);
	assert_int_equal(f->count, 100);
	pass(f, 4 * S);
	f->count = f->reports = 0;
	ask(f, &none, 0);
	pass(f, S);
	assert_int_equal(f->count, 100);
	assert_int_equal(f->counters[REPORTER_UNSENT], 0);
}

/* RFC 3810, 4.2. */
static void merges(void **state)
{
	const struct in6_addr group = numbered("ff1e::", 1);
	static const struct {
		uint8_t types[3];
		uint64_t sources[3];
	} rows[] = {
		{{MCAST_IS_INCLUDE, MCAST_IS_INCLUDE, MCAST_IS_INCLUDE}, {0x6, 0xc, 0xe}},
		{{MCAST_IS_INCLUDE, MCAST_IS_EXCLUDE, MCAST_IS_EXCLUDE}, {0x6, 0xc, 0x8}},
		{{MCAST_IS_EXCLUDE, MCAST_IS_INCLUDE, MCAST_IS_EXCLUDE}, {0xc, 0x6, 0x8}},
		{{MCAST_IS_EXCLUDE, MCAST_IS_EXCLUDE, MCAST_IS_EXCLUDE}, {0x6, 0xc, 0x4}},
		{{MCAST_IS_EXCLUDE, MCAST_IS_EXCLUDE, MCAST_IS_EXCLUDE}, {0x6, 0, 0}},
		{{MCAST_IS_INCLUDE, MCAST_IS_INCLUDE, MCAST_IS_INCLUDE}, {0, 0x6, 0x6}},
		/* More than there is room for: all. */
		{{MCAST_IS_INCLUDE, MCAST_IS_INCLUDE, MCAST_IS_EXCLUDE},
			{0xffffffff, 0xffffffff00000000, 0}},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mcast_state states[3];

		for (unsigned k = 0; k < 3; k++)
			states[k] = state_of(&group, rows[i].types[k], rows[i].sources[k]);
		merge_add(&states[0], &group, &states[1]);
		assert_true(mcast_state_equal(&states[0], &states[2]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(changes, setup, teardown),
		cmocka_unit_test_setup_teardown(change_of_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(queries, setup, teardown),
		cmocka_unit_test_setup_teardown(many_groups, setup, teardown),
		cmocka_unit_test(merges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
