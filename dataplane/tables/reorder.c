#include "dataplane/tables/reorder.h"

#include <rte_malloc.h>

enum {
	BEGINS_BELOW = 256, /* the first packets have numbers from 0 on (RFC 2890, 2.2) */
};

/* A packet that waits. */
struct held {
	struct rte_mbuf *m;
	struct order *order;
	uint64_t until;      /* TSC */
	uint32_t generation; /* of the order */
	uint32_t number;
	uint32_t prev, next;    /* of the order, by number; next also chains free ones */
	uint32_t sooner, later; /* of all, by time */
};

struct reorder {
	uint32_t most, count;
	uint32_t free;
	uint32_t soonest, latest;
	struct held held[];
};

/* Where packets go. */
struct sink {
	reorder_deliver_fn *deliver;
	void *context;
	uint64_t now;
};

struct reorder *reorder_create(uint32_t most)
{
	struct reorder *r =
		rte_zmalloc("reorder", sizeof(*r) + most * sizeof(r->held[0]), RTE_CACHE_LINE_SIZE);

	if (!r)
		return NULL;
	r->most = most;
	r->soonest = r->latest = r->free = ORDER_NONE;
	for (uint32_t i = most; i-- > 0;) {
		r->held[i].next = r->free;
		r->free = i;
	}
	return r;
}

void reorder_destroy(struct reorder *r)
{
	for (uint32_t i = r ? r->soonest : ORDER_NONE; i != ORDER_NONE; i = r->held[i].later)
		rte_pktmbuf_free(r->held[i].m);
	rte_free(r);
}

uint32_t reorder_waiting(const struct reorder *r)
{
	return r->count;
}

static void count(struct order *o, enum order_counter counter)
{
	__atomic_store_n(&o->counters[counter], o->counters[counter] + 1, __ATOMIC_RELAXED);
}

/* How far a number is in front of another. */
static int32_t ahead(uint32_t number, uint32_t of)
{
	return (int32_t)(number - of);
}

/* Takes one out of the row by time, and its place is free. */
static struct rte_mbuf *let_go(struct reorder *r, uint32_t i)
{
	struct held *h = &r->held[i];

	*(h->sooner == ORDER_NONE ? &r->soonest : &r->held[h->sooner].later) = h->later;
	*(h->later == ORDER_NONE ? &r->latest : &r->held[h->later].sooner) = h->sooner;
	h->next = r->free;
	r->free = i;
	r->count--;
	return h->m;
}

/* The first that waits goes on, whatever is missing in front of it. */
static void release_first(struct reorder *r, struct order *o, const struct sink *sink)
{
	const uint32_t i = o->first;

	o->next = r->held[i].number + 1;
	o->first = r->held[i].next;
	o->held--;
	*(o->first == ORDER_NONE ? &o->last : &r->held[o->first].prev) = ORDER_NONE;
	sink->deliver(sink->context, o, let_go(r, i));
}

/* What has waited for nothing else goes on. */
static void release_row(struct reorder *r, struct order *o, const struct sink *sink)
{
	while (o->first != ORDER_NONE && r->held[o->first].number == o->next)
		release_first(r, o, sink);
}

static void pass(struct reorder *r, struct order *o, struct rte_mbuf *m, uint32_t number,
	const struct sink *sink)
{
	o->next = number + 1;
	sink->deliver(sink->context, o, m);
	release_row(r, o, sink);
}

/* By time: mostly the last, since all wait equally long. */
static void insert_by_time(struct reorder *r, uint32_t i)
{
	struct held *h = &r->held[i];

	h->sooner = r->latest;
	while (h->sooner != ORDER_NONE && r->held[h->sooner].until > h->until)
		h->sooner = r->held[h->sooner].sooner;
	h->later = h->sooner == ORDER_NONE ? r->soonest : r->held[h->sooner].later;
	*(h->sooner == ORDER_NONE ? &r->soonest : &r->held[h->sooner].later) = i;
	*(h->later == ORDER_NONE ? &r->latest : &r->held[h->later].sooner) = i;
}

/* Holds a packet behind `prev` of its order. There is room. */
static void hold(struct reorder *r, struct order *o, struct rte_mbuf *m, uint32_t number,
	uint32_t prev, uint64_t now)
{
	const uint32_t i = r->free;
	struct held *h = &r->held[i];

	r->free = h->next;
	r->count++;
	*h = (struct held){.m = m,
		.order = o,
		.until = now + __atomic_load_n(&o->wait, __ATOMIC_RELAXED),
		.generation = __atomic_load_n(&o->generation, __ATOMIC_RELAXED),
		.number = number,
		.prev = prev,
		.next = prev == ORDER_NONE ? o->first : r->held[prev].next};
	*(prev == ORDER_NONE ? &o->first : &r->held[prev].next) = i;
	*(h->next == ORDER_NONE ? &o->last : &r->held[h->next].prev) = i;
	o->held++;
	insert_by_time(r, i);
	count(o, ORDER_HELD);
}

/* The last that waits with a lower number, or the same one. */
static uint32_t find_before(const struct reorder *r, const struct order *o, uint32_t number)
{
	uint32_t i = o->last;

	while (i != ORDER_NONE && ahead(r->held[i].number, number) > 0)
		i = r->held[i].prev;
	return i;
}

static bool is_full(const struct reorder *r, const struct order *o)
{
	return r->free == ORDER_NONE || o->held >= __atomic_load_n(&o->packets, __ATOMIC_RELAXED);
}

/* One that is early. When no more can wait, the one that is the first of all goes on instead (RFC
 * 2890, 2.2). */
static bool take_early(struct reorder *r, struct order *o, struct rte_mbuf *m, uint32_t number,
	const struct sink *sink)
{
	uint32_t before = find_before(r, o, number);

	if (before != ORDER_NONE && r->held[before].number == number) {
		count(o, ORDER_LATE);
		return false;
	}
	if (is_full(r, o)) {
		count(o, ORDER_NO_ROOM);
		if (before == ORDER_NONE) {
			pass(r, o, m, number, sink);
			return true;
		}
		release_first(r, o, sink);
		release_row(r, o, sink);
		if (number == o->next) {
			pass(r, o, m, number, sink);
			return true;
		}
		before = find_before(r, o, number);
	}
	hold(r, o, m, number, before, sink->now);
	return true;
}

/* All that waits goes on, and the sender's next number is this one. */
static void begin_anew(struct reorder *r, struct order *o, uint32_t number, const struct sink *sink)
{
	while (o->first != ORDER_NONE)
		release_first(r, o, sink);
	o->next = o->beyond = number;
	o->old_since = 0;
}

/* Whether a packet with an old number is of a sender that begins anew. */
static bool begins_anew(struct order *o, uint64_t now)
{
	if (o->old_since && now - o->old_since > __atomic_load_n(&o->patience, __ATOMIC_RELAXED))
		return true;
	if (!o->old_since)
		o->old_since = now;
	return false;
}

/* None waits: everything goes on. */
static void pass_any(struct order *o, struct rte_mbuf *m, uint32_t number, const struct sink *sink)
{
	if (ahead(number, o->next) >= 0)
		o->next = number + 1;
	else
		count(o, ORDER_LATE);
	sink->deliver(sink->context, o, m);
}

static void note_arrival(struct order *o, uint32_t number, bool *reordered)
{
	if (!o->begun) {
		o->begun = true;
		o->next = o->beyond = number < BEGINS_BELOW ? 0 : number;
	}
	*reordered = ahead(number, o->beyond) < 0;
	if (*reordered)
		count(o, ORDER_REORDERED);
	else
		o->beyond = number + 1;
}

bool reorder_put(struct reorder *r, struct order *o, struct rte_mbuf *m, uint32_t number,
	uint64_t now, reorder_deliver_fn *deliver, void *context)
{
	const struct sink sink = {deliver, context, now};
	bool reordered;

	if (o->begun && ahead(number, o->next) < 0 && begins_anew(o, now))
		begin_anew(r, o, number, &sink);
	note_arrival(o, number, &reordered);
	if (ahead(number, o->next) >= 0)
		o->old_since = 0;
	if (!reordered && number == o->next)
		count(o, ORDER_IN_ORDER);
	if (__atomic_load_n(&o->packets, __ATOMIC_RELAXED) == 0 && o->first == ORDER_NONE) {
		pass_any(o, m, number, &sink);
		return true;
	}
	if (ahead(number, o->next) < 0) {
		count(o, ORDER_LATE);
		return false;
	}
	if (number == o->next)
		pass(r, o, m, number, &sink);
	else if (!take_early(r, o, m, number, &sink))
		return false;
	if (reordered)
		count(o, ORDER_RESTORED);
	return true;
}

void reorder_expire(struct reorder *r, uint64_t now, reorder_deliver_fn *deliver, void *context)
{
	const struct sink sink = {deliver, context, now};

	while (r->soonest != ORDER_NONE && r->held[r->soonest].until <= now) {
		const uint32_t due = r->soonest;
		const struct held h = r->held[due];

		/* It may have been left while its packet was taken: 0 is nobody's. */
		if (!h.generation ||
			h.generation != __atomic_load_n(&h.order->generation, __ATOMIC_RELAXED)) {
			sink.deliver(context, NULL, let_go(r, due));
			continue;
		}
		while (h.order->first != due) {
			count(h.order, ORDER_TIMED_OUT);
			release_first(r, h.order, &sink);
		}
		count(h.order, ORDER_TIMED_OUT);
		release_first(r, h.order, &sink);
		release_row(r, h.order, &sink);
	}
}
