/*
 * What a membership is made of, for its own files:
 *
 *   membership.c           members change, and what is published follows
 *   membership_objects.c   groups and members as they are published
 *   membership_show.c      what there is, for people
 */
#pragma once

#include <uthash.h>

#include "ctrl/mcast/membership.h"
#include "proto/channel/object.h"

/* A node, by its home address, or what is listened to of one group on a link or behind a path. */
struct member_key {
	struct in6_addr addr; /* of a node its home address, else the group */
	uint64_t link;        /* or path; 0: a node */
};

struct member {
	struct member_key key;
	enum member_kind kind;
	uint64_t target;                     /* subscriber of a node, path */
	struct in6_addr remote;              /* end of a path */
	char port[OBJECT_PORT_NAME_MAX + 1]; /* of a link */
	struct mcast_state state;
	UT_hash_handle hh;
};

/* A source that somebody names. */
struct source {
	struct in6_addr addr;
	uint32_t refs; /* members that name it */
};

struct group {
	struct in6_addr addr;
	uint32_t excluding; /* members that exclude sources, or none */
	uint32_t source_count, source_room;
	uint32_t member_count, member_room;
	struct source *sources;
	struct member **members;
	UT_hash_handle hh;
};

struct membership {
	struct membership_config config;
	struct hmac *hmac;
	struct member *nodes, *links;
	struct member *turn; /* of the nodes; NULL: the first */
	struct group *groups;
	size_t group_objects, member_objects;
};

/* A group, or NULL. */
struct group *membership_group(const struct membership *m, const struct in6_addr *group);

/* The source that somebody names, or NULL. */
struct source *membership_source(struct group *g, const struct in6_addr *source);

/* Id of the object for a source of a group. */
uint64_t membership_group_id(
	const struct membership *m, const struct in6_addr *group, const struct in6_addr *source);

/* Id of a member of such an object. */
uint64_t membership_member_id(
	const struct membership *m, uint64_t group, const struct member *member);

/* What is published of a group for a source; and as it is, with another way. */
void membership_set_group(
	struct membership *m, const struct group *g, const struct in6_addr *source);
void membership_unset_group(
	struct membership *m, const struct group *g, const struct in6_addr *source);
void membership_renew_group(
	struct membership *m, const struct group *g, const struct in6_addr *source);

/* Makes a member of the object for a source one that gets copies, or none. */
void membership_set_member(struct membership *m, const struct group *g,
	const struct in6_addr *source, const struct member *member, bool gets);
