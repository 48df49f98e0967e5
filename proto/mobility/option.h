/* Mobility options (RFC 6275, 6.2): the table of those that are known, and their decoded form.
 *
 * An option is one row of the table: number, name, lengths with their alignment, the messages it
 * may stand in, how often, and its fields. Pure functions over constant tables: any thread.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/mobility/field.h"

struct mh;

/* Numbers of the IANA registry "Mobility Options". */
enum option_type {
	OPTION_PAD1 = 0,
	OPTION_PADN = 1,
	OPTION_REFRESH_ADVICE = 2,     /* RFC 6275, 6.2.4 */
	OPTION_ALTERNATE_COA = 3,      /* RFC 6275, 6.2.5 */
	OPTION_NONCE_INDICES = 4,      /* RFC 6275, 6.2.6 */
	OPTION_AUTHORIZATION_DATA = 5, /* RFC 6275, 6.2.7 */
	OPTION_MN_ID = 8,              /* RFC 4283, 3 */
	OPTION_AUTH = 9,               /* RFC 4285, 5 */
	OPTION_MESG_ID = 10,           /* RFC 4285, 6: replay protection */
};

enum option_mn_id_subtype {
	OPTION_MN_ID_NAI = 1, /* RFC 4283, 3.1 */
};

enum option_auth_subtype {
	OPTION_AUTH_MN_HA = 1,  /* RFC 4285, 5.1 */
	OPTION_AUTH_MN_AAA = 2, /* RFC 4285, 5.2 */
};

struct option_refresh_advice {
	uint16_t interval; /* units of 4 seconds */
};

struct option_alternate_coa {
	struct in6_addr coa;
};

struct option_nonce_indices {
	uint16_t home;
	uint16_t careof;
};

struct option_authorization_data {
	struct field_bytes authenticator;
};

struct option_mn_id {
	uint8_t subtype; /* enum option_mn_id_subtype, others are carried as they are */
	struct field_bytes id;
};

struct option_auth {
	uint8_t subtype; /* enum option_auth_subtype */
	uint32_t spi;
	struct field_bytes data; /* to encode: at may be NULL with len > 0, zeros are written */
};

struct option_mesg_id {
	uint64_t timestamp; /* NTP: seconds since 1900 in the upper 32 bits, fraction below */
};

enum option_state {
	OPTION_KNOWN = 0, /* the union below holds its fields */
	OPTION_UNKNOWN,   /* not in the table: only `raw` is valid (RFC 6275, 6.2.1: skipped) */
	OPTION_MISPLACED, /* known, but not defined for this message: treated as unknown */
};

/* One option of a message: 48 octets, written by mh_decode or by who builds a message. */
struct mh_option {
	uint16_t type;   /* enum option_type, or any number when unknown */
	uint8_t state;   /* enum option_state */
	uint8_t number;  /* decoded only: the Type octet */
	uint16_t offset; /* decoded only: of the Type octet, from the start of the message */
	struct field_bytes
		raw; /* decoded, or unknown and misplaced: what follows the Length octet */
	union {
		struct option_refresh_advice refresh_advice;
		struct option_alternate_coa alternate_coa;
		struct option_nonce_indices nonce_indices;
		struct option_authorization_data authorization_data;
		struct option_mn_id mn_id;
		struct option_auth auth;
		struct option_mesg_id mesg_id;
	};
};
static_assert(sizeof(struct mh_option) == 48, "option size");

/* Allowed lengths (the value of the Length octet) with the alignment that goes with them:
 * the Type octet stands at align_n * k + align_m octets from the start of the message. */
struct option_shape {
	uint8_t min, max;
	uint8_t align_n, align_m; /* align_n 0 ends the list */
};
#define OPTION_SHAPES_MAX 4

enum option_flag {
	OPTION_F_PAD = 1,           /* padding: never stored, written by the encoder */
	OPTION_F_AUTHENTICATES = 2, /* protects what stands before it */
	OPTION_F_PROTECTED = 4,     /* must stand before every authenticating option */
	OPTION_F_LAST = 8,          /* last option, no padding behind it */
};

/* A row of the table. */
struct option_def {
	const char *name;
	const char *clause; /* "RFC 6275, 6.2.5" */
	struct option_shape shapes[OPTION_SHAPES_MAX];
	uint32_t messages; /* bit n set: may stand in message type n */
	uint8_t type;
	uint8_t times;              /* at most so often in a message; 0 = no limit */
	uint8_t flags;              /* enum option_flag */
	const struct field *fields; /* `at` from the Type octet, members from struct mh_option */
};

/* option_def_find: the row of TYPE, NULL when the number is not known. */
const struct option_def *option_def_find(uint16_t type);

/* option_name: name of TYPE for logs and output; "unknown" when not in the table. */
const char *option_name(uint16_t type);

/* option_shape_find: the shape that allows LEN for this option, NULL when none does. */
const struct option_shape *option_shape_find(const struct option_def *def, uint8_t len);

/* option_find: first option of TYPE in MH that is valid there, NULL when there is none. */
const struct mh_option *option_find(const struct mh *mh, uint16_t type);

/* option_next: the next one of the same type after PREV, an option of MH. */
const struct mh_option *option_next(const struct mh *mh, const struct mh_option *prev);

/* option_add: appends an empty option of TYPE to MH, a message being built, for the caller to fill
 * in. NULL when the message has no room for more or the type is padding or unknown. */
struct mh_option *option_add(struct mh *mh, uint16_t type);
