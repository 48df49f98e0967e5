/* Packets that come before the acknowledgement that names their sender. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/addr.h"
#include "common/clock.h"
#include "tools/mn/early.h"

static struct early early;
static struct in6_addr one, two;

static struct {
	unsigned count;
	uint8_t first[EARLY_PACKETS];
	size_t len[EARLY_PACKETS];
	uint8_t class[EARLY_PACKETS];
} seen;

static int set_up(void **state)
{
	(void)state;
	memset(&early, 0, sizeof(early));
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(addr_parse("2001:db8::1", &one), 0);
	assert_int_equal(addr_parse("2001:db8::2", &two), 0);
	return 0;
}

static void see(void *context, uint8_t *octets, size_t len, uint8_t class)
{
	assert_ptr_equal(context, &seen);
	seen.first[seen.count] = octets[0];
	seen.class[seen.count] = class;
	seen.len[seen.count++] = len;
}

static unsigned keep(uint64_t now_ns, const struct in6_addr *from, uint8_t first, size_t len)
{
	static uint8_t octets[EARLY_OCTETS + 1];

	octets[0] = first;
	return early_keep(&early, now_ns, from, (uint8_t)(first + 100), octets, len);
}

static void those_of_the_named_are_released_in_order(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 6; i++)
		assert_int_equal(keep(i, i % 2 ? &two : &one, i, 40u + i), 0);
	assert_int_equal(early_release(&early, 10, &two, see, &seen), 3);
	assert_int_equal(seen.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(seen.first[i], 2 * i + 1);
		assert_int_equal(seen.len[i], 41 + 2 * i);
		assert_int_equal(seen.class[i], 2 * i + 101);
	}
	assert_int_equal(early_release(&early, 10, &one, see, &seen), 0); /* once */
	assert_int_equal(seen.count, 3);
}

static void none_is_named(void **state)
{
	(void)state;
	keep(1, &one, 1, 40);
	keep(2, &one, 2, 40);
	assert_int_equal(early_release(&early, 10, NULL, see, &seen), 2);
	assert_int_equal(seen.count, 0);
}

static void room_is_limited(void **state)
{
	unsigned lost = 0;

	(void)state;
	for (uint8_t i = 0; i < EARLY_PACKETS + 2; i++)
		lost += keep(1, &one, i, 40);
	assert_int_equal(lost, 2);
	assert_int_equal(early_release(&early, 2, &one, see, &seen), 0);
	assert_int_equal(seen.count, EARLY_PACKETS);
	assert_int_equal(keep(3, &one, 1, EARLY_OCTETS), 0);
	assert_int_equal(keep(3, &one, 1, 1), 1);
	early_release(&early, 4, NULL, see, &seen);
	assert_int_equal(keep(5, &one, 1, EARLY_OCTETS + 1), 1);
}

static void what_is_old_is_given_up(void **state)
{
	uint64_t old = EARLY_MS * CLOCK_NS_PER_MS + 1;

	(void)state;
	keep(0, &one, 1, 40);
	assert_int_equal(early_release(&early, old, &one, see, &seen), 1);
	assert_int_equal(seen.count, 0);
	keep(0, &one, 1, 40);
	assert_int_equal(keep(old, &one, 2, 40), 1);
	assert_int_equal(early_release(&early, old + 1, &one, see, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.first[0], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(those_of_the_named_are_released_in_order, set_up),
		cmocka_unit_test_setup(none_is_named, set_up),
		cmocka_unit_test_setup(room_is_limited, set_up),
		cmocka_unit_test_setup(what_is_old_is_given_up, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
