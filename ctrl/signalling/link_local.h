/*
 * Link-local addresses that are defended together with home addresses: the Link-Local Address
 * Compatibility (L) flag of the first registration asks for it (RFC 6275, 10.3.1).
 *
 * On one home link such an address belongs to one binding, from before duplicate address detection
 * until the binding has ended. Home addresses with the same interface identifier may be under
 * several prefixes of a link, so that asking others on the link is not enough.
 *
 * A hash table; 104 octets a claim. For the control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct binding;
struct receive_packet;
struct signalling;

/*
 * Claims the link-local address of a binding if `flags` has L and its home prefix is on a link;
 * gives back the one that it has if not. Returns 0; -EEXIST if another binding, or the gateway
 * itself, has it on this link; -ENOMEM.
 */
int link_local_claim(struct signalling *s, struct binding *b, uint16_t flags);

/* Gives the claim of a binding back, if it has one. */
void link_local_release(struct signalling *s, struct binding *b);

/* The binding that has this address on the home link that a packet came from, or NULL. */
struct binding *link_local_find(
	struct signalling *s, const struct receive_packet *packet, const struct in6_addr *addr);

/* Frees all claims: the end of the process. */
void link_local_free(struct signalling *s);
