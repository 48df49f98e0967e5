#include "dataplane/tables/local_table.h"

#include <errno.h>
#include <rte_malloc.h>

#include "dataplane/tables/data_plane_table.h"

static void put(struct local_set *set, const struct in6_addr *addr)
{
	uint32_t at = (uint32_t)addr_hash(addr);

	if (local_set_has(set, addr))
		return;
	while (!addr_is_unspecified(&set->slots[at & set->mask]))
		at++;
	set->slots[at & set->mask] = *addr;
	set->filter |= local_set_bit(addr->s6_addr);
	set->count++;
}

/* A set of what the entries say and our own address; NULL: no memory. */
static struct local_set *make_set(const struct local_table *t)
{
	const struct in6_addr *own = data_plane_table_own(t->data_planes);
	uint32_t slots = 8;
	uint64_t lowest = UINT64_MAX;

	while (slots < 2 * (t->count + 1))
		slots *= 2;

	struct local_set *set = rte_zmalloc("local addresses",
		sizeof(*set) + slots * sizeof(set->slots[0]), RTE_CACHE_LINE_SIZE);

	if (!set)
		return NULL;
	set->mask = slots - 1;
	for (uint32_t i = 0; i < t->count; i++) {
		const struct local_entry *entry = &t->entries[i];

		if (data_plane_table_is_other(t->data_planes, &entry->addr))
			continue;
		if (entry->id < lowest) {
			lowest = entry->id;
			set->first = entry->addr;
		}
		put(set, &entry->addr);
	}
	if (own) {
		put(set, own);
		set->first = *own;
	}
	return set;
}

/* Shows the readers what the entries say now. */
static int publish(struct local_table *t)
{
	struct local_set *old = atomic_load_explicit(&t->set, memory_order_relaxed);
	struct local_set *set = make_set(t);

	if (!set)
		return -ENOMEM;
	atomic_store_explicit(&t->set, set, memory_order_release);
	if (old) {
		rte_rcu_qsbr_synchronize(t->rcu, RTE_QSBR_THRID_INVALID);
		rte_free(old);
	}
	return 0;
}

int local_table_init(
	struct local_table *t, const struct data_plane_table *data_planes, struct rte_rcu_qsbr *rcu)
{
	*t = (struct local_table){.rcu = rcu, .data_planes = data_planes};
	return publish(t);
}

int local_table_refresh(struct local_table *t)
{
	return publish(t);
}

void local_table_destroy(struct local_table *t)
{
	rte_free(atomic_load_explicit(&t->set, memory_order_relaxed));
	atomic_store_explicit(&t->set, NULL, memory_order_relaxed);
}

static struct local_entry *find(struct local_table *t, uint64_t id)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->entries[i].id == id)
			return &t->entries[i];
	return NULL;
}

int local_table_set(struct local_table *t, const struct object_local *object)
{
	struct local_entry *entry = find(t, object->id);
	struct local_entry before = {0};
	bool added = !entry;

	if (entry && addr_equal(&entry->addr, &object->addr)) {
		entry->marked = true;
		return 0;
	}
	if (added) {
		if (t->count == LOCAL_MAX)
			return -ENOSPC;
		entry = &t->entries[t->count++];
	} else {
		before = *entry;
	}
	*entry = (struct local_entry){object->id, object->addr, true};

	int err = publish(t);

	if (err < 0 && added)
		t->count--;
	else if (err < 0)
		*entry = before;
	return err;
}

int local_table_delete(struct local_table *t, uint64_t id)
{
	struct local_entry *entry = find(t, id);

	if (!entry)
		return 0;

	struct local_entry before = *entry;

	*entry = t->entries[--t->count];

	int err = publish(t);

	if (err < 0) {
		t->entries[t->count++] = *entry;
		*entry = before;
	}
	return err;
}

void local_table_mark(struct local_table *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		t->entries[i].marked = false;
}

uint32_t local_table_sweep(struct local_table *t, const struct object_buckets *buckets)
{
	uint32_t removed = 0;

	for (uint32_t i = 0; i < t->count;) {
		if (t->entries[i].marked || !object_buckets_have(buckets, t->entries[i].id)) {
			i++;
			continue;
		}
		t->entries[i] = t->entries[--t->count];
		removed++;
	}
	/* Also when nothing has changed: a snapshot repairs. Without memory the old set stays. */
	publish(t);
	return removed;
}
