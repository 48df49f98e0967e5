/*
 * Who listens to which multicast, and what data planes are told of it: groups and members of
 * proto/channel/group.h.
 *
 * A member is a link on which somebody listens, or a path behind which somebody does, one for each
 * of its groups, or a node with a binding, known by its home address; what it listens to is kept by
 * member, so that its sources are those of the groups whatever its care-of address is
 * (draft-sarikaya-mext-multicastdmm-04, 6). Its object names its subscriber and no path: a move of
 * the node is a change of its binding alone.
 *
 * IPv4 groups of a node are kept with its others, and nothing is published of them.
 *
 * Groups that come by ports and those that come by the tunnel of a path are kept apart: who listens
 * to one gets nothing of the other (RFC 6224, 4.2). Nodes, and members behind a path, listen to
 * what comes by ports.
 *
 * Of a group address there is an object for any source while somebody excludes sources (or none)
 * and one for each source that anybody names; who excludes is a member of all of them but those
 * that it names. Ids are digests of what they name under a key that lasts, so that a data plane
 * that has outlived its control has the same objects as the next one wants.
 *
 * Costs 900 octets a member, 8 for each of its groups. A change costs what the members of its
 * groups that exclude are, when it names a source first or last, else what it names itself. For the
 * control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "ctrl/publish/publish.h"
#include "proto/mobility/mcast_state.h"

struct mac;
struct member;
struct membership;

struct membership_limits {
	uint32_t max_groups; /* of one member */
	/* Of struct prefix6: addresses that are allowed, but groups of less than global scope only
	 * by prefixes that leave no other scope open, 16 bits and more. */
	const struct config_list *groups;
};

/* Sets (len 0: removes) what is published with this id, as publish_set(). */
typedef int membership_publish_fn(void *context, uint64_t id, const struct bundle *bundle);

/* How many octets of a group are taken, as in struct object_group; 0: all. */
typedef uint32_t membership_rate_fn(void *context, const struct in6_addr *group);

enum {
	MEMBERSHIP_KEY = 16,
	MEMBERSHIP_PATHS_MAX = 1025, /* by which groups come, ports being one */
};

struct membership_config {
	struct membership_limits limits; /* their list outlives it */
	uint8_t key[MEMBERSHIP_KEY];     /* for ids: random, and the same after a restart */
	membership_publish_fn *publish;
	membership_rate_fn *rate; /* NULL: all */
	void *context;            /* of both */
};

/* NULL: no memory. */
struct membership *membership_new(const struct membership_config *config);

/* Frees it; what is published stays. NULL is allowed. */
void membership_free(struct membership *m);

/* Whether nodes may listen to this group. */
bool membership_allows(const struct membership *m, const struct in6_addr *group);

/* Takes out of a state what is not allowed; of too many groups the last; and groups of which it
 * names sources that nobody has named before, if they have more than 1024 then, or more than 65536
 * times somebody who gets all others. Returns how many it took out. */
unsigned membership_limit(const struct membership *m, struct mcast_state *state);

/* The same with other limits: of groups in these prefixes (none: of all) so many stay, and as many
 * of IPv4. */
unsigned membership_limit_to(
	const struct prefix6 *groups, size_t group_count, uint32_t most, struct mcast_state *state);

/* What a member listens to; NULL: nothing. Valid until it is set. */
const struct mcast_state *membership_of(const struct membership *m, const struct in6_addr *home);

/* From now on the member listens to this. Its subscriber stays the same as long as it listens to
 * something. Returns 0 or -ENOMEM: nothing was changed then. */
int membership_set(struct membership *m, const struct in6_addr *home, uint64_t subscriber,
	const struct mcast_state *state);

/*
 * From now on nodes on a link, whose port has this name, listen to this of a group that comes by
 * the tunnel of a path, or by ports (0): a state with one record or none. 0 or -ENOMEM, also for
 * one more path than MEMBERSHIP_PATHS_MAX: nothing was changed then.
 */
int membership_set_link(struct membership *m, const struct in6_addr *group, uint64_t by,
	uint64_t link, const char *port, const struct mcast_state *state);

/* The same of nodes behind a path, whose tunnel ends at this address. */
int membership_set_path(struct membership *m, const struct in6_addr *group, uint64_t path,
	const struct in6_addr *remote, const struct mcast_state *state);

/* The same of one host on a link, by a path that ends at its interface (RFC 6085). */
int membership_set_host(struct membership *m, const struct in6_addr *group, uint64_t by,
	uint64_t path, const struct mac *mac, const struct mcast_state *state);

/* Nodes that listen to something, and objects that are published of groups and of members. */
size_t membership_members(const struct membership *m);
size_t membership_groups(const struct membership *m);
size_t membership_copies(const struct membership *m);

/* A member, as it is told. */
struct membership_listener {
	const struct in6_addr *home;   /* NULL: a link or a path */
	uint64_t subscriber;           /* of a node */
	const char *port;              /* of a link, else empty */
	const struct in6_addr *remote; /* end of a path; NULL: it is none */
	const struct mac *mac;         /* of a host on a link; NULL: it is none */
	const struct mcast_state *state;
	const struct member *member; /* for membership_listener_id() */
};
typedef int membership_listener_fn(void *arg, const struct membership_listener *listener);

/* What a source (unspecified: one that nobody names) sends to a group, by one way. */
struct membership_stream {
	struct in6_addr group, source;
	uint64_t path; /* by whose tunnel it comes; 0: by ports */
};

/* The group addresses that anybody listens to, from malloc; their number or -ENOMEM. */
int membership_group_list(const struct membership *m, struct in6_addr **list);

/* The streams of which a group has objects, by all ways, in *list from malloc; their number or
 * -ENOMEM. */
int membership_streams(
	const struct membership *m, const struct in6_addr *group, struct membership_stream **list);

/* Calls fn for each member that gets a stream; not 0 ends the walk. */
int membership_each_of(const struct membership *m, const struct membership_stream *stream,
	membership_listener_fn *fn, void *arg);

/* While it is told: the id of its object as a member of that of the stream. */
uint64_t membership_listener_id(const struct membership *m, const struct membership_stream *stream,
	const struct membership_listener *listener);

/* Calls fn for the objects by which a node gets what it listens to of a group, of each the group
 * and the member; not 0 ends the walk. */
int membership_each_object(const struct membership *m, const struct in6_addr *home,
	const struct in6_addr *group, int (*fn)(void *arg, uint64_t group_id, uint64_t member_id),
	void *arg);

/* The id of the object that a packet of a stream would be copied by, in *source the one it is for;
 * 0: none. */
uint64_t membership_object(const struct membership *m, const struct membership_stream *stream,
	struct in6_addr *source);

/* The node whose turn it is: all come in turn, those that are new last. Valid until it is set.
 * False: there is none. */
bool membership_next(struct membership *m, struct membership_listener *listener);

/* Calls fn for each node that is a member; not 0 ends the walk. */
int membership_each(const struct membership *m, membership_listener_fn *fn, void *arg);
