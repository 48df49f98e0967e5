/* A mobility message in its IPv6 packet, in one step each way. Pure functions: any thread. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "proto/mobility/auth.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/mh.h"

#define MH_PACKET_MAX (IP6_BUILD_MAX + MH_SIZE_MAX)

/* How the message of a packet is signed (RFC 4285, 5.1). MH must hold an MN-HA option: auth_add. */
struct mh_packet_key {
	struct hmac *hmac;
	const uint8_t *key; /* AUTH_KEY_SIZE octets */
	struct in6_addr coa;
	struct in6_addr hoa;
};

/* mh_packet_encode: writes a whole IPv6 packet: the headers that HEAD asks for (its proto and
 * payload_len are ignored), the message, the authenticator unless KEY is NULL, the checksum over
 * the effective addresses. Returns the octets written or what ip6_build, mh_encode, auth_sign
 * return. */
ssize_t mh_packet_encode(const struct ip6_build *head, const struct mh *mh,
	const struct mh_packet_key *key, uint8_t *buf, size_t size);

/* mh_packet_encode_with: the same, with the options whose numbers NUMBERS assigns. */
ssize_t mh_packet_encode_with(const struct option_numbers *numbers, const struct ip6_build *head,
	const struct mh *mh, const struct mh_packet_key *key, uint8_t *buf, size_t size);
