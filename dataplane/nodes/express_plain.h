/*
 * The part of express that is for plain packets (plain.h), in three steps for a stride: what
 * becomes of each is found out, their routes are looked up together, and each gets its headers. A
 * packet whose way turns out to be another is opened, as it came, for the steps that are for all.
 */
#pragma once

#include "dataplane/nodes/express.h"

/* What a plain packet comes to. */
struct plain_way {
	struct rte_mbuf *m;            /* NULL: it was opened meanwhile */
	struct rte_ipv6_hdr *ip;       /* what is routed, or put into a tunnel */
	const uint8_t *header;         /* of the tunnel that it goes into, or NULL */
	const struct in6_addr *remote; /* where that leads */
	uint32_t class_and_label;      /* of that */
	uint32_t path;                 /* that it takes, or came by; POOL_NONE: none of ours */
	uint16_t mtu;                  /* of the path, 0: any */
	bool relayed;                  /* it came from another data plane */
	uint16_t of;                   /* its place */
};

/* GO_ROUTE: it is not plain. */
static inline rte_edge_t plain_look(struct express *x, struct rte_mbuf *m, struct seat *seat)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct rte_ipv6_hdr *ip = plain_ip(frame);

	if (unlikely(m->port != x->port.number))
		plain_port_set(&x->port, m->port, x->access >> m->port & 1);
	if (unlikely(!plain_frame(m, frame, &x->port)))
		return GO_ROUTE;
	if (likely(!local_set_may_have(x->local, ip->dst_addr)) ||
		!local_set_has(x->local, ip6_dst(ip))) {
		if (unlikely(!plain_protocol(ip)))
			return GO_ROUTE;
		express_make_key(x, &seat->key, ip->dst_addr);
		return PLAIN_DOWN;
	}
	if (unlikely(ip->proto != IP6_TUNNEL || !plain_inner(ip, m->data_len - PLAIN_ETHER)))
		return GO_ROUTE;
	express_make_key(x, &seat->key, ip[1].src_addr);
	express_make_key(x, &seat->inner, ip[1].dst_addr);
	return PLAIN_UP;
}

/* As a packet is that was never taken for plain. */
static inline rte_edge_t plain_reopen(struct rte_mbuf *m, rte_edge_t edge)
{
	plain_open(m);
	if (edge == PLAIN_DOWN)
		return GO_DOWN;
	meta_of(m)->outer = IP6_LEN;
	return GO_UP;
}

/* The addr_hash() of the destination that was looked for by a key. */
static inline uint64_t plain_hash(
	const struct express *x, const struct subscriber_key *key, const struct rte_ipv6_hdr *ip)
{
	if (likely(x->lengths.longest == 128))
		return key->hash ^ table_hash_tag(128);
	return addr_hash(ip6_dst(ip));
}

/* To be put into a tunnel, yet unknown. */
static __rte_always_inline void plain_mark(
	const struct express *x, const struct subscriber_key *key, struct plain_way *way)
{
	const struct rte_ipv6_hdr *ip = way->ip;

	way->class_and_label = (ntohl(ip->vtc_flow) & ENCAP_CLASS_MASK) |
			       encap_flow_label(ip, IP6_LEN + PLAIN_PORTS, plain_hash(x, key, ip));
}

/* The path is to be chosen (plain_choose); false: not here. */
static __rte_always_inline bool plain_steered(struct express *x,
	const struct subscriber_entry *entry, struct plain_way *way, unsigned place)
{
	struct steered *s = &x->steered;

	if (unlikely(entry->steered != PATH_STEERED || !choose_has_ports(way->ip)))
		return false;
	s->of[s->count] = (uint16_t)place;
	s->numbers[s->count] = entry->paths;
	s->lists[s->count] = path_list_at(&x->w->tables->paths, entry->paths);
	s->ips[s->count] = way->ip;
	rte_prefetch0(s->lists[s->count++]);
	way->header = NULL;
	way->path = POOL_NONE;
	return true;
}

/* Into the tunnel of the first path; false: it is not one, or would go round in it. */
static __rte_always_inline bool plain_first(struct express *x, const struct subscriber_entry *entry,
	struct plain_way *way, struct in6_addr *to)
{
	way->header = path_shape_at(&x->w->tables->paths, entry->shape)->header;
	way->remote = &entry->remote;
	way->path = likely(!entry->relayed) ? entry->path : POOL_NONE;
	way->mtu = entry->mtu;
	*to = entry->remote;
	return likely(way->header[6] == IP6_TUNNEL) && likely(!addr_equal(ip6_dst(way->ip), to));
}

/* Into the tunnel of a subscriber, or to nobody that we know; false: otherwise. */
static __rte_always_inline bool plain_down(struct express *x, const struct seat *seat,
	struct plain_way *way, unsigned place, struct in6_addr *to)
{
	const struct rte_ipv6_hdr *ip = way->ip;
	const struct subscriber_entry *entry = express_find(x, &seat->key, ip->dst_addr);

	if (!entry) {
		way->header = NULL;
		way->path = POOL_NONE;
		*to = ip6_load(ip->dst_addr);
		return true;
	}
	way->relayed = false;
	plain_mark(x, &seat->key, way);
	if (unlikely(entry->steered))
		return plain_steered(x, entry, way, place);
	return plain_first(x, entry, way, to);
}

/* From another data plane, into the tunnel of a subscriber; false: otherwise. */
static __rte_noinline bool plain_relayed(
	struct express *x, const struct seat *seat, struct plain_way *way, struct in6_addr *to)
{
	const struct data_plane_set *set = data_plane_table_get(&x->w->tables->data_planes);
	const struct rte_ipv6_hdr *ip = way->ip, *outer = ip - 1;
	const struct subscriber_entry *entry;

	if (!plain_protocol(ip) || !data_plane_set_relays(set, ip6_src(outer), ip6_dst(outer)))
		return false;
	entry = express_find(x, &seat->inner, ip->dst_addr);
	if (!entry || entry->relayed || entry->steered)
		return false;
	way->relayed = true;
	plain_mark(x, &seat->inner, way);
	return plain_first(x, entry, way, to);
}

/* Out of the tunnel of a subscriber with one path, to somebody who is none, or of that of another
 * data plane; false: otherwise. */
static __rte_always_inline bool plain_up(
	struct express *x, const struct seat *seat, struct plain_way *way, struct in6_addr *to)
{
	const struct rte_ipv6_hdr *outer = way->ip, *ip = ++way->ip;
	const struct subscriber_entry *entry = express_find(x, &seat->key, ip->src_addr);
	const struct path_shape *shape;

	if (unlikely(!entry))
		return plain_relayed(x, seat, way, to);
	if (unlikely(entry->paths != POOL_NONE || entry->relayed))
		return false;
	shape = path_shape_at(&x->w->tables->paths, entry->shape);
	if (unlikely(shape->header[6] != IP6_TUNNEL ||
		     !addr_equal(ip6_src(outer), &entry->remote) ||
		     !addr_equal(ip6_dst(outer), path_shape_local(shape)) ||
		     local_set_may_have(x->local, ip->dst_addr)))
		return false;
	if (express_find(x, &seat->inner, ip->dst_addr))
		return false;
	way->header = NULL;
	way->path = entry->path;
	*to = ip6_load(ip->dst_addr);
	return true;
}

/* The path of a steered packet, by the choice that was made; false: not a plain one. */
static __rte_always_inline bool plain_take(
	struct express *x, unsigned k, struct plain_way *way, struct in6_addr *to)
{
	const struct path *path = x->steered.paths[k];

	way->header = path_shape_at(&x->w->tables->paths, path->shape)->header;
	way->remote = &path->remote;
	way->path = x->steered.numbers[k];
	way->mtu = path->mtu;
	*to = path->remote;
	return !(path->data_plane & PATH_RELAYED) && way->header[6] == IP6_TUNNEL &&
	       !addr_equal(ip6_dst(way->ip), to);
}

/* The paths of steered packets; those that do not get one are left without m. True: some are. */
static __rte_noinline bool plain_choose(
	struct express *x, struct plain_way ways[], struct in6_addr to[], rte_edge_t next[])
{
	struct steered *s = &x->steered;
	bool left = false;

	express_choose_plain(x);
	for (unsigned k = 0; k < s->count; k++) {
		struct plain_way *way = &ways[s->of[k]];

		if (likely(s->lists[k] && plain_take(x, k, way, &to[s->of[k]])))
			continue;
		next[way->of] = plain_reopen(way->m, next[way->of]);
		to[s->of[k]] = in6addr_any;
		way->m = NULL;
		left = true;
	}
	return left;
}

/* Whether the way out by a hop is known, and the neighbour there. */
static __rte_noinline bool plain_hop(struct express *x, const struct plain_way *way,
	const struct route_next_hop *hop, const struct in6_addr *to)
{
	const struct in6_addr from = ip6_load(way->header ? way->header + 8 : way->ip->src_addr);

	return forward_leads(x->w, hop, &from, to, &x->last) && x->last.neighbour;
}

/* Into its tunnel; false: there is no room, or the tunnel's MTU is too small. */
static __rte_always_inline bool plain_encap(
	struct express *x, const struct plain_way *way, uint32_t octets)
{
	const struct encap_way by = {way->header, way->remote, 0, 0};
	const uint32_t mtu = way->mtu;

	if (unlikely(rte_pktmbuf_headroom(way->m) < IP6_LEN || (mtu && octets > mtu)))
		return false;
	way->ip->hop_limits--;
	encap_put_ip6(way->ip - 1, &by, way->class_and_label, (uint16_t)(octets - IP6_LEN));
	x->encapsulated++;
	if (unlikely(way->relayed)) {
		x->decapsulated++;
		x->relayed_in++;
	}
	if (likely(way->path != POOL_NONE))
		express_tally(x, way->path, PATH_OUT, octets - IP6_LEN);
	else
		x->relayed_out++;
	return true;
}

/* By its route, without the tunnel that it may have come by. */
static __rte_always_inline void plain_pass(
	struct express *x, const struct plain_way *way, uint32_t octets)
{
	if (way->path != POOL_NONE) {
		express_tally(x, way->path, PATH_IN, octets);
		x->decapsulated++;
	}
	way->ip->hop_limits--;
	x->forwarded++;
}

/* All that is left of one; false: its way is another. */
static __rte_always_inline bool plain_finish(struct express *x, const struct plain_way *way,
	const struct route_next_hop *hop, const struct in6_addr *to)
{
	struct rte_mbuf *m = way->m;
	uint8_t *ip = (uint8_t *)way->ip - (way->header ? IP6_LEN : 0);
	const uint32_t octets = (uint32_t)(rte_pktmbuf_mtod(m, uint8_t *) + m->data_len - ip);

	if (unlikely(hop != x->last.hop || !x->last.neighbour) && !plain_hop(x, way, hop, to))
		return false;
	if (unlikely(octets > x->last.mtu))
		return false;
	if (!way->header)
		plain_pass(x, way, octets);
	else if (unlikely(!plain_encap(x, way, octets)))
		return false;
	plain_leave(m, ip - PLAIN_ETHER, octets + PLAIN_ETHER, &x->last);
	return true;
}

/* The first step. Returns how many are in ways and to; others: some are left that are not plain. */
static __rte_always_inline unsigned plain_resolve(struct express *x, struct rte_mbuf **mbufs,
	rte_edge_t next[], const struct seat seats[], unsigned n, struct plain_way ways[],
	struct in6_addr to[], bool *others, rte_edge_t all)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++) {
		const rte_edge_t edge = express_edge(all, next[i]);
		struct plain_way *way = &ways[count];
		bool taken;

		if (unlikely(edge < PLAIN_DOWN)) {
			*others |= edge >= GO_DOWN;
			continue;
		}
		way->m = mbufs[i];
		way->ip = plain_ip(rte_pktmbuf_mtod(way->m, uint8_t *));
		way->of = (uint16_t)i;
		if (likely(edge == PLAIN_DOWN))
			taken = plain_down(x, &seats[i], way, count, &to[count]);
		else
			taken = plain_up(x, &seats[i], way, &to[count]);
		if (likely(taken)) {
			if (likely(way->path != POOL_NONE))
				express_tally_soon(x, way->path);
			count++;
		} else {
			next[i] = plain_reopen(way->m, edge);
			*others = true;
		}
	}
	return count;
}

/* The plain ones of n packets, a stride at most. True: some others are left. */
static __rte_always_inline bool plain_stride(struct express *x, struct rte_mbuf **mbufs,
	rte_edge_t next[], const struct seat seats[], unsigned n, rte_edge_t all)
{
	struct plain_way ways[EXPRESS_STRIDE];
	struct in6_addr to[EXPRESS_STRIDE];
	const struct route_next_hop *hops[EXPRESS_STRIDE];
	bool others = false;
	unsigned count;

	if (likely(all == PLAIN_DOWN))
		count = plain_resolve(x, mbufs, next, seats, n, ways, to, &others, PLAIN_DOWN);
	else if (all == PLAIN_UP)
		count = plain_resolve(x, mbufs, next, seats, n, ways, to, &others, PLAIN_UP);
	else
		count = plain_resolve(x, mbufs, next, seats, n, ways, to, &others, EXPRESS_MIXED);

	if (unlikely(x->steered.count))
		others |= plain_choose(x, ways, to, next);
	if (likely(count))
		route_table_lookup(&x->w->tables->routes, to, count, hops);
	for (unsigned k = 0; k < count; k++) {
		const unsigned i = ways[k].of;

		if (unlikely(!ways[k].m))
			continue;
		if (likely(plain_finish(x, &ways[k], hops[k], &to[k]))) {
			next[i] = FORWARD_TX;
		} else {
			next[i] = plain_reopen(mbufs[i], next[i]);
			others = true;
		}
	}
	return others;
}
