/* Router Advertisements: whatever arrives is refused with a reason, or encodes to something that
 * reads the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mobility/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t first[1024], second[1024];
	struct router router, again;
	enum router_fault fault = router_decode(data, size, &router);
	ssize_t n;

	require(fault < ROUTER_FAULT_COUNT && router_fault_name(fault));
	if (fault)
		return 0;
	n = router_encode(&router, first, sizeof(first));
	require(n > 0);
	require(router_decode(first, (size_t)n, &again) == ROUTER_FAULT_NONE);
	require(again.prefix_count == router.prefix_count && !again.prefixes_left_out);
	require(again.home_agent_lifetime_s == router.home_agent_lifetime_s &&
		again.preference == router.preference);
	require(!router_address(&again) == !router_address(&router));
	require(router_encode(&again, second, sizeof(second)) == n);
	require(memcmp(first, second, (size_t)n) == 0);
	return 0;
}
