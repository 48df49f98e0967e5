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

#include "proto/mobility/option_body.h"

struct mh;

/* Numbers of the IANA registry "Mobility Options". */
enum option_type {
	OPTION_PAD1 = 0,
	OPTION_PADN = 1,
	OPTION_REFRESH_ADVICE = 2,        /* RFC 6275, 6.2.4 */
	OPTION_ALTERNATE_COA = 3,         /* RFC 6275, 6.2.5 */
	OPTION_NONCE_INDICES = 4,         /* RFC 6275, 6.2.6 */
	OPTION_AUTHORIZATION_DATA = 5,    /* RFC 6275, 6.2.7 */
	OPTION_MOBILE_NETWORK_PREFIX = 6, /* RFC 3963, 4.3 */
	OPTION_LINK_ADDRESS = 7,          /* RFC 5568, 6.4.4 */
	OPTION_MN_ID = 8,                 /* RFC 4283, 3 */
	OPTION_AUTH = 9,                  /* RFC 4285, 5 */
	OPTION_MESG_ID = 10,              /* RFC 4285, 6: replay protection */
	OPTION_DNS_UPDATE = 17,           /* RFC 5026, 8.1 */
	OPTION_EXPERIMENTAL = 18,         /* RFC 5096, 4 */
	OPTION_VENDOR = 19,               /* RFC 5094, 3 */
	OPTION_SERVICE_SELECTION = 20,    /* RFC 5149, 3 */
	OPTION_HOME_NETWORK_PREFIX = 22,  /* RFC 5213, 8.3 */
	OPTION_HANDOFF = 23,              /* RFC 5213, 8.4 */
	OPTION_ACCESS_TECHNOLOGY = 24,    /* RFC 5213, 8.5 */
	OPTION_MN_LINK_ID = 25,           /* RFC 5213, 8.6 */
	OPTION_LINK_LOCAL = 26,           /* RFC 5213, 8.7 */
	OPTION_TIMESTAMP = 27,            /* RFC 5213, 8.8 */
	OPTION_RESTART_COUNTER = 28,      /* RFC 5847, 3.4 */
	OPTION_IP4_HOME = 29,             /* RFC 5555, 3.1.1 */
	OPTION_IP4_ACK = 30,              /* RFC 5555, 3.2.1 */
	OPTION_NAT_DETECTION = 31,        /* RFC 5555, 3.2.2 */
	OPTION_IP4_COA = 32,              /* RFC 5555, 3.1.2 */
	OPTION_GRE_KEY = 33,              /* RFC 5845, 6.1 */
	OPTION_BID = 35,                  /* RFC 5648, 4.3 */
	OPTION_IP4_REQUEST = 36,          /* RFC 5844, 3.3.1 */
	OPTION_IP4_REPLY = 37,            /* RFC 5844, 3.3.2 */
	OPTION_IP4_ROUTER = 38,           /* RFC 5844, 3.3.3 */
	OPTION_DHCP_MODE = 39,            /* RFC 5844, 3.3.4 */
	OPTION_FLOW_SUMMARY = 44,         /* RFC 6089, 4.2.2 */
	OPTION_FLOW_ID = 45,              /* RFC 6089, 4.2 */
	OPTION_DELEGATED_PREFIX = 55,     /* RFC 7148, 4.1 */
	OPTION_LMA_ADDRESS = 59,          /* RFC 7389, 4 */
	OPTION_MAG_MULTIPATH = 63,        /* RFC 8278, 4.1 */
	OPTION_MAG_ID = 64,               /* RFC 8278, 4.2 */
	OPTION_ANCHORED_PREFIX = 65,      /* RFC 8885, 4.3 */
	OPTION_LOCAL_PREFIX = 66,         /* RFC 8885, 4.4 */
	OPTION_PREVIOUS_MAAR = 67,        /* RFC 8885, 4.5 */
	OPTION_SERVING_MAAR = 68,         /* RFC 8885, 4.6 */
	OPTION_DLIF_LINK_LOCAL = 69,      /* RFC 8885, 4.7 */
	OPTION_DLIF_LINK_ADDRESS = 70,    /* RFC 8885, 4.8 */
	/* Options without a number of the registry: the number on the wire is that of struct
	 * option_numbers. */
	OPTION_MULTICAST_STATE = 256, /* draft-sarikaya-mext-multicastdmm-04 */
	OPTION_HA_TUNNEL = 257,       /* draft-perkins-mext-hatunaddr: address of the data plane */
	OPTION_TYPE_COUNT
};

/* The numbers that the registry never assigned, as both sides of a network agreed on them: 0 when
 * the option is not used, OPTION_EXPERIMENTAL, or one of 71 to 255 (unassigned). */
struct option_numbers {
	uint8_t multicast_state;
	uint8_t ha_tunnel;
};

/* What to use unless the operator says otherwise. Option 18 belongs to whoever experiments: when
 * its length is that of the configured option it is taken for it. */
#define OPTION_NUMBERS_DEFAULT                                                                     \
	{                                                                                          \
		.multicast_state = 200, .ha_tunnel = OPTION_EXPERIMENTAL                           \
	}

/* option_numbers_valid: whether each number may be used and no two options share one. */
bool option_numbers_valid(const struct option_numbers *numbers);

enum option_mn_id_subtype {
	OPTION_MN_ID_NAI = 1, /* RFC 4283, 3.1 */
};

enum option_auth_subtype {
	OPTION_AUTH_MN_HA = 1,  /* RFC 4285, 5.1 */
	OPTION_AUTH_MN_AAA = 2, /* RFC 4285, 5.2 */
};

enum option_state {
	OPTION_KNOWN = 0, /* the union below holds its fields */
	OPTION_UNKNOWN,   /* not in the table: only `raw` is valid (RFC 6275, 6.2.1: skipped) */
	OPTION_MISPLACED, /* known, but not defined for this message: treated as unknown */
	OPTION_MALFORMED, /* of a length it cannot have, which its sender is to be told: only `raw`
			   * is valid (RFC 5648, 6.2) */
};

/* One option of a message: 64 octets, one cache line, written by mh_decode or by who builds a
 * message. */
struct mh_option {
	uint16_t type;          /* enum option_type, or any number when unknown */
	uint8_t state;          /* enum option_state */
	uint8_t number;         /* decoded only: the Type octet */
	uint16_t offset;        /* decoded only: of the Type octet, from the start of the message */
	struct field_bytes raw; /* decoded, or not OPTION_KNOWN: what follows the Length octet */
	union {
		struct option_refresh_advice refresh_advice;
		struct option_alternate_coa alternate_coa;
		struct option_nonce_indices nonce_indices;
		struct option_authorization_data authorization_data;
		struct option_prefix prefix;
		struct option_link_address link_address;
		struct option_mn_id mn_id; /* also MAG Identifier */
		struct option_auth auth;
		struct option_mesg_id mesg_id;
		struct option_dns_update dns_update;
		struct option_octets octets;
		struct option_vendor vendor;
		struct option_number handoff;
		struct option_number access;
		struct option_ip6 ip6;
		struct option_timestamp timestamp;
		struct option_restart_counter restart_counter;
		struct option_ip4_home ip4_home;
		struct option_ip4_reply ip4_reply;
		struct option_nat_detection nat_detection;
		struct option_ip4 ip4;
		struct option_gre_key gre_key;
		struct option_bid bid;
		struct option_dhcp_mode dhcp_mode;
		struct option_flow_summary flow_summary;
		struct option_flow_id flow_id;
		struct option_delegated_prefix delegated_prefix;
		struct option_lma_address lma_address;
		struct option_mag_multipath mag_multipath;
		struct option_previous_maar previous_maar;
		struct option_multicast_state multicast_state;
	};
};
static_assert(sizeof(struct mh_option) == 64, "option size");

/* Allowed lengths (the value of the Length octet) with the alignment that goes with them:
 * the Type octet stands at align_n * k + align_m octets from the start of the message. */
struct option_shape {
	uint8_t min, max;
	uint8_t align_n, align_m; /* align_n: 1, 2, 4 or 8; 0 ends the list */
	uint8_t step;             /* from min on; 0: every length up to max */
};
#define OPTION_SHAPES_MAX 4

enum option_flag {
	OPTION_F_PAD = 1,           /* padding: never stored, written by the encoder */
	OPTION_F_AUTHENTICATES = 2, /* protects what stands before it */
	OPTION_F_PROTECTED = 4,     /* must stand before every authenticating option */
	OPTION_F_LAST = 8,          /* last option, no padding behind it */
	OPTION_F_DMM = 16,          /* only where the D flag is set (RFC 8885, 4.3) */
	OPTION_F_ANSWERED = 32,     /* in a Binding Update, a wrong length does not keep the message
				     * from being decoded: OPTION_MALFORMED */
	OPTION_F_PER_BID = 64,      /* in a Binding Acknowledgement, `times` holds for each Binding
				     * Identifier option */
};

/* A row of the table. */
struct option_def {
	const char *name;
	const char *clause; /* "RFC 6275, 6.2.5" */
	struct option_shape shapes[OPTION_SHAPES_MAX];
	uint32_t messages;          /* bit n set: may stand in message type n */
	uint16_t type;              /* enum option_type */
	uint8_t times;              /* at most so often in a message; 0 = no limit */
	uint8_t flags;              /* enum option_flag */
	const struct field *fields; /* `at` from the Type octet, members from struct mh_option */
	struct field_walks walks;   /* over `fields` */
	/* Whether the fields agree with each other and with the length; NULL: they always do. */
	bool (*agrees)(const struct mh_option *option);
};

/* option_def_find: the row of TYPE, NULL when the number is not known. */
const struct option_def *option_def_find(uint16_t type);

/* option_def_number: the row of the option that has NUMBER on the wire and LEN octets in the
 * message MH, NULL when there is none. NUMBERS may be NULL: only the registry's. */
const struct option_def *option_def_number(
	const struct option_numbers *numbers, const struct mh *mh, uint8_t number, uint8_t len);

/* option_def_wire: the number on the wire of a row, 0 when NUMBERS (which may be NULL) does not
 * assign one. */
uint8_t option_def_wire(const struct option_numbers *numbers, const struct option_def *def);

/* option_allowed: whether the option may stand in this message, as far as its type and flags go. */
bool option_allowed(const struct option_def *def, const struct mh *mh);

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
