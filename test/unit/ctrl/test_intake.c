/* What waits, in which order it is handed on, and what is shed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/intake.h"
#include "ctrl/loop.h"

enum { LENGTH = 200, FRAMES = 20000 };

static struct loop *loop;
static struct intake *intake;
static char order[FRAMES + 1]; /* first letters of the classes, as handed on */
static size_t taken, under_way;
static uint32_t next_number[INTAKE_CLASSES];
static struct {
	unsigned count, at, all;
	uint64_t hints[16];
} expected;

/* A frame of the tests: class, source, number within the class. */
struct frame {
	uint8_t class, source;
	uint32_t number;
	uint8_t fill[LENGTH - 8];
};

static uint64_t hint_of(const struct frame *f)
{
	return (uint64_t)(f->class + 1) << 32 | f->number;
}

static void classify(void *context, const struct packet_punt punts[], unsigned count,
	struct intake_sight sights[])
{
	struct frame f;

	(void)context;
	for (unsigned i = 0; i < count; i++) {
		memcpy(&f, punts[i].frame, sizeof(f));
		sights[i] = (struct intake_sight){
			.class = (enum intake_class)f.class, .hint = hint_of(&f)};
		if (f.source) {
			sights[i].source.s6_addr[0] = 0x20;
			sights[i].source.s6_addr[7] = f.source;
		}
	}
}

/* They are those of the packets that are taken next, in this order. */
static void expect(void *context, const uint64_t hints[], unsigned count)
{
	(void)context;
	assert_in_range(count, 2, sizeof(expected.hints) / sizeof(expected.hints[0]));
	assert_int_equal(expected.at, expected.count);
	memcpy(expected.hints, hints, count * sizeof(*hints));
	expected.count = count;
	expected.at = 0;
	expected.all += count;
}

static void take(void *context, unsigned dp, const struct packet_punt *punt)
{
	struct frame f;

	(void)context;
	assert_int_equal(dp, 3);
	assert_int_equal(punt->reason, PACKET_MOBILITY);
	assert_string_equal(punt->port, "core");
	assert_int_equal(punt->subscriber, 77);
	assert_int_equal(punt->length, sizeof(f));
	assert_true(punt->time_ns && punt->time_ns <= loop_now_ns(loop));
	memcpy(&f, punt->frame, sizeof(f));
	if (expected.at < expected.count)
		assert_int_equal(hint_of(&f), expected.hints[expected.at++]);
	assert_int_equal(f.number, next_number[f.class]);
	next_number[f.class]++;
	assert_int_equal(f.fill[sizeof(f.fill) - 1], (uint8_t)f.number);
	order[taken++] = intake_class_names[f.class][0];
}

static size_t changes(void *context)
{
	(void)context;
	return under_way;
}

static void put(enum intake_class class, uint8_t source, uint32_t number)
{
	struct frame f = {.class = (uint8_t) class, .source = source, .number = number};
	struct packet_punt punt = {.reason = PACKET_MOBILITY,
		.port = "core",
		.subscriber = 77,
		.length = sizeof(f),
		.frame = (const uint8_t *)&f};

	memset(f.fill, (uint8_t)number, sizeof(f.fill));
	intake_put(intake, 3, &punt, 1);
}

static void make(uint32_t source_rate, uint32_t total_rate)
{
	const struct intake_config config = {.source_rate = source_rate,
		.source_prefix = 64,
		.total_rate = total_rate,
		.wait_ms = 60000,
		.under_way_max = 10};
	const struct intake_fns fns = {
		.classify = classify, .expect = expect, .take = take, .under_way = changes};

	intake_free(intake);
	intake = intake_new(&config, &fns, loop);
	assert_non_null(intake);
	memset(order, 0, sizeof(order));
	memset(&expected, 0, sizeof(expected));
	memset(next_number, 0, sizeof(next_number));
	taken = under_way = 0;
}

static uint64_t counter(enum intake_counter which)
{
	return intake_counters(intake)[which];
}

static void classes_take_turns(void **state)
{
	(void)state;
	make(0, 0);
	for (uint32_t i = 0; i < 20; i++)
		for (int class = INTAKE_CLASSES - 1; class >= 0; class --)
			put((enum intake_class) class, 0, i);
	assert_int_equal(intake_waiting(intake, INTAKE_KNOWN), 20);
	intake_run(intake);
	order[67] = '\0';
	assert_string_equal(order, "llllllllkkkkkkkkkkkkkkkkeeeennnnr"
				   "llllllllkkkkeeeennnnrlllleeeennnnr");
	assert_int_equal(counter(INTAKE_TAKEN), 100);
	assert_int_equal(expected.all, 80); /* all but those alone in their turn */
	assert_int_equal(intake_shed(intake), 0);
}

static void a_full_queue_sheds_its_own_class_alone(void **state)
{
	uint32_t kept;

	(void)state;
	make(0, 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		put(INTAKE_NEW, 0, i);
	kept = (uint32_t)intake_waiting(intake, INTAKE_NEW);
	assert_in_range(kept, 1000, FRAMES - 1000);
	assert_int_equal(counter(INTAKE_SHED_NEW), FRAMES - kept);
	assert_int_equal(intake_shed(intake), FRAMES - kept);
	assert_int_not_equal(intake_shed_real_ns(intake), 0);
	put(INTAKE_KNOWN, 0, 0);
	intake_run(intake);
	assert_int_equal(order[0], 'k');
	assert_int_equal(counter(INTAKE_SHED_KNOWN), 0);
}

/* Through the end of the ring and its beginning, many times, at every fill. */
static void queues_wrap(void **state)
{
	uint32_t number = 0;

	(void)state;
	make(0, 0);
	for (uint32_t round = 1; round < 200; round++) {
		for (uint32_t i = 0; i < round * 7; i++)
			put(INTAKE_REST, 0, number++);
		while (intake_waiting(intake, INTAKE_REST)) {
			taken = 0;
			intake_run(intake);
		}
		number = next_number[INTAKE_REST]; /* what was shed is not missed */
	}
	assert_true(counter(INTAKE_SHED_REST) > 0);
	assert_int_equal(counter(INTAKE_TAKEN), number);
}

static void a_source_is_limited(void **state)
{
	(void)state;
	make(5, 0);
	for (uint32_t i = 0; i < 9; i++)
		put(INTAKE_NEW, 1, i);
	put(INTAKE_KNOWN, 2, 0);
	put(INTAKE_KNOWN, 0, 1); /* without a source, without limit */
	assert_int_equal(counter(INTAKE_SHED_SOURCE), 4);
	assert_int_equal(intake_waiting(intake, INTAKE_NEW), 5);
	assert_int_equal(intake_waiting(intake, INTAKE_KNOWN), 2);
}

static void all_together_are_limited(void **state)
{
	(void)state;
	make(0, 100);
	for (uint32_t i = 0; i < 50; i++)
		put(INTAKE_NEW, 0, i);
	intake_run(intake);
	assert_int_equal(taken, 10);
	intake_run(intake);
	assert_int_equal(taken, 10);
	while (taken < 50) {
		loop_round(loop, -1);
		intake_run(intake);
	}
	assert_int_equal(intake_shed(intake), 0);
}

static void too_many_changes_stop_it(void **state)
{
	(void)state;
	make(0, 0);
	put(INTAKE_KNOWN, 0, 0);
	under_way = 11;
	intake_run(intake);
	assert_int_equal(taken, 0);
	assert_int_equal(counter(INTAKE_PAUSES), 1);
	under_way = 10;
	intake_run(intake);
	assert_int_equal(taken, 1);
}

static int start(void **state)
{
	(void)state;
	loop = loop_new();
	return loop ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	intake_free(intake);
	loop_free(loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_take_turns),
		cmocka_unit_test(a_full_queue_sheds_its_own_class_alone),
		cmocka_unit_test(queues_wrap),
		cmocka_unit_test(a_source_is_limited),
		cmocka_unit_test(all_together_are_limited),
		cmocka_unit_test(too_many_changes_stop_it),
	};

	return cmocka_run_group_tests(tests, start, end);
}
