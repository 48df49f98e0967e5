#include "common/addr.h"
#include "common/cursor.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>

static const uint8_t octets[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void reads_in_network_order(void **state)
{
	struct cursor c;

	(void)state;
	cursor_init(&c, octets, sizeof(octets));
	assert_int_equal(cursor_u8(&c), 0x01);
	assert_int_equal(cursor_u16(&c), 0x0203);
	assert_int_equal(cursor_u32(&c), 0x04050607);
	assert_true(cursor_u64(&c) == 0x08090a0b0c0d0e0full);
	assert_int_equal(cursor_left(&c), 0);
	assert_int_equal(cursor_offset(&c), 15);
	assert_true(cursor_ok(&c));
}

static void short_read_latches(void **state)
{
	uint8_t dst[4] = {9, 9, 9, 9};
	struct cursor c;

	(void)state;
	cursor_init(&c, octets, 3);
	assert_int_equal(cursor_u32(&c), 0);
	assert_false(cursor_ok(&c));
	/* The three octets that are there are not given out any more. */
	assert_int_equal(cursor_u8(&c), 0);
	assert_null(cursor_bytes(&c, 1));
	assert_null(cursor_bytes(&c, 0));
	assert_int_equal(cursor_left(&c), 0);
	cursor_copy(&c, dst, sizeof(dst));
	assert_memory_equal(dst, "\0\0\0\0", 4);
	struct in6_addr a = cursor_addr6(&c);
	assert_true(addr_is_unspecified(&a));
}

/* A length near SIZE_MAX must not wrap around. */
static void huge_lengths_do_not_fit(void **state)
{
	struct cursor c, sub;

	(void)state;
	cursor_init(&c, octets, sizeof(octets));
	cursor_skip(&c, SIZE_MAX);
	assert_false(cursor_ok(&c));
	cursor_init(&c, octets, sizeof(octets));
	cursor_skip(&c, 2);
	cursor_sub(&c, SIZE_MAX - 1, &sub);
	assert_false(cursor_ok(&c));
	assert_false(cursor_ok(&sub));
	assert_int_equal(cursor_left(&sub), 0);
	assert_int_equal(cursor_u8(&sub), 0);
}

static void sub_cursor_is_confined(void **state)
{
	struct cursor c, sub;

	(void)state;
	cursor_init(&c, octets, sizeof(octets));
	cursor_skip(&c, 1);
	cursor_sub(&c, 4, &sub);
	assert_int_equal(cursor_u32(&sub), 0x02030405);
	assert_int_equal(cursor_u8(&sub), 0);
	assert_false(cursor_ok(&sub));
	assert_true(cursor_ok(&c));
	assert_int_equal(cursor_u8(&c), 6);
}

static void empty_buffer_is_fine(void **state)
{
	struct cursor c, sub;

	(void)state;
	cursor_init(&c, NULL, 0);
	assert_int_equal(cursor_left(&c), 0);
	cursor_skip(&c, 0);
	cursor_sub(&c, 0, &sub);
	assert_true(cursor_ok(&c));
	assert_true(cursor_ok(&sub));
	assert_int_equal(cursor_u16(&c), 0);
	assert_false(cursor_ok(&c));
}

static void writes_what_it_reads(void **state)
{
	const struct in6_addr addr = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 7}};
	uint8_t buf[64];
	struct writer w;
	struct cursor c;

	(void)state;
	memset(buf, 0xee, sizeof(buf));
	writer_init(&w, buf, sizeof(buf));
	writer_u8(&w, 0xa1);
	size_t length_at = writer_offset(&w);
	writer_u16(&w, 0);
	writer_u32(&w, 0xa4a5a6a7);
	writer_u64(&w, 0xb0b1b2b3b4b5b6b7);
	writer_addr6(&w, &addr);
	writer_zero(&w, 3);
	writer_bytes(&w, "end", 3);
	writer_put_u16_at(&w, length_at, (uint16_t)writer_len(&w));
	assert_true(writer_ok(&w));
	assert_int_equal(writer_len(&w), 37);
	assert_int_equal(writer_left(&w), 27);
	assert_int_equal(buf[37], 0xee);

	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(cursor_u8(&c), 0xa1);
	assert_int_equal(cursor_u16(&c), 37);
	assert_true(cursor_u32(&c) == 0xa4a5a6a7);
	assert_true(cursor_u64(&c) == 0xb0b1b2b3b4b5b6b7);
	struct in6_addr back = cursor_addr6(&c);
	assert_true(addr_equal(&back, &addr));
	assert_memory_equal(cursor_bytes(&c, 3), "\0\0\0", 3);
	assert_memory_equal(cursor_bytes(&c, 3), "end", 3);
	assert_true(cursor_ok(&c));
}

/* The buffer is allocated to its very size, so that a sanitizer sees a write behind it. */
static void overflow_latches(void **state)
{
	uint8_t *buf = malloc(5);
	struct writer w;

	(void)state;
	writer_init(&w, buf, 5);
	writer_u32(&w, 1);
	writer_u16(&w, 2);
	assert_false(writer_ok(&w));
	writer_u8(&w, 3); /* would fit, but what was before it is missing */
	assert_int_equal(writer_len(&w), 4);
	assert_int_equal(writer_left(&w), 0);
	assert_null(writer_reserve(&w, 0));
	free(buf);
}

static void patch_must_be_inside(void **state)
{
	uint8_t buf[8] = {0};
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	writer_u16(&w, 0);
	writer_put_u16_at(&w, 0, 0x1234);
	assert_true(writer_ok(&w));
	assert_int_equal(buf[0], 0x12);
	writer_put_u16_at(&w, 1, 0x5678);
	assert_false(writer_ok(&w));
	assert_int_equal(buf[1], 0x34);
	assert_int_equal(buf[2], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_in_network_order),
		cmocka_unit_test(short_read_latches),
		cmocka_unit_test(huge_lengths_do_not_fit),
		cmocka_unit_test(sub_cursor_is_confined),
		cmocka_unit_test(empty_buffer_is_fine),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(overflow_latches),
		cmocka_unit_test(patch_must_be_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
