/*
 * Multicast groups and their members: which packets a data plane copies, and to whom.
 *
 * A group object says which packets it is about: those to a group address, from one source or from
 * any. Of the objects that fit a packet, the one that names its source counts, and alone: its
 * members are all who get the packet, those of the object for any source get nothing of it. So
 * source filters are worked out before anything is set, and a source that nobody wants is a group
 * object without members.
 *
 * A member is an object of its own, so that thousands are set and changed one by one. It gets one
 * copy: in the tunnel of a subscriber, by the first path that the subscriber has at that moment; in
 * the tunnel of a path, for all who are behind it, or, of a path on a link, to the interface there
 * (RFC 6085); or on the link of a port, to all there. A data plane copies
 * only to those that it serves: a member whose path another data plane serves gets its copy from
 * that one, which has the same objects. Neither does a packet go out by the port that it came by.
 * That what a member names is not there is no error: it gets nothing until it is. A member is set
 * after its group, which is deleted after all of its members.
 *
 * Packets of a group come by ports, or, where another router brings it by a tunnel, out of the
 * tunnel of one path and not otherwise (RFC 6224, 4.2). What comes by another way is of another
 * object, if there is one with the same addresses: the way is part of what an object is about.
 *
 * Pure functions: any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/cursor.h"

enum {
	GROUP_PORT_MAX = 15,  /* as OBJECT_PORT_NAME_MAX */
	GROUP_SCOPE_MIN = 3,  /* multicast of the node or the link stays there (RFC 4291, 2.7) */
	GROUP_SCOPE_MAX = 14, /* 15 is reserved */
};

struct object_group {
	uint64_t id;
	struct in6_addr source; /* unspecified: any */
	struct in6_addr group;
	char port[GROUP_PORT_MAX + 1]; /* packets that came by others are dropped; empty: any */
	uint64_t path; /* by whose tunnel they come, as the path's remote end sends them; then port
			* is empty; 0: by ports */
	uint32_t rate; /* octets a second that a worker takes of it, IP headers included; 0: all */
};

enum member_kind {
	MEMBER_SUBSCRIBER = 1, /* target is a subscriber's id */
	MEMBER_PATH = 2,       /* target is a path's id */
	MEMBER_LINK = 3,       /* port is the port */
};

struct object_member {
	uint64_t id;
	uint64_t group; /* id of the group object */
	enum member_kind kind;
	uint64_t target;               /* 0 for a link */
	char port[GROUP_PORT_MAX + 1]; /* empty but for a link */
};

/* Stable lower case name of a kind ("subscriber"); "unknown" for others. */
const char *member_kind_name(enum member_kind kind);

/* Whether an address is that of a group that can be set. */
bool group_addr_ok(const struct in6_addr *group);

/*
 * For object.c: whether a group or member may be set, its body behind the id, and its digest over
 * h. Bodies:
 *   group    source (16 octets), group (16), port (8 length, text), path (64), rate (32)
 *   member   group id (64), kind (8), target (64), port (8 length, text)
 */
bool group_ok(const struct object_group *group);
void group_encode(struct writer *w, const struct object_group *group);
void group_decode(struct cursor *c, struct object_group *group);
uint64_t group_digest(uint64_t h, const struct object_group *group);
bool member_ok(const struct object_member *member);
void member_encode(struct writer *w, const struct object_member *member);
void member_decode(struct cursor *c, struct object_member *member);
uint64_t member_digest(uint64_t h, const struct object_member *member);
