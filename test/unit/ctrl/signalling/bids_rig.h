/* A node with several care-of addresses of one home address (RFC 5648): what it asks for, and what
 * it is answered. For the tests of one file. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "rig.h"
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COA1 RIG_CARE_OF
#define COA2 "2001:db8:b::6"
#define COA3 "2001:db8:c::7"

static struct rig *rig;

static inline int open_rig(void **state)
{
	(void)state;
	rig = rig_new();
	return 0;
}

static inline int close_rig(void **state)
{
	(void)state;
	rig_free(rig);
	return 0;
}

/* The last acknowledgement, taken apart. */
static struct {
	uint8_t status;
	uint16_t sequence, lifetime;
	unsigned count;
	struct option_bid bids[MH_OPTIONS_MAX];
	struct in6_addr tunnels[MH_OPTIONS_MAX]; /* behind each BID; [0]: in front of all */
} ba;

static inline void take_ba(void)
{
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	memset(&ba, 0, sizeof(ba));
	rig_ba(rig, &packet, &ip6, &mh);
	ba.status = mh.ba.status;
	ba.sequence = mh.ba.sequence;
	ba.lifetime = mh.ba.lifetime;
	for (unsigned i = 0; i < mh.option_count; i++) {
		const struct mh_option *o = &mh.options[i];

		if (o->type == OPTION_ALTERNATE_COA)
			ba.tunnels[ba.count] = o->alternate_coa.coa;
		if (o->type != OPTION_BID)
			continue;
		assert_int_equal(o->bid.coa.len, 0);
		ba.bids[ba.count++] = o->bid;
	}
	assert_int_equal(mh.options[mh.option_count - 1].type, OPTION_AUTH);
}

static inline struct rig_bu with(uint16_t sequence, size_t count, const struct rig_bid *bids)
{
	struct rig_bu bu = rig_bu(rig, 0, sequence);

	bu.bid_count = count;
	memcpy(bu.bids, bids, count * sizeof(*bids));
	return bu;
}

#define BU(sequence, ...)                                                                          \
	with(sequence, sizeof((struct rig_bid[]){__VA_ARGS__}) / sizeof(struct rig_bid),           \
		(struct rig_bid[]){__VA_ARGS__})

/* Sends it, ends the commit if there is one, takes the answer. Returns its status. */
static inline uint8_t ask(const struct rig_bu *bu)
{
	rig_send(rig, bu);
	if (rig->commit_count)
		rig_commit(rig, 0);
	assert_int_equal(rig->packet_count, 1);
	take_ba();
	return ba.status;
}

/* Bootstraps with BIDs 1 and 2. */
static inline void bound(void)
{
	struct rig_bu bu = BU(1, {.bid = 1, .coa = COA1}, {.bid = 2, .coa = COA2});

	bu.flags |= FLAGS_BU_O;
	assert_int_equal(ask(&bu), 0);
}

/* The live BIDs, as in "1 2". */
static inline void assert_bids(const char *wanted)
{
	const struct binding *b = rig_binding(rig, RIG_HOME);
	char found[80] = "";

	for (unsigned i = 0; b && binding_is_live(b) && i < binding_count(b); i++)
		snprintf(found + strlen(found), 10, "%s%u", i ? " " : "",
			binding_record_at(b, i)->bid);
	assert_string_equal(found, wanted);
}

static inline const struct binding_record *record(uint16_t bid)
{
	return binding_record_of(rig_binding(rig, RIG_HOME), bid);
}

static inline bool is_at(uint16_t bid, const char *care_of)
{
	struct in6_addr a = rig_addr(care_of);

	return record(bid) && addr_equal(&record(bid)->care_of, &a);
}
