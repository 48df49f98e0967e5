#include "ctrl/signalling/receive.h"

#include "common/log.h"
#include "ctrl/signalling/dad.h"
#include "ctrl/signalling/ha.h"
#include "ctrl/signalling/revocation.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/status.h"

#define PROTO_ESP 50
#define PROTO_AH  51

typedef void receive_fn(struct signalling *s, const struct receive_packet *packet);
typedef void message_fn(
	struct signalling *s, const struct receive_packet *packet, const struct mh *mh);

/* What becomes of a message: handled, or counted and dropped. */
struct message_row {
	message_fn *fn; /* NULL: dropped */
	enum signalling_counter counter;
	bool route_optimization; /* dropped also between others: it is off */
};

static const struct message_row messages[] = {
	[MH_BRR] = {NULL, SIGNALLING_N_MH_UNEXPECTED, false},
	[MH_HOTI] = {NULL, SIGNALLING_N_MH_HOTI, true},
	[MH_COTI] = {NULL, SIGNALLING_N_MH_COTI, true},
	[MH_HOT] = {NULL, SIGNALLING_N_MH_HOT, true},
	[MH_COT] = {NULL, SIGNALLING_N_MH_COT, true},
	[MH_BU] = {ha_receive, SIGNALLING_N_BU, false},
	[MH_BA] = {NULL, SIGNALLING_N_MH_UNEXPECTED, false},
	[MH_BE] = {NULL, SIGNALLING_N_MH_UNEXPECTED, false},
	[MH_REVOCATION] = {revocation_receive, SIGNALLING_N_REVOCATION, false},
};

#define MESSAGES (sizeof(messages) / sizeof(*messages))

static const enum signalling_counter mh_faults[MH_FAULT_COUNT] = {
	[MH_FAULT_NONE] = SIGNALLING_N_MH_OPTION,
	[MH_FAULT_TRUNCATED] = SIGNALLING_N_MH_TRUNCATED,
	[MH_FAULT_TYPE] = SIGNALLING_N_MH_TYPE,
	[MH_FAULT_PAYLOAD_PROTO] = SIGNALLING_N_MH_PROTO,
	[MH_FAULT_MINIMUM] = SIGNALLING_N_MH_LENGTH,
	[MH_FAULT_HEADER_LEN] = SIGNALLING_N_MH_TRUNCATED,
	[MH_FAULT_OPTION_TRUNCATED] = SIGNALLING_N_MH_OPTION,
	[MH_FAULT_OPTION_LENGTH] = SIGNALLING_N_MH_OPTION,
	[MH_FAULT_OPTION_REPEATED] = SIGNALLING_N_MH_OPTION,
	[MH_FAULT_OPTION_ORDER] = SIGNALLING_N_MH_OPTION,
	[MH_FAULT_OPTION_COUNT] = SIGNALLING_N_MH_OPTION,
};

/* A message for others that the data plane saw on its way from or to a subscriber. */
static void transit(struct signalling *s, const struct receive_packet *packet)
{
	const struct binding *b;
	uint8_t type;

	if (packet->ip6.len < MH_HEADER_SIZE) {
		state_count(s, SIGNALLING_N_MH_TRUNCATED);
		return;
	}
	type = receive_mh(packet)[2];
	if (type < MESSAGES && messages[type].route_optimization) {
		state_count(s, messages[type].counter);
		return;
	}
	state_count(s, SIGNALLING_N_MH_TRANSIT);
	b = binding_cache_find(s->cache, &packet->ip6.dst);
	if (b && binding_is_live(b))
		send_subscriber(s, b->now.subscriber_id, packet->ip, packet->len);
	else
		send_route(s, packet->data_plane, packet->ip, packet->len);
}

/* RFC 6275, 9.2: a message that cannot be decoded. */
static void message_fault(
	struct signalling *s, const struct receive_packet *packet, const struct mh_error *error)
{
	static struct log_limit limit = LOG_LIMIT(5);
	char text[128];

	state_count(s, mh_faults[error->fault]);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "ha", "bad-message", "from=%s error=%s",
		ADDR_TEXT(&packet->ip6.src), LOG_QUOTE(mh_error_print(error, text, sizeof(text))));
	switch (mh_error_answer(error)) {
	case MH_ANSWER_BINDING_ERROR:
		error_binding(s, packet, STATUS_BE_UNKNOWN_TYPE);
		break;
	case MH_ANSWER_PARAMETER_PROBLEM:
		error_parameter(s, packet, ICMP6_PARAMETER_FIELD,
			packet->ip6.offset + (uint32_t)error->offset);
		break;
	case MH_ANSWER_NONE:
		break;
	}
}

/* The other role that an address belongs to, or NULL. */
static const struct signalling_role *role_of(
	const struct signalling *s, const struct in6_addr *address)
{
	for (size_t i = 0; i < s->role_count; i++)
		if (s->roles[i].owns && s->roles[i].owns(s->roles[i].context, address))
			return &s->roles[i];
	return NULL;
}

/* A decoded message for the home agent. */
static void take_message(
	struct signalling *s, const struct receive_packet *packet, const struct mh *mh)
{
	const struct message_row *row;

	/* A type that the decoder knows and this role does not: unknown, as its sender sees it. */
	if (mh->type >= MESSAGES || (!messages[mh->type].fn && !messages[mh->type].counter)) {
		const struct mh_error error = {
			.fault = MH_FAULT_TYPE, .offset = MH_AT_TYPE, .value = mh->type};

		message_fault(s, packet, &error);
		return;
	}
	row = &messages[mh->type];
	state_count(s, row->counter);
	if (row->fn)
		row->fn(s, packet, mh);
}

static void receive_mobility(struct signalling *s, const struct receive_packet *packet)
{
	const struct ip6_packet *ip6 = &packet->ip6;
	const struct signalling_role *role = role_of(s, &ip6->dst);
	struct option_numbers numbers = {0};
	struct mh_error error;
	struct mh mh;

	if (ip6->is_fragment) {
		state_count(s, SIGNALLING_N_FRAGMENT);
		return;
	}
	if (ip6->proto != MH_NEXT_HEADER) {
		state_count(s, SIGNALLING_N_NO_MH);
		return;
	}
	if (!role && !home_prefix_is_agent(&s->config.policy, &ip6->dst)) {
		transit(s, packet);
		return;
	}
	if (!mh_checksum_ok(ip6_packet_effective_src(ip6), ip6_packet_effective_dst(ip6),
		    receive_mh(packet), ip6->len)) {
		state_count(s, SIGNALLING_N_MH_CHECKSUM);
		return;
	}
	numbers.multicast_state = s->config.multicast_number;
	if (mh_decode_with(&numbers, receive_mh(packet), ip6->len, &mh, &error)) {
		message_fault(s, packet, &error);
		return;
	}
	if (role)
		role->message(role->context, packet, &mh);
	else
		take_message(s, packet, &mh);
}

/* RFC 6275, 9.3.1; RFC 5648, 6.5. */
static void receive_home_address(struct signalling *s, const struct receive_packet *packet)
{
	const struct ip6_packet *ip6 = &packet->ip6;
	const struct binding *b;

	if (!ip6->has_home_address) {
		state_count(s, SIGNALLING_N_HEADERS);
		return;
	}
	if (ip6->proto == PROTO_ESP || ip6->proto == PROTO_AH) {
		state_count(s, SIGNALLING_N_HOA_PROTECTED);
		return;
	}
	b = binding_cache_find(s->cache, &ip6->home_address);
	for (unsigned i = 0; b && binding_is_live(b) && i < binding_count(b); i++)
		if (addr_equal(&binding_record_at(b, i)->care_of, &ip6->src)) {
			if (!discovery_solicited(s, packet, b))
				state_count(s, SIGNALLING_N_HOA_BOUND);
			return;
		}
	state_count(s, SIGNALLING_N_HOA_UNBOUND);
	error_binding(s, packet, STATUS_BE_UNKNOWN_BINDING);
}

/* Neighbour Discovery of a home link. */
static void receive_home_neighbour(struct signalling *s, const struct receive_packet *packet)
{
	const struct ip6_packet *ip6 = &packet->ip6;

	if (ip6->proto == ICMP6_NEXT_HEADER && ip6->len &&
		packet->ip[ip6->offset] == ICMP6_TYPE_ROUTER_ADVERTISEMENT)
		home_agents_receive(s, packet);
	else
		dad_receive(s, packet);
}

/* Neighbour Discovery: of an access link, or of a home link. */
static void receive_neighbour(struct signalling *s, const struct receive_packet *packet)
{
	for (size_t i = 0; i < s->role_count; i++)
		if (s->roles[i].neighbour && s->roles[i].neighbour(s->roles[i].context, packet))
			return;
	receive_home_neighbour(s, packet);
}

static void receive_listener(struct signalling *s, const struct receive_packet *packet)
{
	for (size_t i = 0; i < s->role_count; i++)
		if (s->roles[i].listener && s->roles[i].listener(s->roles[i].context, packet))
			return;
	state_count(s, SIGNALLING_N_MLD_IGNORED);
}

static receive_fn *const reasons[] = {
	[PACKET_MOBILITY] = receive_mobility,
	[PACKET_HOME_ADDRESS] = receive_home_address,
	[PACKET_NEIGHBOUR] = receive_neighbour,
	[PACKET_ICMP] = discovery_receive,
	[PACKET_LISTENER] = receive_listener,
};

/* Finds the IPv6 header behind the Ethernet header, unless the packet came through a tunnel. */
static bool frame_open(const struct packet_punt *punt, struct receive_packet *packet)
{
	packet->ip = punt->frame;
	packet->len = punt->length;
	if (punt->subscriber)
		return true;
	if (punt->length < SEND_ETHER_SIZE)
		return false;
	if (punt->frame[12] != 0x86 || punt->frame[13] != 0xdd)
		return false;
	packet->from = (const struct mac *)(punt->frame + 6);
	packet->ip += SEND_ETHER_SIZE;
	packet->len -= SEND_ETHER_SIZE;
	return true;
}

/* RFC 6275, 9.3.1: a home address that is not unicast routable is told to the sender as it stood in
 * the option; but a Binding Update with one is discarded silently (9.5.1). */
static void impossible_home_address(
	struct signalling *s, struct receive_packet *packet, const struct ip6_error *error)
{
	if (packet->punt->reason != PACKET_HOME_ADDRESS)
		return;
	packet->ip6.has_home_address = true;
	memcpy(&packet->ip6.home_address, packet->ip + error->offset + 2, sizeof(struct in6_addr));
	error_binding(s, packet, STATUS_BE_UNKNOWN_BINDING);
}

/* RFC 8200, 4.2 and 4.4: what the header chain's fault deserves. */
static void headers_fault(
	struct signalling *s, struct receive_packet *packet, const struct ip6_error *error)
{
	int code;

	state_count(s, SIGNALLING_N_HEADERS);
	if (packet->len < IP6_HEADER_SIZE)
		return;
	packet->ip6 = (struct ip6_packet){0};
	memcpy(&packet->ip6.src, packet->ip + 8, sizeof(struct in6_addr));
	memcpy(&packet->ip6.dst, packet->ip + 24, sizeof(struct in6_addr));
	if (error->fault == IP6_FAULT_HOME_ADDRESS_VALUE) {
		impossible_home_address(s, packet, error);
		return;
	}
	code = ip6_error_icmp(error, &packet->ip6.dst);
	if (code >= 0)
		error_parameter(s, packet, (uint8_t)code, error->offset);
}

void signalling_receive(
	struct signalling *s, const char *data_plane, const struct packet_punt *punt)
{
	struct receive_packet packet = {.data_plane = data_plane, .punt = punt};
	struct ip6_error error;

	state_count(s, SIGNALLING_N_PUNTED);
	if (!frame_open(punt, &packet)) {
		state_count(s, SIGNALLING_N_FRAME);
		return;
	}
	if (ip6_packet_decode(packet.ip, packet.len, &packet.ip6, &error)) {
		headers_fault(s, &packet, &error);
		return;
	}
	if ((size_t)punt->reason < sizeof(reasons) / sizeof(*reasons) && reasons[punt->reason])
		reasons[punt->reason](s, &packet);
}
