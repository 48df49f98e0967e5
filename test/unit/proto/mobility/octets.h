/* What the tests of the mobility codec share: octets written as text, addresses, exact buffers. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/addr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The octets of a hexadecimal text (spaces and bars are passed over); returns their number. */
static inline size_t octets(const char *hex, uint8_t *out, size_t size)
{
	size_t n = 0;

	for (const char *p = hex; *p;) {
		char digits[3] = {p[0], p[1], 0};
		char *end;

		if (*p == ' ' || *p == '|') {
			p++;
			continue;
		}
		assert_true(n < size);
		out[n++] = (uint8_t)strtoul(digits, &end, 16);
		assert_ptr_equal(end, digits + 2);
		p += 2;
	}
	return n;
}

static inline void assert_octets(const uint8_t *got, ssize_t len, const char *hex)
{
	uint8_t expected[2048];
	size_t n = octets(hex, expected, sizeof(expected));

	assert_int_equal(len, n);
	assert_memory_equal(got, expected, n);
}

/* A heap copy of exactly len octets, so that the sanitizer sees a read behind them. Free it. */
static inline uint8_t *exact(const uint8_t *octets, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, octets, len);
	return copy;
}

static inline struct in6_addr address(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static inline void assert_address(const struct in6_addr *got, const char *text)
{
	struct in6_addr expected = address(text);

	assert_memory_equal(got, &expected, sizeof(expected));
}

#define HOA "2001:db8:0:1::10"
#define COA "2001:db8:a::10"
#define HA  "2001:db8:0:1::1"
/* The same as octets. */
#define HOA_HEX "20010db8 00000001 00000000 00000010"
#define COA_HEX "20010db8 000a0000 00000000 00000010"
#define HA_HEX  "20010db8 00000001 00000000 00000001"
