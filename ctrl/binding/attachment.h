/*
 * An attachment: an interface of a mobile node on an access link of a mobile access gateway, with
 * what the node's local mobility anchor assigned to it (an entry of the Binding Update List, RFC
 * 5213, 6.1), and its form in the store. For the control thread.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/cursor.h"
#include "ctrl/binding/session.h"
#include "proto/channel/object.h"

enum {
	ATTACHMENT_RECORD_VERSION = 7, /* read too: 1, without paths; 2, without user planes; 3,
					* without encapsulations; 4, without delegated prefixes; 5,
					* without domains; 6, without access technology */
	ATTACHMENT_RECORD_MAX = 653,   /* octets of an encoded record, at most */
};

/* A registered way to the anchor, of several (RFC 8278). */
struct attachment_path {
	uint8_t bid;
	uint16_t lifetime;          /* granted, in units of 4 seconds */
	uint64_t expires_ns;        /* end of the granted lifetime */
	struct in6_addr user_plane; /* as in the record */
	struct session_encapsulation encapsulation;
};

/* The durable part. Times are nanoseconds of CLOCK_REALTIME since 1970. */
struct attachment_record {
	uint64_t number; /* 1 upwards: key in the store, names its objects */
	struct mac mac;  /* of the interface */
	struct session_mn_id mn_id;
	char link[OBJECT_PORT_NAME_MAX + 1]; /* access link: port of the data plane */
	struct in6_addr anchor;              /* LMAA: remote end of the tunnel ... */
	struct in6_addr user_plane;          /* ... unless the anchor said this (RFC 7389); or :: */
	uint64_t attached_ns;                /* first registration */
	uint64_t updated_ns;                 /* last acknowledged update */
	uint64_t expires_ns;                 /* end of the granted lifetime */
	uint16_t sequence;                   /* of the last acknowledged update */
	uint16_t lifetime;                   /* granted, in units of 4 seconds; 0: not registered */
	uint32_t domain;                     /* that its prefixes are of; 0: the public one */
	uint8_t access;       /* by which its anchor knows it, enum codes_access; 0: not told */
	uint8_t prefix_count; /* 0 to SESSION_PREFIXES_MAX */
	struct prefix6 prefixes[SESSION_PREFIXES_MAX];
	uint8_t delegated_count;                         /* up to SESSION_DELEGATED_MAX */
	struct prefix6 delegated[SESSION_DELEGATED_MAX]; /* of networks behind it (RFC 7148) */
	struct session_encapsulation encapsulation;      /* of the first path */
	uint8_t path_count;                              /* 0: one way; else of paths, by bid */
	struct attachment_path paths[SESSION_PATHS_MAX];
};

/*
 * Writes the record of a registered attachment, big endian, version first. Returns 0; -EINVAL for
 * one that is not registered or has a count or a name out of bounds; -ENOSPC.
 */
int attachment_record_encode(struct writer *w, const struct attachment_record *record);

/*
 * Reads a record, which must fill the cursor; the octets of mn_id stay in it. -EPROTO: written by
 * another version; -EBADMSG: anything else that attachment_record_encode does not write. *record is
 * undefined after an error.
 */
int attachment_record_decode(struct cursor *c, struct attachment_record *record);
