/*
 * What the parts of express share: the state of a burst, and what each packet of it waits for.
 */
#pragma once

#include "dataplane/nodes/choose.h"
#include "dataplane/nodes/encap.h"
#include "dataplane/nodes/forward.h"
#include "dataplane/nodes/plain.h"
#include "dataplane/nodes/traffic.h"
#include "dataplane/tables/subscriber_key.h"

/* Ends as forward does, or hands over. */
enum edge {
	EXPRESS_CLASSIFY = FORWARD_EDGES,
	EXPRESS_STEER,
	EXPRESS_LOCAL,
	EXPRESS_DECAP,
	EXPRESS_RELAY,
	EXPRESS_ENCAP,
	EXPRESS_EDGES,
	/* No edges: what is still to be done. */
	GO_DOWN, /* its destination may be a subscriber's */
	GO_UP,   /* its inner source should be, its inner destination may be */
	GO_ROUTE,
	GO_CHOOSE, /* its path is not yet known */
	GO_KEYED,  /* its path is, but not the key that it needs */
	GO_LOCK,   /* its inner source is found, but not the key that this is to come with */
	/* Plain (plain.h), and nothing of it changed. */
	PLAIN_DOWN, /* as GO_DOWN */
	PLAIN_UP,   /* as GO_UP */
};

enum {
	EXPRESS_STRIDE = 16,
	EXPRESS_STAGES = 3,
	EXPRESS_SEATS = 64, /* a power of two, at least EXPRESS_STRIDE * EXPRESS_STAGES */
	EXPRESS_MIXED = 0,  /* a stride of packets that do not all have one edge */
};

/* What the stages tell each other of a packet. */
struct seat {
	struct subscriber_key key;   /* destination; uplink: inner source */
	struct subscriber_key inner; /* uplink: inner destination */
};

/* What a path has carried, not yet counted. */
struct tally {
	uint32_t path;
	uint32_t octets_and_way; /* 2 * octets + enum path_direction */
};
static_assert(PATH_DIRECTIONS == 2, "one bit");

struct tallies {
	uint16_t count;
	struct tally at[2 * EXPRESS_STRIDE]; /* a packet can come out of a tunnel and go into one */
};

/* Packets of a stride whose paths are chosen, and what is known of them step by step. */
struct steered {
	uint16_t count;
	uint16_t of[EXPRESS_STRIDE];
	uint32_t numbers[EXPRESS_STRIDE]; /* of the lists, then of the paths */
	const struct path_list *lists[EXPRESS_STRIDE];
	const struct path *paths[EXPRESS_STRIDE];
	const struct rte_ipv6_hdr *ips[EXPRESS_STRIDE]; /* of plain ones */
	struct choose_packet packets[EXPRESS_STRIDE];
	struct rule_search searches[EXPRESS_STRIDE];
};

struct express {
	struct worker *w;
	const struct subscriber_table *subscribers;
	const struct local_set *local;
	const struct sig_array *index; /* for all of the burst */
	struct subscriber_lengths lengths;
	uint64_t version;       /* of the index, before any lookup */
	uint32_t access;        /* ports, a bit each, that classify is to look at */
	struct plain_port port; /* that packets came by last */
	struct forward_last last;
	uint32_t forwarded;
	uint32_t encapsulated, decapsulated, relayed_out, relayed_in;
	bool later;                /* some of this stride go GO_KEYED or GO_LOCK */
	struct tallies tallies[2]; /* of this stride, and of the one before */
	struct tallies *tallying;  /* of this stride */
	uint16_t unmatched;
	struct subscriber_key
		*unmatched_keys[2 * EXPRESS_STRIDE]; /* whose own bucket does not have them */
	struct seat seats[EXPRESS_SEATS];
	/* Of each stride: PLAIN_DOWN or PLAIN_UP, which all of it have, or EXPRESS_MIXED. */
	rte_edge_t all[EXPRESS_SEATS / EXPRESS_STRIDE];
	struct steered steered;
};

/* Where it says what all of the stride have that begins at a place. */
static inline rte_edge_t *express_all(struct express *x, uint16_t from)
{
	return &x->all[from % EXPRESS_SEATS / EXPRESS_STRIDE];
}

/* The edge of a packet, of a stride of which all have it or none is known to. */
static __rte_always_inline rte_edge_t express_edge(rte_edge_t all, rte_edge_t own)
{
	return all == EXPRESS_MIXED ? own : all;
}

/* To be counted when its line, which has been asked for, is there. */
static inline void express_tally(
	struct express *x, uint32_t path, enum path_direction way, uint32_t octets)
{
	x->tallying->at[x->tallying->count++] = (struct tally){path, 2 * octets + way};
}

/* Asks for the line where a path is counted. */
static inline void express_tally_soon(const struct express *x, uint32_t path)
{
	rte_prefetch0(&x->w->traffic.counts[path]);
}

static inline void express_tally_ask(
	struct express *x, uint32_t path, enum path_direction way, uint32_t octets)
{
	express_tally_soon(x, path);
	express_tally(x, path, way, octets);
}

/* Counts a stride. */
static inline void express_count(const struct express *x, struct tallies *t)
{
	const uint32_t tick = path_traffic_tick(x->w->tsc);

	for (uint16_t i = 0; i < t->count; i++) {
		const struct tally at = t->at[i];

		path_traffic_count(&x->w->traffic, at.path, at.octets_and_way & 1,
			at.octets_and_way / 2, tick);
	}
	t->count = 0;
}

static inline void express_make_key(
	const struct express *x, struct subscriber_key *key, const uint8_t address[16])
{
	struct in6_addr prefix;

	if (likely(x->lengths.longest == 128)) {
		subscriber_key_make(x->index, key, address, 128);
		return;
	}
	prefix = ip6_load(address);
	prefix = prefix6_of(&prefix, x->lengths.longest).addr;
	subscriber_key_make(x->index, key, &prefix, x->lengths.longest);
}

/* Not found by the longest length, or moved in the index while it was looked for. */
const struct subscriber_entry *express_find_else(
	const struct express *x, const struct subscriber_key *key, const void *address);

static inline const struct subscriber_entry *express_find(
	const struct express *x, const struct subscriber_key *key, const void *address)
{
	const struct subscriber_entry *entry = subscriber_key_entry(x->subscribers, key);

	atomic_thread_fence(memory_order_acquire);
	if (likely(entry) || likely(!x->lengths.shorter &&
				     x->version == sig_index_version(&x->subscribers->by_prefix)))
		return entry;
	return express_find_else(x, key, address);
}

/* Asks for the path of a steered packet that was chosen: a bit. */
static inline void express_take(struct express *x, unsigned k, uint32_t chosen)
{
	struct steered *s = &x->steered;
	const uint32_t number = s->lists[k]->paths[__builtin_ctz(chosen)];
	const struct path *path = path_at(&x->w->tables->paths, number);

	s->numbers[k] = number;
	s->paths[k] = path;
	rte_prefetch0(path);
	rte_prefetch0(&path->data_plane);
	express_tally_soon(x, number);
}

/* Chooses the path of a steered packet, whose rule was looked for, and asks for it. False: rules
 * send it by several, or none. */
static inline bool express_choose(struct express *x, unsigned k, struct rte_mbuf *m)
{
	struct steered *s = &x->steered;
	const uint32_t chosen =
		choose_found(x->w, m, s->numbers[k], s->lists[k], &s->packets[k], &s->searches[k]);

	if (unlikely(chosen == 0 || chosen & (chosen - 1)))
		return false;
	express_take(x, k, chosen);
	return true;
}

/* Looks for the rules of the steered packets, which were read, as far as memory is there, and asks
 * for what is not. */
void express_search(struct express *x);

/* Chooses the paths of plain steered packets and asks for them; where that is not one, lists has
 * NULL then. Nothing that takes turns is chosen for: it would take two if it were again. */
void express_choose_plain(struct express *x);

/* Into the tunnels of those paths that were chosen: the steered packets of a stride. The places of
 * those that are to take a route are added to the n of routed. Returns how many these are then. */
uint16_t express_steered(struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[],
	uint16_t routed[], uint16_t n);
