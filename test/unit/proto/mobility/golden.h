/* A message as its octets, as its fields in text, and both ways between them. */
#pragma once

#include "visited.h"

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
}

/* The octets of HEX decode to the fields in TEXT and encode to themselves. */
static inline void golden_message(const char *hex, const char *text, struct mh *mh)
{
	assert_int_equal(golden_decode(hex, mh, NULL), 0);
	assert_message(mh, text);
	golden_encodes(mh, hex);
}
