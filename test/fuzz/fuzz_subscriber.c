/* The record of a subscriber in the store: whatever decodes is encoded to the same octets. */
#include <stdlib.h>
#include <string.h>

#include "ctrl/binding/subscriber.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[SUBSCRIBER_RECORD_MAX];
	struct subscriber_spec spec;
	struct cursor c;
	struct writer w;

	cursor_init(&c, data, size);
	if (subscriber_decode(&c, &spec))
		return 0;
	writer_init(&w, again, sizeof(again));
	if (subscriber_encode(&w, &spec) || writer_len(&w) != size ||
		memcmp(again, data, size) != 0)
		abort();
	return 0;
}
