/*
 * What a worker's nodes know of a packet beside its octets: a dynamic field of the mbuf.
 *
 * Undefined when a packet enters the graph; the node that enters it sets all of it (meta_start).
 * A packet's data starts at its Ethernet header from rx to classify, on every way to nd_proxy and
 * mirror, and after forward; in between at the IPv6 header that the next node is to look at.
 */
#pragma once

#include <assert.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <stdint.h>

enum meta_flag {
	META_ORIGINATED = 1 << 0,   /* made here or by the kernel: its hop limit is not touched */
	META_ENCAPSULATED = 1 << 1, /* we put `outer` octets of headers in front of it */
	META_DECAPSULATED = 1 << 2, /* came in a tunnel of `subscriber` */
	META_FROM_TWIN = 1 << 3,    /* the kernel sent it on the twin of its port */
	META_ON_LINK = 1 << 4,      /* its Ethernet header is still in front of its data */
	META_SIGNALLING = 1 << 5,   /* made by control: rules are not for it (RFC 6089, 4.3) */
	META_RELAYED = 1 << 6,      /* came from another data plane: it is not relayed again */
	META_GRE = 1 << 7, /* came in a tunnel, which it is still in, with `gre` and `key` */
};

struct meta {
	uint32_t
		subscriber; /* number of an entry: to encapsulate for, or whose tunnel it came by */
	union {
		uint32_t value; /* for icmp6_error: MTU or pointer; for too_big: the MTU it
				 * exceeds */
		uint32_t path;  /* for on_link: number of the path that it takes */
		uint32_t group; /* for group, META_DECAPSULATED: number of its group */
		uint32_t key;   /* META_GRE: of its GRE header, network order */
	};
	uint16_t mtu;  /* META_ENCAPSULATED: largest outer packet on the path, 0: any */
	uint16_t port; /* received on; from forward to tx: leaves by */
	uint8_t flags;
	uint8_t outer; /* octets of outer headers in front of the inner one */
	union {
		uint8_t gre;        /* META_GRE: as in struct path_mark */
		uint8_t icmp_type;  /* for icmp6_error */
		uint8_t punt_class; /* for punt: enum mirror_class */
	};
	union {
		uint8_t icmp_code;   /* for icmp6_error */
		uint8_t punt_reason; /* for punt: enum packet_reason */
		uint8_t numbered;    /* META_GRE: its GRE header ends with a sequence number */
	};
};
static_assert(sizeof(struct meta) == 16, "the size of the dynamic field");

extern int meta_offset;

/* Registers the dynamic field, once, before the first worker. 0 or a negative errno. */
int meta_register(void);

static inline struct meta *meta_of(struct rte_mbuf *m)
{
	return RTE_MBUF_DYNFIELD(m, meta_offset, struct meta *);
}

/* All of it, for a packet that enters the graph. */
static inline struct meta *meta_start(struct rte_mbuf *m, uint16_t port, uint8_t flags)
{
	struct meta *meta = meta_of(m);

	*meta = (struct meta){.subscriber = UINT32_MAX, .port = port, .flags = flags};
	return meta;
}
