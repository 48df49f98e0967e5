#include "proto/mobility/mld.h"

#include <errno.h>
#include <stdbool.h>

#include "common/addr.h"
#include "common/cursor.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/mcast.h"

enum {
	NEXT_HOP_BY_HOP = 0,
	OPTION_ROUTER_ALERT = 5, /* RFC 2711, 2.1 */
	ALERT_MLD = 0,
	HOP_LIMIT = 1,
};

const char *mld_fault_name(enum mld_fault fault)
{
	static const char *const names[MLD_FAULT_COUNT] = {
		[MLD_FAULT_NONE] = "none",
		[MLD_FAULT_OTHER] = "other",
		[MLD_FAULT_SOURCE] = "source",
		[MLD_FAULT_HOP_LIMIT] = "hop_limit",
		[MLD_FAULT_ALERT] = "router_alert",
		[MLD_FAULT_CHECKSUM] = "checksum",
	};

	return fault < MLD_FAULT_COUNT ? names[fault] : "unknown";
}

/* Of a packet that ip6_packet_decode has taken. */
static bool has_alert(const uint8_t *pkt, size_t len)
{
	struct cursor all, options;

	cursor_init(&all, pkt, len);
	cursor_skip(&all, 6);
	if (cursor_u8(&all) != NEXT_HOP_BY_HOP)
		return false;
	cursor_skip(&all, IP6_HEADER_SIZE - 7 + 1);
	size_t size = (size_t)cursor_u8(&all) * 8 + 6;

	cursor_sub(&all, size, &options);
	while (cursor_left(&options)) {
		uint8_t type = cursor_u8(&options);
		uint8_t n = type == IP6_OPTION_PAD1 ? 0 : cursor_u8(&options);

		if (type == OPTION_ROUTER_ALERT && n == 2)
			return cursor_u16(&options) == ALERT_MLD && cursor_ok(&options);
		cursor_skip(&options, n);
	}
	return false;
}

static bool is_mld(uint8_t type)
{
	return type == MCAST_MLD_QUERY || type == MCAST_MLD1_REPORT || type == MCAST_MLD1_DONE ||
	       type == MCAST_MLD2_REPORT;
}

static bool may_send(uint8_t type, const struct in6_addr *src, const struct in6_addr *own)
{
	return addr_is_link_local(src) ||
	       (type != MCAST_MLD_QUERY &&
		       (addr_is_unspecified(src) || (own && addr_equal(src, own))));
}

enum mld_fault mld_packet_decode(
	const uint8_t *pkt, size_t len, const uint8_t **mld, size_t *mld_len)
{
	return mld_packet_decode_of(pkt, len, NULL, mld, mld_len);
}

enum mld_fault mld_packet_decode_of(const uint8_t *pkt, size_t len, const struct in6_addr *own,
	const uint8_t **mld, size_t *mld_len)
{
	struct icmp6_message message;
	struct ip6_packet ip;

	if (ip6_packet_decode(pkt, len, &ip, NULL) || ip.proto != ICMP6_NEXT_HEADER ||
		ip.is_fragment || ip.len < ICMP6_HEADER_SIZE || !is_mld(pkt[ip.offset]))
		return MLD_FAULT_OTHER;
	if (!may_send(pkt[ip.offset], &ip.src, own))
		return MLD_FAULT_SOURCE;
	if (ip.hop_limit != HOP_LIMIT)
		return MLD_FAULT_HOP_LIMIT;
	if (!has_alert(pkt, len))
		return MLD_FAULT_ALERT;
	if (icmp6_decode(&ip.src, &ip.dst, pkt + ip.offset, ip.len, &message))
		return MLD_FAULT_CHECKSUM;
	*mld = pkt + ip.offset;
	*mld_len = ip.len;
	return MLD_FAULT_NONE;
}

ssize_t mld_packet_finish(
	const struct in6_addr *src, const struct in6_addr *dst, uint8_t *buf, size_t mld_len)
{
	size_t len = MLD_PACKET_HEAD + mld_len;
	struct writer w;

	if (len - IP6_HEADER_SIZE > UINT16_MAX)
		return -EINVAL;
	mcast_mld_checksum_set(src, dst, buf + MLD_PACKET_HEAD, mld_len);
	writer_init(&w, buf, MLD_PACKET_HEAD);
	writer_u32(&w, 6u << 28);
	writer_u16(&w, (uint16_t)(len - IP6_HEADER_SIZE));
	writer_u8(&w, NEXT_HOP_BY_HOP);
	writer_u8(&w, HOP_LIMIT);
	writer_addr6(&w, src);
	writer_addr6(&w, dst);
	writer_u8(&w, ICMP6_NEXT_HEADER);
	writer_u8(&w, 0);
	writer_u8(&w, OPTION_ROUTER_ALERT);
	writer_u8(&w, 2);
	writer_u16(&w, ALERT_MLD);
	writer_u8(&w, IP6_OPTION_PADN);
	writer_u8(&w, 0);
	return (ssize_t)len;
}
