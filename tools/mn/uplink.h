/*
 * By which interface packets of the node leave: as the flows of the configuration say for what
 * comes to it, so that both directions of a flow go the same way. What belongs to no flow takes the
 * preferred interface. Any way is as good for the home agent as another, as long as it has the
 * care-of address (RFC 5648, 6.5).
 *
 * All functions work on the one struct mn; same thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/mn/tunnel.h"

/* A tunnel_chooser of a struct mn. */
struct tunnel_way *uplink_choose(void *mn, const uint8_t *pkt, size_t len);
