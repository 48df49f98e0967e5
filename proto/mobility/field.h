/* One field of a layout, as a row of a table: where it stands on the wire and in the struct.
 *
 * Messages and options are described by lists of these rows. Decoder, encoder and printers walk
 * the list, so a new message or option is a new list and no new code. Rows are constant and may
 * be read by any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"

struct flags_set;
struct names;
struct visitor;

enum field_kind {
	FIELD_END = 0, /* ends a list */
	FIELD_UINT,    /* big endian on the wire, host order in the struct */
	FIELD_BOOL,    /* as FIELD_UINT, one bit */
	FIELD_FLAGS,   /* as FIELD_UINT, printed as flag letters */
	FIELD_STATUS,  /* as FIELD_UINT, printed with its name */
	FIELD_ADDR6,   /* 16 octets, struct in6_addr */
	FIELD_ADDR4,   /* 4 octets, struct in_addr */
	/* All that is left up to the end: always the last row that holds. */
	FIELD_REST,   /* octets, struct field_bytes */
	FIELD_TEXT,   /* as FIELD_REST, printed as text */
	FIELD_LIST16, /* as FIELD_REST: numbers of 16 bits, an even number of octets */
	FIELD_ADDR,   /* nothing, an IPv4 or an IPv6 address: struct field_addr */
	FIELD_MAYBE,  /* nothing or a number of 32 bits: struct field_optional */
};

/* A view of octets that belong to somebody else. */
struct field_bytes {
	const uint8_t *at; /* NULL only when len is 0 */
	uint8_t len;
};

/* An address whose length on the wire tells what it is. */
struct field_addr {
	union {
		struct in6_addr ip6;
		struct in_addr ip4;
	};
	uint8_t len; /* octets: 0 (none), 4 or 16 */
};

/* A number that may be missing. */
struct field_optional {
	uint32_t value;
	bool present;
};

/* When a row holds: some octets mean different things by the value of an earlier row. */
enum field_when {
	FIELD_ALWAYS = 0,
	FIELD_WHEN,   /* row when_row of the list has the value when_value */
	FIELD_UNLESS, /* it has another value */
};

struct field;

/* How a row that holds something structured is printed. */
typedef int field_visit_fn(const struct field *field, const void *base, const struct visitor *v);

struct field {
	const char *name; /* stable key of JSON output */
	uint8_t kind;     /* enum field_kind */
	uint8_t at;       /* octets from the first octet of the message or the option's Type */
	uint8_t size;     /* octets on the wire: 1, 2, 4, 8 or 16; 0 up to the end */
	uint8_t width;    /* octets of the struct member: 1, 2, 4 or 8 for numbers */
	uint16_t member;  /* offset of the member from the base given to the functions below */
	uint8_t when;     /* enum field_when */
	uint8_t when_row; /* index in the list, before this row */
	uint8_t when_value;
	uint32_t mask;    /* bits of the wire field that hold this value; 0 = all of them */
	const char *unit; /* of a number, for people: "4 s"; NULL without */
	union {           /* for printers; NULL without */
		const struct flags_set *flags; /* FIELD_FLAGS */
		const struct names *names;     /* FIELD_STATUS */
		field_visit_fn *visit;         /* FIELD_REST */
	};
};

/* The walks below over one list, compiled for it. */
struct field_walks {
	int (*decode)(const uint8_t *wire, size_t len, void *base);
	int (*encode)(const void *base, uint8_t *wire, size_t len);
	size_t (*size)(const void *base, size_t least);
};

/* field_holds: whether the row FIELD of LIST is meant, given the rows before it at BASE. */
bool field_holds(const struct field *list, const struct field *field, const void *base);

/* field_decode: reads all fields of LIST that hold from WIRE, LEN octets long, into the members at
 * BASE. Views point into WIRE and live as long as it. Bits that no row names are ignored.
 * Returns 0, or -EBADMSG when a field would run past LEN or what is left up to the end is not a
 * whole value: an address of 0, 4 or 16 octets, numbers of 16 bits, one or no number of 32 bits. */
int field_decode(const struct field *list, const uint8_t *wire, size_t len, void *base);

/* field_encode: writes all fields of LIST that hold to WIRE, LEN octets long; bits that no row
 * names become 0. Returns 0; -ENOSPC when a field does not fit, whether its row holds or not;
 * -EINVAL when a value is wider than its field. */
int field_encode(const struct field *list, const void *base, uint8_t *wire, size_t len);

/* field_size: octets that the fields of LIST take, at least LEAST, from where `at` counts. */
size_t field_size(const struct field *list, const void *base, size_t least);

/* field_value: the number that a row of FIELD_UINT, FIELD_BOOL, FIELD_FLAGS or FIELD_STATUS names.
 */
uint64_t field_value(const struct field *field, const void *base);

/* field_list16: the number at INDEX of a FIELD_LIST16 member, host order; INDEX is below len / 2.
 */
static inline uint16_t field_list16(const struct field_bytes *list, unsigned index)
{
	return (uint16_t)(list->at[2 * index] << 8 | list->at[2 * index + 1]);
}
