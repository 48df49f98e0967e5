#include "dataplane/agent/events.h"

#include <assert.h>
#include <errno.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdatomic.h>
#include <stdio.h>

#include "dataplane/config.h"

enum {
	PRODUCERS_MAX = DP_CONFIG_WORKERS_MAX + 1,
	RING_SIZE = 128,
};

static_assert(sizeof(struct update_event) % 4 == 0, "an element of a ring");

static struct {
	struct rte_ring *rings[PRODUCERS_MAX];
	unsigned count;
	unsigned next; /* whose turn it is */
	_Atomic uint64_t lost;
} events;

int events_open(unsigned producers)
{
	for (unsigned i = 0; i < producers && i < PRODUCERS_MAX; i++) {
		char name[RTE_RING_NAMESIZE];

		snprintf(name, sizeof(name), "events%u", i);
		events.rings[i] = rte_ring_create_elem(name, sizeof(struct update_event), RING_SIZE,
			SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!events.rings[i])
			return -ENOMEM;
		events.count = i + 1;
	}
	return 0;
}

void events_close(void)
{
	while (events.count)
		rte_ring_free(events.rings[--events.count]);
}

bool events_put(unsigned producer, const struct update_event *event)
{
	if (producer < events.count && rte_ring_sp_enqueue_elem(events.rings[producer],
					       (void *)(uintptr_t)event, sizeof(*event)) == 0)
		return true;
	atomic_fetch_add_explicit(&events.lost, 1, memory_order_relaxed);
	return false;
}

bool events_take(struct update_event *event)
{
	for (unsigned i = 0; i < events.count; i++) {
		struct rte_ring *ring = events.rings[events.next++ % events.count];

		if (rte_ring_sc_dequeue_elem(ring, event, sizeof(*event)) == 0)
			return true;
	}
	return false;
}

uint64_t events_lost(void)
{
	return atomic_load_explicit(&events.lost, memory_order_relaxed);
}
