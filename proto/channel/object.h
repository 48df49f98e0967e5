/*
 * Forwarding objects: all that a data plane is told, and all that it knows.
 *
 * The control plane compiles its bindings into these few kinds and publishes them; a data plane
 * keeps them in its tables and knows no mobility protocol. An object is named by its kind and id;
 * setting an object that is already there replaces it, deleting one that is not there is no
 * error. A subscriber names the paths it uses, so a message sets paths before the subscribers
 * that use them and deletes subscribers before their paths; the same holds for subscribers and the
 * rules that name them. The rules of a subscriber that is deleted are gone with it.
 *
 * On the wire an object is a record: kind (8 bits), operation (8), length of the body (16), body.
 * The body of a set begins with the id (64 bits), a delete is the id alone. All integers are big
 * endian; struct members are in host order, addresses in network order. Names are printable ASCII
 * without spaces, so that they can stand in logs and in JSON as they are. Prefixes have no bits set
 * behind their length, and no id is 0.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/cursor.h"
#include "proto/channel/group.h"
#include "proto/channel/rule.h"

enum object_kind {
	OBJECT_LOCAL = 1,      /* an address that is the gateway's own */
	OBJECT_LINK = 2,       /* a port on which control serves neighbours */
	OBJECT_PATH = 3,       /* one way to reach a subscriber */
	OBJECT_SUBSCRIBER = 4, /* addresses and the paths that lead to them */
	OBJECT_DATA_PLANE = 5, /* a data plane that serves paths, perhaps the receiver itself */
	OBJECT_RULE = 6,       /* which packets take which paths of a subscriber (rule.h) */
	OBJECT_GROUP = 7,      /* multicast packets that are copied (group.h) */
	OBJECT_MEMBER = 8,     /* who gets a copy (group.h) */
};

enum object_op {
	OBJECT_SET = 1,
	OBJECT_DELETE = 2,
};

enum {
	OBJECT_PREFIXES_MAX = 8,   /* prefixes of one subscriber */
	OBJECT_PATHS_MAX = 8,      /* paths of one subscriber */
	OBJECT_NAME_MAX = 31,      /* name of a data plane */
	OBJECT_PORT_NAME_MAX = 15, /* as long as a Linux interface name */
	OBJECT_WIRE_MAX = 512,     /* no record is longer */
	OBJECT_BUCKETS = 1024,     /* of which each object is in one, by its id */
	OBJECT_ORDER_PACKETS_MAX = 256,
	OBJECT_ORDER_MS_MAX = 1000,
	OBJECT_HOLD_PACKETS_MAX = 1024,
	OBJECT_HOLD_MS_MAX = 60000,
	OBJECT_HOLD_TUNNELS_MAX = 1024, /* with a held path */
};

/* Packets to this address that carry signalling are punted, tunnels may end here. */
struct object_local {
	uint64_t id;
	struct in6_addr addr;
};

/* A link on which the gateway defends the home addresses of absent nodes (RFC 6275, 10.4.1). */
struct object_link {
	uint64_t id;
	char port[OBJECT_PORT_NAME_MAX + 1]; /* the data plane's name of its port */
	/*
	 * Copies of Neighbour Advertisements sent to all nodes and of solicitations with an
	 * unspecified source are punted: the answers to, and rivals of, a duplicate address
	 * detection that control runs there (RFC 4862, 5.4).
	 */
	bool watch_dad;
	/*
	 * Subscribers with paths on this link are attached here. Copies of what comes in for the
	 * link are punted, and some packets of nobody known; others are forwarded only when they
	 * are a subscriber's, sent from its address on the link (object_path.mac).
	 */
	bool access;
	/*
	 * What these subscribers send to others that are attached here, on this or another access
	 * link, goes straight to them; false: into their paths like everything else.
	 */
	bool local_routing;
};

enum path_kind {
	PATH_IP6_IN_IP6 = 1, /* RFC 2473 tunnel from local to remote */
	PATH_ON_LINK = 2,    /* on a link of the data plane, to one interface there */
	PATH_GRE = 3,        /* IPv6 in GRE (RFC 2784) in IPv6, from local to remote */
	PATH_HELD = 4,       /* leads nowhere yet: packets wait */
};

/*
 * A subscriber whose first path is on link sends from there; what it sends goes into its second
 * path, or, when it has no second, by routes. What comes out of one of its tunnels is for it, from
 * whoever.
 */
struct object_path {
	uint64_t id;
	enum path_kind kind;
	/* PATH_ON_LINK: the name that the data plane of the path has for its port */
	char port[OBJECT_PORT_NAME_MAX + 1];
	struct mac mac; /* PATH_ON_LINK: of the interface */
	/*
	 * Addresses are not of PATH_ON_LINK, unspecified there. PATH_HELD: without them, it is the
	 * path of a subscriber that is between two links, and its packets wait until it has
	 * another first path; with both it is nobody's, and what comes out of a tunnel between
	 * these ends for nobody known waits until it is for a subscriber on a link.
	 */
	struct in6_addr local;  /* outer source; also the only outer destination accepted uplink */
	struct in6_addr remote; /* outer destination: the care-of address; outer source uplink */
	/*
	 * The data plane that serves the path. Another one relays to it: what it has for the path
	 * goes as IPv6 in IPv6 from its own address to that of the serving one. 0: whoever has the
	 * path serves it. One on link is served by the data plane that has the port.
	 */
	uint64_t data_plane;
	uint16_t mtu; /* largest outer packet on the way, octets; 0: that of the port */
	/*
	 * PATH_GRE: packets have a key (RFC 2890, 2.1), and none are taken that have another one,
	 * or none. False: none have one, and both keys are 0.
	 */
	bool keyed;
	uint32_t key_out; /* of what is sent to remote */
	uint32_t key_in;  /* of what comes from there */
	/* PATH_HELD: how many packets wait at most, of a subscriber, or for a /64 in a worker; and
	 * how long each. Neither is 0 there. */
	uint16_t hold_packets;
	uint16_t hold_ms;
};

/* The domain of the link-local addresses of a link: they mean something there alone. */
#define OBJECT_DOMAIN_LINK 0x800000
static inline uint32_t object_link_domain(uint64_t link_id)
{
	return OBJECT_DOMAIN_LINK | (uint32_t)(link_id & (OBJECT_DOMAIN_LINK - 1));
}

/* What path a packet takes that no rule of its subscriber matches. */
enum steering {
	STEERING_FIRST = 0,  /* the first */
	STEERING_FLOW = 1,   /* a flow stays on one; the flows are shared out by weight */
	STEERING_PACKET = 2, /* each packet its own, exactly by weight in each worker */
	STEERING_HEARD = 3,  /* that by which the subscriber was heard last; the first until then */
	STEERING_COUNT
};

/*
 * How the packets of a subscriber are kept in order that take several paths. What goes out by
 * STEERING_PACKET in GRE with keys has sequence numbers (RFC 2890, 2.2), counted for all of its
 * paths together. What comes with numbers, whatever the steering, is put back into their order.
 */
struct object_order {
	bool numbered;    /* false: neither, and the rest is 0 */
	uint16_t packets; /* that wait for earlier ones, at most; 0: none, disorder is only counted
			   */
	uint16_t ms;      /* that each waits at most; 0: packets is 0 too */
};

/*
 * One with link-local addresses has the domain of its link: what is sent to them there is refused
 * (RFC 6275, 10.4.2), solicitations are answered.
 */
struct object_subscriber {
	uint64_t id;
	uint32_t domain; /* keeps overlapping private addresses apart; 0 is the public one */
	/*
	 * Link on which this subscriber's addresses are defended while it is bound: the data
	 * plane answers Neighbour Solicitations for them itself. 0: none.
	 */
	uint64_t link_id;
	uint8_t prefix_count; /* 1 to OBJECT_PREFIXES_MAX */
	uint8_t path_count;   /* 1 to OBJECT_PATHS_MAX; all are accepted uplink */
	uint8_t steering;     /* enum steering */
	struct prefix6 prefixes[OBJECT_PREFIXES_MAX];
	uint64_t paths[OBJECT_PATHS_MAX];
	/*
	 * Share of each path, for STEERING_FLOW and STEERING_PACKET, which need one that is not 0;
	 * with the others all are 0. When a path gets none, the flows of the others stay where
	 * they are.
	 */
	uint8_t weights[OBJECT_PATHS_MAX];
	struct object_order order;
};

/*
 * A data plane as all data planes know it. The one whose own name this is serves the paths that
 * name it. Tunnels to nodes and relayed packets to it end at its address, which is a local address
 * of it without being set as one, and of no other, even if it is set; what comes from there as IPv6
 * in IPv6 is relayed, and is never relayed again. A message sets data planes before the paths that
 * name them and deletes them after those.
 */
struct object_data_plane {
	uint64_t id;
	char name[OBJECT_NAME_MAX + 1];
	struct in6_addr addr;
};

struct object {
	enum object_kind kind;
	enum object_op op;
	uint64_t id; /* equals the id of the member below when op is OBJECT_SET */
	union {
		struct object_local local;
		struct object_link link;
		struct object_path path;
		struct object_subscriber subscriber;
		struct object_data_plane data_plane;
		struct object_rule rule;
		struct object_group group;
		struct object_member member;
	};
};

/* True for the kinds above. */
bool object_kind_known(enum object_kind kind);

/* Name of a kind ("path") for logs and JSON; "unknown" for others. */
const char *object_kind_name(enum object_kind kind);

/* Name of a path kind ("ip6-in-ip6"); "unknown" for others. */
const char *path_kind_name(enum path_kind kind);

/* Name of a way to steer ("flow"); "unknown" for others. */
const char *steering_name(enum steering steering);

/*
 * Appends one record. Returns 0; -EINVAL for an object that no decoder would take (bad counts,
 * a bad name, id 0); -ENOSPC if the writer is full, in which case nothing of the record has been
 * written and the writer takes shorter ones still.
 */
int object_encode(struct writer *w, const struct object *obj);

/*
 * Reads one record from the cursor and advances past it. Returns 0; -EBADMSG if it is truncated,
 * of an unknown kind or operation, or breaks a rule of this header. Writes nothing to the caller
 * but *obj, which is undefined after an error.
 */
int object_decode(struct cursor *c, struct object *obj);

/*
 * A 64-bit digest of an object that is set, the same on every host. The digest of a set of objects
 * is the sum of theirs modulo 2^64, so that it can be kept up to date by adding and subtracting. It
 * finds accidents, not forgers. 0 for an object that object_encode() would refuse.
 */
uint64_t object_digest(const struct object *obj);

/*
 * The bucket of an id, 0 to OBJECT_BUCKETS - 1, the same on every host: two sides that hold nearly
 * the same compare buckets to find where they differ.
 */
static inline uint32_t object_bucket(uint64_t id)
{
	return (uint32_t)((id * 0x9e3779b97f4a7c15u) >> 54);
}
static_assert(OBJECT_BUCKETS == 1 << (64 - 54), "as many as the bits of the hash that are used");

/* Some of the buckets. */
struct object_buckets {
	uint64_t bits[OBJECT_BUCKETS / 64];
};

static inline void object_buckets_add(struct object_buckets *set, uint32_t bucket)
{
	set->bits[bucket / 64] |= 1ull << (bucket % 64);
}

static inline bool object_buckets_test(const struct object_buckets *set, uint32_t bucket)
{
	return set->bits[bucket / 64] >> (bucket % 64) & 1;
}

/* Whether an id is in one of them. */
static inline bool object_buckets_have(const struct object_buckets *set, uint64_t id)
{
	return object_buckets_test(set, object_bucket(id));
}

/* How many they are. */
static inline unsigned object_buckets_count(const struct object_buckets *set)
{
	unsigned n = 0;

	for (unsigned i = 0; i < OBJECT_BUCKETS / 64; i++)
		n += (unsigned)__builtin_popcountll(set->bits[i]);
	return n;
}
