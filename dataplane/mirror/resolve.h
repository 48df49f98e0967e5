/*
 * Packets that wait for a next hop: a few for each of a bounded number of next hops, while the
 * kernel resolves it. Mirror thread.
 */
#pragma once

#include <netinet/in.h>
#include <rte_mbuf.h>
#include <stdint.h>

enum {
	RESOLVE_HOPS = 512, /* waited for at a time; the kernel holds 1,024 neighbours by default */
	RESOLVE_PACKETS = 4,       /* that wait for one of them */
	RESOLVE_TIMEOUT_MS = 4000, /* the kernel has given up by then (RFC 4861, 10: 3 x 1 s) */
};

struct resolve_key {
	struct in6_addr addr;
	uint32_t port;
};

struct resolve_hop;

struct resolve {
	struct resolve_hop *hops;    /* all of them */
	struct resolve_hop *free;    /* chain */
	struct resolve_hop *waiting; /* by key */
};

/* What resolve_add() found. */
enum resolve_result {
	RESOLVE_WAITS,    /* the packet waits; the kernel was asked for the first one */
	RESOLVE_ASK,      /* the packet waits; ask the kernel now */
	RESOLVE_TOO_MANY, /* not taken: the packet is still the caller's */
};

/* Called for each packet that leaves the waiting; it belongs to the callee. */
typedef void resolve_fn(void *context, struct rte_mbuf *m, bool reachable);

/* 0 or -ENOMEM. */
int resolve_init(struct resolve *r);

/* Frees everything, with the packets that wait. */
void resolve_free(struct resolve *r);

/* A packet begins to wait for a next hop; it belongs to the resolve unless the result says else. */
enum resolve_result resolve_add(
	struct resolve *r, const struct resolve_key *key, struct rte_mbuf *m, uint64_t now_ms);

/* The next hop is resolved (or failed): hands over what waited for it. */
void resolve_done(struct resolve *r, const struct resolve_key *key, bool reachable, resolve_fn *fn,
	void *context);

/* Hands over, as unreachable, what waited too long. */
void resolve_expire(struct resolve *r, uint64_t now_ms, resolve_fn *fn, void *context);
