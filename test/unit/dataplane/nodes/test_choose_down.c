/* Which path a packet takes while some are down. */
#include "choose_rig.h"

/* The tunnels to these are down, and no others. */
static void set_down(struct lab *lab, unsigned count, const char *const down[])
{
	struct down_tunnels all = {.count = (uint16_t)count};

	for (unsigned i = 0; i < count; i++)
		all.tunnels[i] = (struct down_tunnel){packet_addr(LAB_LOCAL), packet_addr(down[i])};
	path_table_set_down(&lab->tables->paths, &all);
}

/* What is down is passed over by rules, in the order of their paths, and by what is not shared out;
 * with all down nothing is. */
static void test_path_down(void **state)
{
	struct lab *lab = *state;
	struct packet p, other;

	port_rule(lab, 1, 5000, 3);
	port_rule(lab, 2, 5000, 2);
	make(&p, 5000);
	make(&other, 5001);
	set_down(lab, 1, (const char *const[]){CABLE});
	assert_int_equal(path_of(lab, &p), 2);
	set_paths(lab, 3, STEERING_FIRST, NULL);
	lab_set_path(lab, 3, CABLE, 1400, 0);
	assert_int_equal(path_of(lab, &p), 2);
	set_down(lab, 3, (const char *const[]){WLAN, LTE, CABLE});
	assert_int_equal(path_of(lab, &p), 3);
	assert_int_equal(path_of(lab, &other), 1);
	set_down(lab, 2, (const char *const[]){WLAN, CABLE});
	assert_int_equal(path_of(lab, &other), 2);
	set_down(lab, 0, NULL);
	assert_int_equal(path_of(lab, &p), 3);
	assert_int_equal(path_of(lab, &other), 1);
	assert_int_equal(lab_counter(lab, WORKER_paths_down), 3);
}

/* Only the flows of the path that is down move, and they return. */
static void test_flows_around(void **state)
{
	enum { FLOWS = 300 };
	struct lab *lab = *state;
	unsigned before[FLOWS], moved[4] = {0};
	struct packet p;

	set_paths(lab, 3, STEERING_FLOW, (const uint8_t[]){1, 1, 1});
	for (unsigned i = 0; i < FLOWS; i++) {
		make(&p, (uint16_t)(6000 + i));
		before[i] = path_of(lab, &p);
	}
	set_down(lab, 1, (const char *const[]){LTE});
	for (unsigned i = 0; i < FLOWS; i++) {
		make(&p, (uint16_t)(6000 + i));
		if (before[i] == 2)
			moved[path_of(lab, &p)]++;
		else
			assert_int_equal(path_of(lab, &p), before[i]);
	}
	assert_int_equal(moved[2], 0);
	assert_true(moved[1] > 20 && moved[3] > 20);
	set_down(lab, 0, NULL);
	for (unsigned i = 0; i < FLOWS; i++) {
		make(&p, (uint16_t)(6000 + i));
		assert_int_equal(path_of(lab, &p), before[i]);
	}
	/* One that gets no share is better than none. */
	set_paths(lab, 3, STEERING_FLOW, (const uint8_t[]){0, 1, 0});
	make(&p, 6000);
	assert_int_equal(path_of(lab, &p), 2);
	set_down(lab, 1, (const char *const[]){LTE});
	assert_int_equal(path_of(lab, &p), 1);
}

/* Packet by packet, those that are up keep their ratio. */
static void test_packets_around(void **state)
{
	struct lab *lab = *state;
	unsigned sent[4] = {0};
	struct packet p;

	set_paths(lab, 3, STEERING_PACKET, (const uint8_t[]){1, 2, 1});
	set_down(lab, 1, (const char *const[]){CABLE});
	make(&p, 6000);
	for (unsigned i = 0; i < 300; i++)
		sent[path_of(lab, &p)]++;
	assert_int_equal(sent[3], 0);
	assert_int_equal(sent[1], 100);
	assert_int_equal(sent[2], 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_path_down, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_flows_around, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_packets_around, setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
