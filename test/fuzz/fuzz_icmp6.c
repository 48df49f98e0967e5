/* ICMPv6 and neighbour discovery. The first octet chooses whether the rest is given a right
 * checksum first, which a fuzzer would not find. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mobility/home_discovery.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/nd.h"
#include "proto/mobility/visit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int count_depth(void *context, const struct visit_value *value)
{
	int *depth = context;

	*depth += value->kind == VISIT_LIST || value->kind == VISIT_OBJECT;
	*depth -= value->kind == VISIT_END;
	require(*depth >= 0);
	return 0;
}

/* Home agent and prefix discovery: what is well formed can be said again. */
static void check_home_discovery(const struct icmp6_message *icmp)
{
	struct home_discovery message, again;
	struct icmp6_message out;
	enum home_discovery_fault fault = home_discovery_decode(icmp, &message);
	int depth = 0;

	require(fault < HOME_DISCOVERY_FAULT_COUNT && home_discovery_fault_name(fault));
	if (fault)
		return;
	require(home_discovery_visit(&message, &(struct visitor){count_depth, &depth}) == 0);
	require(depth == 0);
	require(home_discovery_message(&message, &out) == 0);
	require(home_discovery_decode(&out, &again) == 0);
	require(again.identifier == message.identifier && again.flags == message.flags);
	require(again.body == message.body && again.body_len == message.body_len);
	for (size_t i = home_discovery_addresses(&message); i > 0; i--)
		home_discovery_address(&message, i - 1);
}

static void check_icmp(const struct ip6_packet *ip6, const uint8_t *icmp)
{
	static uint8_t again[UINT16_MAX];
	struct icmp6_message message;

	if (icmp6_decode(&ip6->src, &ip6->dst, icmp, ip6->len, &message))
		return;
	require(icmp6_type_name(message.type));
	check_home_discovery(&message);
	require(icmp6_encode(&ip6->src, &ip6->dst, &message, again, sizeof(again)) == ip6->len);
	/* but for the two forms of a zero checksum */
	again[2] = icmp[2], again[3] = icmp[3];
	require(memcmp(again, icmp, ip6->len) == 0);
}

static void check_nd(const uint8_t *pkt, size_t len)
{
	uint8_t again[ND_PACKET_MAX];
	struct nd_message message, second;
	enum nd_fault fault = nd_decode(pkt, len, &message);
	ssize_t n;

	require(fault < ND_FAULT_COUNT && nd_fault_name(fault));
	if (fault)
		return;
	n = nd_encode(&message, again, sizeof(again));
	require(n > 0);
	require(nd_decode(again, (size_t)n, &second) == ND_FAULT_NONE);
	require(memcmp(&message, &second, sizeof(message)) == 0);
}

static void check_answer(const uint8_t *pkt, size_t len)
{
	static const struct in6_addr own = {.s6_addr = {0x20, 0x01, [15] = 1}};
	static uint8_t buf[IP6_MIN_MTU];
	struct ip6_packet ip6;
	ssize_t n = icmp6_parameter_problem(&own, 0, 0, pkt, len, buf, sizeof(buf));

	if (n < 0)
		return;
	require(n <= IP6_MIN_MTU);
	require(ip6_packet_decode(buf, (size_t)n, &ip6, NULL) == 0);
	check_icmp(&ip6, buf + ip6.offset);
	/* an error about an error must not be sent */
	require(!icmp6_may_answer(buf, (size_t)n, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ip6_packet ip6;
	uint8_t *pkt;

	if (size < 1 || size > UINT16_MAX)
		return 0;
	pkt = malloc(size);
	if (!pkt)
		return 0;
	memcpy(pkt, data + 1, --size);
	check_answer(pkt, size);
	if (ip6_packet_decode(pkt, size, &ip6, NULL) == 0 && ip6.proto == ICMP6_NEXT_HEADER) {
		uint8_t *icmp = pkt + ip6.offset;

		if (data[0] & 1 && ip6.len >= ICMP6_HEADER_SIZE) {
			uint16_t sum = icmp6_checksum(&ip6.src, &ip6.dst, icmp, ip6.len);

			icmp[2] = sum >> 8;
			icmp[3] = sum & 0xff;
		}
		check_icmp(&ip6, icmp);
	}
	check_nd(pkt, size);
	free(pkt);
	return 0;
}
