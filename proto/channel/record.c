#include "proto/channel/record.h"

#include <errno.h>
#include <string.h>

int record_end(struct writer *w, struct record_mark mark)
{
	if (writer_ok(w))
		return 0;
	w->pos = mark.pos;
	w->overflow = mark.overflow;
	return -ENOSPC;
}

static bool printable(const char *text, size_t len, bool space)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)text[i];

		if (ch < (space ? 0x20 : 0x21) || ch > 0x7e)
			return false;
	}
	return true;
}

bool record_text_ok(const char *text, size_t min, size_t max, bool space)
{
	size_t len = strnlen(text, max + 1);

	return len >= min && len <= max && printable(text, len, space);
}

void record_text_encode(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	writer_u8(w, (uint8_t)len);
	writer_bytes(w, text, len);
}

void record_text_decode(struct cursor *c, char *out, size_t min, size_t max, bool space)
{
	size_t len = cursor_u8(c);
	const uint8_t *at;

	out[0] = '\0';
	if (len < min || len > max) {
		cursor_fail(c);
		return;
	}
	at = cursor_bytes(c, len);
	if (!at)
		return;
	if (!printable((const char *)at, len, space)) {
		cursor_fail(c);
		return;
	}
	memcpy(out, at, len);
	out[len] = '\0';
}

bool record_bool_decode(struct cursor *c)
{
	uint8_t value = cursor_u8(c);

	if (value > 1)
		cursor_fail(c);
	return value == 1;
}
