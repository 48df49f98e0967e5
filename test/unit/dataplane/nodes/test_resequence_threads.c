/* Two workers, each in a thread, take packets of the same subscribers, hand each other those that
 * are the other's to put in order, and subscribers change meanwhile. For the thread sanitizer, too:
 * what main has made is the threads' when they begin, and main's when they have ended. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "dataplane/nodes/resequence.h"
#include "dataplane/port.h"

enum {
	NODES = 4, /* subscribers 7 to 10, the last of which changes */
	CHANGED = 3,
	PACKETS = 120, /* of each, a round: together they are on a port at once */
	BLOCK = 8,     /* among so many of a subscriber there is no order */
	ROUNDS = 20,
	CHANGES = 2, /* a round */
	SHORT_MS = 1,
	NUMBER_AT = 48, /* in a packet: behind IPv6 and UDP headers */
};

#define FIRST  "2001:db8:f::20"
#define SECOND "2001:db8:f::21"

static const struct lab_keys keys = {77, 88};
static _Atomic bool stop;

static void *run(void *of)
{
	struct worker *w = of;

	worker_enter(w);
	while (worker_walk(w) || !atomic_load(&stop))
		;
	worker_leave(w);
	return NULL;
}

static struct object subscriber(unsigned which)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = 7 + which};

	o.subscriber = (struct object_subscriber){.id = o.id,
		.prefix_count = 1,
		.path_count = 2,
		.paths = {20, 21},
		.steering = STEERING_PACKET,
		.weights = {1, 1},
		.order = {true, OBJECT_ORDER_PACKETS_MAX,
			which == CHANGED ? SHORT_MS : OBJECT_ORDER_MS_MAX}};
	o.subscriber.prefixes[0] = (struct prefix6){.addr = packet_addr("2001:db8::"), .len = 48};
	o.subscriber.prefixes[0].addr.s6_addr[5] = (uint8_t)o.id;
	return o;
}

/* One of a subscriber, with this number in its GRE header and behind its UDP header; a worker gets
 * those of each path. */
static void comes(struct lab *lab, unsigned which, uint32_t number)
{
	uint8_t header[12] = {0x30, 0, 0x86, 0xdd, 0, 0, 0, 88};
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	struct in6_addr source = subscriber(which).subscriber.prefixes[0].addr;
	struct packet p;

	for (unsigned i = 0; i < 4; i++)
		header[8 + i] = (uint8_t)(number >> (24 - 8 * i));
	packet_udp(&p, "2001:db8:7::1", LAB_PEER, 4);
	memcpy(p.data + 8, &source, sizeof(source));
	memcpy(p.data + NUMBER_AT, header + 8, 4);
	memmove(p.data + sizeof(header), p.data, p.len);
	memcpy(p.data, header, sizeof(header));
	p.len = (uint16_t)(p.len + sizeof(header));
	packet_wrap(&p, number % 2 ? SECOND : FIRST, LAB_LOCAL);
	p.data[6] = IPPROTO_GRE;
	packet_ether(&p, &dst, &src);
	lab_receive_for(lab, number % 2, LAB_VISITED, &p);
}

static void fill(struct lab *lab, uint32_t from)
{
	for (uint32_t i = 0; i < PACKETS; i++)
		for (unsigned which = 0; which < NODES; which++)
			comes(lab, which, from + i / BLOCK * BLOCK + (i * 5 + 3) % BLOCK);
}

static void apply(struct lab *lab, const struct object *o)
{
	assert_int_equal(tables_apply(lab->tables, o), 0);
	tables_settle(lab->tables);
}

/* As a bearer would that comes and goes; the workers run. */
static void change(struct lab *lab)
{
	struct object o = subscriber(CHANGED), gone = o;

	o.subscriber.order.ms++;
	apply(lab, &o);
	o.subscriber.steering = STEERING_FLOW;
	o.subscriber.order = (struct object_order){false, 0, 0};
	apply(lab, &o);
	gone.op = OBJECT_DELETE;
	apply(lab, &gone);
	o = subscriber(CHANGED);
	apply(lab, &o);
}

/* What has left: of each subscriber in ascending order, from next on. Returns how many. */
static unsigned check_order(struct lab *lab, uint32_t next[NODES])
{
	unsigned count = 0;

	for (; lab_pending(lab, LAB_CORE); count++) {
		struct packet out;
		uint32_t number = 0;
		unsigned which;

		lab_sent(lab, LAB_CORE, &out);
		packet_unether(&out);
		which = out.data[8 + 5] - 7u;
		assert_in_range(which, 0, NODES - 1);
		for (unsigned i = 0; i < 4; i++)
			number = number << 8 | out.data[NUMBER_AT + i];
		if (which != CHANGED)
			assert_true(number >= next[which]);
		next[which] = number + 1;
	}
	return count;
}

static uint64_t dropped(const struct worker *w)
{
	uint64_t sum = 0;

	for (int i = 0; i < DROP_COUNT; i++)
		sum += w->drops[i];
	return sum;
}

static void run_both(struct lab *lab, struct worker *second)
{
	struct worker *workers[LAB_WORKERS] = {lab->worker, second};
	pthread_t threads[LAB_WORKERS];

	worker_leave(lab->worker);
	atomic_store(&stop, false);
	for (int i = 0; i < LAB_WORKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, workers[i]), 0);
	for (int i = 0; i < CHANGES; i++)
		change(lab);
	atomic_store(&stop, true);
	for (int i = 0; i < LAB_WORKERS; i++)
		pthread_join(threads[i], NULL);
	worker_enter(lab->worker);
}

/* What has left and what was dropped is all that came, some of it after a while. */
static void one_round(struct lab *lab, struct worker *second, uint32_t from)
{
	uint64_t before = dropped(lab->worker) + dropped(second);
	uint32_t next[NODES] = {from, from, from, from};
	unsigned left = 0;

	fill(lab, from);
	run_both(lab, second);
	while (left + dropped(lab->worker) + dropped(second) - before < NODES * PACKETS) {
		usleep(SHORT_MS * 1000);
		lab_walk(lab);
		worker_enter(second);
		while (worker_walk(second))
			;
		worker_leave(second);
		left += check_order(lab, next);
	}
	assert_int_equal(left + dropped(lab->worker) + dropped(second) - before, NODES * PACKETS);
}

static void by_two_threads(void **state)
{
	static const char *const sources[] = {"rx", "resequence", NULL};
	struct lab *lab = *state;
	struct worker *second;
	int error = 0;

	lab_set_gre(lab, 20, FIRST, &keys);
	lab_set_gre(lab, 21, SECOND, &keys);
	for (unsigned i = 0; i < NODES; i++) {
		struct object o = subscriber(i);

		lab_apply(lab, &o, 0);
	}
	second = worker_create(
		&(struct worker_config){.index = 1, .tables = lab->tables, .nodes = sources},
		&error);
	assert_non_null(second);
	for (uint32_t i = 0; i < ROUNDS; i++)
		one_round(lab, second, i * PACKETS);
	assert_true(lab_counter(lab, WORKER_resequenced_elsewhere) > 0);
	assert_true(second->counters[WORKER_resequenced_elsewhere] > 0);
	worker_destroy(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_two_threads, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
