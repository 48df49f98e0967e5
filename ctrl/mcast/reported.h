/*
 * What nodes with bindings report through their tunnels (RFC 6275, 10.4.3): each tunnel is a link
 * with one listener, on which the home agent is the querier (ctrl/mcast/querier.h). A node that
 * says by a Multicast State option what it listens to is taken at that word: what it had reported
 * is forgotten, and it is neither asked nor heeded again until its binding ends.
 *
 * Costs 0.5 KiB a node, and what its groups cost the querier. For the control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wheel.h"
#include "ctrl/mcast/querier.h"

struct reported;

/* A node with a binding. */
struct reported_node {
	struct in6_addr home;
	uint64_t subscriber;
};

struct reported_ops {
	/* As in struct querier_ops, of the tunnel of a node. */
	int (*send)(void *context, const struct reported_node *node, const struct in6_addr *dst,
		uint8_t *buf, size_t mld_len);
	bool (*allows)(
		void *context, const struct reported_node *node, const struct in6_addr *group);
	void (*changed)(void *context, const struct reported_node *node,
		const struct in6_addr *group, const struct mcast_state *state);
};

struct reported_config {
	struct querier_config querier;
	struct reported_ops ops;
	void *context;
	struct wheel *wheel; /* outlives it; its context is not used */
	uint64_t *counters;  /* QUERIER_COUNTERS of them */
};

/* Copies the configuration. NULL: no memory. */
struct reported *reported_new(const struct reported_config *config);

/* Forgets all and tells nobody. NULL is allowed. */
void reported_free(struct reported *r);

/* The node has a binding: it is asked from now on, soon if many others are asked first. Nothing if
 * it is known. 0 or -ENOMEM. */
int reported_serve(struct reported *r, const struct reported_node *node, uint64_t now_ns);

/* The node has told by an option what it listens to. Returns how many groups that it had reported
 * are forgotten; nobody is told. Without memory its next report is heeded. */
size_t reported_told(struct reported *r, const struct reported_node *node);

/* The binding has ended: forgets what was reported, and tells nobody. */
void reported_end(struct reported *r, const struct in6_addr *home);

/* Data planes can be reached that could not be before: who could not be asked is asked now, one
 * after the other. */
void reported_retry(struct reported *r, uint64_t now_ns);

/* Whether it is asked, by its own querier. */
bool reported_asks(const struct reported *r, const struct in6_addr *home);

/* Its querier; NULL: it is not asked. Valid until the next call that is not for reading. */
const struct querier *reported_querier(const struct reported *r, const struct in6_addr *home);

/* How many nodes are asked, and how many are not, since they tell by options. */
size_t reported_asked(const struct reported *r);
size_t reported_telling(const struct reported *r);

/* The home addresses of those that are asked, from malloc; their number or -ENOMEM. */
int reported_list(const struct reported *r, struct in6_addr **list);

/* A sound report or done (mld_packet_decode) from the tunnel of a node that is asked; false: it is
 * not asked, or this is a query, which no node has a reason to send. */
bool reported_receive(struct reported *r, const struct in6_addr *home, const struct in6_addr *src,
	const uint8_t *mld, size_t len, uint64_t now_ns);
