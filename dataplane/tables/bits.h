/*
 * Bit sets of a writer: one bit per element of a table, outside of what readers touch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* A set of count clear bits, NULL without memory; free with bits_free(). Parts of a large one that
 * are never touched take no memory. */
static inline uint64_t *bits_make(size_t count)
{
	return calloc((count + 63) / 64, sizeof(uint64_t));
}

static inline void bits_free(uint64_t *bits)
{
	free(bits);
}

static inline void bits_set(uint64_t *bits, size_t i)
{
	bits[i / 64] |= 1ull << (i % 64);
}

static inline void bits_clear(uint64_t *bits, size_t i)
{
	bits[i / 64] &= ~(1ull << (i % 64));
}

static inline bool bits_test(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static inline void bits_set_all(uint64_t *bits, size_t count)
{
	for (size_t i = 0; i < (count + 63) / 64; i++)
		bits[i] = UINT64_MAX;
}

static inline void bits_clear_all(uint64_t *bits, size_t count)
{
	for (size_t i = 0; i < (count + 63) / 64; i++)
		bits[i] = 0;
}
