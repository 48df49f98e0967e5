#include <errno.h>

#include "common/cursor.h"
#include "proto/mobility/mcast.h"

/* The record that a message of an older version means, 0 for other types. */
static uint8_t meaning(uint8_t type)
{
	switch (type) {
	case MCAST_MLD1_REPORT:
	case MCAST_IGMP1_REPORT:
	case MCAST_IGMP2_REPORT:
		return MCAST_IS_EXCLUDE;
	case MCAST_MLD1_DONE:
	case MCAST_IGMP2_LEAVE:
		return MCAST_TO_INCLUDE;
	default:
		return 0;
	}
}

/* MLD has a time, unused here, and two reserved octets before the group. */
static size_t octets_before_group(uint8_t type)
{
	return mcast_address_size(type) == sizeof(struct in6_addr) ? 8 : 4;
}

enum mcast_fault mcast_old_decode(const uint8_t *body, size_t len, struct mcast_record *out)
{
	struct cursor c;
	uint8_t type;

	cursor_init(&c, body, len);
	type = cursor_u8(&c);
	if (!cursor_ok(&c))
		return MCAST_FAULT_TRUNCATED;
	*out = (struct mcast_record){.type = meaning(type)};
	if (!out->type)
		return MCAST_FAULT_TYPE;
	cursor_skip(&c, octets_before_group(type) - 1);
	out->group = cursor_bytes(&c, mcast_address_size(type));
	return cursor_ok(&c) ? MCAST_FAULT_NONE : MCAST_FAULT_TRUNCATED;
}

ssize_t mcast_old_encode(uint8_t type, const uint8_t *group, uint8_t *buf, size_t size)
{
	struct writer w;

	if (!meaning(type))
		return -EINVAL;
	writer_init(&w, buf, size);
	writer_u8(&w, type);
	writer_zero(&w, octets_before_group(type) - 1);
	writer_bytes(&w, group, mcast_address_size(type));
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}
