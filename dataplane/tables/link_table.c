#include "dataplane/tables/link_table.h"

#include <errno.h>
#include <string.h>

#include "dataplane/port.h"

void link_table_init(struct link_table *t)
{
	memset(t, 0, sizeof(*t));
}

int link_table_slot(struct link_table *t, uint64_t id)
{
	int free_slot = -ENOSPC;

	if (id == 0)
		return 0;
	for (int i = LINK_SLOTS - 1; i > 0; i--) {
		if (t->ids[i] == id)
			return i;
		if (t->ids[i] == 0)
			free_slot = i;
	}
	if (free_slot > 0)
		t->ids[free_slot] = id;
	return free_slot;
}

static_assert(PORT_MAX <= 32, "a bit for each port");

static void find_access(struct link_table *t)
{
	uint32_t access = 0, local_routing = 0;

	for (int i = 1; i < LINK_SLOTS; i++) {
		uint64_t word = atomic_load_explicit(&t->slots[i], memory_order_relaxed);

		if (word & LINK_ACCESS)
			access |= 1u << (word & UINT16_MAX);
		if (word & LINK_LOCAL_ROUTING)
			local_routing |= 1u << (word & UINT16_MAX);
	}
	atomic_store_explicit(&t->access, access, memory_order_release);
	atomic_store_explicit(&t->local_routing, local_routing, memory_order_release);
}

int link_table_set(struct link_table *t, const struct object_link *object)
{
	uint16_t port = port_find(object->port);

	if (port == PORT_NONE)
		return -ENOENT;

	int slot = link_table_slot(t, object->id);

	if (slot < 0)
		return slot;
	atomic_store_explicit(&t->slots[slot],
		(uint64_t)object_link_domain(object->id) << LINK_DOMAIN_SHIFT | LINK_USED |
			(object->watch_dad ? LINK_WATCH : 0) | (object->access ? LINK_ACCESS : 0) |
			(object->local_routing ? LINK_LOCAL_ROUTING : 0) | port,
		memory_order_release);
	find_access(t);
	t->marked[slot] = true;
	return 0;
}

void link_table_delete(struct link_table *t, uint64_t id)
{
	for (int i = 1; i < LINK_SLOTS; i++)
		if (t->ids[i] == id && id != 0)
			atomic_store_explicit(&t->slots[i], 0, memory_order_release);
	find_access(t);
}

void link_table_reclaim(struct link_table *t, const bool used[LINK_SLOTS])
{
	for (int i = 1; i < LINK_SLOTS; i++)
		if (!used[i] && atomic_load_explicit(&t->slots[i], memory_order_relaxed) == 0)
			t->ids[i] = 0;
}

void link_table_mark(struct link_table *t)
{
	memset(t->marked, 0, sizeof(t->marked));
}

uint32_t link_table_sweep(struct link_table *t, const struct object_buckets *buckets)
{
	uint32_t removed = 0;

	for (int i = 1; i < LINK_SLOTS; i++) {
		if (t->marked[i] || atomic_load_explicit(&t->slots[i], memory_order_relaxed) == 0 ||
			!object_buckets_have(buckets, t->ids[i]))
			continue;
		atomic_store_explicit(&t->slots[i], 0, memory_order_release);
		removed++;
	}
	find_access(t);
	return removed;
}
