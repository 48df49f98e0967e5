/*
 * Memory of a table that grows in place: address space for the most that it can ever hold, and
 * memory behind the part of it that is in use. What is in it never moves, so readers need not know.
 *
 * The memory is zeroed. It comes in pages of 2 MiB where DPDK has such pages and enough are free,
 * else in ordinary ones. Writer's thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct room {
	uint8_t *base;   /* constant */
	size_t reserved; /* octets of address space */
	size_t made;     /* octets with memory behind them */
};

/* Address space for `most` octets, and memory behind the first `octets`. 0 or -ENOMEM. */
int room_init(struct room *r, size_t octets, size_t most);

/* Gives it back; nobody uses it. One that is all zero is allowed. */
void room_destroy(struct room *r);

/* Memory behind the first `octets`; less than there is changes nothing. 0; -ENOSPC: more than the
 * most; -ENOMEM. */
int room_grow(struct room *r, size_t octets);

/* Octets of memory that rooms of so many octets take from the pages of 2 MiB at most: what is to be
 * left free of them. */
size_t room_needed(size_t octets);
