/* What the rigs of anchor and gateway have in common. */
#pragma once

#include "ctrl/signalling/receive.h"
#include "proto/mobility/mh_packet.h"

/* A mobility message as it has come in; points into itself. */
struct proxy_rig_message {
	struct receive_packet packet;
	struct mh mh;
	uint8_t octets[MH_PACKET_MAX];
};

/*
 * Makes it of what the other end has said, from src to dst. It is signed with `key`, AUTH_KEY_SIZE
 * octets, for the care-of address; mh has its authenticator then (auth_add). NULL: it is not.
 */
void proxy_rig_message(struct proxy_rig_message *message, const struct ip6_build *head,
	const struct mh *mh, const struct in6_addr *care_of, const uint8_t *key);
