/*
 * Mobility messages of the mobile node: Binding Updates out, answers in (RFC 6275, 11.7; RFC 4285,
 * 5 and 6). Pure but for the HMAC context; no I/O.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "common/hmac.h"
#include "tools/mn/bul.h"
#include "tools/mn/config.h"

/* What an incoming packet is to the mobile node. */
enum signal_kind {
	SIGNAL_NOT_OURS,     /* no mobility message of our home agent for our home address */
	SIGNAL_BAD_CHECKSUM, /* dropped silently (RFC 6275, 9.2) */
	SIGNAL_MALFORMED,    /* does not decode */
	SIGNAL_BAD_FIELD, /* Payload Proto or Header Len is wrong: answer->pointer says where (9.2)
			   */
	SIGNAL_UNKNOWN_TYPE,    /* a MH Type that nobody knows: signal_binding_error() (9.2) */
	SIGNAL_UNAUTHENTICATED, /* an acknowledgement without a valid authenticator */
	SIGNAL_UNEXPECTED,      /* an acknowledgement to nothing, or a type that a node ignores */
	SIGNAL_ACK,             /* Binding Acknowledgement: the answer is filled in */
	SIGNAL_REFRESH_REQUEST, /* Binding Refresh Request */
	SIGNAL_ERROR,           /* Binding Error: its status is filled in */
	SIGNAL_REVOCATION, /* Binding Revocation Indication: sequence, BIDs, and the status that
			    * it is to be answered with */
	SIGNAL_PROBLEM,    /* Parameter Problem about an update: code as status, and sequence */
	SIGNAL_KINDS
};

/* Stable lower case name, for counters. */
const char *signal_kind_name(enum signal_kind kind);

/*
 * Writes the packet of a Binding Update: registration from the care-of address with home address
 * option and alternate care-of address option (11.7.1), or from home without both (11.5.5). With
 * BIDs, Binding Identifier options take the place of the latter (RFC 5648, 5.2); that of the home
 * link comes with the node's link-layer address (5.6.3). Returns the octets written or a negative
 * errno.
 */
ssize_t signal_binding_update(const struct mn_config *config, struct hmac *hmac,
	const struct bul_update *update, bool with_timestamp, uint8_t *buf, size_t size);

/*
 * Looks at an incoming IPv6 packet. Fills in *answer for SIGNAL_ACK; answer->status for
 * SIGNAL_ERROR; answer->pointer, octets from the IPv6 header, for SIGNAL_BAD_FIELD; status and
 * sequence for SIGNAL_PROBLEM. An acknowledgement is verified with the care-of address of the
 * entry's present request.
 */
enum signal_kind signal_input(const struct mn_config *config, struct hmac *hmac,
	const struct bul_entry *entry, const uint8_t *pkt, size_t len, struct bul_answer *answer);

/*
 * Writes the packet of the Binding Revocation Acknowledgement that answers a SIGNAL_REVOCATION (RFC
 * 5846, 6.1.2), from this care-of address. Returns the octets written or a negative errno.
 */
ssize_t signal_revocation_answer(const struct mn_config *config, struct hmac *hmac,
	const struct in6_addr *care_of, const struct bul_answer *revocation, uint8_t *buf,
	size_t size);

/*
 * Writes the packet of the Binding Error that answers a message of unknown type (RFC 6275, 9.3.3),
 * from the address it was sent to, to the home agent. Returns the octets written or a negative
 * errno.
 */
ssize_t signal_binding_error(
	const struct mn_config *config, const struct in6_addr *from, uint8_t *buf, size_t size);
