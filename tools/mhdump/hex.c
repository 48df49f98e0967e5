#include "tools/mhdump/hex.h"

#include "common/hex.h"

#include <errno.h>
#include <string.h>

static const char *skip(const char *text)
{
	for (;;) {
		text += strspn(text, " \t\r\n:|-");
		if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
			return text;
		text += 2;
	}
}

ssize_t hex_parse(const char *text, uint8_t *out, size_t size, size_t *at)
{
	const char *p = skip(text);
	size_t n = 0;

	for (; *p; p = skip(p + 2)) {
		int high = hex_digit(p[0]), low = high < 0 ? -1 : hex_digit(p[1]);

		*at = (size_t)(p - text) + (high >= 0);
		if (low < 0)
			return -EINVAL;
		if (n == size)
			return -ENOSPC;
		out[n++] = (uint8_t)(high << 4 | low);
	}
	return (ssize_t)n;
}
