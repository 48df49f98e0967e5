/*
 * Taking over the traffic for an absent node on its home link (RFC 6275, 10.4.1). The data plane
 * itself answers solicitations while its subscriber object is there; when the node is back the
 * object goes, and with it the defence.
 */
#pragma once

struct binding;
struct signalling;

/* Tells all nodes of the home link that the home address is to be reached at the gateway; nothing
 * if its prefix is on no link. */
void defend_announce(struct signalling *s, const struct binding *b);
