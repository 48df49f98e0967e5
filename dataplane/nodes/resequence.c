/*
 * resequence_take: a packet with a number comes to its place in the order, or to the worker that
 * knows it. resequence: what other workers have taken for this one, and what has waited long
 * enough.
 */
#include "dataplane/nodes/resequence.h"

#include <rte_malloc.h>
#include <rte_ring.h>
#include <stdio.h>

#include "dataplane/config.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/tables/reorder.h"

enum edge {
	RESEQUENCE_STEER,
	RESEQUENCE_LATE,
	RESEQUENCE_GONE,
	RESEQUENCE_FULL,
	RESEQUENCE_EDGES,
};

enum {
	HELD = 4096, /* packets of one worker that wait, of all subscribers */
	RING = 1024, /* packets from other workers */
};

struct resequencer {
	struct reorder *reorder;
	struct rte_ring *ring;
	unsigned worker;
};

/* What is known of a packet on its way here: where its tunnel's headers were. */
struct note {
	struct order *order;
	uint64_t subscriber; /* id */
	uint32_t generation; /* of the order */
	uint32_t number;
};
static_assert(sizeof(struct note) <= PATH_HEADER_LEN, "there is room");

/* By index of their workers; one without a gap is made before any worker runs. */
static struct resequencer *resequencers[DP_CONFIG_WORKERS_MAX];
static unsigned resequencer_count;

static void count_resequencers(void)
{
	for (resequencer_count = 0;
		resequencer_count < DP_CONFIG_WORKERS_MAX && resequencers[resequencer_count];)
		resequencer_count++;
}

struct resequencer *resequencer_create(unsigned worker)
{
	struct resequencer *r = rte_zmalloc("resequencer", sizeof(*r), RTE_CACHE_LINE_SIZE);
	char name[RTE_RING_NAMESIZE];

	if (!r)
		return NULL;
	snprintf(name, sizeof(name), "resequence%u", worker);
	r->worker = worker;
	r->reorder = reorder_create(HELD);
	r->ring = rte_ring_create(name, RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	if (!r->reorder || !r->ring) {
		resequencer_destroy(r);
		return NULL;
	}
	resequencers[worker] = r;
	count_resequencers();
	return r;
}

void resequencer_destroy(struct resequencer *r)
{
	struct rte_mbuf *m;

	if (!r)
		return;
	if (resequencers[r->worker] == r)
		resequencers[r->worker] = NULL;
	count_resequencers();
	while (r->ring && rte_ring_sc_dequeue(r->ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(r->ring);
	reorder_destroy(r->reorder);
	rte_free(r);
}

uint32_t resequence_number(struct rte_mbuf *m)
{
	rte_be32_t number;

	memcpy(&number, rte_pktmbuf_mtod_offset(m, uint8_t *, meta_of(m)->outer - GRE_WORD),
		sizeof(number));
	return rte_be_to_cpu_32(number);
}

static void *note_at(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, uint8_t *, -(int)sizeof(struct note));
}

static struct note note_of(const struct rte_mbuf *m)
{
	struct note note;

	memcpy(&note, note_at(m), sizeof(note));
	return note;
}

bool resequence_mark(
	struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry, uint32_t number)
{
	struct order *order = order_table_find(&w->tables->paths.orders, entry->paths);
	struct note note = {.order = order, .subscriber = entry->id, .number = number};

	if (!order)
		return false;
	note.generation = __atomic_load_n(&order->generation, __ATOMIC_RELAXED);
	memcpy(note_at(m), &note, sizeof(note));
	return true;
}

bool resequence_put_number(struct worker *w, struct rte_mbuf *m, uint32_t list)
{
	struct order *order = order_table_find(&w->tables->paths.orders, list);
	struct meta *meta = meta_of(m);
	struct rte_ipv6_hdr *ip;
	rte_be32_t number;
	uint8_t *at;

	if (!order)
		return true;
	at = (uint8_t *)rte_pktmbuf_prepend(m, GRE_WORD);
	if (!at)
		return false;
	memmove(at, at + GRE_WORD, meta->outer);
	number = rte_cpu_to_be_32((uint32_t)__atomic_fetch_add(&order->sent, 1, __ATOMIC_RELAXED));
	at += meta->outer;
	memcpy(at, &number, sizeof(number));
	at[-PATH_GRE_KEYED] |= GRE_SEQUENCE_PRESENT >> 8;
	ip = ip6_of(m);
	ip->payload_len =
		rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(ip->payload_len) + GRE_WORD));
	meta->outer = (uint8_t)(meta->outer + GRE_WORD);
	node_count(w, WORKER_numbered, 1);
	return true;
}

/* Where packets go on. */
struct way {
	struct worker *w;
	struct rte_graph *graph;
	struct rte_node *node;
	const struct rte_mbuf *now; /* came to this node in this walk: NULL, none */
};

/* What has waited, or came from another worker, may be of a subscriber that has changed. */
static void deliver(void *context, const struct order *order, struct rte_mbuf *m)
{
	const struct way *way = context;
	const struct subscriber_table *t = &way->w->tables->subscribers;
	const struct subscriber_entry *entry;

	RTE_SET_USED(order);
	if (m != way->now) {
		entry = subscriber_table_by_id(t, note_of(m).subscriber);
		if (!entry) {
			rte_node_enqueue_x1(way->graph, way->node, RESEQUENCE_GONE, m);
			return;
		}
		meta_of(m)->subscriber = subscriber_number(t, entry);
	}
	rte_node_enqueue_x1(way->graph, way->node, RESEQUENCE_STEER, m);
}

/* A packet whose order is this worker's. */
static void put(struct way *way, struct rte_mbuf *m)
{
	const struct note note = note_of(m);

	/* Its subscriber has no order any more, or is gone. */
	if (!note.generation ||
		note.generation != __atomic_load_n(&note.order->generation, __ATOMIC_RELAXED))
		deliver(way, NULL, m);
	else if (!reorder_put(way->w->resequencer->reorder, note.order, m, note.number, way->w->tsc,
			 deliver, way))
		rte_node_enqueue_x1(way->graph, way->node, RESEQUENCE_LATE, m);
}

/* Who is to put the packets of an order in order. */
static struct resequencer *owner_of(const struct worker *w, const struct order *order)
{
	const uint32_t number = order_number(&w->tables->paths.orders, order);

	return resequencer_count > 1 ? resequencers[number % resequencer_count] : w->resequencer;
}

static uint16_t take_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct way way = {w, graph, node, NULL};
	uint16_t elsewhere = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		struct resequencer *owner = owner_of(w, note_of(m).order);

		if (owner == w->resequencer) {
			way.now = m;
			put(&way, m);
		} else if (rte_ring_mp_enqueue(owner->ring, m) == 0) {
			elsewhere++;
		} else {
			rte_node_enqueue_x1(graph, node, RESEQUENCE_FULL, m);
		}
	}
	node_count(w, WORKER_resequenced, n);
	node_count(w, WORKER_resequenced_elsewhere, elsewhere);
	return n;
}

static uint16_t resequence_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct resequencer *r = w->resequencer;
	struct way way = {w, graph, node, NULL};
	struct rte_mbuf *mbufs[NODE_BURST];

	RTE_SET_USED(objs);
	n = (uint16_t)rte_ring_sc_dequeue_burst(r->ring, (void **)mbufs, NODE_BURST, NULL);
	for (uint16_t i = 0; i < n; i++)
		put(&way, mbufs[i]);
	w->busy += n;
	if (unlikely(reorder_waiting(r->reorder)))
		reorder_expire(r->reorder, w->tsc, deliver, &way);
	return n;
}

#define NEXT_NODES                                                                                 \
	{                                                                                          \
		[RESEQUENCE_STEER] = "steer", [RESEQUENCE_LATE] = "drop_gre_late",                 \
		[RESEQUENCE_GONE] = "drop_gre_gone", [RESEQUENCE_FULL] = "drop_gre_ring",          \
	}

static struct rte_node_register take_node = {
	.name = "resequence_take",
	.process = take_process,
	.init = node_init,
	.nb_edges = RESEQUENCE_EDGES,
	.next_nodes = NEXT_NODES,
};
RTE_NODE_REGISTER(take_node)

static struct rte_node_register resequence_node = {
	.name = "resequence",
	.flags = RTE_NODE_SOURCE_F,
	.process = resequence_process,
	.init = node_init,
	.nb_edges = RESEQUENCE_EDGES,
	.next_nodes = NEXT_NODES,
};
RTE_NODE_REGISTER(resequence_node)
