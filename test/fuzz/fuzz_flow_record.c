/* The record of a flow binding in the store: whatever decodes is encoded to the same octets, and
 * says nothing that its struct has no room for. */
#include <stdlib.h>
#include <string.h>

#include "ctrl/binding/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[FLOW_RECORD_SIZE];
	struct flow_binding flow;
	struct in6_addr home;
	struct cursor c;
	struct writer w;

	cursor_init(&c, data, size);
	if (flow_record_decode(&c, &home, &flow))
		return 0;
	if (flow.bid_count == 0 || flow.bid_count > BINDING_MAX ||
		flow.selector_len > FLOW_SELECTOR_MAX)
		abort();
	writer_init(&w, again, sizeof(again));
	if (flow_record_encode(&w, &home, &flow))
		abort();
	if (writer_len(&w) != size || memcmp(again, data, size) != 0)
		abort();
	return 0;
}
