#include "dataplane/tables/order_table.h"

#include <errno.h>
#include <rte_cycles.h>
#include <string.h>

#include "dataplane/tables/bits.h"

enum {
	STEP = 1024,        /* lists that are covered at a time */
	PATIENCE_WAITS = 4, /* times the longest wait, and at least */
	PATIENCE_MS = 200,
};

int order_table_init(struct order_table *t, uint32_t lists, struct rte_rcu_qsbr *rcu)
{
	*t = (struct order_table){0};
	if (pool_init(&t->orders, POOL_ELEMENT(struct order, link), 0, lists, rcu) == 0 &&
		room_init(&t->of_lists, 0, lists * sizeof(uint32_t)) == 0)
		return 0;
	order_table_destroy(t);
	return -ENOMEM;
}

void order_table_destroy(struct order_table *t)
{
	pool_destroy(&t->orders);
	room_destroy(&t->of_lists);
	t->lists = 0;
}

static uint32_t *place_of(const struct order_table *t, uint32_t list)
{
	return (uint32_t *)(void *)t->of_lists.base + list;
}

/* Number of the order of a list, or POOL_NONE; memory may be damaged. */
static uint32_t number_of(const struct order_table *t, uint32_t list)
{
	const uint32_t number = list < t->lists ? *place_of(t, list) - 1 : POOL_NONE;

	return number < t->orders.fresh ? number : POOL_NONE;
}

static int cover(struct order_table *t, uint32_t list)
{
	const size_t most = t->of_lists.reserved / sizeof(uint32_t);
	const size_t lists = RTE_MIN(RTE_ALIGN_CEIL((size_t)list + 1, (size_t)STEP), most);

	if (list < t->lists)
		return 0;
	if (list >= most || room_grow(&t->of_lists, lists * sizeof(uint32_t)) < 0)
		return -ENOSPC;
	__atomic_store_n(&t->lists, (uint32_t)lists, __ATOMIC_RELEASE);
	return 0;
}

/* Nobody knows the new one: those that are used again have been let go of by all readers. */
static uint32_t make(struct order_table *t, uint64_t subscriber)
{
	uint32_t number = pool_take(&t->orders);
	struct order *order;

	if (number == POOL_NONE) {
		pool_reclaim(&t->orders, true);
		number = pool_take(&t->orders);
	}
	if (number == POOL_NONE)
		return POOL_NONE;
	order = pool_at(&t->orders, number);
	/* Packets that still wait for what was there before ask for its generation. */
	memset(order, 0, offsetof(struct order, generation));
	memset(&order->link, 0, sizeof(*order) - offsetof(struct order, link));
	order->subscriber = subscriber;
	order->first = order->last = ORDER_NONE;
	if (++t->generation == 0)
		t->generation = 1;
	__atomic_store_n(&order->generation, t->generation, __ATOMIC_RELAXED);
	return number;
}

int order_table_set(struct order_table *t, uint32_t list, uint32_t old, uint64_t subscriber,
	const struct object_order *wanted)
{
	uint32_t number = number_of(t, old);
	struct order *order;

	/* What another list had there once. */
	if (list < t->lists)
		__atomic_store_n(place_of(t, list), 0, __ATOMIC_RELAXED);
	if (!wanted->numbered)
		return 0;
	if (cover(t, list) < 0)
		return -ENOSPC;
	if (number == POOL_NONE)
		number = make(t, subscriber);
	if (number == POOL_NONE)
		return -ENOSPC;
	order = pool_at(&t->orders, number);
	__atomic_store_n(&order->packets, wanted->packets, __ATOMIC_RELAXED);
	__atomic_store_n(
		&order->wait, wanted->ms * (rte_get_tsc_hz() / MS_PER_S), __ATOMIC_RELAXED);
	__atomic_store_n(&order->patience,
		(uint64_t)RTE_MAX(PATIENCE_WAITS * wanted->ms, PATIENCE_MS) *
			(rte_get_tsc_hz() / MS_PER_S),
		__ATOMIC_RELAXED);
	__atomic_store_n(place_of(t, list), number + 1, __ATOMIC_RELAXED);
	return 0;
}

void order_table_leave(struct order_table *t, uint32_t list, uint32_t by)
{
	const uint32_t number = number_of(t, list);
	struct order *order;

	if (number == POOL_NONE || number_of(t, by) == number)
		return;
	order = pool_at(&t->orders, number);
	__atomic_store_n(&order->generation, 0, __ATOMIC_RELAXED);
	pool_retire(&t->orders, number);
}

struct object_order order_table_object(const struct order_table *t, uint32_t list)
{
	const uint64_t hz = rte_get_tsc_hz() / MS_PER_S;
	const uint32_t number = number_of(t, list);
	const struct order *order;

	if (number == POOL_NONE)
		return (struct object_order){0};
	order = pool_at(&t->orders, number);
	return (struct object_order){.numbered = true,
		.packets = (uint16_t)order->packets,
		.ms = (uint16_t)(order->wait / hz)};
}

bool order_table_is_sound(const struct order_table *t, uint32_t list, uint64_t subscriber)
{
	const uint32_t number = number_of(t, list);
	const struct order *order;

	if (number == POOL_NONE)
		return list >= t->lists || *place_of(t, list) == 0;
	order = pool_at(&t->orders, number);
	return order->subscriber == subscriber && order->generation;
}

void order_table_rebuild(struct order_table *t, const uint64_t *lists, uint32_t count)
{
	uint64_t *kept = bits_make(t->orders.capacity);

	/* Without memory some stay until the next repair. */
	if (!kept)
		return;
	for (uint32_t list = 0; list < t->lists; list++) {
		const uint32_t number = number_of(t, list);

		if (number != POOL_NONE && list < count && bits_test(lists, list))
			bits_set(kept, number);
		else
			*place_of(t, list) = 0;
	}
	for (uint32_t i = 0; i < t->orders.fresh; i++)
		if (!bits_test(kept, i))
			((struct order *)pool_at(&t->orders, i))->generation = 0;
	pool_rebuild(&t->orders, kept);
	bits_free(kept);
}
