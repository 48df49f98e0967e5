/*
 * Random numbers for traffic: fast, good enough to choose subscribers and sizes, and the same again
 * from the same seed. Not for keys. A generator belongs to one thread.
 */
#pragma once

#include <stdint.h>

struct random {
	uint64_t state; /* the seed at first; any value */
};

/* 64 random bits: a counter through a mixing function (SplitMix64), so no seed is a bad one. */
static inline uint64_t random_next(struct random *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* The number below n (at least 1) that 32 random bits stand for; n divides 2^32 unevenly by a part
 * that nobody can measure. */
static inline uint32_t random_scale(uint32_t bits, uint32_t n)
{
	return (uint32_t)((uint64_t)bits * n >> 32);
}

/* A number below n (at least 1). */
static inline uint32_t random_below(struct random *r, uint32_t n)
{
	return random_scale((uint32_t)(random_next(r) >> 32), n);
}
