/*
 * encap: puts the outer header of a subscriber's path in front of a packet (RFC 2473, 3.1; RFC
 * 6275, 10.4.2), or, if another data plane serves the path, one that leads there. Which path that
 * is, or which paths, choose.h says.
 */
#include "dataplane/nodes/encap.h"

#include "dataplane/nodes/choose.h"
#include "dataplane/nodes/resequence.h"
#include "dataplane/nodes/traffic.h"

uint16_t encap_walk_limit(const struct rte_ipv6_hdr *ip, uint16_t len)
{
	struct ip6_chain chain;

	return ip6_walk((const uint8_t *)ip, len, &chain) == 0 ? chain.limit : 0;
}

rte_edge_t encap_by(struct rte_mbuf *m, const struct encap_way *way)
{
	if (unlikely(path_header_on_link(way->header)))
		return ENCAP_ON_LINK;
	return encap_tunnel(
		m, way, path_header_gre(way->header), encap_limit(ip6_of(m), m->data_len));
}

/* Apart from the rest, so that those who relay nothing do not pay for it. */
static void count_relayed(
	struct worker *w, struct rte_mbuf **mbufs, const rte_edge_t next[], uint16_t n)
{
	uint16_t done = 0;

	for (uint16_t i = 0; i < n; i++) {
		const struct subscriber_entry *entry =
			subscriber_at(&w->tables->subscribers, meta_of(mbufs[i])->subscriber);

		done += next[i] == ENCAP_FORWARD && entry->relayed && !entry->steered;
	}
	node_count(w, WORKER_relayed_out, done);
}

/* The paths that lead out here, not to another data plane. */
static uint32_t own_paths(const struct path_table *t, const struct path_list *list)
{
	uint32_t own = 0;

	for (uint32_t i = 0; i < list->count; i++)
		own |= (uint32_t) !(path_at(t, list->paths[i])->data_plane & PATH_RELAYED) << i;
	return own;
}

/* Another data plane copies for itself: it gets one packet, for the first of its paths. */
static uint32_t once_each(const struct path_table *t, const struct path_list *list, uint32_t paths)
{
	for (uint32_t i = 1; i < list->count; i++) {
		uint16_t other = path_at(t, list->paths[i])->data_plane;

		for (uint32_t k = 0; k < i && paths >> i & 1 && other & PATH_RELAYED; k++)
			if (paths >> k & 1 && path_at(t, list->paths[k])->data_plane == other)
				paths &= ~(1u << i);
	}
	return paths;
}

/* What another data plane sent here, but is served by it or a third one by now: straight to the
 * node, unless that were a data plane (relay.c) or on a link that we do not have. */
static rte_edge_t encap_direct(struct worker *w, struct rte_mbuf *m, uint32_t number)
{
	const struct tables *t = w->tables;
	const struct data_plane_set *set = data_plane_table_get(&t->data_planes);
	const struct path *path = path_at(&t->paths, number);
	const uint8_t *header = path_shape_at(&t->paths, path->shape)->header;
	const struct encap_way way = {
		header, &path->remote, path_key_out(&t->paths, header, number), path->set_mtu};

	if (data_plane_set_has(set, &path->remote) || addr_equal(&set->own, &path->remote) ||
		path_header_on_link(header))
		return ENCAP_RELAY_TWICE;
	return encap_by(m, &way);
}

/* A packet that is in its tunnel now gets its number, if it has a key. */
static rte_edge_t encap_number(
	struct worker *w, struct rte_mbuf *m, const struct encap_way *way, uint32_t list)
{
	if (path_header_gre(way->header) != PATH_GRE_KEYED || resequence_put_number(w, m, list))
		return ENCAP_FORWARD;
	return ENCAP_NO_ROOM;
}

/* By a path of an entry, which is steered. */
static rte_edge_t encap_path(
	struct worker *w, struct rte_mbuf *m, uint32_t number, const struct subscriber_entry *entry)
{
	struct choose_way by;
	rte_edge_t edge;

	choose_way(w, number, path_at(&w->tables->paths, number), &by);
	if (by.relayed && meta_of(m)->flags & META_RELAYED)
		return encap_direct(w, m, number);
	edge = encap_by(m, &by.way);
	if (edge == ENCAP_FORWARD && by.relayed)
		node_count(w, WORKER_relayed_out, 1);
	else if (edge == ENCAP_FORWARD)
		traffic_sent(w, m, number);
	if (edge == ENCAP_FORWARD && !by.relayed && entry->steered == PATH_STEERED_NUMBERED)
		return encap_number(w, m, &by.way, entry->paths);
	if (unlikely(edge == ENCAP_ON_LINK))
		meta_of(m)->path = number;
	return edge;
}

/* By the first path. */
static inline rte_edge_t encap_first(
	struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	rte_edge_t edge = encap_one(w, m, entry);

	if (edge == ENCAP_FORWARD && !entry->relayed)
		traffic_sent(w, m, entry->path);
	if (unlikely(edge == ENCAP_ON_LINK))
		meta_of(m)->path = entry->path;
	return edge;
}

/* Sends a copy by each of the paths. Those that find no buffer are counted as dropped. */
static void encap_copies(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf *m, const struct subscriber_entry *entry, uint32_t paths)
{
	const struct path_list *list = path_list_at(&w->tables->paths, entry->paths);

	for (; paths; paths &= paths - 1) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
		rte_edge_t edge;

		if (!copy) {
			counter_add(&w->drops[DROP_no_buffer], 1);
			continue;
		}
		*meta_of(copy) = *meta_of(m);
		edge = encap_path(w, copy, list->paths[__builtin_ctz(paths)], entry);
		node_count(w, WORKER_copied, 1);
		node_count(w, WORKER_encapsulated, edge == ENCAP_FORWARD);
		rte_node_enqueue_x1(graph, node, edge, copy);
	}
}

/* For a subscriber whose paths are chosen packet by packet. */
static rte_edge_t encap_steered(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct path_table *t = &w->tables->paths;
	const struct path_list *list = path_list_at(t, entry->paths);
	bool relayed = meta_of(m)->flags & META_RELAYED;
	uint32_t own = relayed ? own_paths(t, list) : CHOOSE_ALL;
	uint32_t paths = choose_paths(w, m, entry->paths, (uint8_t)own);

	if (paths == 0)
		return ENCAP_RULE;
	if (paths & own)
		paths &= own;
	else
		paths &= ~paths + 1;
	if (unlikely(paths & (paths - 1))) {
		paths = once_each(t, list, paths);
		encap_copies(w, graph, node, m, entry, paths & (paths - 1));
	}
	return encap_path(w, m, list->paths[__builtin_ctz(paths)], entry);
}

static inline void encap_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	uint16_t done = 0, relayed = 0;

	for (uint16_t i = 0; i < n; i++) {
		const struct subscriber_entry *entry =
			subscriber_at(&w->tables->subscribers, meta_of(mbufs[i])->subscriber);

		relayed |= entry->relayed;
		if (unlikely(entry->steered))
			next[i] = encap_steered(w, graph, node, mbufs[i], entry);
		else
			next[i] = encap_first(w, mbufs[i], entry);
		done += next[i] == ENCAP_FORWARD;
	}
	node_count(w, WORKER_encapsulated, done);
	if (unlikely(relayed))
		count_relayed(w, mbufs, next, n);
}

static uint16_t encap_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, encap_work);
}

static struct rte_node_register encap_node = {
	.name = "encap",
	.process = encap_process,
	.init = node_init,
	.nb_edges = ENCAP_EDGES,
	.next_nodes =
		{
			[ENCAP_FORWARD] = "forward",
			[ENCAP_ICMP6_ERROR] = "icmp6_error",
			[ENCAP_SCOPE] = "drop_scope",
			[ENCAP_LOOP] = "drop_tunnel_loop",
			[ENCAP_NO_ROOM] = "drop_no_room",
			[ENCAP_RULE] = "drop_rule",
			[ENCAP_RELAY_TWICE] = "drop_relay_twice",
			[ENCAP_ON_LINK] = "on_link",
		},
};
RTE_NODE_REGISTER(encap_node)
