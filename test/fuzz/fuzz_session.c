/* The record of a mobility session in the store: whatever decodes is encoded to the same octets. */
#include <stdlib.h>
#include <string.h>

#include "ctrl/binding/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[SESSION_RECORD_MAX];
	struct session_record record;
	struct cursor c;
	struct writer w;

	cursor_init(&c, data, size);
	if (session_record_decode(&c, &record))
		return 0;
	writer_init(&w, again, sizeof(again));
	if (session_record_encode(&w, &record) || writer_len(&w) != size ||
		memcmp(again, data, size) != 0)
		abort();
	return 0;
}
