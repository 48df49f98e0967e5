/* The record of a mobility session in the store: whatever decodes is encoded again, to the
 * same octets unless an older version wrote it. */
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
	if (session_record_encode(&w, &record))
		abort();
	if (data[0] == again[0] && (writer_len(&w) != size || memcmp(again, data, size) != 0))
		abort();
	cursor_init(&c, again, writer_len(&w));
	if (session_record_decode(&c, &record))
		abort();
	return 0;
}
