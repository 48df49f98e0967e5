/*
 * Who is bound from a care-of address: what tells that a node claims the address of another (RFC
 * 5648, 10).
 *
 * A hash table of pointers to entries of the binding cache, open addressing, of its final size from
 * the start: 32 octets a binding. For the control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct binding;
struct care_of_index;

/* A new, empty index with room for so many bindings, at least; NULL: no memory. */
struct care_of_index *care_of_index_new(size_t expected);

/* NULL is allowed. */
void care_of_index_free(struct care_of_index *index);

/* An entry of the cache is bound from this address. What finds no room is not found later. */
void care_of_index_add(
	struct care_of_index *index, const struct in6_addr *care_of, struct binding *b);

/* Has the place of an address fetched from memory. */
void care_of_index_expect(const struct care_of_index *index, const struct in6_addr *care_of);

/* It is so no more. One that is not there is no error. */
void care_of_index_remove(
	struct care_of_index *index, const struct in6_addr *care_of, const struct binding *b);

/* The first entry that is bound from this address and for which accept() says true; or NULL. */
const struct binding *care_of_index_find(const struct care_of_index *index,
	const struct in6_addr *care_of, bool (*accept)(void *context, const struct binding *b),
	void *context);
