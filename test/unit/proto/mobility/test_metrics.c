/* Metrics of ways in a Vendor Specific option. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "proto/mobility/metrics.h"

/* Two ways: 20 ms without loss; one that nothing comes back from. The octets are those of the page
 * on the wire formats. */
static const uint8_t two[] = {1, 0, 0, 0, 0, 0, 0x4e, 0x20, 254, 0, 0x03, 0xe8, 0, 0, 0, 0};

static void both_ways(void **state)
{
	struct metrics_list list;
	uint8_t again[METRICS_DATA_MAX];

	(void)state;
	assert_int_equal(metrics_decode(two, sizeof(two), &list), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.ways[0].bid, 1);
	assert_int_equal(list.ways[0].loss, 0);
	assert_int_equal(list.ways[0].delay_us, 20000);
	assert_int_equal(list.ways[1].bid, 254);
	assert_int_equal(list.ways[1].loss, METRICS_LOSS_ALL);
	assert_int_equal(list.ways[1].delay_us, 0);
	assert_int_equal(metrics_encode(&list, again, sizeof(again)), sizeof(two));
	assert_memory_equal(again, two, sizeof(two));
	assert_int_equal(metrics_encode(&list, again, sizeof(two) - 1), -ENOSPC);
}

static void as_many_as_fit(void **state)
{
	struct metrics_list list = {.count = METRICS_WAYS_MAX}, got;
	uint8_t data[METRICS_DATA_MAX + METRICS_WAY_SIZE];

	(void)state;
	for (unsigned i = 0; i < METRICS_WAYS_MAX; i++)
		list.ways[i] = (struct metrics_way){.bid = (uint8_t)(i + 1), .loss = 5};
	assert_int_equal(metrics_encode(&list, data, sizeof(data)), METRICS_DATA_MAX);
	assert_int_equal(metrics_decode(data, METRICS_DATA_MAX, &got), 0);
	assert_int_equal(got.count, METRICS_WAYS_MAX);
	memcpy(data + METRICS_DATA_MAX, data, METRICS_WAY_SIZE);
	assert_int_equal(metrics_decode(data, sizeof(data), &got), -EBADMSG);
	list.count++;
	assert_int_equal(metrics_encode(&list, data, sizeof(data)), -EINVAL);
}

static void bad(void **state)
{
	static const uint8_t wrong[][METRICS_WAY_SIZE] = {
		{0, 0, 0, 0, 0, 0, 0, 1},       /* no identifier */
		{255, 0, 0, 0, 0, 0, 0, 1},     /* one that is reserved */
		{1, 0, 0x03, 0xe9, 0, 0, 0, 1}, /* more than all is lost */
	};
	struct metrics_list list = {.count = 0};
	uint8_t data[METRICS_DATA_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(metrics_decode(wrong[i], METRICS_WAY_SIZE, &list), -EBADMSG);
	for (size_t len = 0; len < sizeof(two); len++)
		if (len != METRICS_WAY_SIZE)
			assert_int_equal(metrics_decode(two, len, &list), -EBADMSG);
	list = (struct metrics_list){.count = 0};
	assert_int_equal(metrics_encode(&list, data, sizeof(data)), -EINVAL);
	list = (struct metrics_list){.count = 1, .ways = {{.bid = 255}}};
	assert_int_equal(metrics_encode(&list, data, sizeof(data)), -EINVAL);
	list = (struct metrics_list){.count = 1, .ways = {{.bid = 1, .loss = 1001}}};
	assert_int_equal(metrics_encode(&list, data, sizeof(data)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(as_many_as_fit),
		cmocka_unit_test(bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
