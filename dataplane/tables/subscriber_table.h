/*
 * Subscribers: from an inner address to the path that leads there. Both directions look here:
 * downlink by the inner destination, uplink by the inner source.
 *
 * Layout: one entry of one cache line for every prefix of every subscriber, in a pool; a
 * signature index (sig_index.h) by prefix and one by subscriber id. An entry holds all that
 * encapsulation and the uplink check need when the subscriber has one path.
 *
 * Cost of a lookup that hits: two cache lines, one in the index and the entry, both prefetched
 * across a burst. Prefixes shorter than 128 are found by one more pass per length that is in use,
 * longest first, for those packets alone that no longer prefix took; lengths that nobody uses
 * cost nothing.
 * Memory: 64 octets an entry, 9.1 in the index by prefix and 7.1 in that by id; with its path 128
 * octets a subscriber.
 *
 * Writer: the agent thread. What readers hold never changes: an update writes a new entry, swaps
 * the number in the index in one store, and retires the old entry. A lookup finds the old or the
 * new entry, never none.
 */
#pragma once

#include <assert.h>
#include <rte_rcu_qsbr.h>
#include <stdatomic.h>

#include "dataplane/tables/path_table.h"
#include "dataplane/tables/pool.h"
#include "dataplane/tables/rule_table.h"
#include "dataplane/tables/sig_index.h"
#include "proto/channel/object.h"

#define SUBSCRIBER_NONE POOL_NONE

enum {
	SUBSCRIBER_LINK_NONE = 0,   /* subscriber_entry.link: its addresses are not defended */
	SUBSCRIBER_BURST_MAX = 256, /* addresses of one bulk lookup */
	SUBSCRIBER_DOMAIN_MAX = (1 << 24) - 1,
};

struct subscriber_entry {
	struct in6_addr prefix;
	struct in6_addr remote; /* of the first path: the care-of address, unless relayed */
	uint64_t id;
	uint32_t tag;    /* domain in the upper 24 bits, prefix length in the lower 8 */
	uint32_t path;   /* number of the first path */
	uint32_t paths;  /* number of the list of all paths; POOL_NONE: the one, and no rules */
	uint32_t next;   /* entry of the subscriber's next prefix, chain of the pool; writer */
	uint16_t shape;  /* of the first path */
	uint16_t mtu;    /* of the first path, 0: any */
	uint16_t link;   /* slot in the link table where it is defended, or SUBSCRIBER_LINK_NONE */
	uint8_t relayed; /* 0, or 1: remote and shape lead to the data plane that serves it */
	uint8_t steered; /* enum path_steered; 0: packets take the first path */
} __rte_cache_aligned;
static_assert(sizeof(struct subscriber_entry) == 64, "one cache line");

struct subscriber_table {
	struct sig_index by_prefix;
	struct sig_index by_id; /* value: entry of the first prefix */
	struct pool entries;
	struct path_table *paths;
	struct rule_table *rules;
	/* Lengths in use: bit l % 64 of word l / 64. Only a length's own bit matters to a lookup.
	 */
	_Atomic uint64_t lengths[3] __rte_cache_aligned;
	uint32_t length_users[129]; /* writer */
	struct pool_watch watch;    /* of first entries of subscribers; writer */
	bool damaged;               /* what was not whole was set anew or removed; writer */
	uint32_t subscribers;       /* writer */
	uint64_t *marks;            /* a bit an entry, by the first of a subscriber; writer */
};

/* Room for capacity prefixes at first, and for `most` in the end. Returns 0 or -ENOMEM. Main
 * thread.
 */
int subscriber_table_init(struct subscriber_table *t, uint32_t capacity, uint32_t most,
	struct path_table *paths, struct rule_table *rules, struct rte_rcu_qsbr *rcu);
void subscriber_table_destroy(struct subscriber_table *t);

/* Octets in rooms that it will ask for at first. */
size_t subscriber_table_memory(uint32_t capacity);

/*
 * Writer: adds or replaces a subscriber, all of its prefixes or, after an error, none. link is
 * its slot in the link table. -ENOENT: a path that was not set; -EEXIST: a prefix belongs to
 * another subscriber; -EDOM: domain out of range; -EINVAL: no prefix or no path; -ENOSPC.
 */
int subscriber_table_set(
	struct subscriber_table *t, const struct object_subscriber *object, uint16_t link);

/* Writer: whether what an entry that should be the first of a subscriber leads to is in its table,
 * and ends; not so after damage. */
bool subscriber_table_is_whole(const struct subscriber_table *t, uint32_t first);

/*
 * Writer: the chain of a subscriber's rules, to be changed; NULL: it has no list of paths, hence
 * none. What changes in it is visible after subscriber_table_renew().
 */
uint32_t *subscriber_table_rules(struct subscriber_table *t, uint64_t id);

/* Writer: writes a subscriber anew, with rules beginning at head. 0, -ENOENT or -ENOSPC, with which
 * nothing has changed. */
int subscriber_table_renew(struct subscriber_table *t, uint64_t id, uint32_t head);

/* Writer: removes a subscriber and its rules; one that is not there is no error. */
void subscriber_table_delete(struct subscriber_table *t, uint64_t id);

/*
 * Writer: moves all users of a path to the one that path_table_find() now finds by the same id (a
 * new version of it). Returns 0, or -ENOSPC in a table of which nothing can be reclaimed; calling
 * again continues. A path with one user costs one entry; with more the whole table is walked.
 */
int subscriber_table_move(struct subscriber_table *t, uint32_t from);

/* Writer: sets used[slot] for every slot of the link table that an entry names. Walks the table. */
void subscriber_table_links(const struct subscriber_table *t, bool used[]);

/* Writer: every subscriber is unmarked; set() marks; sweep deletes the unmarked in these buckets.
 * Returns how many were deleted. */
void subscriber_table_mark(struct subscriber_table *t);
uint32_t subscriber_table_sweep(struct subscriber_table *t, const struct object_buckets *buckets);

/*
 * Looks up n (at most SUBSCRIBER_BURST_MAX) addresses of one domain: out[i] is the entry of the
 * longest prefix that holds addresses[i], or NULL. Entries stay valid until the calling worker's
 * next quiescent state. Any registered reader.
 */
void subscriber_table_lookup(const struct subscriber_table *t, uint32_t domain,
	const struct in6_addr addresses[], unsigned n, const struct subscriber_entry *out[]);

/* The same for one address. */
const struct subscriber_entry *subscriber_table_find(
	const struct subscriber_table *t, uint32_t domain, const struct in6_addr *address);

/* Number of the entry of exactly this prefix and tag, or SUBSCRIBER_NONE. Any registered reader. */
uint32_t subscriber_table_number(
	const struct subscriber_table *t, const struct in6_addr *prefix, uint32_t tag);

/* Entry of the first prefix of a subscriber, NULL if there is none. Any registered reader. */
const struct subscriber_entry *subscriber_table_by_id(
	const struct subscriber_table *t, uint64_t id);

/* The entry of a number, and the number of an entry. */
static inline const struct subscriber_entry *subscriber_at(
	const struct subscriber_table *t, uint32_t number)
{
	return (const struct subscriber_entry *)(const void *)t->entries.base + number;
}

static inline uint32_t subscriber_number(
	const struct subscriber_table *t, const struct subscriber_entry *entry)
{
	return (uint32_t)(entry - (const struct subscriber_entry *)(const void *)t->entries.base);
}

/*
 * Whether a tunnelled packet of this subscriber may come from outer source remote to our address
 * local: one of its paths says so, whoever serves it (RFC 6275, 10.4.5). Any registered reader.
 */
static inline bool subscriber_accepts(const struct subscriber_table *t,
	const struct subscriber_entry *entry, const struct in6_addr *remote,
	const struct in6_addr *local);

/* The same for those who do not send from where their first path leads, or in GRE; mark NULL: by
 * any encapsulation. */
bool subscriber_accepts_else(const struct subscriber_table *t, const struct subscriber_entry *entry,
	const struct in6_addr *remote, const struct in6_addr *local, const struct path_mark *mark);

static inline bool subscriber_accepts(const struct subscriber_table *t,
	const struct subscriber_entry *entry, const struct in6_addr *remote,
	const struct in6_addr *local)
{
	static const struct path_mark plain = {0};
	const struct path_shape *shape = path_shape_at(t->paths, entry->shape);

	if (likely(addr_equal(&entry->remote, remote)) && likely(!entry->relayed) &&
		addr_equal(path_shape_local(shape), local) &&
		likely(!path_header_gre(shape->header)))
		return true;
	return subscriber_accepts_else(t, entry, remote, local, &plain);
}

/* The same of a packet in GRE (RFC 5845, 4.2 and 5.2). */
static inline bool subscriber_accepts_gre(const struct subscriber_table *t,
	const struct subscriber_entry *entry, const struct in6_addr *remote,
	const struct in6_addr *local, const struct path_mark *mark)
{
	const struct path_shape *shape = path_shape_at(t->paths, entry->shape);

	if (likely(addr_equal(&entry->remote, remote)) && likely(!entry->relayed) &&
		addr_equal(path_shape_local(shape), local) &&
		path_is_marked(t->paths, shape->header, entry->path, mark))
		return true;
	return subscriber_accepts_else(t, entry, remote, local, mark);
}

/* Whether any of its paths is in GRE. Any registered reader. */
bool subscriber_has_gre(const struct subscriber_table *t, const struct subscriber_entry *entry);

/* Whether packets to this subscriber may have left from our address local to outer destination
 * remote, so that an error about one can be true. Any registered reader. */
bool subscriber_sends(const struct subscriber_table *t, const struct subscriber_entry *entry,
	const struct in6_addr *remote, const struct in6_addr *local);
