#include "traffic.h"

#include <rte_lcore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "dataplane/nodes/meta.h"
#include "dataplane/nodes/node.h"
#include "dataplane/worker.h"

enum {
	ETHER = 14,
	IP6 = 40,
	GRE = 8, /* with a key (RFC 2890, 2) */
	GRE_KEY = 4,
	SRC = 8, /* offset of addresses in an IPv6 header */
	DST = 24,
	HEAD_PLAIN = 64,   /* octets that are written anew in each packet */
	HEAD_TUNNEL = 128, /* of one in a tunnel */
};

enum edge { SOURCE_EXPRESS, SOURCE_TX, SOURCE_EDGES };

const struct mac traffic_own_mac = {{2, 0, 0, 0, 0, 1}}, traffic_peer_mac = {{2, 0, 0, 0, 0, 2}};
const char *const traffic_sources[] = {"bench_source", NULL};

/* What all sources make; constant while they walk. */
static struct {
	struct rte_mempool *pool;
	struct traffic traffic;
	uint8_t head[HEAD_TUNNEL];
	uint16_t length;
	bool gre;
} made;

/* Random numbers of each source. */
static struct {
	uint64_t state;
} __rte_cache_aligned sources[TRAFFIC_WORKERS];

const char *work_name(enum work work)
{
	static const char *const names[WORKS] = {
		[WORK_FLOOR] = "floor",
		[WORK_ENCAP] = "encap",
		[WORK_DECAP] = "decap",
		[WORK_RELAY] = "relay",
		[WORK_ROUTE] = "route",
	};

	return work < WORKS ? names[work] : "unknown";
}

struct in6_addr traffic_addr(const char *text)
{
	struct in6_addr a;

	if (addr_parse(text, &a) < 0) {
		fprintf(stderr, "'%s' is no address\n", text);
		exit(1);
	}
	return a;
}

static inline uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
	return x ^ x >> 29;
}

static inline struct in6_addr address_of(uint32_t subscriber, uint8_t net)
{
	struct in6_addr a = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0, net}};
	uint64_t id = mix(subscriber + 1ull);

	memcpy(a.s6_addr + 8, &id, sizeof(id));
	return a;
}

struct in6_addr traffic_home(uint32_t subscriber)
{
	return address_of(subscriber, 1);
}

struct in6_addr traffic_care_of(uint32_t subscriber)
{
	return address_of(subscriber, 15);
}

/* One of the flows, as 16 random bits say. */
static inline void draw_flow(uint8_t *frame, uint16_t random)
{
	uint16_t flow = (uint16_t)(1 + (random * (uint32_t)made.traffic.flows >> 16));

	flow = rte_cpu_to_be_16(flow);
	memcpy(frame + ETHER + SRC + 14, &flow, sizeof(flow));
	memcpy(frame + ETHER + IP6, &flow, sizeof(flow));
}

/* Writes what differs from packet to packet: whose it is. */
static __rte_always_inline void personalize(uint8_t *frame, uint64_t *random, enum work work)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;

	uint32_t who =
		made.traffic.first + (uint32_t)(((*random >> 32) * made.traffic.subscribers) >> 32);
	struct in6_addr home = traffic_home(who), care_of;
	uint8_t *inner;
	rte_be32_t key;

	switch (work) {
	case WORK_ENCAP:
		memcpy(frame + ETHER + DST, &home, sizeof(home));
		if (made.traffic.flows)
			draw_flow(frame, (uint16_t)(*random >> 16));
		break;
	case WORK_RELAY:
		memcpy(frame + ETHER + IP6 + DST, &home, sizeof(home));
		break;
	case WORK_DECAP:
		care_of = traffic_care_of(who);
		memcpy(frame + ETHER + SRC, &care_of, sizeof(care_of));
		inner = frame + ETHER + IP6;
		if (made.gre) {
			key = rte_cpu_to_be_32(traffic_key(who));
			memcpy(inner + GRE_KEY, &key, sizeof(key));
			inner += GRE;
		}
		memcpy(inner + SRC, &home, sizeof(home));
		break;
	default: /* as much of a draw, in a prefix of nobody */
		memcpy(frame + ETHER + DST + 8, home.s6_addr + 8, 8);
		break;
	}
}

/* Inlined with a constant work. */
static __rte_always_inline void make(
	struct rte_mbuf **mbufs, uint16_t n, uint64_t *random, enum work work)
{
	const bool tunnel = work == WORK_DECAP || work == WORK_RELAY;

	for (uint16_t i = 0; i < n; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(mbufs[i], uint8_t *);

		memcpy(frame, made.head, tunnel ? HEAD_TUNNEL : HEAD_PLAIN);
		personalize(frame, random, work);
		mbufs[i]->data_len = made.length;
		mbufs[i]->pkt_len = made.length;
		mbufs[i]->port = 0;
		if (work == WORK_FLOOR)
			meta_start(mbufs[i], 0, 0);
	}
}

static uint16_t source_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct rte_mbuf **mbufs = (struct rte_mbuf **)objs;
	uint64_t *random = &sources[w->index % TRAFFIC_WORKERS].state;
	const enum work work = made.traffic.work;

	n = made.traffic.burst;
	if (rte_pktmbuf_alloc_bulk(made.pool, mbufs, n) < 0)
		return 0;
	switch (work) {
	case WORK_FLOOR:
		make(mbufs, n, random, WORK_FLOOR);
		break;
	case WORK_ENCAP:
		make(mbufs, n, random, WORK_ENCAP);
		break;
	case WORK_DECAP:
		make(mbufs, n, random, WORK_DECAP);
		break;
	case WORK_RELAY:
		make(mbufs, n, random, WORK_RELAY);
		break;
	default:
		make(mbufs, n, random, WORK_ROUTE);
		break;
	}
	node->idx = n;
	w->busy += n;
	rte_node_next_stream_move(graph, node, work == WORK_FLOOR ? SOURCE_TX : SOURCE_EXPRESS);
	return n;
}

static struct rte_node_register source_node = {
	.name = "bench_source",
	.flags = RTE_NODE_SOURCE_F,
	.process = source_process,
	.init = node_init,
	.nb_edges = SOURCE_EDGES,
	.next_nodes = {[SOURCE_EXPRESS] = "express", [SOURCE_TX] = "tx"},
};
RTE_NODE_REGISTER(source_node)

static uint8_t *put_ip6(
	uint8_t *at, const char *src, const char *dst, uint8_t next, uint16_t payload)
{
	struct in6_addr s = traffic_addr(src), d = traffic_addr(dst);
	uint8_t header[IP6] = {0x60, [4] = (uint8_t)(payload >> 8), (uint8_t)payload, next, 64};

	memcpy(at, header, sizeof(header));
	memcpy(at + SRC, &s, sizeof(s));
	memcpy(at + DST, &d, sizeof(d));
	return at + IP6;
}

void traffic_use_gre(bool gre)
{
	made.gre = gre;
}

bool traffic_uses_gre(void)
{
	return made.gre;
}

uint32_t traffic_key(uint32_t subscriber)
{
	return subscriber * 3 + 1;
}

struct rte_mempool *traffic_pool(void)
{
	return made.pool;
}

void traffic_use_pool(struct rte_mempool *pool)
{
	made.pool = pool;
	for (unsigned i = 0; i < TRAFFIC_WORKERS; i++)
		sources[i].state = mix(i + 1);
}

void traffic_set(const struct traffic *traffic)
{
	const uint16_t inner = (uint16_t)(traffic->octets - ETHER);
	const uint8_t udp[8] = {
		[1] = 53, [3] = 80, (uint8_t)((inner - IP6) >> 8), (uint8_t)(inner - IP6)};
	const uint8_t gre[GRE] = {0x20, 0, 0x86, 0xdd}; /* a key, IPv6 */
	uint8_t *at = made.head;

	made.traffic = *traffic;
	memset(at, 0, sizeof(made.head));
	memcpy(at, traffic_own_mac.b, 6);
	memcpy(at + 6, traffic_peer_mac.b, 6);
	at[12] = 0x86;
	at[13] = 0xdd;
	at += ETHER;
	if (traffic->work == WORK_DECAP && made.gre) {
		at = put_ip6(
			at, "2001:db8:f::1", TRAFFIC_LOCAL, IPPROTO_GRE, (uint16_t)(GRE + inner));
		memcpy(at, gre, sizeof(gre));
		at += GRE;
	} else if (traffic->work == WORK_DECAP) {
		at = put_ip6(at, "2001:db8:f::1", TRAFFIC_LOCAL, 41, inner);
	}
	if (traffic->work == WORK_RELAY)
		at = put_ip6(at, TRAFFIC_OTHER, TRAFFIC_OWN, 41, inner);
	at = put_ip6(at, TRAFFIC_SOURCE, "2001:db8:c::d", 17, (uint16_t)(inner - IP6));
	memcpy(at, udp, sizeof(udp));
	made.length = (uint16_t)(at - made.head + inner - IP6);
}
