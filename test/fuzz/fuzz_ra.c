/* Router Advertisements: whatever arrives is refused, or gives prefixes that an interface can keep
 * and let go again. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "tools/mn/link_iface.h"
#include "tools/mn/ra.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct in6_addr router = {{{0xfe, 0x80, [15] = 1}}};
	struct link_iface iface = {0};
	struct ra ra;

	if (ra_decode(data, size, &ra))
		return 0;
	require(ra.prefix_count <= RA_PREFIXES_MAX);
	for (int n = 0; n < ra.prefix_count; n++)
		require(ra.prefixes[n].prefix.len <= 128);
	link_iface_advertised(&iface, &router, &ra, 1);
	require(iface.prefix_count <= ra.prefix_count);
	while (link_iface_expire(&iface, 1) != UINT64_MAX)
		link_iface_expire(&iface, link_iface_expire(&iface, 1));
	return 0;
}
