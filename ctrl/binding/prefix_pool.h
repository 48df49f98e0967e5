/*
 * A pool of prefixes of one length, such as the /64s of a /40, of which each is given to one owner
 * at a time (RFC 5213, 5.3.2).
 *
 * One bit a prefix. What is given is the next free one behind the last, so that a prefix that has
 * come back rests as long as the pool allows before another node gets it. The pool itself is not
 * durable: who has a prefix says so in a record, and claims it again at start. For the control
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define PREFIX_POOL_BITS_MAX 24 /* bits that number the prefixes: 16,777,216 take 2 MiB */

struct prefix_pool;

/*
 * A pool of all prefixes of `length` bits inside of `range`, none of them in use. NULL: no memory,
 * or they are more than PREFIX_POOL_BITS_MAX can number, or length is shorter than the range's.
 */
struct prefix_pool *prefix_pool_new(const struct prefix6 *range, uint8_t length);

/* NULL is allowed. */
void prefix_pool_free(struct prefix_pool *pool);

/* Whether a prefix is one of this pool's, free or not. */
bool prefix_pool_has(const struct prefix_pool *pool, const struct prefix6 *prefix);

/* Takes the next free prefix. Returns 0 or -ENOSPC. */
int prefix_pool_take(struct prefix_pool *pool, struct prefix6 *prefix);

/* Takes this prefix. Returns 0, -EEXIST (in use) or -EINVAL (not of this pool). */
int prefix_pool_claim(struct prefix_pool *pool, const struct prefix6 *prefix);

/*
 * Takes all prefixes of the pool that overlap one of another length, until that is released as
 * often as it was kept out. Returns 0, -EINVAL (none does, or it is one of the pool's) or -ENOMEM.
 */
int prefix_pool_keep_out(struct prefix_pool *pool, const struct prefix6 *prefix);

/* Gives a prefix back, or what was kept out for it; others are left alone. */
void prefix_pool_release(struct prefix_pool *pool, const struct prefix6 *prefix);

/* Prefixes in all, and in use or kept out. */
size_t prefix_pool_size(const struct prefix_pool *pool);
size_t prefix_pool_used(const struct prefix_pool *pool);
