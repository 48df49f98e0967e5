/*
 * The tables of a data plane, and how forwarding objects come into them.
 *
 * Readers are the workers; they register with the RCU variable (thread id: the worker's index)
 * and report a quiescent state once a walk. Writers: the agent thread for all that control
 * publishes, through tables_apply() and the functions after it; the mirror thread for routes and
 * neighbours, through their own headers. Neither takes a lock, and they share no table.
 *
 * Memory: at most 128 octets a subscriber with one address and one path from a million on, of which
 * a lookup touches two cache lines (subscriber_table.h), and half a cache line for what each worker
 * counts of it (path_traffic.h).
 *
 * Room is made at the start for what is expected. Tables that may grow take more when that is full,
 * without stopping: what they hold stays where it is (room.h), but for indexes, of which a larger
 * one takes the place of the other in one store (sig_index.h). No reader waits or misses anything;
 * the writer takes 20 ms for each million of entries then, that is, now and then. Where there is no
 * more memory, or tables may not grow, an object is refused with -ENOSPC.
 */
#pragma once

#include <rte_rcu_qsbr.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables/data_plane_table.h"
#include "dataplane/tables/domain_table.h"
#include "dataplane/tables/group_table.h"
#include "dataplane/tables/link_table.h"
#include "dataplane/tables/local_table.h"
#include "dataplane/tables/neighbour_table.h"
#include "dataplane/tables/path_table.h"
#include "dataplane/tables/route_table.h"
#include "dataplane/tables/rule_table.h"
#include "dataplane/tables/subscriber_table.h"

struct tables_config {
	uint32_t subscribers; /* prefixes and paths, each */
	uint32_t rules;       /* of all subscribers together; may be 0 */
	uint32_t routes;
	uint32_t neighbours;
	uint32_t groups, members; /* of multicast, members of all groups together; may be 0 */
	unsigned readers;         /* workers */
	const char *name;         /* of this data plane; NULL: it has none and knows none */
	/* Subscribers, rules, groups and members that there is room for at least one of are numbers
	 * to begin with. */
	bool grow;
};

enum {
	TABLES_SUBSCRIBERS_MAX = 1 << 24, /* that tables grow to */
	TABLES_RULES_MAX = 1 << 22,
	TABLES_GROUPS_MAX = 1 << 20,
	TABLES_MEMBERS_MAX = 1 << 24,
	TABLES_EXPECT_MAX = 32, /* objects: their lines fit into the nearest cache */
	TABLES_LEARNED_MAX =
		1024, /* paths whose learned MTU is remembered; more push out the oldest */
	TABLES_UNSETTLED_MAX = 256, /* subscribers with changed rules before these take effect */
};

/* A path that learned its MTU on the way. */
struct tables_learned {
	uint64_t path; /* id; 0: free */
	uint64_t when_ms;
};

struct tables {
	struct rte_rcu_qsbr *rcu;
	struct local_table local;
	struct link_table links;
	struct data_plane_table data_planes;
	struct path_table paths;
	struct rule_table rules;
	struct subscriber_table subscribers;
	struct group_table groups;
	struct route_table routes; /* of the public domain */
	struct domain_table domains;
	struct neighbour_table neighbours;
	struct object_buckets marked; /* buckets that the next sweep is of */
	bool damaged; /* a digest has met entries that are not what they can be; agent thread */
	bool groups_damaged; /* the same of groups and members; agent thread */
	bool renewing;       /* paths of a changed data plane that found no room; agent thread */
	struct tables_learned learned[TABLES_LEARNED_MAX]; /* agent thread */
	uint64_t unsettled[TABLES_UNSETTLED_MAX];          /* ids of subscribers; agent thread */
	uint32_t unsettled_count;
};

/* Makes empty tables, after rte_eal_init(). NULL: no memory (*error then has the negative errno).
 * Main thread. */
struct tables *tables_create(const struct tables_config *config, int *error);

/* Frees them; no worker may run. NULL is allowed. */
void tables_destroy(struct tables *t);

/* Octets of memory that tables_create() will ask DPDK for, and those that it will take from the
 * system beside that, for the choice of memory before it. */
size_t tables_memory_needed(const struct tables_config *config);
size_t tables_room_needed(const struct tables_config *config);

/*
 * Applies one object. Agent thread. Returns 0; -ENOSPC: full; -ENOENT: it names a path or data
 * plane or group that was not set or a port that is not here; -EEXIST: a prefix belongs to another
 * subscriber, or the addresses of a group to another group; -EOPNOTSUPP: a kind of path that this
 * data plane does not have; -EADDRNOTAVAIL: a path is to be relayed, but our own address is not
 * known; -EBUSY: a path that subscribers still use, a data plane that paths name, or a group with
 * members was to be deleted; -EINVAL: a tunnel to its own local address; -ENOENT also: a rule of a
 * subscriber that was not set. After an error the tables are as before, but for the paths of a
 * changed data plane, of which some may not have found room; setting it again continues.
 */
int tables_apply(struct tables *t, const struct object *object);

/*
 * These objects, at most TABLES_EXPECT_MAX, are applied next: asks for the memory that they will
 * touch, which otherwise is what takes most of the time. Changes nothing. Agent thread.
 */
void tables_expect(const struct tables *t, const struct object objects[], unsigned n);

/*
 * Forgets the entries that cannot be found under what they say, or that lead to what is not there,
 * and works out anew which are free and how often each is used, so that they can be set again. What
 * is sound is not touched. Returns the number of objects forgotten, or -ENOMEM. Walks all tables:
 * half a second for a million subscribers. Waits for the readers. Agent thread.
 */
int64_t tables_repair(struct tables *t);

/*
 * Whether paths, their headers and data planes say of themselves how often subscribers and paths
 * lead to them. False also if that leads to nothing, or there is no memory to count. After
 * tables_settle(). Walks paths and subscribers. Agent thread.
 */
bool tables_users_hold(const struct tables *t);

/*
 * A snapshot: mark, apply every object of it, sweep. The sweep removes what was not applied since
 * the mark; what stays was never out of readers' sight. A snapshot of some buckets (NULL: all)
 * brings the objects in these, and leaves the others alone. Damage that a digest has found, or that
 * shows in what is used how often, is repaired first. Returns the number of objects removed.
 */
void tables_mark(struct tables *t, const struct object_buckets *buckets);
uint32_t tables_sweep(struct tables *t);

/*
 * Waits until every reader has passed a quiescent state: what was applied before is visible to
 * all of them. A sleeping worker does not delay it. Agent thread.
 */
void tables_quiesce(struct tables *t);

/*
 * Rules take effect together, for a subscriber all that were applied, when this is called; by
 * tables_quiesce(), tables_sweep() and a digest it is. Agent thread.
 */
void tables_settle(struct tables *t);

/*
 * The way from a subscriber's path to its remote address carries packets of at most mtu octets
 * (RFC 8201): remembered for 10 minutes. Values below 1280 count as 1280; one that is not below
 * what is known changes nothing. Returns 0, -ENOENT (no such path) or -ENOSPC. Agent thread.
 */
int tables_path_mtu_learn(struct tables *t, uint64_t subscriber, const struct in6_addr *remote,
	uint32_t mtu, uint64_t now_ms);

/* Forgets what was learned more than 10 minutes ago (RFC 8201, 4). Agent thread, about once a
 * second. */
void tables_path_mtu_age(struct tables *t, uint64_t now_ms);

/* Writer: what the tunnel of a path is found by among those by which groups come; 0: there is no
 * such path. */
uint32_t tables_tunnel_tag(const struct tables *t, uint64_t path);

/* Parts of tables_apply() and tables_sweep(), in tables_path.c, tables_rule.c and
 * tables_data_plane.c. */
int tables_set_data_plane(struct tables *t, const struct object_data_plane *object);
int tables_delete_data_plane(struct tables *t, uint64_t id);
uint32_t tables_sweep_data_planes(struct tables *t);

/* Makes a path anew when its data plane or ours has changed: its users see the change packet by
 * packet. */
int tables_renew_path(struct tables *t, uint32_t path);
int tables_set_path(struct tables *t, const struct object_path *object);
int tables_delete_path(struct tables *t, uint64_t id);
uint32_t tables_sweep_paths(struct tables *t);
int tables_set_rule(struct tables *t, const struct object_rule *object);
void tables_delete_rule(struct tables *t, uint64_t id);
uint32_t tables_sweep_rules(struct tables *t);
