/*
 * Flow bindings: which packets to a home address go to which of its care-of addresses (RFC 6089,
 * 4.3), and their form in the store.
 *
 * They hang on the entry of the binding cache, in the order of their priority, and name bindings by
 * BID. One that names no BID that is bound now is inactive: it stays, and no packet is compared
 * with it. For the control thread; written by ctrl/signalling only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"
#include "ctrl/binding/binding.h"

#define FLOW_RECORD_VERSION 1
#define FLOW_RECORD_SIZE    160 /* octets of an encoded record at most */
#define FLOW_KEY_SIZE       18  /* octets of its key in the store: home address and FID */

enum {
	FLOW_MAX = 256,         /* of one home address: as many rules as a subscriber has */
	FLOW_SELECTOR_MAX = 96, /* octets of a selector with all fields (RFC 6088, 3.2) */
};

/* One flow binding, 122 octets. */
struct flow_binding {
	uint16_t fid;
	uint16_t priority; /* FID-PRI: the lowest that matches counts; no two have the same */
	uint16_t bids[BINDING_MAX];
	uint8_t bid_count;                   /* at least 1; of several each gets a copy */
	uint8_t format;                      /* enum traffic_format */
	uint8_t selector_len;                /* octets */
	uint8_t selector[FLOW_SELECTOR_MAX]; /* as on the wire (RFC 6088), valid */
};

/* All of a home address, from malloc, in ascending priority. */
struct flow_set {
	unsigned count;
	struct flow_binding at[];
};

/* A set with room for so many, empty; NULL: no memory. Free with free(). */
struct flow_set *flow_set_new(unsigned room);

/* The one with this FID, or NULL; set may be NULL. */
struct flow_binding *flow_set_find(struct flow_set *set, uint16_t fid);

/* Puts one, or replaces that with its FID, in the order of the priority. There is room. */
void flow_set_put(struct flow_set *set, const struct flow_binding *flow);

/* Takes out that with this FID, if there is one. */
void flow_set_remove(struct flow_set *set, uint16_t fid);

/* Whether both say the same. */
bool flow_is_same(const struct flow_binding *a, const struct flow_binding *b);

/* Whether it names a binding that is live (RFC 6089, 4.3: Active). */
bool flow_is_active(const struct flow_binding *flow, const struct binding_list *bindings);

/* Its key in the store. */
void flow_key(const struct in6_addr *home, uint16_t fid, uint8_t key[FLOW_KEY_SIZE]);

/*
 * Writes a record for the store, its home address included. Returns 0 or -ENOSPC.
 */
int flow_record_encode(
	struct writer *w, const struct in6_addr *home, const struct flow_binding *flow);

/* Reads a record, which must fill the cursor. -EPROTO: of another version; -EBADMSG: anything else
 * that flow_record_encode() does not write. */
int flow_record_decode(struct cursor *c, struct in6_addr *home, struct flow_binding *flow);
