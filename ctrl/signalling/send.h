/*
 * Packets out, through a data plane. What cannot be sent is counted: every message of ours is
 * asked for again by its receiver.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "ctrl/binding/home_prefix.h"

#define SEND_ETHER_SIZE 14

struct signalling;

/* Sends an IPv6 packet by the data plane's routes; data_plane NULL: the one that serves. If the
 * named one is gone, the serving one is tried. Returns 0 or a negative errno. */
int send_route(struct signalling *s, const char *data_plane, const uint8_t *ip, size_t len);

/* Sends an IPv6 packet to a subscriber of the data planes, through its path. */
int send_subscriber(struct signalling *s, uint64_t subscriber, const uint8_t *ip, size_t len);

/*
 * Sends an IPv6 packet on a home link, to the Ethernet address dst. `frame` holds it behind
 * SEND_ETHER_SIZE octets of room for the Ethernet header; len counts the packet alone.
 */
int send_link(struct signalling *s, const struct home_link *link, const struct mac *dst,
	uint8_t *frame, size_t len);
