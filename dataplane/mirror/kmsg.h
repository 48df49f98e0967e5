/*
 * rtnetlink messages as the mirror needs them: links, IPv6 addresses, neighbours and routes, read
 * from what the kernel sends. Pure; integers of netlink are in host byte order.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/cursor.h"

enum kmsg_kind {
	KMSG_OTHER, /* nothing that the mirror follows */
	KMSG_LINK,
	KMSG_ADDRESS,
	KMSG_NEIGHBOUR,
	KMSG_ROUTE,
	KMSG_DONE,  /* end of a dump */
	KMSG_ERROR, /* answer to a request; error 0 is success */
};

struct kmsg_link {
	int ifindex;
	bool up; /* as the operator set it (IFF_UP) */
	uint32_t mtu;
};

struct kmsg_address {
	int ifindex;
	struct in6_addr addr;
};

struct kmsg_neighbour {
	int ifindex;
	struct in6_addr addr;
	bool usable;    /* the MAC is good to send to: REACHABLE, STALE, DELAY, PROBE, PERMANENT */
	bool stale;     /* the kernel will forget it unless it is used */
	bool failed;    /* nobody answered */
	struct mac mac; /* when usable */
};

enum kmsg_route_type {
	KMSG_ROUTE_UNICAST,     /* to the next hop */
	KMSG_ROUTE_UNREACHABLE, /* answered with an error; also prohibit and throw */
	KMSG_ROUTE_BLACKHOLE,   /* dropped silently */
	KMSG_ROUTE_IGNORED,     /* the table of local addresses, multicast, cached clones */
};

struct kmsg_route {
	enum kmsg_route_type type;
	struct prefix6 prefix;
	struct prefix6 source; /* only packets from there; length 0: all */
	uint32_t metric;
	int ifindex; /* of the first usable next hop; 0: none */
	bool gateway;
	bool elsewhere;      /* in another table than the main one */
	struct in6_addr via; /* when gateway */
	/* One hop of several, or a replacement: what such a message leaves of the routes to this
	 * prefix, only a new dump can tell. */
	bool partial;
};

struct kmsg {
	enum kmsg_kind kind;
	bool removed;     /* RTM_DEL... */
	bool dump;        /* part of a dump, not a change */
	bool interrupted; /* part of a dump that what it dumps changed under */
	uint32_t sequence;
	int error;
	union {
		struct kmsg_link link;
		struct kmsg_address address;
		struct kmsg_neighbour neighbour;
		struct kmsg_route route;
	};
};

/*
 * Reads the next message and advances past it. 0, or -EBADMSG if it is cut or contradicts itself;
 * the cursor is then of no more use.
 */
int kmsg_decode(struct cursor *c, struct kmsg *msg);

/* Requests, written to a buffer for send(): their length, or -ENOSPC. */

/* A dump of all links, addresses, neighbours or routes (RTM_GETLINK, ...). */
int kmsg_dump_encode(void *buf, size_t size, uint16_t type, uint32_t sequence);

/* "Traffic needs this neighbour": starts or refreshes its resolution (NTF_USE). */
int kmsg_use_encode(void *buf, size_t size, int ifindex, const struct in6_addr *addr);
