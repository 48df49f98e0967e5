/*
 * Care-of addresses that a node claims without being heard from there: it may be that of another
 * node, which would get packets that it did not ask for (RFC 5648, 10).
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

struct binding;
struct binding_record;
struct signalling;
struct subscriber;

/* The live bindings of an entry are what they are from now on (bound), or will not be any more. */
void claim_note(struct signalling *s, struct binding *b, bool bound);

/* The same for one record that has been read from the store. */
void claim_note_record(
	struct signalling *s, struct binding *b, const struct binding_record *record);

/* Whether a node of another subscriber is bound from this address. */
bool claim_is_of_another(const struct signalling *s, const struct subscriber *subscriber,
	const struct in6_addr *care_of);

/* As signalling_tunnel_of(). */
const struct binding *claim_tunnel_of(
	const struct signalling *s, const struct in6_addr *care_of, const struct in6_addr *inner);
