/* What a node listens to, as its reports change it and as options carry it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "common/addr.h"
#include "proto/mobility/mcast_state.h"
#include "proto/mobility/mh.h"
#include "proto/mobility/option.h"

static struct in6_addr address(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* The n-th of many groups. */
static struct in6_addr group_of(unsigned n)
{
	struct in6_addr a = address("ff1e::");

	a.s6_addr[14] = (uint8_t)(n >> 8);
	a.s6_addr[15] = (uint8_t)n;
	return a;
}

static int apply(struct mcast_state *s, uint8_t type, const char *group, unsigned count,
	const char *const *sources)
{
	struct in6_addr g = address(group), from[8];
	const struct mcast_record record = {.type = type,
		.source_count = (uint16_t)count,
		.group = g.s6_addr,
		.sources = from->s6_addr};

	for (unsigned i = 0; i < count; i++)
		from[i] = address(sources[i]);
	return mcast_state_apply(s, &record);
}

#define APPLY(s, type, group, ...)                                                                 \
	apply(s, type, group, sizeof((const char *[]){"", ##__VA_ARGS__}) / sizeof(char *) - 1,    \
		(const char *[]){"", ##__VA_ARGS__} + 1)

static bool wants(const struct mcast_state *s, const char *group, const char *source)
{
	struct in6_addr g = address(group), from = address(source);

	return mcast_state_wants(s, &g, &from);
}

static void nothing_is_wanted_at_first(void **state)
{
	struct mcast_state s;
	struct mcast_record r;
	size_t at = 0;

	(void)state;
	mcast_state_clear(&s);
	assert_false(wants(&s, "ff1e::1", "2001:db8::1"));
	assert_false(mcast_state_next(&s, &at, &r));
}

/* RFC 3810, 4.2 and 5.2.12. */
static void reports_change_filters(void **state)
{
	struct mcast_state s;

	(void)state;
	mcast_state_clear(&s);
	assert_int_equal(APPLY(&s, MCAST_TO_EXCLUDE, "ff1e::1"), 0);
	assert_true(wants(&s, "ff1e::1", "2001:db8::1"));
	assert_int_equal(APPLY(&s, MCAST_BLOCK_OLD, "ff1e::1", "2001:db8::1"), 0);
	assert_false(wants(&s, "ff1e::1", "2001:db8::1"));
	assert_true(wants(&s, "ff1e::1", "2001:db8::2"));
	assert_int_equal(APPLY(&s, MCAST_ALLOW_NEW, "ff1e::1", "2001:db8::1"), 0);
	assert_true(wants(&s, "ff1e::1", "2001:db8::1"));
	assert_int_equal(APPLY(&s, MCAST_TO_INCLUDE, "ff1e::1", "2001:db8::2", "2001:db8::1"), 0);
	assert_true(wants(&s, "ff1e::1", "2001:db8::1"));
	assert_false(wants(&s, "ff1e::1", "2001:db8::3"));
	assert_int_equal(APPLY(&s, MCAST_ALLOW_NEW, "ff1e::1", "2001:db8::3"), 0);
	assert_true(wants(&s, "ff1e::1", "2001:db8::3"));
	assert_int_equal(APPLY(&s, MCAST_BLOCK_OLD, "ff1e::1", "2001:db8::1"), 0);
	assert_false(wants(&s, "ff1e::1", "2001:db8::1"));
	assert_int_equal(APPLY(&s, 7, "ff1e::1"), 0);
	assert_true(wants(&s, "ff1e::1", "2001:db8::2"));
	assert_int_equal(APPLY(&s, MCAST_IS_INCLUDE, "ff1e::1"), 0);
	assert_int_equal(s.count, 0);
	assert_int_equal(s.len, 0);
}

/* In whatever order it came about. */
static void equal_states_are_equal_octets(void **state)
{
	struct mcast_state a, b;

	(void)state;
	mcast_state_clear(&a);
	mcast_state_clear(&b);
	APPLY(&a, MCAST_ALLOW_NEW, "ff1e::2", "2001:db8::1", "2001:db8::2");
	APPLY(&a, MCAST_TO_EXCLUDE, "ff1e::1");
	APPLY(&b, MCAST_TO_EXCLUDE, "ff3e::9");
	APPLY(&b, MCAST_IS_EXCLUDE, "ff1e::1");
	APPLY(&b, MCAST_ALLOW_NEW, "ff1e::2", "2001:db8::2");
	APPLY(&b, MCAST_ALLOW_NEW, "ff1e::2", "2001:db8::1");
	assert_false(mcast_state_equal(&a, &b));
	APPLY(&b, MCAST_TO_INCLUDE, "ff3e::9");
	assert_true(mcast_state_equal(&a, &b));
	assert_memory_equal(&a, &b, sizeof(a));
}

static void groups_that_stay_on_the_link_are_refused(void **state)
{
	static const char *const bad[] = {
		"2001:db8::1", "ff02::1:ff00:1", "ff01::1", "ff12::5", "ff00::1", "ff1f::1"};
	struct mcast_state s;

	(void)state;
	mcast_state_clear(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(APPLY(&s, MCAST_TO_EXCLUDE, bad[i]), -EINVAL);
	assert_int_equal(s.count, 0);
	assert_int_equal(APPLY(&s, MCAST_TO_EXCLUDE, "ff05::1:3"), 0);
}

static void a_thousand_groups_do_not_fit(void **state)
{
	struct mcast_state s, before;
	int error = 0;
	unsigned n;

	(void)state;
	mcast_state_clear(&s);
	for (n = 0; n < 1000 && !error; n++) {
		struct in6_addr g = group_of(n);
		const struct mcast_record r = {.type = MCAST_IS_EXCLUDE, .group = g.s6_addr};

		before = s;
		error = mcast_state_apply(&s, &r);
	}
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(n - 1, MCAST_STATE_RECORDS_MAX);
	assert_memory_equal(&s, &before, sizeof(s));
	assert_int_equal(APPLY(&s, MCAST_ALLOW_NEW, "ff1e::3", "2001:db8::1"), 0);
	assert_int_equal(APPLY(&s, MCAST_BLOCK_OLD, "ff1e::3", "2001:db8::1"), -ENOSPC);
	assert_true(wants(&s, "ff1e::3", "2001:db8::1"));
}

/* Through the octets of a Binding Update. */
static void carried(
	const struct mcast_state *from, struct mcast_state *to, struct mcast_state_faults *faults)
{
	const struct option_numbers numbers = OPTION_NUMBERS_DEFAULT;
	struct mcast_state_bodies bodies;
	struct mh out = {.type = MH_BU}, in;
	uint8_t octets[MH_SIZE_MAX];
	struct mh_error error;
	ssize_t len;

	assert_int_equal(mcast_state_add(from, &out, &bodies), 0);
	len = mh_encode_with(&numbers, &out, octets, sizeof(octets));
	assert_true(len > 0);
	assert_int_equal(mh_decode_with(&numbers, octets, (size_t)len, &in, &error), 0);
	assert_true(mcast_state_read(&in, to, faults));
}

static void options_carry_it(void **state)
{
	struct mcast_state_faults faults;
	struct mcast_state s, got;

	(void)state;
	mcast_state_clear(&s);
	APPLY(&s, MCAST_TO_EXCLUDE, "ff1e::1", "2001:db8::7");
	APPLY(&s, MCAST_ALLOW_NEW, "ff3e::2", "2001:db8::1", "2001:db8::2");
	carried(&s, &got, &faults);
	assert_memory_equal(&s, &got, sizeof(s));
	mcast_state_clear(&s);
	carried(&s, &got, &faults);
	assert_int_equal(got.count, 0);
	assert_int_equal(faults.malformed + faults.no_group + faults.scope + faults.source +
				 faults.full + faults.unsupported,
		0);
}

/* As full as a state can be, with few and with many sources: no record is lost on the way. */
static void full_states_fit_the_options(void **state)
{
	(void)state;
	for (unsigned sources = 0; sources <= 48; sources++) {
		struct mcast_state_faults faults;
		struct mcast_state s, got;
		int error = 0;

		mcast_state_clear(&s);
		for (unsigned n = 0; !error; n++) {
			struct in6_addr g = group_of(n), from[48];
			const struct mcast_record r = {
				.type = sources ? MCAST_ALLOW_NEW : MCAST_IS_EXCLUDE,
				.source_count = (uint16_t)sources,
				.group = g.s6_addr,
				.sources = from->s6_addr};

			for (unsigned i = 0; i < sources; i++) {
				from[i] = address("2001:db8::");
				from[i].s6_addr[15] = (uint8_t)i;
			}
			error = mcast_state_apply(&s, &r);
		}
		assert_int_equal(error, -ENOSPC);
		carried(&s, &got, &faults);
		assert_memory_equal(&s, &got, sizeof(s));
	}
}

static void add(struct mh *mh, const uint8_t *body, size_t len)
{
	struct mh_option *o = option_add(mh, OPTION_MULTICAST_STATE);

	assert_non_null(o);
	o->multicast_state.report.at = body;
	o->multicast_state.report.len = (uint8_t)len;
}

/* What is wrong with one option or record spoils no other. */
static void what_cannot_be_taken_is_counted(void **state)
{
	static const uint8_t overrun[] = {143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 9, 0xff, 0x1e};
	static const uint8_t ip4[] = {0x22, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 239, 1, 1, 1};
	static const uint8_t unicast[28] = {143, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0x20, 1};
	static const uint8_t link[28] = {143, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0xff, 2, [27] = 5};
	/* Its checksum is none that could be right. */
	static const uint8_t good[28] = {
		143, 0, 0xbe, 0xef, 0, 0, 0, 1, 2, 0, 0, 0, 0xff, 0x1e, [27] = 1};
	/* One group, and as its source ::, ::1, fe80::1 or ff02::1. */
	static const uint8_t sources[][44] = {
		{143, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0xff, 0x1e, [27] = 2},
		{143, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0xff, 0x1e, [27] = 2, [43] = 1},
		{143, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0xff, 0x1e, [27] = 2, 0xfe, 0x80, [43] = 1},
		{143, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 1, 0xff, 0x1e, [27] = 2, 0xff, 2, [43] = 1},
	};
	struct mh mh = {.type = MH_BU}, only_bad;
	struct mcast_state_faults faults;
	struct mcast_state s;

	(void)state;
	assert_false(mcast_state_read(&mh, &s, &faults));
	for (unsigned i = 0; i < 4; i++)
		add(&mh, sources[i], sizeof(sources[i]));
	add(&mh, overrun, sizeof(overrun));
	/* Of a length that a report cannot have: without a report. */
	add(&mh, NULL, 0);
	mh.options[mh.option_count - 1].state = OPTION_MALFORMED;
	only_bad = mh;
	only_bad.options[0] = mh.options[4];
	only_bad.options[1] = mh.options[5];
	only_bad.option_count = 2;
	assert_false(mcast_state_read(&only_bad, &s, &faults));
	assert_int_equal(faults.malformed, 2);
	add(&mh, ip4, sizeof(ip4));
	add(&mh, unicast, sizeof(unicast));
	add(&mh, link, sizeof(link));
	add(&mh, good, sizeof(good));
	assert_true(mcast_state_read(&mh, &s, &faults));
	assert_int_equal(faults.malformed, 2);
	assert_int_equal(faults.unsupported, 1);
	assert_int_equal(faults.no_group, 1);
	assert_int_equal(faults.scope, 1);
	assert_int_equal(faults.source, 4);
	assert_int_equal(faults.full, 0);
	assert_int_equal(faults.checksum, 1);
	assert_int_equal(s.count, 2);
	assert_true(wants(&s, "ff1e::1", "2001:db8::1"));
	assert_true(wants(&s, "::ffff:239.1.1.1", "::ffff:10.0.0.1"));
}

/* They are kept, in no place that others need, and are not told as if they were served. */
static void ip4_groups_are_kept(void **state)
{
	static const uint8_t ip4[] = {0x22, 0, 0, 0, 0, 0, 0, 6, /* six records */
		1, 0, 0, 1, 239, 1, 1, 1, 10, 0, 0, 1,           /* of a source */
		2, 0, 0, 0, 232, 1, 1, 1,                        /* of any */
		2, 0, 0, 0, 224, 0, 0, 5,                        /* a group of the link */
		2, 0, 0, 0, 10, 0, 0, 1,                         /* none */
		1, 0, 0, 1, 239, 1, 1, 2, 224, 0, 1, 1,          /* not from a source */
		1, 0, 0, 1, 239, 1, 1, 2, 169, 254, 1, 1};       /* from one of the link */
	static const uint8_t ip6[28] = {143, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0xff, 0x1e, [27] = 1};
	uint8_t many[2][8 + 30 * 8] = {{0x22, [7] = 30}, {0x22, [7] = 30}};
	struct mh mh = {.type = MH_BU}, none = {.type = MH_BA};
	struct mcast_state_faults faults;
	struct mcast_state s, got;
	struct mcast_record record;
	size_t at = 0;

	(void)state;
	add(&mh, ip4, sizeof(ip4));
	add(&mh, ip6, sizeof(ip6));
	assert_true(mcast_state_read(&mh, &s, &faults));
	assert_int_equal(faults.unsupported, 6);
	assert_int_equal(faults.scope, 1);
	assert_int_equal(faults.no_group, 1);
	assert_int_equal(faults.source, 2);
	assert_int_equal(faults.malformed + faults.full + faults.checksum, 0);
	assert_int_equal(s.count, 3);
	assert_true(wants(&s, "::ffff:239.1.1.1", "::ffff:10.0.0.1"));
	assert_false(wants(&s, "::ffff:239.1.1.1", "::ffff:10.0.0.2"));
	assert_true(wants(&s, "::ffff:232.1.1.1", "::ffff:10.0.0.2"));
	/* As it is kept it can be read again; a report of MLD cannot say such a thing. */
	mcast_state_clear(&got);
	while (mcast_state_next(&s, &at, &record)) {
		const bool is_ip4 = record.group[0] == 0;

		assert_int_equal(mcast_state_apply(&got, &record), is_ip4 ? -EINVAL : 0);
		assert_int_equal(mcast_state_keep(&got, &record), 0);
	}
	assert_true(mcast_state_equal(&s, &got));
	carried(&s, &got, &faults);
	assert_int_equal(got.count, 1);
	assert_int_equal(mcast_state_add_no_ip4(&none), 0);
	assert_true(mcast_state_read(&none, &got, &faults));
	assert_int_equal(got.count + faults.unsupported, 0);
	/* Sixty of them are more than there is room for, beside a group that comes behind them. */
	mh = (struct mh){.type = MH_BU};
	for (uint8_t i = 0; i < 60; i++) {
		const uint8_t record[8] = {2, 0, 0, 0, 239, 2, 0, i};

		memcpy(&many[i / 30][8 + i % 30 * 8], record, sizeof(record));
	}
	add(&mh, many[0], sizeof(many[0]));
	add(&mh, many[1], sizeof(many[1]));
	add(&mh, ip6, sizeof(ip6));
	assert_true(mcast_state_read(&mh, &s, &faults));
	assert_true(wants(&s, "ff1e::1", "2001:db8::1"));
	assert_int_equal(s.count, MCAST_STATE_RECORDS_MAX);
	assert_int_equal(s.count + faults.full, 61);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_wanted_at_first),
		cmocka_unit_test(reports_change_filters),
		cmocka_unit_test(equal_states_are_equal_octets),
		cmocka_unit_test(groups_that_stay_on_the_link_are_refused),
		cmocka_unit_test(a_thousand_groups_do_not_fit),
		cmocka_unit_test(options_carry_it),
		cmocka_unit_test(full_states_fit_the_options),
		cmocka_unit_test(what_cannot_be_taken_is_counted),
		cmocka_unit_test(ip4_groups_are_kept),
	};

	return cmocka_run_group_tests_name("mcast_state", tests, NULL, NULL);
}
