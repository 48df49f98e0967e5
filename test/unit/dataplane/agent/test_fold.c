/* Repeated events become one message a second with their number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/agent/fold.h"

struct heard {
	unsigned count;
	uint64_t occurrences;
	struct update_event last;
};

static void hear(void *context, const struct update_event *event)
{
	struct heard *h = context;

	h->count++;
	h->occurrences += event->value;
	h->last = *event;
}

static struct update_event wrong_source(uint64_t subscriber)
{
	return (struct update_event){
		.kind = UPDATE_EVENT_WRONG_SOURCE, .subscriber = subscriber, .value = 1};
}

static void test_flood_of_one(void **state)
{
	static struct fold fold;
	struct heard h = {0};
	struct update_event event = wrong_source(5);

	(void)state;
	memset(&fold, 0, sizeof(fold));
	for (uint64_t ms = 0; ms < 3000; ms++) {
		fold_add(&fold, &event, 1000 + ms, hear, &h);
		fold_tick(&fold, 1000 + ms, hear, &h);
	}
	fold_tick(&fold, 6000, hear, &h);
	assert_in_range(h.count, 3, 4);
	/* None is forgotten. */
	assert_int_equal(h.occurrences, 3000);
	fold_tick(&fold, 9000, hear, &h);
	assert_int_equal(h.occurrences, 3000);
}

static void test_flood_of_many(void **state)
{
	static struct fold fold;
	struct heard h = {0};

	(void)state;
	memset(&fold, 0, sizeof(fold));
	for (uint64_t i = 1; i <= 1000; i++) {
		struct update_event event = wrong_source(i);

		fold_add(&fold, &event, 1000, hear, &h);
	}
	assert_int_equal(h.count, FOLD_SLOTS);
	assert_int_equal(fold.dropped, 1000 - FOLD_SLOTS);
	/* A second later there is room for others. */
	struct update_event event = wrong_source(5000);
	fold_add(&fold, &event, 1000 + FOLD_INTERVAL_MS, hear, &h);
	assert_int_equal(h.last.subscriber, 5000);
}

static void test_value_that_is_no_count(void **state)
{
	static struct fold fold;
	struct heard h = {0};
	struct update_event event = {
		.kind = UPDATE_EVENT_TUNNEL_ERROR, .subscriber = 5, .icmp_type = 2, .value = 1400};

	(void)state;
	memset(&fold, 0, sizeof(fold));
	fold_add(&fold, &event, 1000, hear, &h);
	assert_int_equal(h.last.value, 1400);
	event.value = 1300;
	fold_add(&fold, &event, 1001, hear, &h);
	assert_int_equal(h.count, 1);
	fold_tick(&fold, 1000 + FOLD_INTERVAL_MS, hear, &h);
	assert_int_equal(h.last.value, 1300);
}

static void test_ports_are_a_history(void **state)
{
	static struct fold fold;
	struct heard h = {0};
	struct update_event event = {.kind = UPDATE_EVENT_PORT, .port = "core"};

	(void)state;
	memset(&fold, 0, sizeof(fold));
	for (uint32_t i = 0; i < 4; i++) {
		event.value = i & 1;
		fold_add(&fold, &event, 1000, hear, &h);
		assert_int_equal(h.last.value, i & 1);
	}
	assert_int_equal(h.count, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood_of_one),
		cmocka_unit_test(test_flood_of_many),
		cmocka_unit_test(test_value_that_is_no_count),
		cmocka_unit_test(test_ports_are_a_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
