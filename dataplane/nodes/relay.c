/*
 * relay: what another data plane sent here because we serve the subscriber. It goes to the node or
 * nowhere: relayed twice it could go in circles while the data planes learn of a change, and by a
 * route it could come back to where it was relayed. So when another one serves by now, what was on
 * its way here goes from us to where the node is; not so to one on a link of the other, which we do
 * not have.
 */
#include "dataplane/nodes/encap.h"

/* Behind RELAY_DIRECT: the edges of encap, whose work is done here. */
enum edge {
	RELAY_ENCAP,
	RELAY_TWICE,
	RELAY_UNKNOWN,
	RELAY_DIRECT,
	RELAY_EDGES = RELAY_DIRECT + ENCAP_EDGES
};

/* A node at the address of a data plane would be a way to have it relayed again. */
static rte_edge_t relay_direct(
	struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct tables *t = w->tables;
	const struct data_plane_set *set = data_plane_table_get(&t->data_planes);
	const struct path *path = path_at(&t->paths, entry->path);
	uint8_t header[PATH_SHAPE_LEN];
	struct encap_way way = {header, &path->remote, 0, path->set_mtu};

	memcpy(header, path_shape_at(&t->paths, path->shape)->header, sizeof(header));
	if (data_plane_set_has(set, &path->remote) || addr_equal(&set->own, &path->remote) ||
		path_header_on_link(header))
		return RELAY_TWICE;
	memcpy(header + 8, &set->own, sizeof(set->own));
	way.key = path_key_out(&t->paths, header, entry->path);
	return (rte_edge_t)(RELAY_DIRECT + encap_by(m, &way));
}

static inline rte_edge_t relay_one(
	struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	if (unlikely(!entry))
		return RELAY_UNKNOWN;
	meta_of(m)->subscriber = subscriber_number(&w->tables->subscribers, entry);
	meta_of(m)->flags |= META_RELAYED;
	/* Some of its paths may be ours, whoever serves the first. */
	if (unlikely(entry->steered))
		return RELAY_ENCAP;
	return unlikely(entry->relayed) ? relay_direct(w, m, entry) : RELAY_ENCAP;
}

static inline void relay_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	const struct subscriber_table *t = &w->tables->subscribers;
	struct in6_addr destinations[NODE_BURST];
	const struct subscriber_entry *entries[NODE_BURST];
	uint16_t done = 0, direct = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	if (unlikely(n == 0))
		return;
	for (uint16_t i = 0; i < n; i++)
		destinations[i] = ip6_load(ip6_of(mbufs[i])->dst_addr);
	subscriber_table_lookup(t, 0, destinations, n, entries);
	for (uint16_t i = 0; i < n; i++) {
		next[i] = relay_one(w, mbufs[i], entries[i]);
		done += next[i] == RELAY_ENCAP;
		direct += next[i] == RELAY_DIRECT + ENCAP_FORWARD;
	}
	node_count(w, WORKER_relayed_in, done + direct);
	node_count(w, WORKER_encapsulated, direct);
}

static uint16_t relay_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, relay_work);
}

static struct rte_node_register relay_node = {
	.name = "relay",
	.process = relay_process,
	.init = node_init,
	.nb_edges = RELAY_EDGES,
	.next_nodes =
		{
			[RELAY_ENCAP] = "encap",
			[RELAY_TWICE] = "drop_relay_twice",
			[RELAY_UNKNOWN] = "drop_relay_unknown",
			[RELAY_DIRECT + ENCAP_FORWARD] = "forward",
			[RELAY_DIRECT + ENCAP_ICMP6_ERROR] = "icmp6_error",
			[RELAY_DIRECT + ENCAP_SCOPE] = "drop_scope",
			[RELAY_DIRECT + ENCAP_LOOP] = "drop_tunnel_loop",
			[RELAY_DIRECT + ENCAP_NO_ROOM] = "drop_no_room",
			[RELAY_DIRECT + ENCAP_RULE] = "drop_rule",
			[RELAY_DIRECT + ENCAP_RELAY_TWICE] = "drop_relay_twice",
			[RELAY_DIRECT + ENCAP_ON_LINK] = "on_link",
		},
};
RTE_NODE_REGISTER(relay_node)
