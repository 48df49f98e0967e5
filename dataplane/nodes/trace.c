#include "dataplane/nodes/trace.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_malloc.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdio.h>

#include "dataplane/config.h"
#include "dataplane/nodes/budget.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/ip6.h"

enum {
	RING_SIZE = 64,
	BURST = 50,
	ETHERNET = sizeof(struct rte_ether_hdr),
};

static_assert(sizeof(struct trace_record) % 4 == 0, "an element of a ring");

/* A packet that is on its way through the graph. */
struct seen {
	const struct rte_mbuf *m;
	struct trace_record record;
};

/* A worker's own, but for the ring. */
struct tracer {
	struct rte_ring *ring;
	struct worker_budget budget;
	uint32_t missed;
	uint16_t count; /* of seen */
	struct seen seen[TRACE_AT_ONCE];
} __rte_cache_aligned;

static struct {
	struct tracer *tracers[DP_CONFIG_WORKERS_MAX];
	unsigned count;
} all;

_Atomic(const struct trace_wanted *) trace_wanted_now;

int trace_open(unsigned workers)
{
	for (unsigned i = 0; i < workers && i < DP_CONFIG_WORKERS_MAX; i++) {
		struct tracer *t = rte_zmalloc("tracer", sizeof(*t), RTE_CACHE_LINE_SIZE);
		char name[RTE_RING_NAMESIZE];

		if (!t)
			return -ENOMEM;
		all.tracers[i] = t;
		all.count = i + 1;
		budget_init(&t->budget, TRACE_PER_SECOND, BURST, rte_rdtsc());
		snprintf(name, sizeof(name), "trace%u", i);
		t->ring = rte_ring_create_elem(name, sizeof(struct trace_record), RING_SIZE,
			SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!t->ring)
			return -ENOMEM;
	}
	return 0;
}

void trace_close(void)
{
	while (all.count) {
		struct tracer *t = all.tracers[--all.count];

		rte_ring_free(t->ring);
		rte_free(t);
	}
}

bool trace_take(struct trace_record *record)
{
	for (unsigned i = 0; i < all.count; i++)
		if (rte_ring_sc_dequeue_elem(all.tracers[i]->ring, record, sizeof(*record)) == 0)
			return true;
	return false;
}

static struct tracer *tracer_of(const struct worker *w)
{
	return w->index < all.count ? all.tracers[w->index] : NULL;
}

/* Tells the agent of the packet, and forgets it. */
static void finish(struct tracer *t, struct seen *s)
{
	if (rte_ring_sp_enqueue_elem(t->ring, &s->record, sizeof(s->record)) != 0)
		t->missed += s->record.missed + 1;
	*s = t->seen[--t->count];
}

static int prefix_of(const struct trace_wanted *wanted, const struct rte_ipv6_hdr *ip)
{
	for (int i = 0; i < wanted->count; i++)
		if (prefix6_contains(&wanted->prefixes[i], ip6_src(ip)) ||
			prefix6_contains(&wanted->prefixes[i], ip6_dst(ip)))
			return i;
	return -1;
}

/* Number of the wanted prefix that the packet has an address of, or one in it; or negative. */
static int match(const struct trace_wanted *wanted, const uint8_t *data, uint16_t len)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(const void *)data;
	struct ip6_chain chain;
	int prefix, gre;

	if (len < IP6_LEN || !ip6_is_version6(ip))
		return -1;
	prefix = prefix_of(wanted, ip);
	if (prefix >= 0 || ip6_walk(data, len, &chain) < 0 || chain.fragment || len < chain.offset)
		return prefix;
	gre = gre_inner(data + chain.offset, (uint32_t)len - chain.offset, chain.protocol);
	if (gre < 0)
		return prefix;
	data += chain.offset + gre;
	return prefix_of(wanted, (const struct rte_ipv6_hdr *)(const void *)data);
}

static void remember(struct worker *w, struct tracer *t, const struct rte_mbuf *m,
	const uint8_t *data, int prefix)
{
	struct seen *s = &t->seen[t->count];
	const uint16_t left = (uint16_t)(m->data_len - ETHERNET);

	if (t->count == TRACE_AT_ONCE || budget_take(&t->budget, w->tsc) == 0) {
		t->missed++;
		return;
	}
	t->count++;
	s->m = m;
	s->record = (struct trace_record){.tsc = w->tsc,
		.missed = t->missed,
		.from = m->port,
		.length = (uint16_t)(m->pkt_len - ETHERNET),
		.captured = RTE_MIN(left, (uint16_t)TRACE_OCTETS_MAX),
		.how = TRACE_KEPT,
		.prefix = (uint8_t)prefix};
	memcpy(s->record.octets, data, s->record.captured);
	t->missed = 0;
}

void trace_look(struct worker *w, struct rte_mbuf **mbufs, uint16_t n)
{
	const struct trace_wanted *wanted =
		atomic_load_explicit(&trace_wanted_now, memory_order_acquire);
	struct tracer *t = tracer_of(w);

	if (!t || !wanted)
		return;
	/* Those of the last walk that ended at no node that tells. */
	while (t->count)
		finish(t, &t->seen[0]);
	for (uint16_t i = 0; i < n; i++) {
		const struct rte_mbuf *m = mbufs[i];
		const uint8_t *data = rte_pktmbuf_mtod_offset(m, const uint8_t *, ETHERNET);
		int prefix;

		if (m->data_len < ETHERNET + IP6_LEN)
			continue;
		prefix = match(wanted, data, (uint16_t)(m->data_len - ETHERNET));
		if (prefix >= 0)
			remember(w, t, m, data, prefix);
	}
}

static struct seen *find(struct tracer *t, const struct rte_mbuf *m)
{
	for (uint16_t i = 0; i < t->count; i++)
		if (t->seen[i].m == m)
			return &t->seen[i];
	return NULL;
}

void trace_end(
	struct worker *w, struct rte_mbuf **mbufs, uint16_t n, enum trace_how how, uint16_t reason)
{
	struct tracer *t = tracer_of(w);

	for (uint16_t i = 0; t && t->count && i < n; i++) {
		struct seen *s = find(t, mbufs[i]);

		if (!s)
			continue;
		s->record.how = (uint8_t)how;
		s->record.reason = reason;
		finish(t, s);
	}
}

void trace_destined(struct worker *w, struct rte_mbuf **mbufs, uint16_t n, uint16_t port)
{
	struct tracer *t = tracer_of(w);

	for (uint16_t i = 0; t && t->count && i < n; i++) {
		struct seen *s = find(t, mbufs[i]);
		const struct rte_ipv6_hdr *ip =
			rte_pktmbuf_mtod_offset(mbufs[i], const struct rte_ipv6_hdr *, ETHERNET);

		if (!s)
			continue;
		s->record.by = port;
		if (mbufs[i]->data_len >= ETHERNET + IP6_LEN && ip6_is_version6(ip))
			s->record.to = *ip6_dst(ip);
	}
}
