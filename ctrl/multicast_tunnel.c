#include "ctrl/multicast_tunnel.h"

#include <errno.h>
#include <string.h>

#include "ctrl/mcast/membership.h"
#include "ctrl/role.h"
#include "proto/channel/object.h"

enum { MESSAGE_MAX = 1152 };

struct in6_addr multicast_tunnel_link_local(const struct in6_addr *end)
{
	struct in6_addr addr = {.s6_addr = {0xfe, 0x80}};

	/* Both ends may have the same interface identifier. */
	for (int i = 0; i < 8; i++)
		addr.s6_addr[8 + i] = end->s6_addr[i] ^ end->s6_addr[8 + i];
	return addr;
}

int multicast_tunnel_send(const struct ctrl *ctrl, const struct multicast_tunnel *tunnel,
	const struct in6_addr *dst, uint8_t *buf, size_t mld_len)
{
	const struct in6_addr src = multicast_tunnel_link_local(&tunnel->local);
	uint8_t packet[IP6_HEADER_SIZE + MLD_PACKET_HEAD + MESSAGE_MAX];
	struct ip6_build head = {
		.src = tunnel->local, .dst = tunnel->remote, .proto = IPPROTO_IPV6};
	struct packet_inject out = {.how = PACKET_TO_ROUTE, .frame = packet};
	ssize_t len;

	if (mld_len > MESSAGE_MAX)
		return -EINVAL;
	len = mld_packet_finish(&src, dst, buf, mld_len);
	if (len < 0)
		return (int)len;
	head.payload_len = (uint16_t)len;
	ip6_build(&head, packet, sizeof(packet));
	memcpy(packet + IP6_HEADER_SIZE, buf, (size_t)len);
	out.length = (uint16_t)(IP6_HEADER_SIZE + len);
	return role_inject(ctrl, NULL, &out);
}

enum mld_fault multicast_tunnel_open(
	const struct receive_packet *packet, struct in6_addr *src, const uint8_t **mld, size_t *len)
{
	const uint8_t *inner = packet->ip + packet->ip6.offset;

	if (packet->ip6.proto != IPPROTO_IPV6 || packet->ip6.len < IP6_HEADER_SIZE)
		return MLD_FAULT_OTHER;
	memcpy(src, inner + 8, sizeof(*src));
	return mld_packet_decode(inner, packet->ip6.len, mld, len);
}

void multicast_tunnel_publish(
	const struct membership_config *by, uint64_t id, const struct multicast_tunnel *tunnel)
{
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};
	struct bundle bundle = {.len = 0};
	struct writer w;

	object.path = (struct object_path){.id = id,
		.kind = PATH_IP6_IN_IP6,
		.local = tunnel->local,
		.remote = tunnel->remote};
	writer_init(&w, bundle.octets, sizeof(bundle.octets));
	if (object_encode(&w, &object) == 0)
		bundle.len = (uint16_t)writer_len(&w);
	by->publish(by->context, id, &bundle);
}
