#include <errno.h>

#include "common/cursor.h"
#include "proto/mobility/mcast.h"

#define FLAG_SUPPRESS 0x08
#define QRV_MASK      0x07
#define IGMP_TICK_MS  100

/* A number as a code of BITS bits: itself while the top bit is clear, else mantissa and exponent
 * (RFC 3810, 5.1.3 and 5.1.9; RFC 3376, 4.1.1 and 4.1.7). */
static uint32_t expand(uint32_t code, unsigned bits)
{
	unsigned mantissa = bits - 4; /* bits of it: top bit and three of exponent before */
	uint32_t one = 1u << mantissa;

	if (code < 1u << (bits - 1))
		return code;
	return ((code & (one - 1)) | one) << ((code >> mantissa & 7) + 3);
}

/* The largest code whose number is not above VALUE. */
static uint32_t compress(uint32_t value, unsigned bits)
{
	unsigned mantissa = bits - 4, exponent = 0;
	uint32_t top = 1u << (bits - 1), one = 1u << mantissa;

	if (value < top)
		return value;
	while (exponent < 7 && value >> (exponent + 3) >= 2 * one)
		exponent++;
	value >>= exponent + 3;
	if (value >= 2 * one)
		value = 2 * one - 1;
	return top | exponent << mantissa | (value & (one - 1));
}

static void read_tail(struct cursor *c, struct mcast_query *out)
{
	uint8_t flags = cursor_u8(c);

	out->suppress = flags & FLAG_SUPPRESS;
	out->robustness = flags & QRV_MASK;
	out->interval_s = expand(cursor_u8(c), 8);
	out->source_count = cursor_u16(c);
}

/* Type, code, checksum and times; the group follows. */
static void read_head(struct cursor *c, struct mcast_query *out)
{
	uint8_t code;

	out->type = cursor_u8(c);
	code = cursor_u8(c);
	cursor_skip(c, 2);
	if (out->type != MCAST_MLD_QUERY) {
		out->response_ms = code;
		return;
	}
	out->response_ms = cursor_u16(c);
	cursor_skip(c, 2);
}

/* In older versions the code is the time itself (RFC 2710, 3.4; RFC 2236, 2.2). */
static void read_times(struct mcast_query *out)
{
	bool is_mld = out->type == MCAST_MLD_QUERY;

	if (!out->is_old)
		out->response_ms = expand(out->response_ms, is_mld ? 16 : 8);
	if (!is_mld)
		out->response_ms *= IGMP_TICK_MS;
}

enum mcast_fault mcast_query_decode(
	const uint8_t *body, size_t len, struct mcast_query *out, size_t *at)
{
	size_t size, ignored = 0;
	struct cursor c;

	at = at ? at : &ignored;
	*at = 0;
	*out = (struct mcast_query){0};
	cursor_init(&c, body, len);
	read_head(&c, out);
	size = mcast_address_size(out->type);
	if (!len)
		return MCAST_FAULT_TRUNCATED;
	if (out->type != MCAST_MLD_QUERY && out->type != MCAST_IGMP_QUERY)
		return MCAST_FAULT_TYPE;
	out->group = cursor_bytes(&c, size);
	if (!cursor_ok(&c))
		return MCAST_FAULT_TRUNCATED;
	out->is_old = !cursor_left(&c);
	read_times(out);
	if (out->is_old)
		return MCAST_FAULT_NONE;
	*at = cursor_offset(&c);
	read_tail(&c, out);
	if (!cursor_ok(&c))
		return MCAST_FAULT_TRUNCATED;
	*at = cursor_offset(&c);
	out->sources = cursor_bytes(&c, out->source_count * size);
	return cursor_ok(&c) ? MCAST_FAULT_NONE : MCAST_FAULT_SOURCES;
}

/* The response code, or -EINVAL when an old query cannot say so much. */
static int64_t response_code(const struct mcast_query *query)
{
	bool is_mld = query->type == MCAST_MLD_QUERY;
	uint32_t value = is_mld ? query->response_ms : query->response_ms / IGMP_TICK_MS;

	if (!query->is_old)
		return compress(value, is_mld ? 16 : 8);
	return value > (is_mld ? UINT16_MAX : UINT8_MAX) ? -EINVAL : (int64_t)value;
}

static void put_tail(struct writer *w, const struct mcast_query *query, size_t size)
{
	writer_u8(w, (uint8_t)((query->suppress ? FLAG_SUPPRESS : 0) | query->robustness));
	writer_u8(w, (uint8_t)compress(query->interval_s, 8));
	writer_u16(w, query->source_count);
	if (query->source_count)
		writer_bytes(w, query->sources, query->source_count * size);
}

ssize_t mcast_query_encode(const struct mcast_query *query, uint8_t *buf, size_t size)
{
	bool is_mld = query->type == MCAST_MLD_QUERY;
	size_t address = mcast_address_size(query->type);
	int64_t code = response_code(query);
	struct writer w;

	if ((!is_mld && query->type != MCAST_IGMP_QUERY) || !query->group || code < 0 ||
		query->robustness > QRV_MASK || (query->source_count && !query->sources))
		return -EINVAL;
	writer_init(&w, buf, size);
	writer_u8(&w, query->type);
	writer_u8(&w, is_mld ? 0 : (uint8_t)code);
	writer_u16(&w, 0);
	if (is_mld) {
		writer_u16(&w, (uint16_t)code);
		writer_u16(&w, 0);
	}
	writer_bytes(&w, query->group, address);
	if (!query->is_old)
		put_tail(&w, query, address);
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}
