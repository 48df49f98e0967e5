/*
 * Reassembly of tunnel packets that end here (RFC 2473, 7; RFC 8200, 4.5): of one worker. Bounded
 * in packets and time; overlapping fragments never make a packet (RFC 5722).
 */
#pragma once

struct reassembly;

/* NULL: no memory. */
struct reassembly *reassembly_create(void);

/* Frees it and the fragments that wait in it. NULL is allowed. */
void reassembly_destroy(struct reassembly *r);
