/*
 * decap: takes a packet out of its tunnel, if it comes from where its source is registered (RFC
 * 6275, 10.4.5; RFC 2473, 3.3; RFC 6040, 4.2), from another data plane, or, for a subscriber that
 * is on a link here, by its tunnel (RFC 5213, 6.10.5). Multicast comes out of a tunnel only to
 * groups that come by this one (RFC 6224, 4.2); what listeners and routers say of groups in tunnels
 * is control's to judge (RFC 6275, 10.4.3).
 */
#include "dataplane/nodes/decap.h"

#include "dataplane/agent/events.h"
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/budget.h"
#include "dataplane/nodes/domain.h"
#include "dataplane/nodes/hold.h"
#include "dataplane/nodes/mld.h"
#include "dataplane/nodes/resequence.h"
#include "dataplane/nodes/traffic.h"
#include "dataplane/port.h"

const uint8_t decap_ecn_out[4][4] = {
	{0, 0, 0, DECAP_ECN_DROP},
	{1, 1, 1, 3},
	{2, 1, 2, 3},
	{3, 3, 3, 3},
};

/* Somebody sends for a subscriber, or as one, from where it is not: control wants to know. */
static void tell(struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	uint32_t times = budget_take(&w->event_budget, w->tsc);
	struct update_event event = {.kind = UPDATE_EVENT_WRONG_SOURCE};

	if (times == 0)
		return;
	event.subscriber = entry ? entry->id : 0;
	event.inner = *ip6_src(decap_inner(m));
	event.outer = *ip6_src(ip6_of(m));
	event.value = times;
	events_put(w->index, &event);
}

static struct domain_tunnel domain_tunnel_of(struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *outer = ip6_of(m), *inner = decap_inner(m);

	return (struct domain_tunnel){.remote = ip6_load(outer->src_addr),
		.local = ip6_load(outer->dst_addr),
		.mark = decap_mark(meta_of(m)),
		.source = ip6_load(inner->src_addr),
		.inner = ip6_load(inner->dst_addr)};
}

const struct subscriber_entry *decap_attached(const struct worker *w, struct rte_mbuf *m)
{
	const struct subscriber_table *t = &w->tables->subscribers;
	const struct in6_addr to = ip6_load(decap_inner(m)->dst_addr);
	const struct subscriber_entry *entry;

	if (likely(link_table_access(&w->tables->links) == 0))
		return NULL;
	if (unlikely(w->tables->domains.count)) {
		const struct domain_tunnel at = domain_tunnel_of(m);

		entry = domain_receiver(w, &at);
		if (entry)
			return entry;
	}
	entry = subscriber_table_find(t, 0, &to);
	if (!entry || !path_header_on_link(path_shape_at(t->paths, entry->shape)->header))
		return NULL;
	return entry;
}

/* Why a packet is refused that came between the ends of a tunnel of this subscriber, but not as the
 * packets of that tunnel do; DECAP_STEER: it did not. */
static rte_edge_t decap_mismatch(
	const struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct subscriber_table *t = &w->tables->subscribers;
	const struct rte_ipv6_hdr *outer = ip6_of(m);

	if (!entry || !subscriber_accepts_else(t, entry, ip6_src(outer), ip6_dst(outer), NULL))
		return DECAP_STEER;
	if (!(meta_of(m)->flags & META_GRE) || !subscriber_has_gre(t, entry))
		return DECAP_KIND;
	return DECAP_GRE_KEY;
}

/* Out of a tunnel of this subscriber, which may have it put in order. */
static inline rte_edge_t decap_of(
	struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct meta *meta = meta_of(m);
	const bool numbered = unlikely(meta->flags & META_GRE) && meta->numbered;
	const uint32_t number = unlikely(numbered) ? resequence_number(m) : 0;
	rte_edge_t edge = decap_strip(m, subscriber_number(&w->tables->subscribers, entry));

	if (unlikely(numbered) && edge == DECAP_STEER && resequence_mark(w, m, entry, number))
		return DECAP_RESEQUENCE;
	return edge;
}

/* Where a packet goes that a subscriber of another domain than the public one has sent, whose key
 * it has (RFC 5845, 5.2); DECAP_EDGES: none has. */
static rte_edge_t decap_domain(struct worker *w, struct rte_mbuf *m)
{
	const struct domain_tunnel at = domain_tunnel_of(m);
	const struct subscriber_entry *entry = domain_sender(w, &at);
	rte_edge_t edge;

	if (!entry && domain_tunnel_is(w, &at))
		return meta_of(m)->flags & META_GRE ? DECAP_GRE_KEY : DECAP_KIND;
	if (!entry)
		return DECAP_EDGES;
	traffic_heard(w, entry, &at.remote, ip6_total(decap_inner(m)));
	edge = decap_of(w, m, entry);
	domain_set(m, domain_of_subscriber(entry));
	return edge;
}

/* Not sent by a node from where it is. From another data plane it is on its way to a node, and
 * comes from anywhere. */
static rte_edge_t decap_else(
	struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct data_plane_set *set = data_plane_table_get(&w->tables->data_planes);
	const struct rte_ipv6_hdr *outer = ip6_of(m);
	rte_edge_t edge;

	if (!(meta_of(m)->flags & META_GRE) &&
		data_plane_set_relays(set, ip6_src(outer), ip6_dst(outer))) {
		edge = decap_strip(m, SUBSCRIBER_NONE);
		return edge == DECAP_STEER ? DECAP_RELAY : edge;
	}
	const struct subscriber_entry *to = decap_attached(w, m);

	if (to && decap_accepts(&w->tables->subscribers, m, to)) {
		if (unlikely(hold_waits_for(w, m)))
			return DECAP_HOLD;
		traffic_arrived(w, to, outer, ip6_total(decap_inner(m)));
		edge = decap_of(w, m, to);
		domain_set(m, domain_of_subscriber(to));
		return edge;
	}
	if (w->tables->domains.count) {
		edge = decap_domain(w, m);
		if (edge != DECAP_EDGES)
			return edge;
	}
	if (!to && hold_wants(w, m))
		return DECAP_HOLD;
	edge = decap_mismatch(w, m, to ? to : entry);
	if (edge != DECAP_STEER)
		return edge;
	tell(w, m, entry);
	return entry ? DECAP_WRONG_CARE_OF : DECAP_UNKNOWN_SOURCE;
}

static inline rte_edge_t decap_one(
	struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct subscriber_table *t = &w->tables->subscribers;
	const struct rte_ipv6_hdr *outer = ip6_of(m);

	if (unlikely(!entry || !decap_accepts(t, m, entry)))
		return decap_else(w, m, entry);
	traffic_heard(w, entry, ip6_src(outer), ip6_total(decap_inner(m)));
	return decap_of(w, m, entry);
}

/* To control, with its tunnel header. */
static rte_edge_t show(struct rte_mbuf *m)
{
	struct meta *meta = meta_of(m);

	meta->punt_reason = PACKET_LISTENER;
	meta->punt_class = MIRROR_CLASS_REST;
	return node_restore_ethernet(m, &port_table[meta->port % PORT_MAX].mac) ? DECAP_PUNT
										: DECAP_NO_ROOM;
}

/* Whether a packet came by the tunnel of a path. */
static bool is_by(const struct path_table *t, uint64_t path, struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *outer = ip6_of(m);
	const struct path_mark mark = decap_mark(meta_of(m));
	const uint32_t number = path_table_find(t, path);
	const struct path *by = number == POOL_NONE ? NULL : path_at(t, number);

	return by && addr_equal(&by->remote, ip6_src(outer)) &&
	       addr_equal(path_shape_local(path_shape_at(t, by->shape)), ip6_dst(outer)) &&
	       path_is_marked(t, path_shape_at(t, by->shape)->header, number, &mark);
}

/* The place among those by which groups come of the tunnel that a packet came by; 0: none. */
static uint16_t tunnel_of(const struct tables *t, struct rte_mbuf *m)
{
	const struct group_tunnels *tunnels = &t->groups.tunnels;
	const struct rte_ipv6_hdr *outer = ip6_of(m);
	const uint32_t tag = group_tunnel_tag(ip6_src(outer), ip6_dst(outer));
	uint16_t place = group_tunnel_next(tunnels, 0, tag);

	while (place && !is_by(&t->paths, group_tunnel_path(tunnels, place), m))
		place = group_tunnel_next(tunnels, place, tag);
	return place;
}

/* A packet with an address that stays on its link, or to a group. */
static rte_edge_t decap_scope(struct worker *w, struct rte_mbuf *m)
{
	const struct group_table *t = &w->tables->groups;
	const struct rte_ipv6_hdr *ip = decap_inner(m);
	uint16_t tunnel;
	uint32_t number;
	rte_edge_t edge;

	if (!addr_is_multicast(ip6_dst(ip)))
		return DECAP_SCOPE;
	if (mld_is(ip, (uint16_t)ip6_total(ip)))
		return show(m);
	tunnel = tunnel_of(w->tables, m);
	number = tunnel ? group_table_find(t, ip6_src(ip), ip6_dst(ip), tunnel) : POOL_NONE;
	if (number == POOL_NONE)
		return DECAP_MULTICAST;
	edge = decap_strip(m, SUBSCRIBER_NONE);
	meta_of(m)->group = number;
	return edge == DECAP_STEER ? DECAP_GROUP : edge;
}

static inline void decap_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	struct in6_addr sources[NODE_BURST];
	const struct subscriber_entry *entries[NODE_BURST];
	uint16_t sound[NODE_BURST], count = 0, done = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++) {
		next[i] = decap_check(mbufs[i]);
		if (unlikely(next[i] == DECAP_SCOPE)) {
			next[i] = decap_scope(w, mbufs[i]);
			done += next[i] == DECAP_GROUP;
		}
		if (unlikely(next[i] != DECAP_STEER))
			continue;
		sources[count] = ip6_load(decap_inner(mbufs[i])->src_addr);
		sound[count++] = i;
	}
	if (likely(count))
		subscriber_table_lookup(&w->tables->subscribers, 0, sources, count, entries);
	for (uint16_t i = 0; i < count; i++) {
		rte_edge_t edge = decap_one(w, mbufs[sound[i]], entries[i]);

		next[sound[i]] = edge;
		done += edge == DECAP_STEER || edge == DECAP_RELAY || edge == DECAP_RESEQUENCE;
	}
	node_count(w, WORKER_decapsulated, done);
}

static uint16_t decap_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, decap_work);
}

static struct rte_node_register decap_node = {
	.name = "decap",
	.process = decap_process,
	.init = node_init,
	.nb_edges = DECAP_EDGES,
	.next_nodes =
		{
			[DECAP_STEER] = "steer",
			[DECAP_RELAY] = "relay",
			[DECAP_INNER] = "drop_tunnel_inner",
			[DECAP_SCOPE] = "drop_tunnel_scope",
			[DECAP_ECN] = "drop_tunnel_ecn",
			[DECAP_UNKNOWN_SOURCE] = "drop_unknown_source",
			[DECAP_WRONG_CARE_OF] = "drop_wrong_care_of",
			[DECAP_GROUP] = "group",
			[DECAP_MULTICAST] = "drop_tunnel_multicast",
			[DECAP_PUNT] = "punt",
			[DECAP_NO_ROOM] = "drop_no_room",
			[DECAP_KIND] = "drop_tunnel_kind",
			[DECAP_GRE_KEY] = "drop_gre_key",
			[DECAP_RESEQUENCE] = "resequence_take",
			[DECAP_HOLD] = "hold_tunnel",
		},
};
RTE_NODE_REGISTER(decap_node)
