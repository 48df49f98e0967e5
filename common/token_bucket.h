/*
 * A token bucket: so many a second, and as many at once, counted in whole tokens. For one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
	uint64_t since_ns; /* up to which tokens were given */
	uint32_t tokens;   /* that are left, as of then */
};

/* Fills it: `per_second` tokens. */
void token_bucket_fill(struct token_bucket *b, uint32_t per_second, uint64_t now_ns);

/* Takes a token; false: there is none. `per_second` is at least 1; times are of a clock that only
 * goes forward. */
bool token_bucket_take(struct token_bucket *b, uint32_t per_second, uint64_t now_ns);
