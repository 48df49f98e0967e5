/* Field lists: bit fields that share octets, widths, limits. */
#include <errno.h>

#include "octets.h"
#include "proto/mobility/field.h"

struct sample {
	uint8_t priority;
	uint8_t home;
	uint16_t prefix_len;
	uint32_t wide;
	struct field_bytes rest;
};

#define MEMBER(member_)                                                                            \
	.width = sizeof(((struct sample *)0)->member_), .member = offsetof(struct sample, member_)

static const struct field list[] = {
	{.name = "home", .kind = FIELD_UINT, .at = 0, .size = 1, .mask = 0x80, MEMBER(home)},
	{.name = "priority",
		.kind = FIELD_UINT,
		.at = 0,
		.size = 1,
		.mask = 0x7f,
		MEMBER(priority)},
	{.name = "prefix",
		.kind = FIELD_UINT,
		.at = 1,
		.size = 2,
		.mask = 0xfc00,
		MEMBER(prefix_len)},
	{.name = "wide", .kind = FIELD_UINT, .at = 3, .size = 4, MEMBER(wide)},
	{.name = "rest", .kind = FIELD_REST, .at = 7, .member = offsetof(struct sample, rest)},
	{.kind = FIELD_END},
};

static void both_ways(void **state)
{
	(void)state;
	static const uint8_t wire[] = {0x85, 0x63, 0xff, 1, 2, 3, 4, 0xaa, 0xbb};
	uint8_t again[sizeof(wire)] = {0};
	struct sample s;

	assert_int_equal(field_decode(list, wire, sizeof(wire), &s), 0);
	assert_int_equal(s.home, 1);
	assert_int_equal(s.priority, 5);
	assert_int_equal(s.prefix_len, 24);
	assert_int_equal(s.wide, 0x01020304);
	assert_int_equal(s.rest.len, 2);
	assert_ptr_equal(s.rest.at, wire + 7);
	assert_int_equal(field_encode(list, &s, again, sizeof(again)), 0);
	/* bits that no field names are reserved: sent as zero */
	assert_octets(again, sizeof(again), "85 6000 01020304 aabb");
	assert_int_equal(field_value(&list[1], &s), 5);
	assert_int_equal(field_value(&list[3], &s), 0x01020304);
}

static void limits(void **state)
{
	(void)state;
	uint8_t wire[9] = {0};
	struct sample s = {.priority = 0x7f, .home = 1, .prefix_len = 63, .rest = {.len = 2}};

	for (size_t len = 0; len < 7; len++) {
		uint8_t *copy = exact(wire, len);

		assert_int_equal(field_decode(list, copy, len, &s), -EBADMSG);
		assert_int_equal(field_encode(list, &s, copy, len), -ENOSPC);
		free(copy);
	}
	assert_int_equal(field_decode(list, wire, 7, &s), 0);
	assert_int_equal(s.rest.len, 0);
	s.rest.len = 3;
	assert_int_equal(field_encode(list, &s, wire, sizeof(wire)), -ENOSPC);
	s.rest.len = 2;
	assert_int_equal(field_encode(list, &s, wire, sizeof(wire)), 0);
	s.priority = 0x80;
	assert_int_equal(field_encode(list, &s, wire, sizeof(wire)), -EINVAL);
	s.priority = 0;
	s.prefix_len = 64;
	assert_int_equal(field_encode(list, &s, wire, sizeof(wire)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
