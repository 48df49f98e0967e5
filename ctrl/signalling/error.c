#include "ctrl/signalling/error.h"

#include <errno.h>

#include "ctrl/signalling/receive.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/status.h"

bool error_pass(struct signalling *s)
{
	if (token_bucket_take(&s->errors, s->config.errors_per_second, state_now(s)))
		return true;
	state_count(s, SIGNALLING_N_ERROR_LIMITED);
	return false;
}

/* Whether the packet was sent by one node to one of our addresses. */
static bool may_answer(struct signalling *s, const struct receive_packet *packet)
{
	if (addr_is_unicast_routable(&packet->ip6.src) &&
		home_prefix_is_own(&s->config.policy, &packet->ip6.dst))
		return true;
	state_count(s, SIGNALLING_N_ERROR_FORBIDDEN);
	return false;
}

void error_binding(struct signalling *s, const struct receive_packet *packet, uint8_t status)
{
	struct ip6_build head = {.src = packet->ip6.dst, .dst = packet->ip6.src};
	struct mh mh = {.type = MH_BE, .be.status = status};
	uint8_t buf[MH_PACKET_MAX];
	ssize_t len;

	if (!may_answer(s, packet) || !error_pass(s))
		return;
	if (packet->ip6.has_home_address)
		mh.be.home_address = packet->ip6.home_address;
	len = mh_packet_encode(&head, &mh, NULL, buf, sizeof(buf));
	if (len > 0 && send_route(s, packet->data_plane, buf, (size_t)len) == 0)
		state_count(s, SIGNALLING_N_BE_SENT);
}

void error_parameter(
	struct signalling *s, const struct receive_packet *packet, uint8_t code, uint32_t pointer)
{
	uint8_t buf[IP6_MIN_MTU];
	ssize_t len;

	if (!may_answer(s, packet) || !error_pass(s))
		return;
	len = icmp6_parameter_problem(
		&packet->ip6.dst, code, pointer, packet->ip, packet->len, buf, sizeof(buf));
	if (len == -EPERM)
		state_count(s, SIGNALLING_N_ERROR_FORBIDDEN);
	if (len > 0 && send_route(s, packet->data_plane, buf, (size_t)len) == 0)
		state_count(s, SIGNALLING_N_ICMP_SENT);
}
