/*
 * A mobility session: the home network prefixes of one interface of a mobile node, and the mobile
 * access gateway where the node is (RFC 5213, 5.1); and its form in the store.
 *
 * As with a binding, `struct session_record` is what is durable and what data planes are told
 * about; a change of it is a transaction (ctrl/commit.h). For the control thread.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/cursor.h"

enum {
	SESSION_RECORD_VERSION = 6, /* read too: 1, without paths; 2, without data planes; 3,
				     * without encapsulations; 4, without delegated prefixes; 5,
				     * without domains */
	SESSION_PREFIXES_MAX = 4,   /* home network prefixes of one session */
	SESSION_DELEGATED_MAX = 4,  /* delegated mobile network prefixes of one session */
	SESSION_LINK_ID_MAX = 20,   /* octets of a link-layer identifier */
	SESSION_MN_ID_MAX = 253,    /* octets of an identifier of a mobile node */
	SESSION_PATHS_MAX = 4,      /* bindings of one session (RFC 8278) */
	SESSION_RECORD_MAX = 812,   /* octets of an encoded record, at most */
};

/* What a record says about its session. */
enum session_life {
	SESSION_NONE = 0,   /* nothing: not in the store, not in a data plane; never encoded */
	SESSION_LIVE = 1,   /* registered until expires_ns: in the store and in data planes */
	SESSION_ENDING = 2, /* deregistered; its prefixes are kept until expires_ns, so that the
			     * node can come back by another gateway (5.3.5): in the store only */
};

/* The identifier of an interface on its access link; len 0: it has none. */
struct session_link_id {
	uint8_t len;
	uint8_t octets[SESSION_LINK_ID_MAX];
};

static_assert(sizeof(struct session_link_id) == 21, "without padding: it is compared as a whole");

/* Who the mobile node is (RFC 4283). The octets belong to somebody else. */
struct session_mn_id {
	uint8_t subtype; /* enum codes_mn_id */
	uint8_t len;
	const uint8_t *octets;
};

/* How the packets of a binding go between anchor and gateway (RFC 5845). */
enum session_gre {
	SESSION_GRE_NONE = 0, /* IPv6 in IPv6 */
	SESSION_GRE_PLAIN,    /* in GRE without keys */
	SESSION_GRE_KEYED,
	SESSION_GRE_DECLINED, /* IPv6 in IPv6: the anchor has no need of GRE, and is not asked again
			       */
	SESSION_GRE_COUNT
};

struct session_encapsulation {
	enum session_gre gre;
	uint32_t peer_key; /* SESSION_GRE_KEYED: what is sent to the other side has it */
};

/* One of the bindings of a session with several (RFC 8278): a way to its gateway. */
struct session_path {
	uint8_t bid;             /* 1 to 254 */
	uint8_t access;          /* enum codes_access: of the gateway's own interface */
	uint8_t label;           /* of that interface */
	uint16_t lifetime;       /* granted, in units of 4 seconds */
	struct in6_addr care_of; /* Proxy-CoA: remote end of the tunnel */
	struct in6_addr anchor;  /* address of ours that was asked */
	uint64_t data_plane;     /* as in the record */
	uint64_t expires_ns;     /* end of the binding */
	uint64_t timestamp;      /* of its last accepted update, 0: it had none */
	struct session_encapsulation encapsulation;
};

/* The durable part. Times are nanoseconds of CLOCK_REALTIME since 1970. */
struct session_record {
	uint64_t number; /* 1 upwards: key in the store, names its objects */
	struct session_mn_id mn_id;
	struct in6_addr care_of; /* Proxy-CoA: remote end of the tunnel; of the first path */
	struct in6_addr anchor;  /* address of ours that was asked: local end of the tunnel ... */
	uint64_t data_plane;     /* ... unless this one serves it: then its address; 0: any */
	struct in6_addr link_local; /* of the gateway on the link with the node; ::: not told */
	uint64_t registered_ns;     /* first registration */
	uint64_t updated_ns;        /* last accepted update */
	uint64_t expires_ns;        /* end of the life: of the path that lives longest */
	uint64_t timestamp; /* of the last accepted update, as in its option; 0: it had none */
	uint16_t sequence;  /* of the last accepted update */
	uint16_t lifetime;  /* granted, in units of 4 seconds */
	uint16_t flags;     /* of the last accepted update: enum flags_bu */
	uint8_t access;     /* enum codes_access */
	uint8_t handoff;    /* of the last accepted update: enum codes_handoff */
	struct session_link_id link_id;
	uint32_t domain;      /* that its prefixes are of; 0: the public one */
	uint8_t prefix_count; /* 1 to SESSION_PREFIXES_MAX */
	struct prefix6 prefixes[SESSION_PREFIXES_MAX];
	uint8_t delegated_count;                         /* up to SESSION_DELEGATED_MAX */
	struct prefix6 delegated[SESSION_DELEGATED_MAX]; /* of networks behind it (RFC 7148) */
	struct session_encapsulation encapsulation;      /* of the first path */
	uint8_t path_count; /* 0: one way, care_of; else of paths, by bid */
	struct session_path paths[SESSION_PATHS_MAX];
	enum session_life life;
};

/* Whether packets go in GRE. */
static inline bool session_encapsulation_is_gre(const struct session_encapsulation *e)
{
	return e->gre == SESSION_GRE_PLAIN || e->gre == SESSION_GRE_KEYED;
}

/*
 * The GRE key that we choose for a session, or an attachment, of this number: the other side is
 * told it, and what we take has it. Numbers are given so that no two which live have the same
 * (session_number_after), so keys stay what they are through handovers and restarts.
 */
static inline uint32_t session_own_key(uint64_t number)
{
	return (uint32_t)number;
}

/* The first number after the last that can be given: its key is not 0, and nobody who lives has it,
 * which is asked only when numbers have gone once around all keys. */
uint64_t session_number_after(
	uint64_t last, bool (*has_key)(void *context, uint32_t key), void *context);

/* An identifier in a record. The octets of the one that was decoded are those of the cursor. */
void session_mn_id_encode(struct writer *w, const struct session_mn_id *mn_id);
struct session_mn_id session_mn_id_decode(struct cursor *c);

/* Name of an encapsulation ("gre") for JSON. */
const char *session_encapsulation_name(enum session_gre gre);

/* An encapsulation in a record: 5 octets. Decoding one that there is not fails the cursor. */
void session_encapsulation_encode(struct writer *w, const struct session_encapsulation *e);
struct session_encapsulation session_encapsulation_decode(struct cursor *c);

/* A list of prefixes in a record: 17 octets each, behind their number. Decoding one of more than
 * max prefixes, or that is none, fails the cursor. */
void session_prefixes_encode(struct writer *w, const struct prefix6 *prefixes, uint8_t count);
uint8_t session_prefixes_decode(struct cursor *c, struct prefix6 *prefixes, uint8_t max);

/* Name of a life ("live") for JSON and logs; "unknown" for others. */
const char *session_life_name(enum session_life life);

/* Whether two are the same node. */
bool session_mn_id_equal(const struct session_mn_id *a, const struct session_mn_id *b);

/* Whether two are the same interface. */
bool session_link_id_equal(const struct session_link_id *a, const struct session_link_id *b);

enum { SESSION_MN_ID_TEXT_SIZE = 2 * SESSION_MN_ID_MAX + 1 };

/* An identifier for people: a network access identifier as it is, with '?' for octets that are not
 * graphic ASCII; any other in hexadecimal digits. Returns buf. */
const char *session_mn_id_text(
	char buf[static SESSION_MN_ID_TEXT_SIZE], const struct session_mn_id *mn_id);

/* The path with this identifier, or NULL. */
const struct session_path *session_path_find(const struct session_record *record, uint8_t bid);

/* Puts a path among those of a record in its place by bid, or in the place of the one with the same
 * bid. -ENOSPC: there are SESSION_PATHS_MAX others. */
int session_path_put(struct session_record *record, const struct session_path *path);

/* Takes out the path with this identifier; one that is not there is no error. */
void session_path_remove(struct session_record *record, uint8_t bid);

/* Whether a prefix is one of a list. */
bool session_prefix_is_in(
	const struct prefix6 *prefix, const struct prefix6 *prefixes, size_t count);

/* Whether the set of home network prefixes of a record is just this one, in any order. */
bool session_has_prefixes(
	const struct session_record *record, const struct prefix6 *prefixes, size_t count);

/*
 * Writes a record for the store, big endian, version first. Returns 0; -EINVAL if its life is
 * neither LIVE nor ENDING or a count is out of bounds; -ENOSPC.
 */
int session_record_encode(struct writer *w, const struct session_record *record);

/*
 * Reads a record, which must fill the cursor; the octets of mn_id stay in it. -EPROTO: written by
 * another version; -EBADMSG: anything else that session_record_encode does not write. *record is
 * undefined after an error.
 */
int session_record_decode(struct cursor *c, struct session_record *record);
