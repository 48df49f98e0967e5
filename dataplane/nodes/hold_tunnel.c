/*
 * hold_tunnel: a packet that came out of a tunnel for nobody known waits, as it came; it may be for
 * a subscriber that control is still being told of.
 */
#include "dataplane/nodes/decap.h"
#include "dataplane/nodes/hold_way.h"

enum edge {
	HOLD_TUNNEL_DECAP = HOLD_WAIT_EDGES,
	HOLD_TUNNEL_EDGES,
};

/* By which held path a packet waits that is in its tunnel, and with whom; POOL_NONE: none. */
static uint32_t find_room(const struct worker *w, struct rte_mbuf *m, struct hold_key *key)
{
	const struct path_table *t = &w->tables->paths;
	const struct rte_ipv6_hdr *outer = ip6_of(m);
	const uint32_t path = path_table_room(t, ip6_src(outer), ip6_dst(outer));

	if (path == POOL_NONE)
		return path;
	key->id = path_at(t, path)->id;
	memcpy(&key->prefix, decap_inner(m)->dst_addr, sizeof(key->prefix));
	/* The same prefix may be of several domains; keys tell these apart. */
	if (w->tables->domains.count && key->prefix && meta_of(m)->flags & META_GRE) {
		key->prefix ^= (uint64_t)meta_of(m)->key << 32 | meta_of(m)->key;
		key->prefix += key->prefix == 0;
	}
	return path;
}

bool hold_waits_for(const struct worker *w, struct rte_mbuf *m)
{
	struct hold_key key;

	return unlikely(hold_waiting(w->hold)) && meta_of(m)->subscriber != HOLD_OPENED &&
	       find_room(w, m, &key) != POOL_NONE && hold_find(w->hold, &key);
}

bool hold_wants(const struct worker *w, struct rte_mbuf *m)
{
	struct hold_key key;

	return find_room(w, m, &key) != POOL_NONE && key.prefix != 0;
}

/* Behind others a packet waits also when it is for somebody by now. */
static void tunnel_one(struct hold_way *way, struct rte_mbuf *m)
{
	struct hold_key key;
	const uint32_t path = find_room(way->w, m, &key);
	const struct path_ticket ticket = {path, PATH_HOLD_NONE};
	const bool attached = decap_attached(way->w, m);
	const struct hold_queue *q;

	if (unlikely(path == POOL_NONE)) {
		hold_way_drop(way, HOLD_GONE, m);
		return;
	}
	q = hold_find(way->w->hold, &key);
	if (attached && !q)
		rte_node_enqueue_x1(way->graph, way->node, HOLD_TUNNEL_DECAP, m);
	else if (!attached && q && q->count >= hold_way_hold(way, path)->packets)
		hold_way_drop(way, HOLD_FULL, m);
	else
		hold_way_put(way, &key, m, &ticket, hold_way_until(way, hold_way_hold(way, path)));
}

static uint16_t tunnel_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct hold_way way = {node_worker(node), graph, node, 0, 0, 0};

	for (uint16_t i = 0; i < n; i++)
		tunnel_one(&way, objs[i]);
	hold_way_count(&way);
	return n;
}

static struct rte_node_register tunnel_node = {
	.name = "hold_tunnel",
	.process = tunnel_process,
	.init = node_init,
	.nb_edges = HOLD_TUNNEL_EDGES,
	.next_nodes = {HOLD_WAIT_NEXT_NODES, [HOLD_TUNNEL_DECAP] = "decap"},
};
RTE_NODE_REGISTER(tunnel_node)
