/* IPv6 header chains: whatever arrives is refused with a reason, or what was found is inside the
 * packet and can be built and found again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "proto/mobility/ip6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_build(const struct ip6_packet *packet)
{
	static uint8_t buf[IP6_BUILD_MAX + UINT16_MAX];
	struct ip6_build build = {.src = packet->src,
		.dst = packet->dst,
		.home_address = packet->has_home_address ? &packet->home_address : NULL,
		.routing2 = packet->has_routing2 ? &packet->routing2 : NULL,
		.flow_label = packet->flow_label,
		.traffic_class = packet->traffic_class,
		.hop_limit = packet->hop_limit,
		.proto = 59,
		.payload_len = packet->len};
	struct ip6_packet again;
	ssize_t at = ip6_build(&build, buf, sizeof(buf));

	require(at > 0 && (size_t)at == ip6_build_size(&build));
	require(ip6_packet_decode(buf, (size_t)at + packet->len, &again, NULL) == 0);
	require(again.offset == at && again.len == packet->len && again.proto == 59);
	require(again.has_home_address == packet->has_home_address);
	require(again.has_routing2 == packet->has_routing2);
	require(again.flow_label == packet->flow_label);
	require(again.traffic_class == packet->traffic_class);
	require(addr_equal(ip6_packet_effective_src(&again), ip6_packet_effective_src(packet)));
	require(addr_equal(ip6_packet_effective_dst(&again), ip6_packet_effective_dst(packet)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ip6_packet packet;
	struct ip6_error err;

	if (ip6_packet_decode(data, size, &packet, &err)) {
		require(err.fault > IP6_FAULT_NONE && err.fault < IP6_FAULT_COUNT);
		require(err.offset <= size && ip6_fault_name(err.fault));
		require(ip6_error_icmp(&err, NULL) <= 2);
		return 0;
	}
	require(err.fault == IP6_FAULT_NONE);
	require((size_t)packet.offset + packet.len <= size);
	require(packet.headers <= IP6_HEADERS_MAX);
	check_build(&packet);
	return 0;
}
