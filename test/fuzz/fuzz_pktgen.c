/* Frames that the generator receives: whatever arrives is told to be something, and what is taken
 * for one of its own packets lies inside the frame. */
#include <stdint.h>
#include <stdlib.h>

#include "tools/pktgen/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct prefix6 prefix = {.addr = {{{0x20, 1, 0xd, 0xb8, 0, 0xa}}}, .len = 64};
	static const struct population population = {
		.count = 10, .home_prefix = {.len = 64}, .care_of_prefixes = {&prefix, 1}};
	static const struct packet_plan plan = {.population = &population, .udp_port = 9};
	struct packet_seen seen;

	packet_read(data, size, plan.udp_port, &seen);
	require(seen.kind < PACKET_KINDS);
	if (seen.kind == PACKET_OTHER)
		return 0;
	require(seen.ip == data + PACKET_ETHERNET && seen.ip + seen.ip_len == data + size);
	if (seen.kind != PACKET_MARKED && seen.kind != PACKET_DAMAGED)
		return 0;
	require(seen.inner >= seen.ip &&
		seen.inner + PACKET_IP6 + PACKET_UDP + PACKET_MARK <= data + size);
	require(seen.mark.stream < PACKET_STREAMS && seen.mark.time <= PACKET_TIME_MASK);
	packet_came_right(&plan, &seen);
	return 0;
}
