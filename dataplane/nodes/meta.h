/*
 * What a worker's nodes know of a packet beside its octets: a dynamic field of the mbuf.
 *
 * Undefined when a packet enters the graph; the node that enters it clears it (meta_clear). A
 * packet's data starts at its Ethernet header from rx to classify, on the ways to nd_proxy, and
 * after forward; in between it starts at the IPv6 header that the node is to look at.
 */
#pragma once

#include <assert.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <stdint.h>

enum meta_flag {
	META_ORIGINATED = 1 << 0,   /* made here or by the kernel: its hop limit is not touched */
	META_ENCAPSULATED = 1 << 1, /* we put the outer header on: `outer` octets of it */
	META_DECAPSULATED = 1 << 2, /* came in a tunnel of `subscriber` */
	META_FROM_TWIN = 1 << 3,    /* the kernel sent it on the twin of its port */
	META_FORWARDED = 1 << 4,    /* the inner hop limit has been decremented */
};

struct meta {
	uint32_t subscriber; /* number of an entry: to encapsulate for, or whose tunnel it came by;
				route to forward: number of the next hop's neighbour or none */
	uint32_t icmp_value; /* for icmp6_error: MTU or pointer */
	uint16_t mtu;        /* META_ENCAPSULATED: largest outer packet on the path, 0: any */
	uint16_t port;       /* forward to tx: leaves by; else received on */
	uint8_t flags;
	uint8_t outer; /* octets of the outer header in front of the inner one */
	uint8_t icmp_type;
	uint8_t icmp_code;
};
static_assert(sizeof(struct meta) == 16, "the size of the dynamic field");

extern int meta_offset;

/* Registers the dynamic field, once, before the first worker. 0 or a negative errno. */
int meta_register(void);

static inline struct meta *meta_of(struct rte_mbuf *m)
{
	return RTE_MBUF_DYNFIELD(m, meta_offset, struct meta *);
}
