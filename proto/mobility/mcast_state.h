/* What one node listens to: its whole multicast listener state, as a Multicast State option carries
 * it (draft-sarikaya-mext-multicastdmm-04, 4.1) and as it is kept: one record a group, in ascending
 * order of the groups, each MODE_IS_INCLUDE with sources or MODE_IS_EXCLUDE (RFC 3810, 4.2). No
 * allocation: a state is a value of 804 octets, equal when its octets are. Pure functions: any
 * thread. Addresses are 16 octets in network order. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/mobility/mcast.h"

struct mh;

enum {
	/* Octets of records: so that a message fits a packet of 1,280. 20 a group, 16 a
	 * source. */
	MCAST_STATE_SPACE = 800,
	MCAST_STATE_RECORDS_MAX = MCAST_STATE_SPACE / 20,
	MCAST_STATE_OPTIONS = 8, /* that the largest state needs at most */
	MCAST_STATE_BODY = 255,  /* octets of an option */
};

struct mcast_state {
	uint16_t len;   /* of records */
	uint16_t count; /* of groups */
	uint8_t records[MCAST_STATE_SPACE];
};

/* The bodies of options that point here. */
struct mcast_state_bodies {
	uint8_t octets[MCAST_STATE_OPTIONS][MCAST_STATE_BODY];
};

/* What could not be taken from a message. */
struct mcast_state_faults {
	unsigned malformed;   /* options: no whole report */
	unsigned unsupported; /* records of IPv4 groups, kept if they are sound */
	unsigned checksum;    /* options with a checksum, which is not looked at */
	unsigned no_group;    /* records of an address that is not multicast */
	unsigned scope;       /* records of a group that stays on its link */
	unsigned source;      /* records with a source that is no unicast address, or stays there */
	unsigned full;        /* records for which there was no room */
};

/* mcast_state_clear: it listens to nothing. */
void mcast_state_clear(struct mcast_state *state);

/* mcast_state_equal: both listen to the same. */
bool mcast_state_equal(const struct mcast_state *a, const struct mcast_state *b);

/* mcast_state_group_ok: whether packets to this address may leave their link: multicast of a scope
 * above the link's (RFC 4291, 2.7). */
bool mcast_state_group_ok(const struct in6_addr *group);

/* mcast_state_is_ip4: whether a group of a state is one of IPv4: these are kept, with their
 * sources, as mapped addresses (RFC 4291, 2.5.5.2), and are before all others. */
bool mcast_state_is_ip4(const struct in6_addr *group);

/* mcast_state_next: the record at octet *AT, which starts with 0 and is moved behind it. Returns
 * false behind the last one. */
bool mcast_state_next(const struct mcast_state *state, size_t *at, struct mcast_record *out);

/* mcast_state_find: the record of a group. Returns false when there is none. */
bool mcast_state_find(
	const struct mcast_state *state, const struct in6_addr *group, struct mcast_record *out);

/* mcast_state_wants: whether it listens to what this source sends to this group. */
bool mcast_state_wants(const struct mcast_state *state, const struct in6_addr *group,
	const struct in6_addr *source);

/* mcast_state_remove: it does not listen to this group any more. */
void mcast_state_remove(struct mcast_state *state, const struct in6_addr *group);

/* mcast_state_apply: what the node that this is the state of has reported (RFC 3810, 4.2 and
 * 5.2.12). A record of a type that is none of RFC 3810's changes nothing. Returns 0; -EINVAL when
 * the group is none or stays on its link, or a source is no unicast address or stays on its link
 * (5.2.10); -ENOSPC when there is no room; the state is then as
 * before. */
int mcast_state_apply(struct mcast_state *state, const struct mcast_record *record);

/* mcast_state_keep: the same of a record as states hold them, which may be of an IPv4 group. */
int mcast_state_keep(struct mcast_state *state, const struct mcast_record *record);

/* mcast_state_read: the state that the options of a message say together. Several MODE_IS_INCLUDE
 * records of one group add up, as a long one has to be split. What cannot be taken is left out and
 * counted. Returns whether there was such an option that is a whole report: without one the message
 * says nothing of what the node listens to. */
bool mcast_state_read(
	const struct mh *mh, struct mcast_state *state, struct mcast_state_faults *faults);

/* mcast_state_add: adds the options that say the IPv6 part of a state to a message, one without
 * records when it is empty. They point into BODIES. The checksum in them is 0: there is no packet
 * whose addresses it could cover. Returns 0, or -ENOSPC when the message has no room for more
 * options. */
int mcast_state_add(
	const struct mcast_state *state, struct mh *mh, struct mcast_state_bodies *bodies);

/* mcast_state_add_no_ip4: adds an option that says that no IPv4 groups are listened to. Returns as
 * mcast_state_add. */
int mcast_state_add_no_ip4(struct mh *mh);
