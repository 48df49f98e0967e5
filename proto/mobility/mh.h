/* The Mobility Header and its messages (RFC 6275, 6.1): decoder, encoder, checksum, names.
 *
 * Messages and options are rows of two tables (mh_table.c, option_table.c); one decoder and one
 * encoder walk them. No allocation, no global state: any thread. All numbers are in host order,
 * addresses in network order.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/mobility/field.h"
#include "proto/mobility/option.h"

#define MH_NEXT_HEADER   135  /* of the header before it (RFC 6275, 6.1.1) */
#define MH_PAYLOAD_PROTO 59   /* no next header */
#define MH_AT_TYPE       2    /* octets before the MH Type */
#define MH_AT_CHECKSUM   4    /* octets before the checksum */
#define MH_HEADER_SIZE   6    /* octets up to and including the checksum */
#define MH_SIZE_MAX      2048 /* octets: what Header Len can say */
#define MH_OPTIONS_MAX   32   /* options kept of one message, padding not counted */
#define MH_UNKNOWN_MAX   8    /* of these, options that are not understood; more are only counted */
#define MH_LIFETIME_UNIT 4    /* seconds in one unit of a lifetime (RFC 6275, 6.1.7) */

/* Numbers of the IANA registry "Mobility Header Types". */
enum mh_type {
	MH_BRR = 0,         /* Binding Refresh Request, RFC 6275, 6.1.2 */
	MH_HOTI = 1,        /* Home Test Init, 6.1.3 */
	MH_COTI = 2,        /* Care-of Test Init, 6.1.4 */
	MH_HOT = 3,         /* Home Test, 6.1.5 */
	MH_COT = 4,         /* Care-of Test, 6.1.6 */
	MH_BU = 5,          /* Binding Update, 6.1.7 */
	MH_BA = 6,          /* Binding Acknowledgement, 6.1.8 */
	MH_BE = 7,          /* Binding Error, 6.1.9 */
	MH_HEARTBEAT = 13,  /* RFC 5847, 3.3 */
	MH_REVOCATION = 16, /* Binding Revocation Indication and Acknowledgement, RFC 5846, 5 */
	MH_UPN = 19,        /* Update Notification, RFC 7077, 4.1 */
	MH_UPA = 20,        /* Update Notification Acknowledgement, RFC 7077, 4.2 */
};

struct mh_init { /* HoTI, CoTI */
	uint64_t cookie;
};

struct mh_test { /* HoT, CoT */
	uint16_t nonce_index;
	uint64_t cookie;
	uint64_t token;
};

struct mh_bu {
	uint16_t sequence;
	uint16_t flags;    /* enum flags_bu */
	uint16_t lifetime; /* units of 4 seconds; 0 asks for deletion */
};

struct mh_ba {
	uint8_t status; /* enum status_ba; from 128 on the update was rejected */
	uint8_t flags;  /* enum flags_ba */
	uint16_t sequence;
	uint16_t lifetime; /* units of 4 seconds */
};

struct mh_be {
	uint8_t status; /* enum status_be */
	struct in6_addr home_address;
};

struct mh_heartbeat {
	uint16_t flags; /* enum flags_heartbeat */
	uint32_t sequence;
};

struct mh_revocation {
	uint8_t type; /* enum codes_revocation */
	union {
		uint8_t trigger; /* indication: enum codes_bri */
		uint8_t status;  /* everything else: enum codes_bra */
	};
	uint16_t sequence;
	uint16_t flags; /* enum flags_revocation */
};

struct mh_upn {
	uint16_t sequence;
	uint16_t reason; /* enum codes_upn */
	uint16_t flags;  /* enum flags_upn */
};

struct mh_upa {
	uint16_t sequence;
	uint8_t status; /* enum codes_upa */
};

/* A decoded message, about 2.1 KiB, on the stack of who decodes or builds it. Views in it point
 * into the decoded octets and live as long as they do. Only the first option_count options are
 * written by the decoder. */
struct mh {
	uint8_t type;         /* enum mh_type */
	uint8_t option_count; /* used entries of options[], in the order of the wire */
	uint16_t len;         /* decoded only: octets of the message, (Header Len + 1) * 8 */
	uint16_t unknown;     /* decoded only: options skipped because their type is not known */
	uint16_t misplaced;   /* decoded only: skipped because not defined for this message */
	union {
		struct mh_init init;
		struct mh_test test;
		struct mh_bu bu;
		struct mh_ba ba;
		struct mh_be be;
		struct mh_heartbeat heartbeat;
		struct mh_revocation revocation;
		struct mh_upn upn;
		struct mh_upa upa;
	};
	struct mh_option options[MH_OPTIONS_MAX];
};
static_assert(sizeof(struct mh) <= 2112, "message size");

enum mh_fault {
	MH_FAULT_NONE = 0,
	MH_FAULT_TRUNCATED,        /* fewer octets than the smallest header */
	MH_FAULT_TYPE,             /* MH Type not known */
	MH_FAULT_PAYLOAD_PROTO,    /* Payload Proto is not 59 */
	MH_FAULT_MINIMUM,          /* Header Len below the minimum of the type */
	MH_FAULT_HEADER_LEN,       /* Header Len says more octets than there are */
	MH_FAULT_OPTION_TRUNCATED, /* option runs past the end of the message */
	MH_FAULT_OPTION_LENGTH,    /* known option with a length it cannot have */
	MH_FAULT_OPTION_REPEATED,  /* more often than allowed */
	MH_FAULT_OPTION_ORDER,     /* behind an option that must come after it */
	MH_FAULT_OPTION_COUNT,     /* more than MH_OPTIONS_MAX */
	MH_FAULT_COUNT
};

/* What the receiver owes the sender of a message that does not decode (RFC 6275, 9.2). */
enum mh_answer {
	MH_ANSWER_NONE = 0,          /* drop silently */
	MH_ANSWER_PARAMETER_PROBLEM, /* ICMPv6 code 0, pointer = start of the MH + error.offset */
	MH_ANSWER_BINDING_ERROR,     /* Binding Error with status 2 (9.3.3) */
};

struct mh_error {
	enum mh_fault fault;
	uint16_t offset; /* of the octet at fault, from the start of the Mobility Header */
	uint16_t option; /* enum option_type or an unknown number, for the OPTION faults */
	uint8_t number;  /* its number on the wire */
	uint32_t value;  /* what stood there: type, protocol, Header Len, option length, count */
};

/* A row of the table of messages. */
struct mh_def {
	const char *name;         /* "Binding Update" */
	const char *abbreviation; /* "BU" */
	const char *clause;       /* "RFC 6275, 6.1.7" */
	uint8_t type;
	uint8_t options_at;         /* octets before the first option */
	uint8_t minimum;            /* octets of the shortest legal message, a multiple of 8 */
	const struct field *fields; /* `at` from the Payload Proto octet, members from struct mh */
	struct field_walks walks;   /* over `fields` */
};

/* mh_def_find: the row of TYPE, NULL when the number is not known. */
const struct mh_def *mh_def_find(uint8_t type);

/* mh_type_name: "Binding Update" for 5; "unknown" when not in the table. */
const char *mh_type_name(uint8_t type);

/* mh_name: what people call the message: "Proxy Binding Update" for a Binding Update with P,
 * "Binding Revocation Indication" for that type of a Binding Revocation; else as mh_type_name. */
const char *mh_name(const struct mh *mh);

/* mh_fault_name: stable lower case name of a fault, for counters and logs ("option-length"). */
const char *mh_fault_name(enum mh_fault fault);

/* mh_fault_is_option: whether the fault is one of an option, behind fields that are right. */
static inline bool mh_fault_is_option(enum mh_fault fault)
{
	return fault >= MH_FAULT_OPTION_TRUNCATED;
}

/* mh_error_answer: how a receiver answers this fault (RFC 6275, 9.2). */
enum mh_answer mh_error_answer(const struct mh_error *error);

/* mh_error_print: writes the error as one line for people: what, where, which value. Returns BUF.
 */
const char *mh_error_print(const struct mh_error *error, char *buf, size_t size);

/* mh_size: octets of the message that starts at MH according to its Header Len, which may be more
 * than LEN; 0 when LEN does not reach to the Header Len field. */
size_t mh_size(const uint8_t *mh, size_t len);

/* mh_decode: decodes the message at MH (RFC 6275, 6.1 and 9.2). LEN are the octets from there to
 * the end of the packet; octets behind the message are ignored (RFC 8200, 4.7). The checksum is not
 * looked at: see mh_checksum_ok, which the receiver calls first. Options that are not known or not
 * defined for this message are skipped, kept as raw octets and counted.
 * Returns 0, or -EBADMSG and the first fault in ERR (which may be NULL); OUT is then undefined, but
 * for mh_fault_is_option: it holds the fields and the options before the one at fault. With 0, ERR
 * has no fault, or that of the first option that is OPTION_MALFORMED. */
int mh_decode(const uint8_t *mh, size_t len, struct mh *out, struct mh_error *err);

/* mh_decode_with: the same, with the options whose numbers NUMBERS assigns (valid ones: see
 * option_numbers_valid); mh_decode knows those of the registry only. */
int mh_decode_with(const struct option_numbers *numbers, const uint8_t *mh, size_t len,
	struct mh *out, struct mh_error *err);

/* mh_encode: writes MH with Header Len, alignment and trailing padding (all zeros), checksum 0.
 * Options are written in the order given; OPTION_UNKNOWN and OPTION_MISPLACED ones as their raw
 * octets, without alignment. Set the checksum last, after signing: mh_checksum_set.
 * Returns the octets written, a multiple of 8; -ENOSPC when SIZE or MH_SIZE_MAX is too small;
 * -EINVAL when the type is not known or an option has a length, place, number or order that
 * mh_decode would not take as OPTION_KNOWN. */
ssize_t mh_encode(const struct mh *mh, uint8_t *buf, size_t size);

/* mh_encode_with: the same, with the options whose numbers NUMBERS assigns. */
ssize_t mh_encode_with(
	const struct option_numbers *numbers, const struct mh *mh, uint8_t *buf, size_t size);

/* mh_checksum: the checksum of the LEN octets of a message over the pseudo-header with next header
 * 135, its own checksum field taken as 0 (RFC 6275, 6.1.1). SRC and DST are the effective
 * addresses: the home address instead of what a home address option or a type 2 routing header
 * replaces (ip6_packet_effective_src, ip6_packet_effective_dst). Host order. */
uint16_t mh_checksum(
	const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *mh, size_t len);

/* mh_checksum_set: writes the checksum into an encoded message of LEN octets. */
void mh_checksum_set(
	const struct in6_addr *src, const struct in6_addr *dst, uint8_t *mh, size_t len);

/* mh_checksum_ok: true when the message that starts at MH is complete within LEN octets and its
 * checksum is right. A message that is not is dropped silently (RFC 6275, 9.2). */
bool mh_checksum_ok(
	const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *mh, size_t len);
