/*
 * express: the common way of a packet from frame to frame in one go: to a node into its tunnel,
 * from a node or another data plane out of one, or by a route.
 *
 * It decides nothing of its own. The steps are those of classify, steer, local, decap, relay, encap
 * and forward, from their headers; a packet for which one of them says anything else than to go on
 * is handed to that node, as that node would have got it.
 *
 * What a packet costs is mostly waiting for the two cache lines of its subscriber. So the steps are
 * cut where memory is asked for, and each stage works on a stride of packets while the lines of the
 * strides behind it are on their way:
 *
 *	look    the frame, whose packet it is; ask for the bucket of its subscriber
 *	match   the bucket; ask for the entry
 *	finish  the entry, the route, the headers
 *
 * For subscribers whose paths are chosen packet by packet (choose.h), or have keys, in whichever
 * direction, finish asks for more memory, and so these are finished together, after the others of
 * their stride.
 */
#include "dataplane/nodes/choose.h"
#include "dataplane/nodes/classify.h"
#include "dataplane/nodes/decap.h"
#include "dataplane/nodes/encap.h"
#include "dataplane/nodes/forward.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/steer.h"
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
};

enum {
	STRIDE = 16,
	STAGES = 3,
	SEATS = 64, /* a power of two, at least STRIDE * STAGES */
};

/* What the stages tell each other of a packet. */
struct seat {
	struct subscriber_key key;   /* destination; uplink: inner source */
	struct subscriber_key inner; /* uplink: inner destination */
};

/* What a path has carried, not yet counted. */
struct tally {
	struct path_traffic *at;
	uint32_t octets;
	enum path_direction way;
};

/* Packets of a stride whose paths are chosen, and what is known of them step by step. */
struct steered {
	uint16_t count;
	uint16_t of[STRIDE];
	uint32_t numbers[STRIDE]; /* of the lists, then of the paths */
	const struct path_list *lists[STRIDE];
	const struct path *paths[STRIDE];
	struct choose_packet packets[STRIDE];
	struct rule_search searches[STRIDE];
};

struct express {
	struct worker *w;
	const struct subscriber_table *subscribers;
	const struct local_set *local;
	struct subscriber_lengths lengths;
	uint64_t version; /* of the index, before any lookup */
	uint32_t access;  /* ports, a bit each, that classify is to look at */
	struct forward_last last;
	uint32_t forwarded;
	uint32_t encapsulated, decapsulated, relayed_out, relayed_in;
	uint16_t tallied;
	bool later;                     /* some of this stride go GO_KEYED or GO_LOCK */
	struct tally tally[2 * STRIDE]; /* a packet can come out of a tunnel and go into one */
	struct seat seats[SEATS];
	struct steered steered;
};

/* To be counted when its line has come. */
static inline void tally(struct express *x, uint32_t path, enum path_direction way, uint32_t octets)
{
	struct path_traffic *at = &x->w->traffic[path];

	rte_prefetch0(at);
	x->tally[x->tallied++] = (struct tally){at, octets, way};
}

static inline void count(struct express *x)
{
	for (uint16_t i = 0; i < x->tallied; i++)
		path_traffic_count(x->tally[i].at, x->tally[i].way, x->tally[i].octets, x->w->tsc);
	x->tallied = 0;
}

static inline void make_key(
	const struct express *x, struct subscriber_key *key, const uint8_t address[16])
{
	struct in6_addr prefix;

	if (likely(x->lengths.longest == 128)) {
		subscriber_key_make(x->subscribers, key, address, 128);
		return;
	}
	prefix = ip6_load(address);
	prefix = prefix6_of(&prefix, x->lengths.longest).addr;
	subscriber_key_make(x->subscribers, key, &prefix, x->lengths.longest);
}

/* To an address of ours: nearly all are tunnel packets without options. */
static inline rte_edge_t look_local(struct express *x, struct rte_mbuf *m, struct seat *seat)
{
	const struct rte_ipv6_hdr *inner;

	const uint8_t proto = ip6_of(m)->proto;

	if (unlikely(proto != IP6_TUNNEL && proto != IPPROTO_GRE))
		return EXPRESS_LOCAL;
	meta_of(m)->outer = IP6_LEN;
	if (proto == IPPROTO_GRE && unlikely(gre_one(m) != GRE_DECAP))
		return EXPRESS_LOCAL;
	if (unlikely(decap_check(m) != DECAP_STEER))
		return EXPRESS_DECAP;
	inner = decap_inner(m);
	make_key(x, &seat->key, inner->src_addr);
	make_key(x, &seat->inner, inner->dst_addr);
	return GO_UP;
}

static inline rte_edge_t look_one(struct express *x, struct rte_mbuf *m, struct seat *seat)
{
	const struct rte_ipv6_hdr *ip;

	if (unlikely(x->access >> m->port & 1))
		return EXPRESS_CLASSIFY;
	if (unlikely(classify_one(m) != CLASSIFY_STEER))
		return EXPRESS_CLASSIFY;
	ip = ip6_of(m);
	if (local_set_may_have(x->local, ip->dst_addr) && local_set_has(x->local, ip6_dst(ip)))
		return look_local(x, m, seat);
	make_key(x, &seat->key, ip->dst_addr);
	return GO_DOWN;
}

static inline void look(struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[],
	uint16_t from, uint16_t to, uint16_t n)
{
	for (uint16_t i = from; i < to; i++) {
		node_prefetch(mbufs, i, n);
		next[i] = look_one(x, mbufs[i], &x->seats[i % SEATS]);
	}
}

static inline void match(struct express *x, const rte_edge_t next[], uint16_t from, uint16_t to)
{
	for (uint16_t i = from; i < to; i++) {
		struct seat *seat = &x->seats[i % SEATS];

		if (likely(next[i] >= GO_DOWN))
			subscriber_key_match(x->subscribers, &seat->key);
		if (next[i] == GO_UP)
			subscriber_key_match(x->subscribers, &seat->inner);
	}
}

/* Not found by the longest length, or moved in the index while it was looked for. */
static __rte_noinline const struct subscriber_entry *find_else(
	const struct express *x, const struct subscriber_key *key, const void *address)
{
	const struct subscriber_entry *entry = NULL;
	const struct in6_addr a = ip6_load(address);

	if (x->version != sig_index_version(&x->subscribers->by_prefix))
		entry = subscriber_key_find(x->subscribers, key);
	if (!entry && x->lengths.shorter)
		subscriber_table_lookup_shorter(
			x->subscribers, 0, x->lengths.longest, &a, 1, &entry);
	return entry;
}

static inline const struct subscriber_entry *find(
	const struct express *x, const struct subscriber_key *key, const void *address)
{
	const struct subscriber_entry *entry = subscriber_key_entry(x->subscribers, key);

	atomic_thread_fence(memory_order_acquire);
	if (likely(entry) || likely(!x->lengths.shorter &&
				     x->version == sig_index_version(&x->subscribers->by_prefix)))
		return entry;
	return find_else(x, key, address);
}

/* Into the tunnel of the first path. */
static __rte_always_inline rte_edge_t finish_first(
	struct express *x, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const uint32_t octets = m->pkt_len;
	rte_edge_t edge = encap_one(x->w, m, entry);

	if (unlikely(edge != ENCAP_FORWARD))
		return edge == ENCAP_NO_ROOM ? FORWARD_NO_ROOM : EXPRESS_ENCAP;
	x->encapsulated++;
	if (unlikely(entry->relayed))
		x->relayed_out++;
	else
		tally(x, entry->path, PATH_OUT, octets);
	return GO_ROUTE;
}

/* Whether the first path has keys; then they are asked for. */
static inline bool ask_keys(struct express *x, const struct subscriber_entry *entry)
{
	const struct path_table *paths = &x->w->tables->paths;
	const struct path_shape *shape = path_shape_at(paths, entry->shape);

	if (likely(path_header_gre(shape->header) != PATH_GRE_KEYED))
		return false;
	x->later = true;
	rte_prefetch0(path_keys_at(paths, entry->path));
	return true;
}

/* Its path is to be chosen: the list of its paths is asked for. */
static inline rte_edge_t finish_steered(
	struct express *x, const struct subscriber_entry *entry, uint16_t i)
{
	struct steered *s = &x->steered;

	if (unlikely(entry->steered == PATH_STEERED_NUMBERED))
		return EXPRESS_ENCAP;
	s->of[s->count] = i;
	s->numbers[s->count] = entry->paths;
	s->lists[s->count] = path_list_at(&x->w->tables->paths, entry->paths);
	rte_prefetch0(s->lists[s->count++]);
	return GO_CHOOSE;
}

/* Into a tunnel of a subscriber. i: place of the packet. */
static __rte_always_inline rte_edge_t finish_entry(
	struct express *x, struct rte_mbuf *m, const struct subscriber_entry *entry, uint16_t i)
{
	meta_of(m)->subscriber = subscriber_number(x->subscribers, entry);
	if (unlikely(entry->steered))
		return finish_steered(x, entry, i);
	return ask_keys(x, entry) ? GO_KEYED : finish_first(x, m, entry);
}

/* For a subscriber, if there is one by this key, or for nobody that we know. */
static __rte_always_inline rte_edge_t finish_down(
	struct express *x, struct rte_mbuf *m, const struct subscriber_key *key, uint16_t i)
{
	const struct subscriber_entry *entry = find(x, key, ip6_of(m)->dst_addr);

	if (!entry)
		return GO_ROUTE;
	if (unlikely(steer_is_discovery(m)))
		return EXPRESS_STEER;
	return finish_entry(x, m, entry, i);
}

/* By one path; a packet that rules send by several, or none, is encap's. */
static inline rte_edge_t finish_path(
	struct express *x, struct rte_mbuf *m, uint32_t number, const struct path *path)
{
	struct choose_way by;
	rte_edge_t edge;

	choose_way(x->w, number, path, &by);
	edge = encap_by(m, &by.way);
	if (unlikely(edge != ENCAP_FORWARD))
		return edge == ENCAP_NO_ROOM ? FORWARD_NO_ROOM : EXPRESS_ENCAP;
	x->encapsulated++;
	if (likely(!by.relayed))
		traffic_sent(x->w, m, number);
	else
		x->relayed_out++;
	return GO_ROUTE;
}

/* Asks for what the rules of a list are looked for in. */
static inline void prefetch_rules(const struct rule_sets *sets, const struct path_list *list)
{
	if (list->index != POOL_NONE)
		rte_prefetch0(pool_at(&sets->indexes, list->index));
	else if (list->block != POOL_NONE)
		rule_block_prefetch(pool_at(&sets->blocks, list->block));
}

/* Looks for the rules of steered packets as far as memory is there, and asks for what is not. */
static inline void search(struct express *x, struct rte_mbuf **mbufs)
{
	const struct rule_sets *sets = &x->w->tables->rules.sets;
	struct steered *s = &x->steered;
	uint32_t more = 0;

	for (uint16_t k = 0; k < s->count; k++)
		prefetch_rules(sets, s->lists[k]);
	for (uint16_t k = 0; k < s->count; k++) {
		choose_read(mbufs[s->of[k]], &s->packets[k]);
		choose_search(x->w, s->lists[k], &s->packets[k], &s->searches[k]);
		rule_search_ahead(sets, &s->searches[k]);
		more |= s->searches[k].left;
	}
	for (uint16_t k = 0; more && k < s->count; k++) {
		if (!rule_search_goes_on(&s->searches[k]))
			continue;
		rule_search_next(sets, &s->packets[k].key, &s->searches[k]);
		rule_search_ahead(sets, &s->searches[k]);
	}
}

/* The steered packets of a stride: rules and path each are on their way meanwhile. Those that are
 * to take a route are added to the count that do. */
static __rte_noinline uint16_t finish_chosen(struct express *x, struct rte_mbuf **mbufs,
	rte_edge_t next[], uint16_t routed[], uint16_t n)
{
	struct steered *s = &x->steered;

	search(x, mbufs);
	for (uint16_t k = 0; k < s->count; k++) {
		const uint16_t i = s->of[k];
		uint32_t chosen = choose_found(x->w, mbufs[i], s->numbers[k], s->lists[k],
			&s->packets[k], &s->searches[k]);

		if (unlikely(chosen == 0 || chosen & (chosen - 1))) {
			next[i] = EXPRESS_ENCAP;
			continue;
		}
		s->numbers[k] = s->lists[k]->paths[__builtin_ctz(chosen)];
		s->paths[k] = path_at(&x->w->tables->paths, s->numbers[k]);
		rte_prefetch0(s->paths[k]);
		rte_prefetch0(&s->paths[k]->data_plane);
		rte_prefetch0(&x->w->traffic[s->numbers[k]]);
	}
	for (uint16_t k = 0; k < s->count; k++) {
		const uint16_t i = s->of[k];

		if (unlikely(next[i] != GO_CHOOSE))
			continue;
		next[i] = finish_path(x, mbufs[i], s->numbers[k], s->paths[k]);
		routed[n] = i;
		n += next[i] == GO_ROUTE;
	}
	return n;
}

/* Those of a stride whose keys are there by now. */
static __rte_noinline void finish_keyed(
	struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t from, uint16_t to)
{
	for (uint16_t i = from; i < to; i++)
		if (next[i] == GO_KEYED)
			next[i] = finish_first(x, mbufs[i],
				subscriber_at(x->subscribers, meta_of(mbufs[i])->subscriber));
}

/* Sent here by another data plane, for a node. */
static __rte_noinline rte_edge_t finish_relayed(
	struct express *x, struct rte_mbuf *m, const struct seat *seat, uint16_t i)
{
	const struct data_plane_set *set = data_plane_table_get(&x->w->tables->data_planes);
	const struct rte_ipv6_hdr *outer = ip6_of(m);
	const struct subscriber_entry *entry;

	if (meta_of(m)->flags & META_GRE ||
		!data_plane_set_relays(set, ip6_src(outer), ip6_dst(outer)) ||
		decap_strip(m, SUBSCRIBER_NONE) != DECAP_STEER)
		return EXPRESS_DECAP;
	x->decapsulated++;
	entry = find(x, &seat->inner, ip6_of(m)->dst_addr);
	if (!entry || entry->relayed || entry->steered)
		return EXPRESS_RELAY;
	x->relayed_in++;
	return finish_entry(x, m, entry, i);
}

/* Out of the tunnel of the subscriber that it says to come from; GO_DOWN: on by its inner key. */
static inline rte_edge_t finish_tunnelled(struct express *x, struct rte_mbuf *m,
	const struct seat *seat, const struct subscriber_entry *entry, uint16_t i)
{
	const struct rte_ipv6_hdr *outer = ip6_of(m);
	uint32_t path;

	if (unlikely(!entry || !decap_accepts(x->subscribers, m, entry))) {
		meta_of(m)->subscriber = SUBSCRIBER_NONE;
		return finish_relayed(x, m, seat, i);
	}
	path = traffic_hear(x->w, entry, ip6_src(outer));
	if (unlikely(decap_strip(m, subscriber_number(x->subscribers, entry)) != DECAP_STEER))
		return EXPRESS_DECAP;
	x->decapsulated++;
	if (likely(path != POOL_NONE))
		tally(x, path, PATH_IN, m->pkt_len);
	if (unlikely(local_set_may_have(x->local, ip6_of(m)->dst_addr)) &&
		local_set_has(x->local, ip6_dst(ip6_of(m))))
		return EXPRESS_STEER;
	return GO_DOWN;
}

static inline rte_edge_t finish_up(
	struct express *x, struct rte_mbuf *m, const struct seat *seat, uint16_t i)
{
	const struct subscriber_entry *entry = find(x, &seat->key, decap_inner(m)->src_addr);

	if (unlikely(meta_of(m)->flags & META_GRE) && entry && ask_keys(x, entry)) {
		meta_of(m)->subscriber = subscriber_number(x->subscribers, entry);
		return GO_LOCK;
	}
	return finish_tunnelled(x, m, seat, entry, i);
}

/* Those of a stride whose keys were on their way meanwhile. */
static __rte_noinline void finish_locked(
	struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t from, uint16_t to)
{
	for (uint16_t i = from; i < to; i++) {
		const struct seat *seat = &x->seats[i % SEATS];

		if (next[i] != GO_LOCK)
			continue;
		next[i] = finish_tunnelled(x, mbufs[i], seat,
			subscriber_at(x->subscribers, meta_of(mbufs[i])->subscriber), i);
		if (next[i] == GO_DOWN)
			next[i] = finish_down(x, mbufs[i], &seat->inner, i);
	}
}

/* The way out, for those of a stride that are to take it. */
static inline void route(struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[],
	const uint16_t of[], uint16_t n)
{
	struct in6_addr destinations[STRIDE];
	const struct route_next_hop *hops[STRIDE];

	for (uint16_t i = 0; i < n; i++)
		destinations[i] = ip6_load(ip6_of(mbufs[of[i]])->dst_addr);
	route_table_lookup(&x->w->tables->routes, destinations, n, hops);
	for (uint16_t i = 0; i < n; i++)
		next[of[i]] = forward_one(x->w, mbufs[of[i]], hops[i], &x->last, &x->forwarded);
}

static inline void finish(
	struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t from, uint16_t to)
{
	uint16_t routed[STRIDE], n = 0;

	x->later = false;
	x->steered.count = 0;
	for (uint16_t i = from; i < to; i++) {
		const struct seat *seat = &x->seats[i % SEATS];
		rte_edge_t edge = next[i];

		if (edge == GO_DOWN) {
			edge = finish_down(x, mbufs[i], &seat->key, i);
		} else if (edge == GO_UP) {
			edge = finish_up(x, mbufs[i], seat, i);
			if (likely(edge == GO_DOWN))
				edge = finish_down(x, mbufs[i], &seat->inner, i);
		}
		if (likely(edge == GO_ROUTE))
			routed[n++] = i;
		next[i] = edge;
	}
	if (unlikely(x->later))
		finish_locked(x, mbufs, next, from, to);
	if (unlikely(x->steered.count))
		n = finish_chosen(x, mbufs, next, routed, n);
	if (unlikely(x->later)) {
		finish_keyed(x, mbufs, next, from, to);
		n = 0;
		for (uint16_t i = from; i < to; i++)
			if (next[i] == GO_ROUTE)
				routed[n++] = i;
	}
	if (likely(n))
		route(x, mbufs, next, routed, n);
	count(x);
}

static inline void express_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	struct express x;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	x.w = w;
	x.subscribers = &w->tables->subscribers;
	x.local = local_table_get(&w->tables->local);
	x.lengths = subscriber_table_lengths(x.subscribers);
	x.version = sig_index_version(&x.subscribers->by_prefix);
	x.access = link_table_access(&w->tables->links);
	x.last = (struct forward_last){.hop = NULL};
	x.tallied = 0;
	x.forwarded = x.encapsulated = x.decapsulated = x.relayed_out = x.relayed_in = 0;
	for (uint16_t at = 0; at < n + (STAGES - 1) * STRIDE; at += STRIDE) {
		if (at < n)
			look(&x, mbufs, next, at, RTE_MIN(at + STRIDE, n), n);
		if (at >= STRIDE && at - STRIDE < n)
			match(&x, next, at - STRIDE, RTE_MIN(at, n));
		if (at >= 2 * STRIDE)
			finish(&x, mbufs, next, at - 2 * STRIDE, RTE_MIN(at - STRIDE, n));
	}
	node_count(w, WORKER_encapsulated, x.encapsulated);
	node_count(w, WORKER_decapsulated, x.decapsulated);
	node_count(w, WORKER_relayed_out, x.relayed_out);
	node_count(w, WORKER_relayed_in, x.relayed_in);
	node_count(w, WORKER_forwarded, x.forwarded);
}

static uint16_t express_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, express_work);
}

static struct rte_node_register express_node = {
	.name = "express",
	.process = express_process,
	.init = node_init,
	.nb_edges = EXPRESS_EDGES,
	.next_nodes =
		{
			FORWARD_NEXT_NODES,
			[EXPRESS_CLASSIFY] = "classify",
			[EXPRESS_STEER] = "steer",
			[EXPRESS_LOCAL] = "local",
			[EXPRESS_DECAP] = "decap",
			[EXPRESS_RELAY] = "relay",
			[EXPRESS_ENCAP] = "encap",
		},
};
RTE_NODE_REGISTER(express_node)
