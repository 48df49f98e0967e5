/*
 * Data planes: who serves which paths, and from whom relayed packets may come.
 *
 * A path names its data plane by slot, so that an id is looked for once, when the path is set. The
 * data plane whose name is our own is ourselves.
 *
 * Layout: slots for the writer; for the readers an immutable set of our own address and those of
 * the others, replaced as a whole. Readers come here only for tunnel packets that no subscriber
 * sent, and go through the few addresses one by one; and, by slot, for packets that are steered
 * (path_table.h) to a path that another one serves.
 * Writer: the agent thread.
 */
#pragma once

#include <rte_rcu_qsbr.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "proto/channel/object.h"

enum {
	DATA_PLANE_SLOTS = 256, /* slot 0 is never used: it means whoever has the path */
};

struct data_plane_set {
	struct in6_addr own; /* unspecified: not known, nothing is relayed */
	struct in6_addr by_slot[DATA_PLANE_SLOTS];
	uint32_t count;
	struct in6_addr others[];
};

struct data_plane_slot {
	uint64_t id; /* 0: free */
	struct in6_addr addr;
	char name[OBJECT_NAME_MAX + 1];
	uint32_t users; /* paths */
	bool marked;
};

struct data_plane_table {
	_Atomic(struct data_plane_set *) set;
	struct rte_rcu_qsbr *rcu;
	char name[OBJECT_NAME_MAX + 1];                 /* our own; constant */
	uint16_t own;                                   /* slot, 0: not known; writer */
	struct data_plane_slot slots[DATA_PLANE_SLOTS]; /* writer */
};

/* An empty table of the data plane with this name; NULL: without a name. 0 or -ENOMEM. */
int data_plane_table_init(struct data_plane_table *t, const char *name, struct rte_rcu_qsbr *rcu);
void data_plane_table_destroy(struct data_plane_table *t);

/* Writer: the slot of an id, 0 for id 0; -ENOENT. */
int data_plane_table_slot(const struct data_plane_table *t, uint64_t id);

/*
 * Writer: adds or replaces; changed says whether anything is new. 0, -ENOSPC, -ENOMEM; -EBUSY:
 * we would have no address of our own, with paths that name data planes. Waits for the readers. The
 * paths that name it are the caller's to bring up to date.
 */
int data_plane_table_set(
	struct data_plane_table *t, const struct object_data_plane *object, bool *changed);

/*
 * Writer: removes; one that is not there is no error. -EBUSY: paths name it, or we relay from its
 * address. -ENOMEM. Waits for the readers.
 */
int data_plane_table_delete(struct data_plane_table *t, uint64_t id);

/* Writer: mark and sweep, in some buckets, as in tables.h; those that paths still name stay. */
void data_plane_table_mark(struct data_plane_table *t);
uint32_t data_plane_table_sweep(struct data_plane_table *t, const struct object_buckets *buckets);

/* Writer: whether a slot is ourselves; slot 0 is everybody. */
bool data_plane_table_is_own(const struct data_plane_table *t, uint16_t slot);

/* Writer: our own address, or NULL. */
const struct in6_addr *data_plane_table_own(const struct data_plane_table *t);

/* Writer: whether this is the address of another data plane, and not ours too. */
bool data_plane_table_is_other(const struct data_plane_table *t, const struct in6_addr *addr);

/* The set now; valid until the caller's next quiescent state. Any reader. */
static inline const struct data_plane_set *data_plane_table_get(const struct data_plane_table *t)
{
	return atomic_load_explicit(&t->set, memory_order_acquire);
}

/* Whether an address is that of another data plane. */
static inline bool data_plane_set_has(const struct data_plane_set *set, const struct in6_addr *addr)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (addr_equal(addr, &set->others[i]))
			return true;
	return false;
}

/* Whether a tunnel packet with these outer addresses was relayed to us. */
static inline bool data_plane_set_relays(
	const struct data_plane_set *set, const struct in6_addr *src, const struct in6_addr *dst)
{
	return addr_equal(dst, &set->own) && !addr_is_unspecified(dst) &&
	       data_plane_set_has(set, src);
}
