/* Walking the fields: names, kinds and values in the order of the wire. */
#include <errno.h>

#include "proto/mobility/flags.h"
#include "proto/mobility/names.h"
#include "proto/mobility/status.h"
#include "visited.h"

static void messages(void **state)
{
	(void)state;
	struct mh mh = {.type = MH_BU, .bu = {.sequence = 7, .flags = 0xc040, .lifetime = 105}};

	assert_message(&mh, "sequence=7 flags=49216:AHO lifetime=105");
	mh = (struct mh){.type = MH_BA, .ba = {.status = 133, .flags = 0x81, .sequence = 9}};
	assert_message(&mh, "status=133:not home agent for this mobile node flags=129:K+0x1 "
			    "sequence=9 lifetime=0");
	mh = (struct mh){.type = MH_BE, .be = {.status = 3, .home_address = address(HOA)}};
	assert_message(&mh, "status=3:unassigned home_address=" HOA);
	mh = (struct mh){.type = 255};
	assert_message(&mh, "");
}

static void options(void **state)
{
	(void)state;
	static uint8_t octet[] = {0xab, 0xcd};
	struct mh mh = {.type = MH_BA, .option_count = 2};
	struct visited out = {.len = 0};

	mh.options[0] = (struct mh_option){.type = OPTION_REFRESH_ADVICE,
		.number = 2,
		.offset = 12,
		.raw = {octet, 2},
		.refresh_advice.interval = 5};
	mh.options[1] = (struct mh_option){.type = 201,
		.number = 201,
		.offset = 16,
		.state = OPTION_UNKNOWN,
		.raw = {octet, 2}};
	assert_int_equal(visit_options(&mh, &(struct visitor){visited_fn, &out}), 0);
	assert_string_equal(out.text,
		"options=list( ( type=2 name=Binding Refresh Advice length=2 offset=12 "
		"state=known interval=5 ) ( type=201 name=unknown length=2 offset=16 "
		"state=unknown data=abcd ) )");
}

static const struct name fruits[] = {{1, "apple", "RFC 1"}, {300, "pear", "RFC 2"}};
static const struct names fruit_names = {"fruit", fruits, COUNT(fruits)};

static void names(void **state)
{
	(void)state;
	assert_string_equal(names_find(&fruit_names, 1), "apple");
	assert_string_equal(names_find(&fruit_names, 300), "pear");
	assert_string_equal(names_find(&fruit_names, 2), "unassigned");
	for (unsigned code = 0; code < 256; code++)
		assert_string_equal(
			names_find(&status_ba_names, code), status_ba_name((uint8_t)code));
}

struct sample {
	uint8_t kind;
	uint8_t set;
	uint16_t fruit;
	struct in_addr ip4;
	struct field_bytes rest;
	struct field_addr addr;
	struct field_optional maybe;
};

#define MEMBER(member_)                                                                            \
	.width = sizeof(((struct sample *)0)->member_), .member = offsetof(struct sample, member_)

static const struct field list[] = {
	{.name = "kind", .kind = FIELD_UINT, .at = 0, .size = 1, MEMBER(kind)},
	{.name = "set", .kind = FIELD_BOOL, .at = 1, .size = 1, .mask = 0x40, MEMBER(set)},
	{.name = "fruit",
		.kind = FIELD_STATUS,
		.at = 2,
		.size = 2,
		.names = &fruit_names,
		MEMBER(fruit)},
	{.name = "ip4", .kind = FIELD_ADDR4, .at = 4, .size = 4, MEMBER(ip4)},
	{.name = "text",
		.kind = FIELD_TEXT,
		.at = 8,
		.when = FIELD_WHEN,
		.when_value = 1,
		MEMBER(rest)},
	{.name = "numbers",
		.kind = FIELD_LIST16,
		.at = 8,
		.when = FIELD_WHEN,
		.when_value = 2,
		MEMBER(rest)},
	{.name = "address",
		.kind = FIELD_ADDR,
		.at = 8,
		.when = FIELD_WHEN,
		.when_value = 3,
		MEMBER(addr)},
	{.name = "maybe",
		.kind = FIELD_MAYBE,
		.at = 8,
		.when = FIELD_WHEN,
		.when_value = 4,
		MEMBER(maybe)},
	{.kind = FIELD_END},
};

/* Decodes HEX by the list above, compares the printed form and encodes it again. */
static void round_trip(const char *hex, const char *expected)
{
	uint8_t wire[64], again[64] = {0};
	size_t n = octets(hex, wire, sizeof(wire));
	uint8_t *copy = exact(wire, n);
	struct sample s;

	assert_int_equal(field_decode(list, copy, n, &s), 0);
	assert_fields(list, &s, expected);
	assert_int_equal(field_size(list, &s, 0), n);
	assert_int_equal(field_encode(list, &s, again, n), 0);
	assert_octets(again, (ssize_t)n, hex);
	free(copy);
}

static void kinds(void **state)
{
	(void)state;
	static const uint8_t odd[9] = {2};
	static const uint8_t five[13] = {3};
	static const uint8_t short_of_four[11] = {4}, more_than_four[13] = {4};
	struct sample s;

	round_trip("01 40 0001 c0000201 6d6e40c3a9", "kind=1 set=true fruit=1:apple ip4=192.0.2.1 "
						     "text=mn@\xc3\xa9");
	round_trip("02 00 012c 00000000 0001 ffff",
		"kind=2 set=false fruit=300:pear ip4=0.0.0.0 numbers=list( 1 65535 )");
	round_trip("02 00 0000 00000000",
		"kind=2 set=false fruit=0:unassigned ip4=0.0.0.0 numbers=list( )");
	round_trip("03 00 0000 00000000", "kind=3 set=false fruit=0:unassigned ip4=0.0.0.0");
	round_trip("03 00 0000 00000000 c0000201",
		"kind=3 set=false fruit=0:unassigned ip4=0.0.0.0 address=192.0.2.1");
	round_trip("03 00 0000 00000000" HOA_HEX,
		"kind=3 set=false fruit=0:unassigned ip4=0.0.0.0 address=" HOA);
	round_trip("04 00 0000 00000000", "kind=4 set=false fruit=0:unassigned ip4=0.0.0.0");
	round_trip("04 00 0000 00000000 01020304",
		"kind=4 set=false fruit=0:unassigned ip4=0.0.0.0 maybe=16909060");
	assert_int_equal(field_decode(list, short_of_four, sizeof(short_of_four), &s), -EBADMSG);
	assert_int_equal(field_decode(list, more_than_four, sizeof(more_than_four), &s), -EBADMSG);
	assert_int_equal(field_decode(list, odd, sizeof(odd), &s), -EBADMSG);
	assert_int_equal(field_decode(list, five, sizeof(five), &s), -EBADMSG);
	s = (struct sample){.kind = 3, .addr.len = 5};
	assert_int_equal(field_encode(list, &s, (uint8_t[64]){0}, 64), -EINVAL);
	s = (struct sample){.kind = 2, .rest.len = 3};
	assert_int_equal(field_encode(list, &s, (uint8_t[64]){0}, 64), -EINVAL);
}

static void text_that_is_none(void **state)
{
	(void)state;
	static const char *const wrong[] = {"00", "6d0a", "7f", "c2", "c080", "c29f", "eda080",
		"e080", "e08080", "f08080c0", "f4908080", "80", "ff", "f0808080", "c181", "e08181",
		"f0808181"};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		uint8_t wire[8];
		size_t n = octets(wrong[i], wire, sizeof(wire));
		struct visited out = {.len = 0};
		uint8_t *copy = exact(wire, n);

		assert_int_equal(
			visit_octets(&(struct visitor){visited_fn, &out}, "x", VISIT_TEXT, copy, n),
			0);
		assert_int_equal(out.len, 2 + 2 * n);
		free(copy);
	}
}

static int stop_at_second(void *context, const struct visit_value *value)
{
	(void)value;
	return ++*(int *)context == 2 ? 42 : 0;
}

static void can_be_stopped(void **state)
{
	(void)state;
	struct mh mh = {.type = MH_BU, .option_count = 1, .options[0].type = OPTION_AUTH};
	int seen = 0;

	assert_int_equal(visit_message(&mh, &(struct visitor){stop_at_second, &seen}), 42);
	assert_int_equal(seen, 2);
	seen = 0;
	assert_int_equal(visit_options(&mh, &(struct visitor){stop_at_second, &seen}), 42);
	assert_int_equal(seen, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(options),
		cmocka_unit_test(names),
		cmocka_unit_test(kinds),
		cmocka_unit_test(text_that_is_none),
		cmocka_unit_test(can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
