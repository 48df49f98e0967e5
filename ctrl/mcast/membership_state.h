/*
 * What a membership is made of, for its own files:
 *
 *   membership.c           members change, and what is published follows
 *   membership_objects.c   groups and members as they are published
 *   membership_show.c      what there is, for people
 */
#pragma once

#include <uthash.h>

#include "common/addr.h"
#include "ctrl/mcast/membership.h"
#include "proto/channel/object.h"

/* A group, as it comes by one way: by ports, or by the tunnel of a path. */
struct group_key {
	struct in6_addr addr;
	uint64_t path; /* 0: by ports */
};

/* A node, by its home address, or what is listened to of one group on a link or behind a path. */
struct member_key {
	struct in6_addr addr; /* of a node its home address, else the group */
	uint64_t link;        /* or path; 0: a node */
	uint64_t path;        /* by which the group comes, as in struct group_key */
};

struct member {
	struct member_key key;
	enum member_kind kind;
	uint64_t target;                     /* subscriber of a node, path */
	struct in6_addr remote;              /* end of a path; unspecified: that of a host */
	struct mac mac;                      /* of a host on a link */
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
	struct group_key key;
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
	uint64_t paths[MEMBERSHIP_PATHS_MAX]; /* by which groups have come so far; the first is 0 */
	size_t path_count;
	size_t group_objects, member_objects;
};

/* A group, by ports (0) or by the tunnel of a path, or NULL. */
struct group *membership_group(
	const struct membership *m, const struct in6_addr *group, uint64_t path);

/* The source that somebody names, or NULL. */
struct source *membership_source(struct group *g, const struct in6_addr *source);

/* Id of the object for a source of a group. */
uint64_t membership_group_id(
	const struct membership *m, const struct group_key *group, const struct in6_addr *source);

/* Id of a member of such an object. */
uint64_t membership_member_id(
	const struct membership *m, uint64_t group, const struct member *member);

/* What is published of a group for a source. */
void membership_set_group(
	struct membership *m, const struct group *g, const struct in6_addr *source);
void membership_unset_group(
	struct membership *m, const struct group *g, const struct in6_addr *source);

/* Makes a member of the object for a source one that gets copies, or none. */
void membership_set_member(struct membership *m, const struct group *g,
	const struct in6_addr *source, const struct member *member, bool gets);
