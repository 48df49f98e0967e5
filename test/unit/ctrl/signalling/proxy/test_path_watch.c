/* Supervision of tunnels: when they are down and up again, and what is not their fault. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "path_rig.h"
#include "proto/mobility/icmp6.h"

enum { INTERVAL_MS = 100, MISSED = 3, ANSWERED = 5, MOST = 4096, KEPT = 8 };

#define COOKIE   0x1122334455667788
#define START_NS (1000 * CLOCK_NS_PER_S)
#define LONG_NS  (1ull << 62)

static struct {
	struct path_watch *watch;
	uint64_t now, real;
	int send_error;
	uint64_t data_plane;                /* of the last one */
	uint8_t sent[KEPT][PATH_RIG_PROBE]; /* the last ones, by number */
	unsigned sent_count, changes, removals;
	enum path_watch_state state; /* that the last change was to */
	bool answering[KEPT];        /* by last octet of the local address */
} rig;

static int op_send(void *context, uint64_t data_plane, const uint8_t *packet, size_t len)
{
	(void)context;
	rig.data_plane = data_plane;
	assert_int_equal(len, PATH_RIG_PROBE);
	if (rig.send_error)
		return rig.send_error;
	memcpy(rig.sent[rig.sent_count++ % KEPT], packet, len);
	return 0;
}

static void op_changed(void *context, const struct path_watch_tunnel *tunnel)
{
	(void)context;
	rig.removals += !tunnel;
	rig.changes += tunnel != NULL;
	if (tunnel)
		rig.state = tunnel->state;
}

static uint64_t op_now(void *context)
{
	(void)context;
	return rig.now;
}

static uint64_t op_real(void *context)
{
	(void)context;
	return rig.real;
}

static int setup(void **state)
{
	const struct path_watch_config config = {INTERVAL_MS, MISSED, ANSWERED};
	const struct path_watch_ops ops = {
		.send = op_send, .changed = op_changed, .now_ns = op_now, .real_ns = op_real};

	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.now = rig.real = START_NS;
	rig.watch = path_watch_new(&config, &ops, COOKIE);
	return rig.watch ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	path_watch_free(rig.watch);
	return 0;
}

static void answer(const uint8_t *probe)
{
	uint8_t packet[PATH_RIG_PROBE];

	path_rig_answer(probe, packet);
	assert_true(path_watch_receive(rig.watch, packet, sizeof(packet)));
}

static void advance(uint64_t ms)
{
	rig.now += ms * CLOCK_NS_PER_MS;
	rig.real += ms * CLOCK_NS_PER_MS;
	wheel_advance(path_watch_wheel(rig.watch), rig.now, MOST);
}

/* So many milliseconds, in which those tunnels that answer do so after one. */
static void pass(unsigned ms)
{
	for (unsigned at = 0; at < ms; at++) {
		unsigned from = rig.sent_count;

		advance(1);
		for (unsigned i = from; i < rig.sent_count; i++)
			if (rig.answering[rig.sent[i % KEPT][23]]) {
				rig.now += CLOCK_NS_PER_MS;
				answer(rig.sent[i % KEPT]);
				rig.now -= CLOCK_NS_PER_MS;
			}
	}
}

static const struct path_watch_tunnel *tunnel(uint8_t local)
{
	const struct path_watch_use u = path_rig_use(local, "");

	return path_watch_find(rig.watch, &u.local, &u.remote);
}

static void start(uint8_t local)
{
	const struct path_watch_use u = path_rig_use(local, "peer");

	assert_int_equal(path_watch_use(rig.watch, &u, LONG_NS), 0);
	rig.answering[local] = true;
}

static void goes_down_and_comes_back(void **state)
{
	(void)state;
	start(1);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_UNKNOWN);
	pass(1000);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_UP);
	assert_in_range(rig.sent_count, 9, 11);
	assert_int_equal(rig.changes, 0);
	assert_int_equal(tunnel(1)->delay_ns, CLOCK_NS_PER_MS);
	assert_int_equal(path_watch_loss(tunnel(1)), 0);

	rig.answering[1] = false;
	pass((MISSED - 1) * INTERVAL_MS);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_UP);
	pass(3 * INTERVAL_MS);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_DOWN);
	assert_int_equal(rig.changes, 1);
	assert_int_equal(rig.state, PATH_WATCH_DOWN);
	assert_true(path_watch_loss(tunnel(1)) > 0);

	rig.answering[1] = true;
	pass((ANSWERED - 2) * INTERVAL_MS);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_DOWN);
	pass(3 * INTERVAL_MS);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_UP);
	assert_int_equal(rig.changes, 2);
	assert_int_equal(rig.state, PATH_WATCH_UP);
	assert_int_equal(path_watch_counters(rig.watch)[PATH_WATCH_WENT_DOWN], 1);
	assert_int_equal(path_watch_counters(rig.watch)[PATH_WATCH_CAME_UP], 1);
	assert_int_equal(path_watch_counters(rig.watch)[PATH_WATCH_STRAY], 0);
}

/* One that answers now and then stays up, and shows what it loses; a lost answer begins anew what
 * brings it up. */
/* Probes leave by the data plane whose address they come from. */
static void probes_leave_where_the_tunnel_ends(void **state)
{
	struct path_watch_use u = path_rig_use(1, "peer");

	(void)state;
	u.data_plane = 7;
	assert_int_equal(path_watch_use(rig.watch, &u, LONG_NS), 0);
	pass(INTERVAL_MS);
	assert_true(rig.sent_count > 0);
	assert_int_equal(rig.data_plane, 7);
}

static void losses(void **state)
{
	(void)state;
	start(1);
	pass(500);
	for (unsigned i = 0; i < 40; i++) {
		rig.answering[1] = i % 3 == 0;
		pass(INTERVAL_MS);
	}
	assert_int_equal(tunnel(1)->state, PATH_WATCH_UP);
	assert_in_range(path_watch_loss(tunnel(1)), 400, 700);
	rig.answering[1] = false;
	pass(5 * INTERVAL_MS);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_DOWN);
	for (unsigned i = 0; i < 40; i++) {
		rig.answering[1] = i % ANSWERED != 0;
		pass(INTERVAL_MS);
	}
	assert_int_equal(tunnel(1)->state, PATH_WATCH_DOWN);
}

/* It may be that its peer answers no echo at all, but not when another tunnel's is answered. */
static void never_answered(void **state)
{
	(void)state;
	start(1);
	start(2);
	rig.answering[1] = rig.answering[2] = false;
	pass(5000);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_UNKNOWN);
	rig.answering[2] = true;
	pass(3000);
	assert_int_equal(tunnel(2)->state, PATH_WATCH_UP);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_DOWN);
	assert_int_equal(rig.changes, 1);
}

/* Answers that take longer than the interval are no lost ones. */
static void long_way(void **state)
{
	enum { DELAY = 4 };
	uint8_t probes[64][PATH_RIG_PROBE];

	(void)state;
	start(1);
	rig.answering[1] = false;
	for (unsigned i = 0; i < 64; i++) {
		advance(i ? INTERVAL_MS : 1);
		memcpy(probes[i], rig.sent[(rig.sent_count - 1) % KEPT], PATH_RIG_PROBE);
		if (i >= DELAY)
			answer(probes[i - DELAY]);
	}
	assert_int_equal(tunnel(1)->state, PATH_WATCH_UP);
	assert_int_equal(path_watch_loss(tunnel(1)), 0);
	assert_int_equal(tunnel(1)->delay_ns / CLOCK_NS_PER_MS, DELAY * INTERVAL_MS);
	assert_int_equal(path_watch_counters(rig.watch)[PATH_WATCH_LOST], 0);
}

/* Neither a data plane that cannot send nor a process that stood still says anything of a path. */
static void not_its_fault(void **state)
{
	(void)state;
	start(1);
	pass(1000);
	rig.send_error = -ENOTCONN;
	pass(2000);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_UP);
	assert_true(path_watch_counters(rig.watch)[PATH_WATCH_NOT_SENT] > 10);
	rig.send_error = 0;
	rig.answering[1] = false;
	pass(INTERVAL_MS);
	rig.answering[1] = true;
	advance(60000);
	pass(1000);
	assert_int_equal(tunnel(1)->state, PATH_WATCH_UP);
	assert_int_equal(rig.changes, 0);
}

static void strays(void **state)
{
	uint8_t good[PATH_RIG_PROBE], packet[PATH_RIG_PROBE];
	const uint64_t *counters = path_watch_counters(rig.watch);

	(void)state;
	start(1);
	rig.answering[1] = false;
	advance(1);
	path_rig_answer(rig.sent[0], good);
	memcpy(packet, good, PATH_RIG_PROBE);
	packet[59] ^= 1; /* the cookie: and the checksum */
	assert_true(path_watch_receive(rig.watch, packet, PATH_RIG_PROBE));
	packet[58] ^= 1;
	packet[42] = packet[43] = 0;
	assert_true(path_watch_receive(rig.watch, packet, PATH_RIG_PROBE));
	memcpy(packet, good, PATH_RIG_PROBE);
	packet[39] ^= 1; /* a tunnel that is not there */
	assert_true(path_watch_receive(rig.watch, packet, PATH_RIG_PROBE));
	assert_int_equal(counters[PATH_WATCH_STRAY], 3);
	assert_int_equal(counters[PATH_WATCH_ANSWERED], 0);
	assert_false(path_watch_receive(rig.watch, good, PATH_RIG_PROBE - 1));
	memcpy(packet, good, PATH_RIG_PROBE);
	packet[40] = ICMP6_TYPE_ECHO_REQUEST;
	assert_false(path_watch_receive(rig.watch, packet, PATH_RIG_PROBE));
	/* The right one counts once. */
	assert_true(path_watch_receive(rig.watch, good, PATH_RIG_PROBE));
	assert_true(path_watch_receive(rig.watch, good, PATH_RIG_PROBE));
	assert_int_equal(counters[PATH_WATCH_ANSWERED], 1);
	assert_int_equal(counters[PATH_WATCH_STRAY], 4);
}

/* Probed as long as registrations last, in the order of addresses. */
static void registrations(void **state)
{
	struct path_watch_use u = path_rig_use(3, "peer");

	(void)state;
	start(5);
	start(1);
	assert_int_equal(path_watch_use(rig.watch, &u, rig.real + 10 * CLOCK_NS_PER_S), 0);
	assert_ptr_equal(path_watch_next(rig.watch, NULL), tunnel(1));
	assert_ptr_equal(path_watch_next(rig.watch, tunnel(1)), tunnel(3));
	assert_ptr_equal(path_watch_next(rig.watch, tunnel(3)), tunnel(5));
	assert_null(path_watch_next(rig.watch, tunnel(5)));
	pass(9000);
	assert_int_equal(tunnel(3)->state, PATH_WATCH_DOWN);
	u.label = 77;
	assert_int_equal(path_watch_use(rig.watch, &u, rig.real + 2 * CLOCK_NS_PER_S), 0);
	pass(1500);
	assert_int_equal(tunnel(3)->use.label, 77);
	assert_int_equal(rig.removals, 0);
	pass(1000);
	assert_null(tunnel(3));
	assert_int_equal(rig.removals, 1);
}

static void too_many(void **state)
{
	struct path_watch_use u = path_rig_use(0, "peer");

	(void)state;
	for (unsigned i = 0; i < PATH_WATCH_TUNNELS_MAX; i++) {
		u.local.s6_addr[14] = (uint8_t)(i >> 8);
		u.local.s6_addr[15] = (uint8_t)(i * 7);
		assert_int_equal(path_watch_use(rig.watch, &u, LONG_NS), 0);
	}
	assert_int_equal(path_watch_use(rig.watch, &u, LONG_NS), 0);
	u.remote.s6_addr[1] = 1;
	assert_int_equal(path_watch_use(rig.watch, &u, LONG_NS), -ENOSPC);
	assert_int_equal(path_watch_counters(rig.watch)[PATH_WATCH_FULL], 1);
	advance(1);
	assert_int_equal(rig.sent_count, PATH_WATCH_TUNNELS_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(goes_down_and_comes_back),
		TEST(probes_leave_where_the_tunnel_ends),
		TEST(losses),
		TEST(never_answered),
		TEST(long_way),
		TEST(not_its_fault),
		TEST(strays),
		TEST(registrations),
		TEST(too_many),
	};

	return cmocka_run_group_tests_name("ctrl/signalling/path_watch", tests, NULL, NULL);
}
