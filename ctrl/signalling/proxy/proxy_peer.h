/*
 * The other end of Proxy Mobile IPv6: a local mobility anchor for a gateway, a mobile access
 * gateway for an anchor; and messages to and from it that are about no registration, protected as
 * registrations are (RFC 5846, 6.1; RFC 5847, 6; RFC 7077, 8). Pure functions.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/hmac.h"
#include "ctrl/signalling/receive.h"
#include "proto/mobility/auth.h"
#include "proto/mobility/mh.h"

struct proxy_peer {
	struct in6_addr own;     /* ours: source of what we send */
	struct in6_addr address; /* its */
	struct in6_addr care_of; /* of the two that of the gateway: authenticators cover it */
	bool has_key;            /* false: something else protects the messages */
	uint32_t spi;
	const uint8_t *key; /* AUTH_KEY_SIZE octets of somebody else */
};

/* Writes a message to a peer as an IPv6 packet, authenticated (RFC 4285, 5.1, with the all-zero
 * home address); adds the option to mh. Returns the octets written or a negative errno. */
ssize_t proxy_peer_encode(
	const struct proxy_peer *peer, struct hmac *hmac, struct mh *mh, uint8_t *buf, size_t size);

/* Whether a message is from this peer, for its address of ours, and authentic. */
bool proxy_peer_sent(const struct proxy_peer *peer, struct hmac *hmac,
	const struct receive_packet *packet, const struct mh *mh);

/*
 * Whether an authentic message was made just now, and later than all before it: RFC 4285's
 * authenticator of one that is not matched with a request stays good for ever, and RFC 5846, 6.1
 * wants protection against that. So, where there is a key, the Timestamp option of RFC 5213, 8.8
 * has to be there, at most window_ms from real_ns (time of day), and greater than *last, which it
 * replaces. Without a key what protects the messages (IPsec) has to see to it.
 */
bool proxy_peer_is_fresh(const struct proxy_peer *peer, const struct mh *mh, uint64_t real_ns,
	uint32_t window_ms, uint64_t *last);
