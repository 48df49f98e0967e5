#include "dataplane/tables/hold.h"

#include <rte_common.h>
#include <rte_malloc.h>

enum { NONE = UINT32_MAX };

struct hold {
	uint32_t count, queue_count;
	uint32_t free_packet, free_queue;
	uint32_t turn; /* queue that is next, NONE: there is none */
	uint32_t mask; /* of buckets */
	uint32_t *buckets;
	struct hold_packet *packets;
	struct hold_queue *queues; /* as many as packets: one alone has a queue, too */
};

static void make_free(struct hold *h, uint32_t most)
{
	h->turn = h->free_packet = h->free_queue = NONE;
	for (uint32_t i = most; i-- > 0;) {
		h->packets[i].next = h->free_packet;
		h->queues[i].chain = h->free_queue;
		h->free_packet = h->free_queue = i;
	}
	for (uint32_t i = 0; i <= h->mask; i++)
		h->buckets[i] = NONE;
}

struct hold *hold_create(uint32_t most)
{
	const uint32_t buckets = rte_align32pow2(most);
	struct hold *h = rte_zmalloc("hold", sizeof(*h), RTE_CACHE_LINE_SIZE);

	if (!h)
		return NULL;
	h->mask = buckets - 1;
	h->buckets = rte_malloc("hold", buckets * sizeof(h->buckets[0]), RTE_CACHE_LINE_SIZE);
	h->packets = rte_malloc("hold", most * sizeof(h->packets[0]), RTE_CACHE_LINE_SIZE);
	h->queues = rte_malloc("hold", most * sizeof(h->queues[0]), RTE_CACHE_LINE_SIZE);
	if (!h->buckets || !h->packets || !h->queues) {
		h->turn = NONE;
		hold_destroy(h);
		return NULL;
	}
	make_free(h, most);
	return h;
}

void hold_destroy(struct hold *h)
{
	struct hold_queue *q;
	struct hold_packet packet;

	while (h && (q = hold_turn(h))) {
		hold_take(h, q, &packet);
		rte_pktmbuf_free(packet.m);
	}
	if (!h)
		return;
	rte_free(h->buckets);
	rte_free(h->packets);
	rte_free(h->queues);
	rte_free(h);
}

uint32_t hold_waiting(const struct hold *h)
{
	return h->count;
}

uint32_t hold_queues(const struct hold *h)
{
	return h->queue_count;
}

static uint32_t *bucket_of(const struct hold *h, const struct hold_key *key)
{
	const uint64_t mixed = (key->id ^ key->prefix * 3) * 0x9e3779b97f4a7c15u;

	return &h->buckets[mixed >> 40 & h->mask];
}

struct hold_queue *hold_find(const struct hold *h, const struct hold_key *key)
{
	for (uint32_t i = *bucket_of(h, key); i != NONE; i = h->queues[i].chain)
		if (h->queues[i].key.id == key->id && h->queues[i].key.prefix == key->prefix)
			return &h->queues[i];
	return NULL;
}

/* Behind all others in the ring: in front of the one whose turn it is. */
static void enter_ring(struct hold *h, struct hold_queue *q, uint32_t number)
{
	if (h->turn == NONE) {
		h->turn = q->prev = q->next = number;
		return;
	}
	q->next = h->turn;
	q->prev = h->queues[h->turn].prev;
	h->queues[q->prev].next = number;
	h->queues[q->next].prev = number;
}

static void leave_ring(struct hold *h, const struct hold_queue *q, uint32_t number)
{
	if (q->next == number) {
		h->turn = NONE;
		return;
	}
	h->queues[q->prev].next = q->next;
	h->queues[q->next].prev = q->prev;
	if (h->turn == number)
		h->turn = q->next;
}

/* There is a free one for each free packet. */
static struct hold_queue *make_queue(struct hold *h, const struct hold_key *key)
{
	const uint32_t number = h->free_queue;
	struct hold_queue *q = &h->queues[number];
	uint32_t *bucket = bucket_of(h, key);

	h->free_queue = q->chain;
	h->queue_count++;
	*q = (struct hold_queue){.key = *key, .first = NONE, .last = NONE, .chain = *bucket};
	*bucket = number;
	enter_ring(h, q, number);
	return q;
}

static void free_queue(struct hold *h, struct hold_queue *q)
{
	const uint32_t number = (uint32_t)(q - h->queues);
	uint32_t *at = bucket_of(h, &q->key);

	while (*at != number)
		at = &h->queues[*at].chain;
	*at = q->chain;
	leave_ring(h, q, number);
	q->chain = h->free_queue;
	h->free_queue = number;
	h->queue_count--;
}

bool hold_put(struct hold *h, const struct hold_key *key, struct rte_mbuf *m,
	const struct path_ticket *ticket, uint64_t until)
{
	const uint32_t number = h->free_packet;
	struct hold_queue *q;

	if (number == NONE)
		return false;
	q = hold_find(h, key);
	if (!q)
		q = make_queue(h, key);
	h->free_packet = h->packets[number].next;
	h->packets[number] =
		(struct hold_packet){.m = m, .ticket = *ticket, .until = until, .next = NONE};
	*(q->last == NONE ? &q->first : &h->packets[q->last].next) = number;
	q->last = number;
	q->count++;
	h->count++;
	return true;
}

const struct hold_packet *hold_first(const struct hold *h, const struct hold_queue *q)
{
	return &h->packets[q->first];
}

bool hold_take(struct hold *h, struct hold_queue *q, struct hold_packet *packet)
{
	const uint32_t number = q->first;

	*packet = h->packets[number];
	h->packets[number].next = h->free_packet;
	h->free_packet = number;
	h->count--;
	q->count--;
	q->first = packet->next;
	if (q->count)
		return true;
	free_queue(h, q);
	return false;
}

struct hold_queue *hold_turn(struct hold *h)
{
	struct hold_queue *q = h->turn == NONE ? NULL : &h->queues[h->turn];

	if (q)
		h->turn = q->next;
	return q;
}
