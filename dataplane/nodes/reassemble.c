/*
 * reassemble: fragments of packets to an address of ours that are not for the kernel, until the
 * packet is whole.
 */
#include <rte_cycles.h>
#include <rte_ip_frag.h>
#include <rte_malloc.h>

#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/nodes/reassembly.h"

enum edge { REASSEMBLE_LOCAL, REASSEMBLE_DROP, REASSEMBLE_EDGES };

enum {
	PACKETS = 256, /* in reassembly at once */
	PER_BUCKET = 4,
	OFFSET_AND_MORE = 0xfff9, /* in the Fragment header; the other bits are reserved */
	LIFETIME_S = 2, /* much less than the 60 s allowed: a tunnel's fragments come together */
};

struct reassembly {
	struct rte_ip_frag_tbl *table;
	struct rte_ip_frag_death_row dead;
};

struct reassembly *reassembly_create(void)
{
	struct reassembly *r = rte_zmalloc("reassembly", sizeof(*r), RTE_CACHE_LINE_SIZE);

	if (!r)
		return NULL;
	r->table = rte_ip_frag_table_create(PACKETS / PER_BUCKET, PER_BUCKET, PACKETS,
		rte_get_tsc_hz() * LIFETIME_S, SOCKET_ID_ANY);
	if (!r->table) {
		rte_free(r);
		return NULL;
	}
	return r;
}

void reassembly_destroy(struct reassembly *r)
{
	if (!r)
		return;
	rte_ip_frag_free_death_row(&r->dead, 0);
	rte_ip_frag_table_destroy(r->table);
	rte_free(r);
}

/* Adds a fragment. Returns the whole packet in one segment, or NULL: the fragment is kept, or was
 * given up together with others that the death row has. */
static struct rte_mbuf *add(struct worker *w, struct rte_mbuf *m)
{
	struct rte_ipv6_hdr *ip = ip6_of(m);

	m->l2_len = 0;
	m->l3_len = IP6_LEN + IP6_FRAGMENT_LEN;
	return rte_ipv6_frag_reassemble_packet(w->reassembly->table, &w->reassembly->dead, m,
		w->tsc, ip, (struct rte_ipv6_fragment_ext *)(ip + 1));
}

/* A packet that is whole in spite of its Fragment header has nothing to do with fragments of the
 * same identification (RFC 6946, 4). */
static bool is_atomic(struct rte_mbuf *m)
{
	const struct rte_ipv6_fragment_ext *fragment =
		rte_pktmbuf_mtod_offset(m, struct rte_ipv6_fragment_ext *, IP6_LEN);

	return (fragment->frag_data & rte_cpu_to_be_16(OFFSET_AND_MORE)) == 0;
}

/* Takes the Fragment header out of an atomic fragment. */
static struct rte_mbuf *unwrap(struct rte_mbuf *m)
{
	struct rte_ipv6_hdr ip = *ip6_of(m);
	const struct rte_ipv6_fragment_ext *fragment =
		rte_pktmbuf_mtod_offset(m, struct rte_ipv6_fragment_ext *, IP6_LEN);

	ip.proto = fragment->next_header;
	ip.payload_len =
		rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(ip.payload_len) - IP6_FRAGMENT_LEN));
	rte_pktmbuf_adj(m, IP6_FRAGMENT_LEN);
	*ip6_of(m) = ip;
	return m;
}

static void reassemble_one(
	struct worker *w, struct rte_graph *graph, struct rte_node *node, struct rte_mbuf *m)
{
	/* A Fragment header behind others is legal and unheard of. */
	if (ip6_of(m)->proto != IP6_FRAGMENT) {
		rte_node_enqueue_x1(graph, node, REASSEMBLE_DROP, m);
		return;
	}
	m = is_atomic(m) ? unwrap(m) : add(w, m);
	if (!m)
		return;
	if (m->pkt_len > UINT16_MAX || rte_pktmbuf_linearize(m) < 0) {
		rte_node_enqueue_x1(graph, node, REASSEMBLE_DROP, m);
		return;
	}
	node_count(w, WORKER_reassembled, 1);
	rte_node_enqueue_x1(graph, node, REASSEMBLE_LOCAL, m);
}

static uint16_t reassemble_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct rte_ip_frag_death_row *dead = &w->reassembly->dead;

	for (uint16_t i = 0; i < n; i++) {
		reassemble_one(w, graph, node, objs[i]);
		if (dead->cnt)
			rte_node_enqueue(graph, node, REASSEMBLE_DROP, (void **)dead->row,
				(uint16_t)dead->cnt);
		dead->cnt = 0;
	}
	return n;
}

static struct rte_node_register reassemble_node = {
	.name = "reassemble",
	.process = reassemble_process,
	.init = node_init,
	.nb_edges = REASSEMBLE_EDGES,
	.next_nodes =
		{
			[REASSEMBLE_LOCAL] = "local",
			[REASSEMBLE_DROP] = "drop_tunnel_fragment",
		},
};
RTE_NODE_REGISTER(reassemble_node)
