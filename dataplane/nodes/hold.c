/*
 * hold_take: a packet for a subscriber that is on no link waits. hold_tunnel: one that came out of
 * a tunnel for nobody known does, as it came; it may be for a subscriber that control is still
 * being told of. hold: what has waited goes on to encap, or to decap once more, or is dropped.
 */
#include "dataplane/nodes/hold.h"

#include <rte_cycles.h>

#include "dataplane/nodes/budget.h"
#include "dataplane/nodes/decap.h"
#include "dataplane/nodes/trace.h"

enum edge {
	HOLD_ENCAP,
	HOLD_DECAP,
	HOLD_FULL,
	HOLD_ROOM,
	HOLD_LATE,
	HOLD_GONE,
	HOLD_TWICE,
	HOLD_EDGES,
};

/* Where packets go on, and how many have. */
struct way {
	struct worker *w;
	struct rte_graph *graph;
	struct rte_node *node;
	uint32_t held, released, dropped;
};

static struct path_hold *hold_at(const struct way *way, uint32_t path)
{
	return path_hold_at(&way->w->tables->paths, path);
}

static void drop(struct way *way, enum edge edge, struct rte_mbuf *m)
{
	rte_node_enqueue_x1(way->graph, way->node, edge, m);
	way->dropped++;
}

/* What another data plane has sent here is not sent to one (relay.c). */
static void pass(struct way *way, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	struct meta *meta = meta_of(m);

	if (unlikely(meta->flags & META_RELAYED && entry->relayed && !entry->steered)) {
		drop(way, HOLD_TWICE, m);
		return;
	}
	meta->subscriber = subscriber_number(&way->w->tables->subscribers, entry);
	rte_node_enqueue_x1(way->graph, way->node, HOLD_ENCAP, m);
}

/* Whether there are buffers for others if one more packet waits. */
static bool can_spare(const struct rte_mbuf *m)
{
	const struct rte_mempool *pool = m->pool;

	return rte_mempool_get_ops(pool->ops_index)->get_count(pool) >= pool->size / HOLD_RESERVE;
}

/* A packet with a ticket waits for so long, if there is room. */
static void put(struct way *way, const struct hold_key *key, struct rte_mbuf *m,
	const struct path_ticket *ticket, uint64_t until)
{
	if (can_spare(m) && hold_put(way->w->hold, key, m, ticket, until)) {
		trace_out(way->w, &m, 1, TRACE_KEPT, 0);
		way->held++;
		return;
	}
	path_hold_leave(hold_at(way, ticket->path), ticket);
	drop(way, HOLD_ROOM, m);
}

static uint64_t until(const struct way *way, const struct path_hold *hold)
{
	return way->w->tsc + rte_get_tsc_hz() / MS_PER_S * hold->ms;
}

/* The first packet of a queue, out of it. False: it was the last. */
static bool take(struct way *way, struct hold_queue *q, struct hold_packet *packet)
{
	const bool more = hold_take(way->w->hold, q, packet);

	path_hold_leave(hold_at(way, packet->ticket.path), &packet->ticket);
	return more;
}

static bool may_go(struct way *way)
{
	return budget_take(&way->w->hold_budget, way->w->tsc);
}

/* As many of a queue as may go on in this walk: to the subscriber by the entry that it has now. */
static void drain(struct way *way, struct hold_queue *q, const struct subscriber_entry *entry)
{
	struct hold_packet packet;
	bool more = true;

	while (more && may_go(way)) {
		more = take(way, q, &packet);
		pass(way, packet.m, entry);
		way->released++;
	}
}

/* All of a queue, for nobody any more. */
static void abandon(struct way *way, struct hold_queue *q)
{
	struct hold_packet packet;
	bool more;

	do {
		more = take(way, q, &packet);
		drop(way, HOLD_GONE, packet.m);
	} while (more);
}

/* All of a queue, for a subscriber that has another held path by now. */
static void renew(struct way *way, struct hold_queue *q, const struct subscriber_entry *entry)
{
	const struct hold_key key = q->key;
	struct hold_packet packet;

	for (uint32_t n = q->count; n > 0; n--) {
		take(way, q, &packet);
		if (path_hold_enter(hold_at(way, entry->path), entry->path, &packet.ticket) ==
				PATH_HOLD_WAIT &&
			hold_put(way->w->hold, &key, packet.m, &packet.ticket, packet.until))
			continue;
		drop(way, HOLD_FULL, packet.m);
	}
}

static const struct subscriber_entry *entry_of(const struct way *way, uint64_t subscriber)
{
	return subscriber_table_by_id(&way->w->tables->subscribers, subscriber);
}

static bool is_held(const struct way *way, const struct subscriber_entry *entry)
{
	return path_is_held(&way->w->tables->paths, entry->path);
}

/* A packet of a subscriber, by a held path of it; false: it has ended. */
static bool wait_for(struct way *way, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct hold_key key = {.id = entry->id};
	struct path_hold *hold = hold_at(way, entry->path);
	struct path_ticket ticket = {0};

	switch (path_hold_enter(hold, entry->path, &ticket)) {
	case PATH_HOLD_WAIT:
		put(way, &key, m, &ticket, until(way, hold));
		return true;
	case PATH_HOLD_FULL:
		drop(way, HOLD_FULL, m);
		return true;
	case PATH_HOLD_OVER:
		break;
	}
	return false;
}

/* A packet of a subscriber by a held path that has ended; by it, `now` is how the subscriber is
 * found by its id. Behind what has not gone on yet, the packet still waits. */
static void follow(struct way *way, struct rte_mbuf *m, const struct subscriber_entry *entry,
	const struct subscriber_entry *now)
{
	const struct hold_key key = {.id = entry->id};
	struct path_hold *hold = hold_at(way, entry->path);
	struct path_ticket ticket;

	if (!hold_find(way->w->hold, &key)) {
		pass(way, m, now);
		return;
	}
	ticket = path_hold_follow(hold, entry->path);
	put(way, &key, m, &ticket, until(way, hold));
}

static void take_one(struct way *way, struct rte_mbuf *m)
{
	const struct subscriber_entry *entry =
		subscriber_at(&way->w->tables->subscribers, meta_of(m)->subscriber);
	const struct subscriber_entry *now;

	if (wait_for(way, m, entry))
		return;
	now = entry_of(way, entry->id);
	if (now && !is_held(way, now))
		follow(way, m, entry, now);
	else if (!now || !wait_for(way, m, now))
		drop(way, HOLD_GONE, m);
}

/* What a subscriber's packets waited for has come to an end. */
static void settle(struct way *way, struct hold_queue *q)
{
	const struct subscriber_entry *entry = entry_of(way, q->key.id);

	if (!entry)
		abandon(way, q);
	else if (is_held(way, entry))
		renew(way, q, entry);
	else
		drain(way, q, entry);
}

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

/* As many of a queue as may go on in this walk to decap, which may know what to do with them now.
 */
static void open_room(struct way *way, struct hold_queue *q)
{
	struct hold_packet packet;
	bool more = true;

	while (more && may_go(way)) {
		more = take(way, q, &packet);
		meta_of(packet.m)->subscriber = HOLD_OPENED;
		rte_node_enqueue_x1(way->graph, way->node, HOLD_DECAP, packet.m);
		way->released++;
	}
}

/* Behind others a packet waits also when it is for somebody by now. */
static void tunnel_one(struct way *way, struct rte_mbuf *m)
{
	struct hold_key key;
	const uint32_t path = find_room(way->w, m, &key);
	const struct path_ticket ticket = {path, PATH_HOLD_NONE};
	const bool attached = decap_attached(way->w, m);
	const struct hold_queue *q;

	if (unlikely(path == POOL_NONE)) {
		drop(way, HOLD_GONE, m);
		return;
	}
	q = hold_find(way->w->hold, &key);
	if (attached && !q)
		rte_node_enqueue_x1(way->graph, way->node, HOLD_DECAP, m);
	else if (!attached && q && q->count >= hold_at(way, path)->packets)
		drop(way, HOLD_FULL, m);
	else
		put(way, &key, m, &ticket, until(way, hold_at(way, path)));
}

static void count(const struct way *way)
{
	node_count(way->w, WORKER_held, way->held);
	node_count(way->w, WORKER_released, way->released);
}

static uint16_t take_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct way way = {node_worker(node), graph, node, 0, 0, 0};

	for (uint16_t i = 0; i < n; i++)
		take_one(&way, objs[i]);
	count(&way);
	return n;
}

static uint16_t tunnel_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct way way = {node_worker(node), graph, node, 0, 0, 0};

	for (uint16_t i = 0; i < n; i++)
		tunnel_one(&way, objs[i]);
	count(&way);
	return n;
}

/* Those of a queue that have waited too long. */
static void expire(struct way *way, struct hold_queue *q)
{
	struct hold_packet packet;

	while (hold_first(way->w->hold, q)->until <= way->w->tsc) {
		const bool more = take(way, q, &packet);

		drop(way, HOLD_LATE, packet.m);
		if (!more)
			return;
	}
}

static void look(struct way *way, struct hold_queue *q)
{
	const struct hold_packet *first = hold_first(way->w->hold, q);

	if (q->key.prefix && decap_attached(way->w, first->m))
		open_room(way, q);
	else if (!q->key.prefix &&
		 !path_hold_lasts(hold_at(way, first->ticket.path), &first->ticket))
		settle(way, q);
	else
		expire(way, q);
}

static uint16_t hold_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct way way = {w, graph, node, 0, 0, 0};

	RTE_SET_USED(objs);
	RTE_SET_USED(n);
	if (likely(hold_waiting(w->hold) == 0))
		return 0;
	for (uint32_t looks = RTE_MIN(hold_queues(w->hold), (uint32_t)HOLD_LOOKS); looks > 0;
		looks--) {
		struct hold_queue *q = hold_turn(w->hold);

		if (!q)
			break;
		look(&way, q);
	}
	count(&way);
	w->busy += way.released + way.dropped;
	return (uint16_t)(way.released + way.dropped);
}

#define NEXT_NODES                                                                                 \
	{                                                                                          \
		[HOLD_ENCAP] = "encap", [HOLD_DECAP] = "decap", [HOLD_FULL] = "drop_hold_full",    \
		[HOLD_ROOM] = "drop_hold_room", [HOLD_LATE] = "drop_hold_late",                    \
		[HOLD_GONE] = "drop_hold_gone", [HOLD_TWICE] = "drop_relay_twice",                 \
	}

static struct rte_node_register take_node = {
	.name = "hold_take",
	.process = take_process,
	.init = node_init,
	.nb_edges = HOLD_EDGES,
	.next_nodes = NEXT_NODES,
};
RTE_NODE_REGISTER(take_node)

static struct rte_node_register tunnel_node = {
	.name = "hold_tunnel",
	.process = tunnel_process,
	.init = node_init,
	.nb_edges = HOLD_EDGES,
	.next_nodes = NEXT_NODES,
};
RTE_NODE_REGISTER(tunnel_node)

static struct rte_node_register hold_node = {
	.name = "hold",
	.flags = RTE_NODE_SOURCE_F,
	.process = hold_process,
	.init = node_init,
	.nb_edges = HOLD_EDGES,
	.next_nodes = NEXT_NODES,
};
RTE_NODE_REGISTER(hold_node)
