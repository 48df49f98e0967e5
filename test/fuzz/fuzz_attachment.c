/* The record of an attachment in the store: whatever decodes is encoded to the same octets. */
#include <stdlib.h>
#include <string.h>

#include "ctrl/binding/attachment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[ATTACHMENT_RECORD_MAX];
	struct attachment_record record;
	struct cursor c;
	struct writer w;

	cursor_init(&c, data, size);
	if (attachment_record_decode(&c, &record))
		return 0;
	writer_init(&w, again, sizeof(again));
	if (attachment_record_encode(&w, &record))
		abort();
	if (data[0] == again[0] && (writer_len(&w) != size || memcmp(again, data, size) != 0))
		abort();
	cursor_init(&c, again, writer_len(&w));
	if (attachment_record_decode(&c, &record))
		abort();
	return 0;
}
