/* What the tests of the channels share: looking at octets, and cutting messages short. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cursor.h"

/* Fails the test unless the writer holds exactly the octets of the hexadecimal text (spaces are
 * passed over). */
static inline void assert_written(const struct writer *w, const char *hex)
{
	size_t n = 0;

	for (const char *p = hex; *p; p += *p == ' ' ? 1 : 2) {
		char digits[3] = {p[0], p[1], 0};

		if (*p == ' ')
			continue;
		assert_true(n < writer_len(w));
		assert_int_equal(w->base[n++], strtoul(digits, NULL, 16));
	}
	assert_int_equal(writer_len(w), n);
}

/* A reader over a heap copy of exactly len octets, so that the sanitizer sees the first octet that
 * is read behind them. The caller frees c->base. */
static inline void cursor_exact(struct cursor *c, const void *buf, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, buf, len);
	cursor_init(c, copy, len);
}

static inline void cursor_exact_free(struct cursor *c)
{
	free((void *)(uintptr_t)c->base);
}
