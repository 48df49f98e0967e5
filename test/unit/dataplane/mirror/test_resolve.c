/* Packets that wait for a next hop: who is asked, who waits, who comes back and how. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/mirror/resolve.h"

struct heard {
	unsigned reachable, unreachable;
	struct rte_mbuf *last;
};

static void hear(void *context, struct rte_mbuf *m, bool reachable)
{
	struct heard *h = context;

	if (reachable)
		h->reachable++;
	else
		h->unreachable++;
	h->last = m;
}

/* Packets are never looked into. */
static struct rte_mbuf *packet(uintptr_t number)
{
	return (struct rte_mbuf *)(number * 64);
}

static struct resolve_key key(uint16_t number, uint32_t port)
{
	struct resolve_key k = {.port = port};

	k.addr.s6_addr[14] = (uint8_t)(number >> 8);
	k.addr.s6_addr[15] = (uint8_t)number;
	return k;
}

static int setup(void **state)
{
	static struct resolve r;

	*state = &r;
	return resolve_init(&r);
}

static int teardown(void **state)
{
	struct resolve *r = *state;
	struct heard h = {0};

	resolve_expire(r, UINT64_MAX, hear, &h);
	resolve_free(r);
	return 0;
}

static void test_a_few_wait_for_one(void **state)
{
	struct resolve *r = *state;
	struct resolve_key k = key(1, 0), other_port = key(1, 1);
	struct heard h = {0};

	assert_int_equal(resolve_add(r, &k, packet(1), 0), RESOLVE_ASK);
	for (uintptr_t i = 2; i <= RESOLVE_PACKETS; i++)
		assert_int_equal(resolve_add(r, &k, packet(i), 0), RESOLVE_WAITS);
	assert_int_equal(resolve_add(r, &k, packet(99), 0), RESOLVE_TOO_MANY);
	/* The same address on another link is another neighbour. */
	assert_int_equal(resolve_add(r, &other_port, packet(50), 0), RESOLVE_ASK);
	resolve_done(r, &k, true, hear, &h);
	assert_int_equal(h.reachable, RESOLVE_PACKETS);
	assert_ptr_equal(h.last, packet(RESOLVE_PACKETS));
	resolve_done(r, &k, true, hear, &h);
	assert_int_equal(h.reachable, RESOLVE_PACKETS);
	/* And the next packet asks anew. */
	assert_int_equal(resolve_add(r, &k, packet(1), 0), RESOLVE_ASK);
}

static void test_failure_and_timeout(void **state)
{
	struct resolve *r = *state;
	struct resolve_key a = key(1, 0), b = key(2, 0);
	struct heard h = {0};

	resolve_add(r, &a, packet(1), 1000);
	resolve_add(r, &b, packet(2), 2000);
	resolve_done(r, &a, false, hear, &h);
	assert_int_equal(h.unreachable, 1);
	resolve_expire(r, 2000 + RESOLVE_TIMEOUT_MS - 1, hear, &h);
	assert_int_equal(h.unreachable, 1);
	resolve_expire(r, 2000 + RESOLVE_TIMEOUT_MS, hear, &h);
	assert_int_equal(h.unreachable, 2);
	assert_ptr_equal(h.last, packet(2));
	assert_int_equal(h.reachable, 0);
}

static void test_number_of_next_hops_is_bounded(void **state)
{
	struct resolve *r = *state;
	struct heard h = {0};

	for (uint16_t i = 0; i < RESOLVE_HOPS; i++) {
		struct resolve_key k = key(i, 0);

		assert_int_equal(resolve_add(r, &k, packet(i + 1u), 0), RESOLVE_ASK);
	}
	struct resolve_key beyond = key(RESOLVE_HOPS, 0), known = key(5, 0);
	assert_int_equal(resolve_add(r, &beyond, packet(1), 0), RESOLVE_TOO_MANY);
	assert_int_equal(resolve_add(r, &known, packet(1), 0), RESOLVE_WAITS);
	resolve_expire(r, RESOLVE_TIMEOUT_MS, hear, &h);
	assert_int_equal(h.unreachable, RESOLVE_HOPS + 1);
	assert_int_equal(resolve_add(r, &beyond, packet(1), 0), RESOLVE_ASK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_few_wait_for_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_and_timeout, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_number_of_next_hops_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
