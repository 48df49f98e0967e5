/*
 * Multicast Listener Discovery between an anchor and an access gateway, in the tunnel between the
 * two (RFC 6224, 4): a link of two routers, whose addresses on it are made of those of its ends.
 * For the control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrl/signalling/receive.h"
#include "proto/mobility/mld.h"

struct ctrl;
struct membership_config;

/* By the addresses of its ends. */
struct multicast_tunnel {
	struct in6_addr local, remote;
};

/* The link-local address of the end with this address. */
struct in6_addr multicast_tunnel_link_local(const struct in6_addr *end);

/* Sends the message of mld_len octets, up to 1,152, that stands behind MLD_PACKET_HEAD octets of
 * room in buf, to an address on the link. 0 or a negative errno. */
int multicast_tunnel_send(const struct ctrl *ctrl, const struct multicast_tunnel *tunnel,
	const struct in6_addr *dst, uint8_t *buf, size_t mld_len);

/* The message in a packet that came by a tunnel, as mld_packet_decode(); *src is who sent it. */
enum mld_fault multicast_tunnel_open(const struct receive_packet *packet, struct in6_addr *src,
	const uint8_t **mld, size_t *len);

/* Publishes the tunnel as a path with this id. */
void multicast_tunnel_publish(
	const struct membership_config *by, uint64_t id, const struct multicast_tunnel *tunnel);
