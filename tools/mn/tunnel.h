/*
 * The bidirectional tunnel to the home agent (RFC 6275, 11.3.1; RFC 2473): a TUN interface that
 * holds the home address, and raw sockets that carry its packets as IPv6 in IPv6.
 *
 * The outer header is encap.h's. About 1.8 Gbit/s. Single thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

enum {
	TUNNEL_OVERHEAD = 40,
	TUNNEL_MTU_MIN = 1280, /* RFC 8200, 5: below it the outer packets are fragmented */
};

struct tunnel_counters {
	uint64_t out_packets, out_octets;
	uint64_t in_packets, in_octets;
	uint64_t out_no_tunnel;   /* the node has no tunnel at the moment */
	uint64_t out_not_home;    /* from another address than the home address */
	uint64_t out_failed;      /* refused by the kernel */
	uint64_t in_wrong_source; /* not from the other end of the tunnel */
	uint64_t in_malformed;    /* no IPv6 packet inside */
	uint64_t in_not_home;     /* inner destination is neither the home address nor wanted */
	uint64_t in_congestion;   /* marked outside, not capable inside: dropped (RFC 6040, 4.2) */
};

/* Who cares for multicast. */
struct tunnel_listener {
	/* The kernel has sent this to a group of link scope on the TUN interface. */
	void (*link_scope)(void *context, const uint8_t *pkt, size_t len);
	/* Whether packets with these addresses are taken in from the tunnel. */
	bool (*wants)(void *context, const struct in6_addr *source, const struct in6_addr *group);
};

/* A way out besides the usual one, and what it has carried. */
struct tunnel_way {
	unsigned ifindex;
	struct in6_addr local, remote;
	bool on_link; /* no tunnel, but the next hop on the home link (outlet.h) */
	struct mac next_hop;
	uint64_t out_packets, out_octets;
};

/* Which way an inner packet goes; NULL: the usual one. */
typedef struct tunnel_way *tunnel_chooser(void *context, const uint8_t *pkt, size_t len);

struct tunnel;

/* Creates the TUN interface NAME (removed when closed) and the sockets. 0 or a negative errno. */
int tunnel_open(struct tunnel **out, const char *name, const struct in6_addr *home_address);
void tunnel_close(struct tunnel *t);

/* The index of the TUN interface. */
unsigned tunnel_ifindex(const struct tunnel *t);

/*
 * Sets the ends: packets go out by this interface from local to remote, and are taken in from
 * remote. ifindex 0: no tunnel now. 0 or a negative errno.
 */
int tunnel_set(struct tunnel *t, unsigned ifindex, const struct in6_addr *local,
	const struct in6_addr *remote);

/*
 * The other end is another one from now on. What the last few before it send is still taken in: it
 * may be on its way, and one of them may have become the other end again without our being told
 * yet.
 */
void tunnel_retarget(struct tunnel *t, const struct in6_addr *remote);

/*
 * Whether an answer of the home agent is awaited, which may name another end. Until then, a few
 * packets from ends that we do not know are kept for tunnel_retarget(), and given up otherwise.
 */
void tunnel_expect(struct tunnel *t, bool expecting);

/* What this end sends is taken in, besides what the other end of tunnel_set() sends: a data plane
 * that serves another care-of address of the node. */
void tunnel_accept(struct tunnel *t, const struct in6_addr *remote);

/* Asks who chooses the way of each packet that goes out, while there is a tunnel at all. What a way
 * carries is counted in it. A packet that is too big for its
 * way is fragmented. */
void tunnel_choose(struct tunnel *t, tunnel_chooser *choose, void *context);

/* Descriptors to poll for reading, and what to call when they are ready; each moves up to 64
 * packets. */
int tunnel_tun_fd(const struct tunnel *t);
int tunnel_link_fd(const struct tunnel *t);
void tunnel_tun_input(struct tunnel *t);
void tunnel_link_input(struct tunnel *t);

/*
 * A descriptor to poll for reading, and what to call when it is ready: some router between the ends
 * has said that packets are too big. Returns the MTU that the path has now, 0: nothing new. What is
 * still bigger is fragmented, until tunnel_set() names another path.
 */
int tunnel_error_fd(const struct tunnel *t);
uint32_t tunnel_error_input(struct tunnel *t);

/* Names who cares for multicast, which no tunnel carries until then. The listener outlives it. */
void tunnel_listen(struct tunnel *t, const struct tunnel_listener *listener, void *context);

/* Gives the kernel a packet as if it had come in by the TUN interface. 0 or a negative errno. */
int tunnel_inject(struct tunnel *t, const uint8_t *pkt, size_t len);

/* What it has carried and dropped; lives as long as the tunnel. */
const struct tunnel_counters *tunnel_counters(const struct tunnel *t);
