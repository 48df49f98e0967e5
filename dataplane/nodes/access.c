/*
 * access: a packet that came in where subscribers are attached. It must be of one of them, from
 * where that one is (RFC 2827; RFC 5213, 6.10.5), and goes the way that is set for what it sends.
 */
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/budget.h"
#include "dataplane/nodes/choose.h"
#include "dataplane/nodes/domain.h"
#include "dataplane/nodes/encap.h"
#include "dataplane/nodes/resequence.h"
#include "dataplane/nodes/traffic.h"
#include "dataplane/port.h"

enum edge {
	ACCESS_FORWARD,
	ACCESS_STEER,
	ACCESS_LOCAL,
	ACCESS_PUNT,
	ACCESS_ICMP6_ERROR,
	ACCESS_SCOPE,
	ACCESS_LOOP,
	ACCESS_NO_ROOM,
	ACCESS_UNKNOWN,
	ACCESS_FOREIGN,
	ACCESS_RULE,
	ACCESS_EDGES
};

enum { UPLINK = 1 }; /* first of the tunnels in the list of paths */

/* Whether it came in where its subscriber's first path leads. */
static bool is_from(
	const struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct path_shape *shape = path_shape_at(&w->tables->paths, entry->shape);
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *) - 1;
	struct path_on_link at;

	memcpy(&at, &entry->remote, sizeof(at));
	return path_header_on_link(shape->header) && at.port == meta_of(m)->port &&
	       memcmp(&at.mac, &eth->src_addr, sizeof(at.mac)) == 0;
}

/* It is in its tunnel now: what is shared out packet by packet gets its number, if it has a key. */
static bool number_it(
	struct worker *w, struct rte_mbuf *m, const struct encap_way *way, uint32_t list)
{
	return path_list_at(&w->tables->paths, list)->steering != STEERING_PACKET ||
	       path_header_gre(way->header) != PATH_GRE_KEYED || resequence_put_number(w, m, list);
}

/* Into its tunnel, by a path of the list. */
static rte_edge_t uplink(struct worker *w, struct rte_mbuf *m, uint32_t path, uint32_t list)
{
	struct choose_way by;

	choose_way(w, path, path_at(&w->tables->paths, path), &by);
	switch (encap_by(m, &by.way)) {
	case ENCAP_FORWARD:
		node_count(w, WORKER_encapsulated, 1);
		traffic_sent(w, m, path);
		return number_it(w, m, &by.way, list) ? ACCESS_FORWARD : ACCESS_NO_ROOM;
	case ENCAP_ICMP6_ERROR:
		return ACCESS_ICMP6_ERROR;
	case ENCAP_SCOPE:
		return ACCESS_SCOPE;
	case ENCAP_NO_ROOM:
		return ACCESS_NO_ROOM;
	default:
		return ACCESS_LOOP;
	}
}

/* By which of its tunnels, if there are several; 0: by none. One that rules send by more goes by
 * the first of them. */
static uint32_t choose_uplink(struct worker *w, struct rte_mbuf *m, uint32_t number)
{
	const struct path_list *list = path_list_at(&w->tables->paths, number);
	uint32_t paths = 1;

	if (list->count > UPLINK + 1 || list->block != POOL_NONE)
		paths = choose_paths(w, m, number, (uint8_t)(CHOOSE_ALL << UPLINK));
	/* Neither shared out nor of a rule: by the first of them. */
	if (paths == 1)
		return UPLINK;
	return paths ? (uint32_t)__builtin_ctz(paths) : 0;
}

/* Whether its destination is attached here too, and it may go straight there (RFC 5213, 6.10.3). */
static bool is_local(const struct worker *w, struct rte_mbuf *m)
{
	const struct tables *t = w->tables;
	const struct subscriber_entry *to;

	if (likely(!(link_table_local_routing(&t->links) >> meta_of(m)->port & 1)))
		return false;
	to = subscriber_table_find(&t->subscribers, domain_of(m), ip6_dst(ip6_of(m)));
	return to && path_header_on_link(path_shape_at(&t->paths, to->shape)->header);
}

/* The first packet of a node that was not known to be here, perhaps: control is shown some. */
static rte_edge_t stranger(struct worker *w, struct rte_mbuf *m)
{
	struct meta *meta = meta_of(m);

	if (!budget_take(&w->event_budget, w->tsc) ||
		!node_restore_ethernet(m, &port_table[meta->port % PORT_MAX].mac))
		return ACCESS_UNKNOWN;
	meta->punt_reason = PACKET_NEIGHBOUR;
	meta->punt_class = MIRROR_CLASS_REST;
	return ACCESS_PUNT;
}

static rte_edge_t access_one(
	struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct tables *t = w->tables;
	const struct path_list *list;

	if (!entry)
		return stranger(w, m);
	if (!is_from(w, m, entry))
		return ACCESS_FOREIGN;
	meta_of(m)->subscriber = subscriber_number(&t->subscribers, entry);
	if (!domain_of(m) && local_set_has(local_table_get(&t->local), ip6_dst(ip6_of(m))))
		return ACCESS_LOCAL;
	if (entry->paths == POOL_NONE || is_local(w, m))
		return ACCESS_STEER;
	list = path_list_at(&t->paths, entry->paths);
	if (list->count <= UPLINK)
		return ACCESS_STEER;

	uint32_t place = choose_uplink(w, m, entry->paths);

	return place ? uplink(w, m, list->paths[place], entry->paths) : ACCESS_RULE;
}

static inline void access_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	struct in6_addr sources[NODE_BURST];
	const struct subscriber_entry *entries[NODE_BURST];

	uint16_t count = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++)
		sources[count++] = ip6_load(ip6_of(mbufs[i])->src_addr);
	if (count == 0)
		return;
	domain_lookup(w, mbufs, sources, count, entries);
	for (uint16_t i = 0; i < n; i++)
		next[i] = access_one(w, mbufs[i], entries[i]);
}

static uint16_t access_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, access_work);
}

static struct rte_node_register access_node = {
	.name = "access",
	.process = access_process,
	.init = node_init,
	.nb_edges = ACCESS_EDGES,
	.next_nodes =
		{
			[ACCESS_FORWARD] = "forward",
			[ACCESS_STEER] = "steer",
			[ACCESS_LOCAL] = "local",
			[ACCESS_PUNT] = "punt",
			[ACCESS_ICMP6_ERROR] = "icmp6_error",
			[ACCESS_SCOPE] = "drop_scope",
			[ACCESS_LOOP] = "drop_tunnel_loop",
			[ACCESS_NO_ROOM] = "drop_no_room",
			[ACCESS_UNKNOWN] = "drop_access_unknown",
			[ACCESS_FOREIGN] = "drop_access_foreign",
			[ACCESS_RULE] = "drop_rule",
		},
};
RTE_NODE_REGISTER(access_node)
