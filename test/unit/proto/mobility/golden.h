/* A message as its octets, as its fields in text, and both ways between them. What tests have seen
 * encoded to octets that they wrote out is remembered: at the end each row of the tables must have
 * been among it (test_golden.c). */
#pragma once

#include <errno.h>

#include "visited.h"

/* The groups of the program, each in its test_*.c. They return how many tests failed. */
int golden_mh(void);
int golden_messages(void);
int golden_option(void);
int golden_option_base(void);
int golden_option_client(void);
int golden_option_proxy(void);
int golden_option_dmm(void);
int golden_flow(void);

/* The message and its options were encoded to octets that a test wrote out. */
void golden_seen(const struct mh *mh);

/* Decodes HEX into MH from an exact buffer that lives until the next call. */
static inline int golden_decode(const char *hex, struct mh *mh, struct mh_error *err)
{
	static uint8_t *copy;
	static uint8_t buf[MH_SIZE_MAX];
	size_t n = octets(hex, buf, sizeof(buf));

	free(copy);
	copy = exact(buf, n);
	return mh_decode(copy, n, mh, err);
}

/* MH encodes to the octets of HEX. */
static inline void golden_encodes(const struct mh *mh, const char *hex)
{
	static uint8_t buf[MH_SIZE_MAX];

	memset(buf, 0xa5, sizeof(buf));
	assert_octets(buf, mh_encode(mh, buf, sizeof(buf)), hex);
	golden_seen(mh);
}

/* The octets of HEX decode to the fields in TEXT and encode to themselves. */
static inline void golden_message(const char *hex, const char *text, struct mh *mh)
{
	assert_int_equal(golden_decode(hex, mh, NULL), 0);
	assert_message(mh, text);
	golden_encodes(mh, hex);
}

/* One message with one option, written out from the figure that CLAUSE names. */
struct golden {
	const char *clause; /* that of the row of the table */
	uint16_t type;
	const char *hex;
	const char *text; /* its fields */
};

/* The octets decode to that option with those fields, at its alignment, and encode to themselves.
 */
static inline void golden_options(const struct golden *golden, size_t count)
{
	static const struct option_numbers numbers = OPTION_NUMBERS_DEFAULT;
	static uint8_t buf[MH_SIZE_MAX];
	struct mh_error err;
	struct mh mh;

	for (size_t i = 0; i < count; i++) {
		const struct golden *g = &golden[i];
		const struct option_def *def = option_def_find(g->type);
		size_t n = octets(g->hex, buf, sizeof(buf));
		uint8_t *copy = exact(buf, n);

		if (mh_decode_with(&numbers, copy, n, &mh, &err))
			fail_msg("%s: %s", g->hex, mh_error_print(&err, (char[200]){0}, 200));
		assert_int_equal(mh.option_count, 1);
		assert_int_equal(mh.options[0].type, g->type);
		assert_int_equal(mh.options[0].state, OPTION_KNOWN);
		assert_string_equal(def->clause, g->clause);
		assert_option(&mh.options[0], g->text);
		memset(buf, 0xa5, sizeof(buf));
		assert_octets(buf, mh_encode_with(&numbers, &mh, buf, sizeof(buf)), g->hex);
		golden_seen(&mh);
		free(copy);
	}
}

/* Messages with one option that does not decode: an error that names option, offset and value. */
struct golden_bad {
	const char *hex;
	enum mh_fault fault;
	uint16_t option;
	uint16_t offset;
	uint32_t value;
};

static inline void golden_errors(const struct golden_bad *bad, size_t count)
{
	static const struct option_numbers numbers = OPTION_NUMBERS_DEFAULT;
	static uint8_t buf[MH_SIZE_MAX];
	struct mh_error err;
	struct mh mh;

	for (size_t i = 0; i < count; i++) {
		size_t n = octets(bad[i].hex, buf, sizeof(buf));
		uint8_t *copy = exact(buf, n);

		int rc = mh_decode_with(&numbers, copy, n, &mh, &err);
		const struct option_def *def = option_def_find(bad[i].option);
		bool kept = bad[i].fault == MH_FAULT_OPTION_LENGTH && copy[MH_AT_TYPE] == MH_BU &&
			    def->flags & OPTION_F_ANSWERED;

		assert_int_equal(rc, kept ? 0 : -EBADMSG);
		assert_int_equal(err.fault, bad[i].fault);
		assert_int_equal(err.option, bad[i].option);
		assert_int_equal(err.offset, bad[i].offset);
		assert_int_equal(err.value, bad[i].value);
		free(copy);
	}
}

/* Heads of messages, up to the first option; LEN is the Header Len in hexadecimal. */
#define BU(len)  "3b " len " 05 00 0000 0001 c000 0001 |"
#define PBU(len) "3b " len " 05 00 0000 0001 8200 0001 |"
#define MBU(len) "3b " len " 05 00 0000 0001 8210 0001 |" /* of a MAAR: D */
#define BA(len)  "3b " len " 06 00 0000 0000 0001 0001 |"
#define PBA(len) "3b " len " 06 00 0000 0020 0001 0001 |"
#define MBA(len) "3b " len " 06 00 0000 0022 0001 0001 |"
#define HB(len)  "3b " len " 0d 00 0000 0001 0000 0001 |"
#define BRI(len) "3b " len " 10 00 0000 0101 0001 8000 |"
#define UPN(len) "3b " len " 13 00 0000 0001 0002 8000 |"
