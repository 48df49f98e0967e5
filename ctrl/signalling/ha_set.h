/*
 * The bindings of a home address while it is worked out what they are to become: a copy, at most
 * BINDING_MAX records in ascending BID. For the control thread.
 */
#pragma once

#include "ctrl/signalling/ha.h"

struct ha_set {
	unsigned count;
	struct binding_record records[BINDING_MAX];
	uint8_t changed; /* bit: index */
};

/* The live bindings of an entry; none of them changed. */
void ha_set_init(struct ha_set *set, const struct binding *b);

/* The record of a BID, or NULL. */
struct binding_record *ha_set_find(struct ha_set *set, uint16_t bid);

/* Puts a record, which then counts as changed, in its place, or in that of the one with its BID.
 * Returns 0, or -ENOSPC when the set is full. */
int ha_set_put(struct ha_set *set, const struct binding_record *record);

/* Takes a record of the set out. */
void ha_set_remove(struct ha_set *set, const struct binding_record *record);

/* Makes the set, which is not empty, what the request makes of the bindings. Returns 0 or -ENOMEM.
 */
int ha_set_give(const struct ha_set *set, struct ha_request *r);
