/* rtnetlink: whatever a datagram holds, reading ends and stays inside it. */
#include <stdint.h>
#include <stdlib.h>

#include "dataplane/mirror/kmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c;
	struct kmsg msg;

	cursor_init(&c, data, size);
	while (cursor_left(&c)) {
		size_t before = cursor_left(&c);

		if (kmsg_decode(&c, &msg))
			return 0;
		if (cursor_left(&c) >= before)
			abort();
		if (msg.kind == KMSG_ROUTE && msg.route.prefix.len > 128)
			abort();
		if (msg.kind == KMSG_ROUTE && msg.route.type == KMSG_ROUTE_UNICAST &&
			!msg.removed && msg.route.ifindex == 0)
			abort();
	}
	return 0;
}
