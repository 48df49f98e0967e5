/*
 * Multicast groups: who gets copies of which packets (proto/channel/group.h).
 *
 * Layout: an entry of one cache line for each group, found by source and group address and by the
 * tunnel that its packets come by (group_tunnel.h), or that they come by ports; its list,
 * an array of the numbers of member records; and a record of half a cache line for each member. A
 * record names what it leads to by id, not by number, so that a change of a subscriber or path is a
 * change of it alone, and is there for its next copy.
 *
 * Cost for a reader: three cache lines a packet, one of them its counters; a copy: a sixteenth
 * of a line of the list, half a line of records and a quarter of a line of counters, which follow
 * each other as they were set, and what subscriber_table_by_id() costs.
 * Memory for a member: 32 octets, 7.1 in the index by id, 4 to 8 in the list, and for each worker
 * 16 of counters (group_counts.h).
 *
 * How copying goes on over many walks: a reader that has taken some members of a list remembers a
 * place in it. A member keeps its place as long as it is set, and a list that grows keeps all
 * places, so going on from there leaves out nobody who was there all the time and meets nobody
 * twice. Between walks the reader holds the number and the id of the group, nothing else;
 * group_table_again() finds out whether it is still the same.
 *
 * To replicate: group_table_find() the packet's group, then group_list_at() for every place below
 * group_list_used(). The nodes group and replicate do, and there is nothing else to call: control
 * sets OBJECT_GROUP, then OBJECT_MEMBER, and deletes them the other way round.
 *
 * Writer: the agent thread.
 */
#pragma once

#include <assert.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/tables/group_counts.h"
#include "dataplane/tables/group_list.h"
#include "dataplane/tables/group_tunnel.h"
#include "dataplane/tables/pool.h"
#include "dataplane/tables/sig_index.h"
#include "proto/channel/object.h"

enum { GROUP_PORT_ANY = UINT16_MAX };

struct group_entry {
	struct in6_addr source; /* unspecified: any */
	struct in6_addr group;
	_Atomic uint64_t id; /* 0: no group any more */
	_Atomic(struct group_list *) list;
	_Atomic uint32_t members;
	_Atomic uint16_t port; /* that packets must come by, or GROUP_PORT_ANY */
	uint16_t tunnel;       /* by which they come, of group_tunnel.h; 0: by ports */
	union {
		uint32_t free; /* chain of free places, of a group; writer */
		uint32_t link; /* chain of the pool, of none; writer */
	};
	_Atomic uint32_t rate; /* octets a second of each worker; 0: all */
} __rte_cache_aligned;
static_assert(sizeof(struct group_entry) == 64, "one cache line");

struct group_member {
	uint64_t target; /* id of a subscriber or path */
	uint64_t id;
	uint16_t kind;  /* enum member_kind */
	uint16_t port;  /* of a link */
	uint32_t group; /* number of its group; writer */
	uint32_t place; /* in the list; writer */
	uint32_t link;  /* chain of the pool; writer */
};
static_assert(sizeof(struct group_member) == 32, "half a cache line");

struct group_table {
	struct pool groups, members;
	struct sig_index by_address, by_id, members_by_id;
	struct group_list **lists; /* those of the entries, by number; writer */
	uint64_t *group_marks, *member_marks;
	struct group_tunnels tunnels;
	uint64_t *changed; /* groups that there are, or are not, since group_table_changes() */
	bool any_changed;
	struct group_counts counts;
	struct rte_rcu_qsbr *rcu;
};

struct group_table_size {
	uint32_t groups, members;           /* that there is room for at first, perhaps none */
	uint32_t most_groups, most_members; /* in the end; less than at first: no more */
	unsigned readers;                   /* as tables.h */
};

/* 0 or -ENOMEM. */
int group_table_init(
	struct group_table *t, const struct group_table_size *size, struct rte_rcu_qsbr *rcu);
void group_table_destroy(struct group_table *t);

/* Octets in rooms that it will ask for at first. */
size_t group_table_memory(const struct group_table_size *size);

/*
 * Writer: adds or changes a group. 0; -ENOENT: no port of that name; -EEXIST: another object has
 * these addresses and this path; -EBUSY: others for a group with members; -ENOSPC, also for one
 * more tunnel than GROUP_TUNNELS_MAX; -ENOMEM.
 */
int group_table_set(struct group_table *t, const struct object_group *object);

/* Writer: removes a group; one that is not there is no error. -EBUSY: it has members. */
int group_table_delete(struct group_table *t, uint64_t id);

/* Writer: adds or changes a member. 0; -ENOENT: no such group, or no port of that name; -ENOSPC,
 * -ENOMEM. Waits for the readers when a list grows: for n members about log2(n) times. */
int group_table_set_member(struct group_table *t, const struct object_member *object);

/* Writer: removes a member; one that is not there is no error. */
void group_table_delete_member(struct group_table *t, uint64_t id);

/* Writer: mark and sweep, in some buckets, as in tables.h. Members go before their groups. */
void group_table_mark(struct group_table *t);
uint32_t group_table_sweep(struct group_table *t, const struct object_buckets *buckets);

/*
 * Writer: forgets the groups and members that group_table_object() and group_table_member_object()
 * do not know, as tables_repair(). Waits for the readers. Returns their number or -ENOMEM.
 */
int64_t group_table_repair(struct group_table *t);

/* Writer: number of the group or member with this id, of the group of exactly these addresses that
 * comes by this tunnel, 0 for ports (and their hash); POOL_NONE. */
uint32_t group_table_by_id(const struct group_table *t, uint64_t id);
uint32_t group_table_member_by_id(const struct group_table *t, uint64_t id);
uint32_t group_table_exactly(const struct group_table *t, const struct in6_addr *source,
	const struct in6_addr *group, uint16_t tunnel);
uint64_t group_table_hash(
	const struct in6_addr *source, const struct in6_addr *group, uint16_t tunnel);

/*
 * Writer, for a digest: the object of a number, put together from what readers use. False: there is
 * none, or a reader would not find it.
 */
bool group_table_object(const struct group_table *t, uint32_t number, struct object_group *object);
bool group_table_member_object(
	const struct group_table *t, uint32_t number, struct object_member *object);

/*
 * Number of the group of packets from this source to this group that come by a tunnel, or by ports
 * (0): that for the source if there is one, else that for any; POOL_NONE. Any registered reader.
 */
uint32_t group_table_find(const struct group_table *t, const struct in6_addr *source,
	const struct in6_addr *group, uint16_t tunnel);

/*
 * Writer: up to `most` numbers of groups that have come or gone, or have their first member or none
 * any more, since they were last told; returns how many. A number that is told may be free.
 */
unsigned group_table_changes(struct group_table *t, uint32_t numbers[], unsigned most);

/* Writer: as if all groups had changed. */
void group_table_change_all(struct group_table *t);

static inline struct group_entry *group_at(const struct group_table *t, uint32_t number)
{
	return pool_at(&t->groups, number);
}

static inline struct group_member *group_member_at(const struct group_table *t, uint32_t number)
{
	return pool_at(&t->members, number);
}

/* Id of the path by whose tunnel packets of a group come; 0: they come by ports. Any reader. */
static inline uint64_t group_table_path(
	const struct group_table *t, const struct group_entry *entry)
{
	return group_tunnel_path(&t->tunnels, entry->tunnel);
}

/* The group that had this number and id in an earlier walk; NULL: it is no more. Any reader. */
static inline const struct group_entry *group_table_again(
	const struct group_table *t, uint32_t number, uint64_t id)
{
	const struct group_entry *entry = group_at(t, number);

	return atomic_load_explicit(&entry->id, memory_order_acquire) == id ? entry : NULL;
}

/* The list of a group, valid until the caller's next quiescent state. NULL: it never had members.
 */
static inline const struct group_list *group_list(const struct group_entry *entry)
{
	return atomic_load_explicit(&entry->list, memory_order_acquire);
}
