/* One field of a fixed layout, as a row of a table: where it stands on the wire and in the struct.
 *
 * Messages and options are described by lists of these rows. Decoder, encoder and printers walk
 * the list, so a new message or option is a new list and no new code. Rows are constant and may
 * be read by any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"

enum field_kind {
	FIELD_END = 0, /* ends a list */
	FIELD_UINT,    /* big endian on the wire, host order in the struct */
	FIELD_FLAGS,   /* as FIELD_UINT, printed as flag letters */
	FIELD_STATUS,  /* as FIELD_UINT, printed with its name */
	FIELD_ADDR6,   /* 16 octets, struct in6_addr */
	FIELD_REST,    /* everything up to the end: struct field_bytes; always the last row */
};

/* A view of octets that belong to somebody else. */
struct field_bytes {
	const uint8_t *at; /* NULL only when len is 0 */
	uint8_t len;
};

struct field {
	const char *name; /* stable key of JSON output */
	uint8_t kind;     /* enum field_kind */
	uint8_t at;       /* octets from the first octet of the message or from the option's Type */
	uint8_t size;     /* octets on the wire: 1, 2, 4, 8 or 16; 0 for FIELD_REST */
	uint8_t width;    /* octets of the struct member: 1, 2, 4 or 8 for numbers */
	uint16_t member;  /* offset of the member from the base given to the functions below */
	uint32_t mask;    /* bits of the wire field that hold this value; 0 = all of them */
};

/* field_decode: reads all fields of LIST from WIRE, LEN octets long, into the members at BASE.
 * Views (FIELD_REST) point into WIRE and live as long as it. Bits that no row names are ignored.
 * Returns 0, or -EBADMSG when a field would run past LEN. */
int field_decode(const struct field *list, const uint8_t *wire, size_t len, void *base);

/* field_encode: writes all fields of LIST to WIRE, LEN octets long and zeroed by the caller.
 * Returns 0; -ENOSPC when a field does not fit; -EINVAL when a value is wider than its field. */
int field_encode(const struct field *list, const void *base, uint8_t *wire, size_t len);

/* field_value: the number that a FIELD_UINT, FIELD_FLAGS or FIELD_STATUS row names. */
uint64_t field_value(const struct field *field, const void *base);
