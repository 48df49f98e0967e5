/* Flags of the messages, with their name tables.
 * Constant tables: any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 16 bits at octet 8 of a Binding Update (RFC 6275, 6.1.7 and its extensions). */
enum flags_bu {
	FLAGS_BU_A = 0x8000, /* acknowledgement requested, RFC 6275 */
	FLAGS_BU_H = 0x4000, /* home registration, RFC 6275 */
	FLAGS_BU_L = 0x2000, /* link-local address compatibility, RFC 6275 */
	FLAGS_BU_K = 0x1000, /* key management mobility capability, RFC 6275 */
	FLAGS_BU_M = 0x0800, /* MAP registration, RFC 5380 */
	FLAGS_BU_R = 0x0400, /* mobile router, RFC 3963 */
	FLAGS_BU_P = 0x0200, /* proxy registration, RFC 5213 */
	FLAGS_BU_F = 0x0100, /* forced UDP encapsulation, RFC 5555 */
	FLAGS_BU_T = 0x0080, /* TLV header, RFC 5845 */
	FLAGS_BU_O = 0x0040, /* without P: overwrite all bindings, RFC 5648 */
	FLAGS_BU_B = 0x0040, /* with P: bulk binding update, RFC 6602 */
	FLAGS_BU_S = 0x0020, /* multicast signalling, RFC 7161 */
	FLAGS_BU_D = 0x0010, /* sender is a MAAR or CMD, RFC 8885 */
};

/* 8 bits at octet 7 of a Binding Acknowledgement. */
enum flags_ba {
	FLAGS_BA_K = 0x80, /* RFC 6275 */
	FLAGS_BA_R = 0x40, /* RFC 3963 */
	FLAGS_BA_P = 0x20, /* RFC 5213 */
	FLAGS_BA_T = 0x10, /* RFC 5845 */
	FLAGS_BA_B = 0x08, /* RFC 6602 */
	FLAGS_BA_S = 0x04, /* RFC 7161 */
	FLAGS_BA_D = 0x02, /* RFC 8885 */
};

/* 16 bits at octet 6 of a Heartbeat (RFC 5847, 3.3). */
enum flags_heartbeat {
	FLAGS_HEARTBEAT_U = 0x0002, /* unsolicited response */
	FLAGS_HEARTBEAT_R = 0x0001, /* response */
};

/* 16 bits at octet 10 of a Binding Revocation (RFC 5846, 5.1 and 5.2). */
enum flags_revocation {
	FLAGS_REVOCATION_P = 0x8000, /* proxy binding */
	FLAGS_REVOCATION_V = 0x4000, /* IPv4 home address binding only */
	FLAGS_REVOCATION_G = 0x2000, /* global */
};

/* 16 bits at octet 10 of an Update Notification (RFC 7077, 4.1). */
enum flags_upn {
	FLAGS_UPN_A = 0x8000, /* acknowledgement requested */
	FLAGS_UPN_D = 0x4000, /* retransmission */
};

struct flags_def {
	uint16_t mask;
	uint16_t with;    /* the row holds only if all these bits are set ... */
	uint16_t without; /* ... and none of these */
	char letter;
	const char *meaning;
	const char *rfc;
};

/* The flags of one field, from the highest bit down. */
struct flags_set {
	const struct flags_def *rows;
	size_t count;
};

extern const struct flags_set flags_bu_set; /* Binding Update */
extern const struct flags_set flags_ba_set; /* Binding Acknowledgement */
extern const struct flags_set flags_heartbeat_set;
extern const struct flags_set flags_revocation_set;
extern const struct flags_set flags_upn_set;

/* flags_print: the letters that are set, highest bit first ("AHL"), then any unassigned bits as
 * "+0x1". SIZE 32 always suffices. Returns BUF. */
const char *flags_print(const struct flags_set *set, unsigned flags, char *buf, size_t size);

/* flags_bu_table, flags_ba_table: rows from the highest bit down; the number goes to COUNT. */
const struct flags_def *flags_bu_table(size_t *count);
const struct flags_def *flags_ba_table(size_t *count);

/* flags_bu_print, flags_ba_print: flags_print with the set of the message. */
const char *flags_bu_print(uint16_t flags, char *buf, size_t size);
const char *flags_ba_print(uint8_t flags, char *buf, size_t size);
