#include "tools/mn/signal.h"

#include <errno.h>
#include <string.h>

#include "common/cursor.h"
#include "proto/mobility/auth.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/flow.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/mcast_state.h"
#include "proto/mobility/mh.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/option.h"
#include "proto/mobility/status.h"

const char *signal_kind_name(enum signal_kind kind)
{
	static const char *const names[SIGNAL_KINDS] = {
		[SIGNAL_NOT_OURS] = "not_ours",
		[SIGNAL_BAD_CHECKSUM] = "bad_checksum",
		[SIGNAL_MALFORMED] = "malformed",
		[SIGNAL_BAD_FIELD] = "bad_fields",
		[SIGNAL_UNKNOWN_TYPE] = "unknown_types",
		[SIGNAL_UNAUTHENTICATED] = "unauthenticated",
		[SIGNAL_UNEXPECTED] = "unexpected",
		[SIGNAL_ACK] = "acknowledgements",
		[SIGNAL_REFRESH_REQUEST] = "refresh_requests",
		[SIGNAL_ERROR] = "binding_errors",
		[SIGNAL_REVOCATION] = "revocations",
		[SIGNAL_PROBLEM] = "parameter_problems",
	};

	return kind < SIGNAL_KINDS ? names[kind] : "unknown";
}

/* RFC 5568, 6.4.4, in a message of RFC 5648, 5.6.3. */
static void add_link_address(struct mh *mh, const struct mac *mac)
{
	struct mh_option *option = option_add(mh, OPTION_LINK_ADDRESS);

	option->link_address.code = CODES_LINK_MN;
	option->link_address.address = (struct field_bytes){mac->b, sizeof(mac->b)};
}

static void add_care_of(struct mh *mh, const struct bul_update *update)
{
	struct mh_option *option;

	for (unsigned i = 0; i < update->bid_count; i++) {
		option = option_add(mh, OPTION_BID);
		option->bid.bid = update->bids[i].bid;
		option->bid.priority = update->bids[i].priority;
		option->bid.coa.len = sizeof(struct in6_addr);
		option->bid.coa.ip6 = update->bids[i].care_of;
		option->bid.home = update->bids[i].home;
		if (update->bids[i].home)
			add_link_address(mh, &update->bids[i].mac);
	}
	if (update->bid_count)
		return;
	option = option_add(mh, OPTION_ALTERNATE_COA);
	option->alternate_coa.coa = update->care_of;
}

static struct option_numbers numbers_of(const struct mn_config *config)
{
	return (struct option_numbers){.multicast_state = config->multicast_state_number,
		.ha_tunnel = config->tunnel_address_number};
}

static void compare(struct traffic_range *range, uint32_t number)
{
	range->has_start = number != 0;
	range->start.number = number;
}

/* What options of flows point at until they are encoded. */
struct flow_octets {
	uint8_t subs[BUL_FLOWS_MAX][FLOW_SUBS_MAX];
	uint8_t fids[2 * BUL_FLOWS_MAX];
};

/* RFC 6089, 4.2; RFC 6088, 3.2. The other end is the source. Returns 0 or a negative errno. */
static int add_flow(struct mh *mh, const struct bul_flow *flow, uint8_t subs[static FLOW_SUBS_MAX])
{
	uint8_t bid[2] = {(uint8_t)(flow->bid >> 8), (uint8_t)flow->bid};
	struct flow encoded = {.has_bids = true,
		.bids = {bid, sizeof(bid)},
		.has_selector = true,
		.format = TRAFFIC_FORMAT_IP6,
		.selector = {.format = TRAFFIC_FORMAT_IP6}};
	struct traffic_range *ranges = encoded.selector.ranges;
	struct mh_option *option = option_add(mh, OPTION_FLOW_ID);
	ssize_t len;

	if (!option)
		return -ENOSPC;
	compare(&ranges[TRAFFIC_PROTOCOL], flow->protocol);
	compare(&ranges[TRAFFIC_SOURCE_PORT], flow->remote);
	compare(&ranges[TRAFFIC_DESTINATION_PORT], flow->local);
	len = flow_encode(&encoded, subs, FLOW_SUBS_MAX);
	if (len < 0)
		return (int)len;
	option->flow_id.fid = flow->fid;
	option->flow_id.priority = flow->priority;
	option->flow_id.subs = (struct field_bytes){subs, (uint8_t)len};
	return 0;
}

/* Those that the home agent has by their FIDs alone, in one option (RFC 6089, 4.2.2); all of
 * the others. Returns 0 or a negative errno. */
static int add_flows(struct mh *mh, const struct bul_update *update, struct flow_octets *octets)
{
	struct mh_option *option;
	uint8_t held = 0;

	for (unsigned i = 0; i < update->flow_count; i++) {
		const struct bul_flow *flow = &update->flows[i];
		int ret = flow->held ? 0 : add_flow(mh, flow, octets->subs[i]);

		if (ret)
			return ret;
		if (flow->held) {
			octets->fids[held++] = (uint8_t)(flow->fid >> 8);
			octets->fids[held++] = (uint8_t)flow->fid;
		}
	}
	if (!held)
		return 0;
	option = option_add(mh, OPTION_FLOW_SUMMARY);
	if (!option)
		return -ENOSPC;
	option->flow_summary.fids = (struct field_bytes){octets->fids, held};
	return 0;
}

ssize_t signal_binding_update(const struct mn_config *config, struct hmac *hmac,
	const struct bul_update *update, bool with_timestamp, uint8_t *buf, size_t size)
{
	const struct option_numbers numbers = numbers_of(config);
	struct mcast_state_bodies bodies;
	struct flow_octets octets;
	struct mh mh = {.type = MH_BU};
	struct mh_option *option;
	struct ip6_build head = {.src = update->care_of, .dst = config->home_agent};
	struct mh_packet_key key = {.hmac = hmac,
		.key = config->key,
		.coa = update->care_of,
		.hoa = config->home_address};

	mh.bu.sequence = update->sequence;
	mh.bu.flags = FLAGS_BU_A | FLAGS_BU_H | (update->link_local ? FLAGS_BU_L : 0) |
		      (update->overwrite ? FLAGS_BU_O : 0);
	mh.bu.lifetime = (uint16_t)(update->lifetime_s / MH_LIFETIME_UNIT);
	if (!update->at_home) {
		head.home_address = &config->home_address;
		add_care_of(&mh, update);
	}
	int ret = add_flows(&mh, update, &octets);

	if (ret)
		return ret;
	option = option_add(&mh, OPTION_MN_ID);
	option->mn_id.subtype = OPTION_MN_ID_NAI;
	option->mn_id.id.at = (const uint8_t *)config->mn_id;
	option->mn_id.id.len = (uint8_t)strlen(config->mn_id);
	if (with_timestamp) {
		option = option_add(&mh, OPTION_MESG_ID);
		option->mesg_id.timestamp = update->timestamp;
	}
	ret = update->multicast ? mcast_state_add(update->multicast, &mh, &bodies) : 0;

	if (!ret)
		ret = auth_add(&mh, config->spi);
	return ret ? ret : mh_packet_encode_with(&numbers, &head, &mh, &key, buf, size);
}

/* draft-sarikaya-dmm-dmipv6-00, 8; draft-sarikaya-mext-multicastdmm-04, 9: where a tunnel ends,
 * that of the BID in front or, before any, of all. */
static void read_tunnel(const struct in6_addr *tunnel, struct bul_answer *answer)
{
	struct bul_bid_answer *bid =
		answer->bid_count ? &answer->bids[answer->bid_count - 1] : NULL;

	if (!addr_is_unicast_routable(tunnel))
		return;
	*(bid ? &bid->tunnel : &answer->tunnel) = *tunnel;
	*(bid ? &bid->has_tunnel : &answer->has_tunnel) = true;
}

static void read_bids(const struct mh *mh, struct bul_answer *answer)
{
	for (unsigned i = 0; i < mh->option_count; i++) {
		const struct mh_option *o = &mh->options[i];

		if (o->state != OPTION_KNOWN)
			continue;
		if (o->type == OPTION_HA_TUNNEL)
			read_tunnel(&o->ip6.address, answer);
		else if (o->type == OPTION_ALTERNATE_COA && !option_find(mh, OPTION_HA_TUNNEL))
			read_tunnel(&o->alternate_coa.coa, answer);
		else if (o->type == OPTION_BID && answer->bid_count < BUL_BIDS_MAX)
			answer->bids[answer->bid_count++] =
				(struct bul_bid_answer){.bid = o->bid.bid, .status = o->bid.status};
		else if (o->type == OPTION_FLOW_ID && answer->flow_count < BUL_FLOWS_MAX) {
			answer->flows[answer->flow_count].fid = o->flow_id.fid;
			answer->flows[answer->flow_count++].status = o->flow_id.status;
		}
	}
}

static enum signal_kind acknowledgement(const struct mn_config *config, struct hmac *hmac,
	const struct bul_entry *entry, const uint8_t *raw, const struct mh *mh,
	struct bul_answer *answer)
{
	const struct mh_option *auth = auth_find(mh, OPTION_AUTH_MN_HA);
	const struct mh_option *mesg_id = option_find(mh, OPTION_MESG_ID);
	const struct mh_option *advice = option_find(mh, OPTION_REFRESH_ADVICE);
	struct mcast_state_faults faults;

	if (!auth || auth->auth.spi != config->spi ||
		auth_verify(hmac, config->key, &entry->request.care_of, &config->home_address, raw,
			mh) != AUTH_GOOD)
		return SIGNAL_UNAUTHENTICATED;
	*answer = (struct bul_answer){
		.status = mh->ba.status,
		.sequence = mh->ba.sequence,
		.lifetime_s = (uint32_t)mh->ba.lifetime * MH_LIFETIME_UNIT,
		.refresh_s =
			advice ? (uint32_t)advice->refresh_advice.interval * MH_LIFETIME_UNIT : 0,
		.has_timestamp = mesg_id != NULL,
		.timestamp = mesg_id ? mesg_id->mesg_id.timestamp : 0,
	};
	read_bids(mh, answer);
	answer->has_multicast = mcast_state_read(mh, &answer->multicast, &faults);
	return SIGNAL_ACK;
}

/* RFC 5846, 10. It must be protected as an acknowledgement is. */
static enum signal_kind revocation(const struct mn_config *config, struct hmac *hmac,
	const struct ip6_packet *ip, const uint8_t *raw, const struct mh *mh,
	struct bul_answer *answer)
{
	const struct mh_option *auth = auth_find(mh, OPTION_AUTH_MN_HA);

	if (mh->revocation.type != CODES_REVOCATION_INDICATION)
		return SIGNAL_UNEXPECTED;
	if (!auth || auth->auth.spi != config->spi ||
		auth_verify(hmac, config->key, &ip->dst, &config->home_address, raw, mh) !=
			AUTH_GOOD ||
		!addr_equal(ip6_packet_effective_dst(ip), &config->home_address))
		return SIGNAL_UNAUTHENTICATED;
	*answer = (struct bul_answer){
		.sequence = mh->revocation.sequence, .status = CODES_BRA_SUCCESS};
	if (mh->revocation.flags & FLAGS_REVOCATION_P)
		answer->status = CODES_BRA_PROXY;
	else if (mh->revocation.flags & FLAGS_REVOCATION_V)
		answer->status = option_find(mh, OPTION_IP4_HOME) ? CODES_BRA_NO_BINDING
								  : CODES_BRA_IPV4_REQUIRED;
	answer->flags = mh->revocation.flags;
	read_bids(mh, answer);
	return SIGNAL_REVOCATION;
}

/* RFC 6275, 11.3.5: what it quotes must be an update of ours. */
static enum signal_kind problem(const struct mn_config *config, const struct bul_entry *entry,
	const struct ip6_packet *ip, const uint8_t *icmp, struct bul_answer *answer)
{
	struct icmp6_message message;
	struct ip6_packet quoted;
	struct cursor mh;
	uint8_t type;

	if (icmp6_decode(ip6_packet_effective_src(ip), ip6_packet_effective_dst(ip), icmp, ip->len,
		    &message) ||
		message.type != ICMP6_TYPE_PARAMETER_PROBLEM ||
		ip6_packet_decode(message.body, message.body_len, &quoted, NULL) ||
		quoted.proto != MH_NEXT_HEADER ||
		!addr_equal(&quoted.src, &entry->request.care_of) ||
		!addr_equal(&quoted.dst, &config->home_agent))
		return SIGNAL_NOT_OURS;
	cursor_init(&mh, message.body + quoted.offset, quoted.len);
	cursor_skip(&mh, MH_AT_TYPE);
	type = cursor_u8(&mh);
	cursor_skip(&mh, MH_HEADER_SIZE - MH_AT_TYPE - 1);
	*answer = (struct bul_answer){.status = message.code, .sequence = cursor_u16(&mh)};
	return cursor_ok(&mh) && type == MH_BU ? SIGNAL_PROBLEM : SIGNAL_NOT_OURS;
}

/* RFC 6275, 9.2: what a message that does not decode is answered with. */
static enum signal_kind fault(
	const struct mh_error *error, const struct ip6_packet *ip, struct bul_answer *answer)
{
	switch (mh_error_answer(error)) {
	case MH_ANSWER_BINDING_ERROR:
		return SIGNAL_UNKNOWN_TYPE;
	case MH_ANSWER_PARAMETER_PROBLEM:
		answer->pointer = ip->offset + (uint32_t)error->offset;
		return SIGNAL_BAD_FIELD;
	case MH_ANSWER_NONE:
		break;
	}
	return SIGNAL_MALFORMED;
}

enum signal_kind signal_input(const struct mn_config *config, struct hmac *hmac,
	const struct bul_entry *entry, const uint8_t *pkt, size_t len, struct bul_answer *answer)
{
	struct ip6_packet ip;
	struct mh_error error;
	struct mh mh;

	if (ip6_packet_decode(pkt, len, &ip, NULL) || ip.is_fragment ||
		!addr_equal(&ip.src, &config->home_agent))
		return SIGNAL_NOT_OURS;
	if (ip.proto == ICMP6_NEXT_HEADER)
		return problem(config, entry, &ip, pkt + ip.offset, answer);
	if (ip.proto != MH_NEXT_HEADER)
		return SIGNAL_NOT_OURS;
	const struct in6_addr *dst = ip6_packet_effective_dst(&ip);
	const uint8_t *raw = pkt + ip.offset;

	/* a Binding Error comes without routing header (RFC 6275, 9.3.3) */
	if (!addr_equal(dst, &config->home_address) && !addr_equal(dst, &entry->request.care_of))
		return SIGNAL_NOT_OURS;
	if (!mh_checksum_ok(ip6_packet_effective_src(&ip), dst, raw, ip.len))
		return SIGNAL_BAD_CHECKSUM;
	const struct option_numbers numbers = numbers_of(config);

	if (mh_decode_with(&numbers, raw, ip.len, &mh, &error))
		return fault(&error, &ip, answer);
	switch (mh.type) {
	case MH_BA:
		return acknowledgement(config, hmac, entry, raw, &mh, answer);
	case MH_BRR:
		return addr_equal(dst, &config->home_address) ? SIGNAL_REFRESH_REQUEST
							      : SIGNAL_NOT_OURS;
	case MH_REVOCATION:
		return revocation(config, hmac, &ip, raw, &mh, answer);
	case MH_BE:
		answer->status = mh.be.status;
		return addr_equal(&mh.be.home_address, &config->home_address) ? SIGNAL_ERROR
									      : SIGNAL_NOT_OURS;
	default:
		return SIGNAL_UNEXPECTED;
	}
}

ssize_t signal_revocation_answer(const struct mn_config *config, struct hmac *hmac,
	const struct in6_addr *care_of, const struct bul_answer *revocation, uint8_t *buf,
	size_t size)
{
	struct mh mh = {.type = MH_REVOCATION,
		.revocation = {.type = CODES_REVOCATION_ACKNOWLEDGEMENT,
			.status = revocation->status,
			.sequence = revocation->sequence,
			.flags = revocation->flags}};
	struct ip6_build head = {
		.src = *care_of, .dst = config->home_agent, .home_address = &config->home_address};
	struct mh_packet_key key = {
		.hmac = hmac, .key = config->key, .coa = *care_of, .hoa = config->home_address};
	int ret;

	for (unsigned i = 0; i < revocation->bid_count; i++)
		option_add(&mh, OPTION_BID)->bid.bid = revocation->bids[i].bid;
	ret = auth_add(&mh, config->spi);
	return ret ? ret : mh_packet_encode(&head, &mh, &key, buf, size);
}

ssize_t signal_binding_error(
	const struct mn_config *config, const struct in6_addr *from, uint8_t *buf, size_t size)
{
	struct ip6_build head = {.src = *from, .dst = config->home_agent};
	struct mh mh = {.type = MH_BE};

	mh.be.status = STATUS_BE_UNKNOWN_TYPE;
	return mh_packet_encode(&head, &mh, NULL, buf, size);
}
