/* Reports and queries of multicast listeners: MLDv2 (RFC 3810, 5) and IGMPv3 (RFC 3376, 4), from
 * their Type octet on. The body of a Multicast State option is such a report. Nothing is allocated:
 * addresses are views into the message, 16 octets each in MLD and 4 in IGMP, network order. Pure
 * functions: any thread. Numbers in host order. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct field;
struct names;
struct visitor;

#define MCAST_REPORT_HEAD 8 /* octets before the first record */

/* The Type octet says which protocol it is. */
enum mcast_type {
	MCAST_MLD_QUERY = 130,     /* RFC 3810, 5.1 */
	MCAST_MLD2_REPORT = 143,   /* RFC 3810, 5.2 */
	MCAST_IGMP_QUERY = 0x11,   /* RFC 3376, 4.1 */
	MCAST_IGMP3_REPORT = 0x22, /* RFC 3376, 4.2 */
	/* of older versions */
	MCAST_MLD1_REPORT = 131,   /* RFC 2710, 3 */
	MCAST_MLD1_DONE = 132,     /* RFC 2710, 3 */
	MCAST_IGMP1_REPORT = 0x12, /* RFC 2236, 2.1 */
	MCAST_IGMP2_REPORT = 0x16, /* RFC 2236, 2.1 */
	MCAST_IGMP2_LEAVE = 0x17,  /* RFC 2236, 2.1 */
};

/* RFC 3810, 5.2.12; RFC 3376, 4.2.12. A record of another type is to be ignored. */
enum mcast_record_type {
	MCAST_IS_INCLUDE = 1,
	MCAST_IS_EXCLUDE = 2,
	MCAST_TO_INCLUDE = 3,
	MCAST_TO_EXCLUDE = 4,
	MCAST_ALLOW_NEW = 5,
	MCAST_BLOCK_OLD = 6,
};

extern const struct names mcast_record_names;

enum mcast_fault {
	MCAST_FAULT_NONE = 0,
	MCAST_FAULT_TRUNCATED, /* shorter than its head */
	MCAST_FAULT_TYPE,      /* none of the above */
	MCAST_FAULT_RECORDS,   /* fewer octets than the records say */
	MCAST_FAULT_SOURCES,   /* fewer octets than the sources of a query */
	MCAST_FAULT_COUNT
};

/* mcast_fault_name: stable lower case name of a fault, for counters and logs. */
const char *mcast_fault_name(enum mcast_fault fault);

/* mcast_address_size: octets of an address in a message of TYPE: 16, 4, or 0 when it is none. */
size_t mcast_address_size(uint8_t type);

/* One record of a report: what a listener wants of a group. 32 octets. */
struct mcast_record {
	uint8_t type; /* enum mcast_record_type, or a number to be ignored */
	uint16_t source_count;
	const uint8_t *group;   /* one address */
	const uint8_t *sources; /* source_count addresses, one behind the other */
};

/* mcast_record_has: whether it names the source at the 16 octets SOURCE, an IPv6 address. */
bool mcast_record_has(const struct mcast_record *record, const void *source);

/* A report whose records all lie within it. */
struct mcast_report {
	uint8_t type; /* MCAST_MLD2_REPORT or MCAST_IGMP3_REPORT */
	uint16_t record_count;
	const uint8_t *records;
	size_t len; /* octets of the records */
};

/* mcast_report_decode: reads the report at BODY and checks the lengths of all records. Octets
 * behind them, and auxiliary data, are ignored (RFC 3810, 5.2.10 and 5.2.11). The checksum is not
 * looked at: see icmp6_decode and mcast_igmp_checksum_ok. Returns MCAST_FAULT_NONE, or the fault
 * with its offset in *AT (which may be NULL); OUT is then undefined. */
enum mcast_fault mcast_report_decode(
	const uint8_t *body, size_t len, struct mcast_report *out, size_t *at);

/* mcast_report_next: the record at octet *AT of the report's records, which starts with 0 and is
 * moved behind it. Returns false behind the last one. */
bool mcast_report_next(const struct mcast_report *report, size_t *at, struct mcast_record *out);

/* mcast_old_decode: reads a report, done or leave of MLDv1, IGMPv1 or IGMPv2 at BODY as the record
 * that it means to a router of the newer version: MODE_IS_EXCLUDE or CHANGE_TO_INCLUDE without
 * sources (RFC 3810, 8.3.2; RFC 3376, 7.3.2). Octets behind it are ignored (RFC 2710, 3.7).
 * Returns MCAST_FAULT_NONE, _TRUNCATED or _TYPE. */
enum mcast_fault mcast_old_decode(const uint8_t *body, size_t len, struct mcast_record *out);

/* mcast_old_encode: writes the message of that TYPE for GROUP, with checksum 0. Returns the octets
 * written; -ENOSPC; -EINVAL for a type of none of these. */
ssize_t mcast_old_encode(uint8_t type, const uint8_t *group, uint8_t *buf, size_t size);

/* mcast_visit: how the report of an option is printed: an object with "protocol" and a list
 * "records"; when it is malformed KEY_error with the reason, then the octets. */
int mcast_visit(const struct field *field, const void *base, const struct visitor *v);

/* Records on their way into as many reports as they need (RFC 3810, 5.2.15; RFC 3376, 4.2.16). */
struct mcast_writer {
	uint8_t type; /* of the reports */
	const struct mcast_record *records;
	size_t count;
	size_t at;       /* the record that comes next */
	uint16_t source; /* of it, the source that comes next */
};

/* mcast_writer_init: starts writing COUNT records, which must live until the end, into reports of
 * TYPE. */
void mcast_writer_init(
	struct mcast_writer *w, uint8_t type, const struct mcast_record *records, size_t count);

/* mcast_writer_next: writes the next report with checksum 0 into the SIZE octets of BUF: as many
 * whole records as fit. A record that no report of SIZE octets could hold is split over several
 * reports; one of type EXCLUDE, which cannot be split, keeps its first sources only. Returns the
 * octets written, 0 when all is written; -ENOSPC when SIZE does not hold the head and a record (for
 * one with sources: with one source); -EINVAL when the type is not that of a report, or a record
 * has no group or no defined type. */
ssize_t mcast_writer_next(struct mcast_writer *w, uint8_t *buf, size_t size);

/* A query of an MLDv2 or IGMPv3 querier, or an older one, which ends behind the group. */
struct mcast_query {
	uint8_t type; /* MCAST_MLD_QUERY or MCAST_IGMP_QUERY */
	bool is_old;  /* MLDv1, IGMPv1 or IGMPv2: what follows is not there (RFC 3810, 8.1) */
	uint32_t response_ms; /* Maximum Response Delay; IGMPv1: 0 */
	const uint8_t *group; /* one address; unspecified in a general query */
	bool suppress;        /* S: routers keep their timers */
	uint8_t robustness;   /* QRV, 0 to 7 */
	uint32_t interval_s;  /* Querier's Query Interval */
	uint16_t source_count;
	const uint8_t *sources; /* source_count addresses */
};

/* mcast_query_decode: reads the query at BODY. Octets behind it are ignored. Returns as
 * mcast_report_decode. */
enum mcast_fault mcast_query_decode(
	const uint8_t *body, size_t len, struct mcast_query *out, size_t *at);

/* mcast_query_encode: writes the query with checksum 0. Times that their code cannot express become
 * the next shorter one that it can. Returns the octets written; -ENOSPC; -EINVAL when the type is
 * not that of a query, it has no group, or a value is too large for its field. */
ssize_t mcast_query_encode(const struct mcast_query *query, uint8_t *buf, size_t size);

/* mcast_igmp_checksum_set: writes the checksum of the LEN octets of an IGMP message into it.
 * mcast_igmp_checksum_ok: whether it is right (RFC 3376, 4.1.2). That of MLD is ICMPv6's:
 * mcast_mld_checksum_set, for a packet with these addresses; to check it: icmp6_decode. */
void mcast_igmp_checksum_set(uint8_t *igmp, size_t len);
bool mcast_igmp_checksum_ok(const uint8_t *igmp, size_t len);
void mcast_mld_checksum_set(
	const struct in6_addr *src, const struct in6_addr *dst, uint8_t *mld, size_t len);
