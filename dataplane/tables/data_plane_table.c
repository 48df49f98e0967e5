#include "dataplane/tables/data_plane_table.h"

#include <errno.h>
#include <rte_malloc.h>
#include <string.h>

int data_plane_table_init(struct data_plane_table *t, const char *name, struct rte_rcu_qsbr *rcu)
{
	struct data_plane_set *set = rte_zmalloc("data planes", sizeof(*set), RTE_CACHE_LINE_SIZE);

	memset(t, 0, sizeof(*t));
	t->rcu = rcu;
	if (name)
		strncpy(t->name, name, OBJECT_NAME_MAX);
	atomic_store_explicit(&t->set, set, memory_order_relaxed);
	return set ? 0 : -ENOMEM;
}

void data_plane_table_destroy(struct data_plane_table *t)
{
	rte_free(atomic_load_explicit(&t->set, memory_order_relaxed));
	atomic_store_explicit(&t->set, NULL, memory_order_relaxed);
}

int data_plane_table_slot(const struct data_plane_table *t, uint64_t id)
{
	if (id == 0)
		return 0;
	for (int i = 1; i < DATA_PLANE_SLOTS; i++)
		if (t->slots[i].id == id)
			return i;
	return -ENOENT;
}

bool data_plane_table_is_own(const struct data_plane_table *t, uint16_t slot)
{
	return slot == 0 || (t->name[0] && strcmp(t->slots[slot].name, t->name) == 0);
}

const struct in6_addr *data_plane_table_own(const struct data_plane_table *t)
{
	return t->own ? &t->slots[t->own].addr : NULL;
}

bool data_plane_table_is_other(const struct data_plane_table *t, const struct in6_addr *addr)
{
	bool other = false;

	for (uint16_t i = 1; i < DATA_PLANE_SLOTS; i++) {
		if (t->slots[i].id == 0 || !addr_equal(&t->slots[i].addr, addr))
			continue;
		if (data_plane_table_is_own(t, i))
			return false;
		other = true;
	}
	return other;
}

static struct data_plane_set *make_set(const struct data_plane_table *t)
{
	struct data_plane_set *set = rte_zmalloc("data planes",
		sizeof(*set) + DATA_PLANE_SLOTS * sizeof(set->others[0]), RTE_CACHE_LINE_SIZE);

	if (!set)
		return NULL;
	if (t->own)
		set->own = t->slots[t->own].addr;
	for (uint16_t i = 1; i < DATA_PLANE_SLOTS; i++) {
		set->by_slot[i] = t->slots[i].addr;
		if (t->slots[i].id && data_plane_table_is_other(t, &t->slots[i].addr))
			set->others[set->count++] = t->slots[i].addr;
	}
	return set;
}

/* Shows the readers what the slots say now. */
static int publish(struct data_plane_table *t)
{
	struct data_plane_set *old = atomic_load_explicit(&t->set, memory_order_relaxed);
	struct data_plane_set *set = make_set(t);

	if (!set)
		return -ENOMEM;
	atomic_store_explicit(&t->set, set, memory_order_release);
	rte_rcu_qsbr_synchronize(t->rcu, RTE_QSBR_THRID_INVALID);
	rte_free(old);
	return 0;
}

/* Our own is the one with our name; of several, which there are only until a sweep, the newest. */
static void find_own(struct data_plane_table *t, uint16_t newest)
{
	if (newest && data_plane_table_is_own(t, newest)) {
		t->own = newest;
		return;
	}
	if (t->own && t->slots[t->own].id && data_plane_table_is_own(t, t->own))
		return;
	t->own = 0;
	for (uint16_t i = 1; i < DATA_PLANE_SLOTS && !t->own; i++)
		if (t->slots[i].id && data_plane_table_is_own(t, i))
			t->own = i;
}

static uint16_t free_slot(const struct data_plane_table *t)
{
	for (uint16_t i = 1; i < DATA_PLANE_SLOTS; i++)
		if (t->slots[i].id == 0)
			return i;
	return 0;
}

static bool has_users(const struct data_plane_table *t)
{
	for (uint16_t i = 1; i < DATA_PLANE_SLOTS; i++)
		if (t->slots[i].users)
			return true;
	return false;
}

int data_plane_table_set(
	struct data_plane_table *t, const struct object_data_plane *object, bool *changed)
{
	int found = data_plane_table_slot(t, object->id);
	uint16_t slot = found > 0 ? (uint16_t)found : free_slot(t);
	struct data_plane_slot *at = &t->slots[slot], before = *at;
	uint16_t own = t->own;

	*changed = false;
	if (slot == 0)
		return -ENOSPC;
	if (found > 0 && addr_equal(&at->addr, &object->addr) &&
		strcmp(at->name, object->name) == 0) {
		at->marked = true;
		return 0;
	}
	*at = (struct data_plane_slot){.id = object->id,
		.addr = object->addr,
		.users = found > 0 ? before.users : 0,
		.marked = true};
	memcpy(at->name, object->name, sizeof(at->name));
	find_own(t, slot);

	int err = own && !t->own && has_users(t) ? -EBUSY : publish(t);

	if (err < 0) {
		*at = before;
		t->own = own;
	}
	*changed = err == 0;
	return err;
}

int data_plane_table_delete(struct data_plane_table *t, uint64_t id)
{
	int slot = data_plane_table_slot(t, id);

	if (slot <= 0)
		return 0;
	/* Named by paths, or, if it is our own, where those of others are relayed from. */
	if (t->slots[slot].users || (slot == t->own && has_users(t)))
		return -EBUSY;

	struct data_plane_slot before = t->slots[slot];
	uint16_t own = t->own;

	t->slots[slot] = (struct data_plane_slot){0};
	find_own(t, 0);

	int err = publish(t);

	if (err < 0) {
		t->slots[slot] = before;
		t->own = own;
	}
	return err;
}

void data_plane_table_mark(struct data_plane_table *t)
{
	for (uint16_t i = 1; i < DATA_PLANE_SLOTS; i++)
		t->slots[i].marked = false;
}

uint32_t data_plane_table_sweep(struct data_plane_table *t, const struct object_buckets *buckets)
{
	uint32_t removed = 0;

	for (uint16_t i = 1; i < DATA_PLANE_SLOTS; i++)
		if (t->slots[i].id && !t->slots[i].marked &&
			object_buckets_have(buckets, t->slots[i].id))
			removed += data_plane_table_delete(t, t->slots[i].id) == 0;
	/* Also when nothing has changed: a snapshot repairs. Without memory the old set stays. */
	publish(t);
	return removed;
}
