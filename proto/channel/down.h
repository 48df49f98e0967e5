/*
 * Tunnels that carry nothing at present: control, which probes them
 * (ctrl/signalling/proxy/path_watch.h), tells data planes, and packets take other paths of their
 * subscribers meanwhile. What is not an object: it comes and goes while what control wants stays as
 * it is, one word moves the traffic of all subscribers of a tunnel, and each message tells all of
 * it.
 */
#pragma once

#include "common/addr.h"
#include "common/cursor.h"

enum { DOWN_TUNNELS_MAX = 1024 };

/* The ends of a tunnel, as paths have them (struct object_path). */
struct down_tunnel {
	struct in6_addr local, remote;
};

/* In ascending order, each once. */
struct down_tunnels {
	uint16_t count;
	struct down_tunnel tunnels[DOWN_TUNNELS_MAX];
};

/* Order of tunnels: below 0, 0 or above, as memcmp(). */
int down_tunnel_compare(const struct down_tunnel *a, const struct down_tunnel *b);

/* Whether a tunnel is among them. */
bool down_tunnels_have(const struct down_tunnels *down, const struct down_tunnel *tunnel);

/* Writes and reads the body of UPDATE_DOWN; the decoder wants nothing behind it. 0, -EINVAL (too
 * many, or not in order) or -ENOSPC; -EBADMSG. */
int down_tunnels_encode(struct writer *w, const struct down_tunnels *down);
int down_tunnels_decode(struct cursor *c, struct down_tunnels *down);
