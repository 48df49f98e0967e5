#include "proto/mobility/ip4.h"

#include <errno.h>

#include "common/cursor.h"
#include "proto/mobility/checksum.h"

#define VERSION       4
#define AT_CHECKSUM   10
#define DONT_FRAGMENT 0x4000
#define MORE          0x2000
#define OFFSET_MASK   0x1fff
#define OFFSET_UNIT   8

const char *ip4_fault_name(enum ip4_fault fault)
{
	static const char *const names[IP4_FAULT_COUNT] = {
		[IP4_FAULT_NONE] = "none",
		[IP4_FAULT_TRUNCATED] = "truncated",
		[IP4_FAULT_VERSION] = "version",
		[IP4_FAULT_HEADER_LENGTH] = "header-length",
		[IP4_FAULT_CHECKSUM] = "checksum",
	};

	return fault < IP4_FAULT_COUNT ? names[fault] : "unknown";
}

/* The fields behind version and header length; returns the total length. */
static uint16_t fields(struct cursor *c, struct ip4_packet *out)
{
	uint16_t total, fragment;

	out->tos = cursor_u8(c);
	total = cursor_u16(c);
	out->id = cursor_u16(c);
	fragment = cursor_u16(c);
	out->dont_fragment = fragment & DONT_FRAGMENT;
	out->more_fragments = fragment & MORE;
	out->fragment_offset = (uint16_t)((fragment & OFFSET_MASK) * OFFSET_UNIT);
	out->ttl = cursor_u8(c);
	out->protocol = cursor_u8(c);
	cursor_skip(c, 2);
	cursor_copy(c, &out->src, sizeof(out->src));
	cursor_copy(c, &out->dst, sizeof(out->dst));
	return total;
}

enum ip4_fault ip4_packet_decode(const uint8_t *pkt, size_t len, struct ip4_packet *out)
{
	uint16_t total, header;
	struct cursor c;
	uint8_t first;

	cursor_init(&c, pkt, len);
	first = cursor_u8(&c);
	total = fields(&c, out);
	if (!cursor_ok(&c))
		return IP4_FAULT_TRUNCATED;
	if (first >> 4 != VERSION)
		return IP4_FAULT_VERSION;
	header = (uint16_t)((first & 0xf) * 4);
	if (header < IP4_HEADER_SIZE || header > total)
		return IP4_FAULT_HEADER_LENGTH;
	if (total > len)
		return IP4_FAULT_TRUNCATED;
	if (!checksum_plain_ok(pkt, header))
		return IP4_FAULT_CHECKSUM;
	out->offset = header;
	out->len = (uint16_t)(total - header);
	return IP4_FAULT_NONE;
}

bool ip4_packet_is_fragment(const struct ip4_packet *packet)
{
	return packet->more_fragments || packet->fragment_offset;
}

ssize_t ip4_packet_encode(const struct ip4_packet *packet, uint8_t *buf, size_t size)
{
	uint16_t fragment = packet->fragment_offset / OFFSET_UNIT;
	size_t total = IP4_HEADER_SIZE + (size_t)packet->len;
	struct writer w;

	if (total > UINT16_MAX || packet->fragment_offset % OFFSET_UNIT)
		return -EINVAL;
	if (total > size)
		return -ENOSPC;
	fragment |= packet->dont_fragment ? DONT_FRAGMENT : 0;
	fragment |= packet->more_fragments ? MORE : 0;
	writer_init(&w, buf, IP4_HEADER_SIZE);
	writer_u8(&w, VERSION << 4 | IP4_HEADER_SIZE / 4);
	writer_u8(&w, packet->tos);
	writer_u16(&w, (uint16_t)total);
	writer_u16(&w, packet->id);
	writer_u16(&w, fragment);
	writer_u8(&w, packet->ttl ? packet->ttl : IP4_TTL);
	writer_u8(&w, packet->protocol);
	writer_u16(&w, 0);
	writer_bytes(&w, &packet->src, sizeof(packet->src));
	writer_bytes(&w, &packet->dst, sizeof(packet->dst));
	writer_put_u16_at(&w, AT_CHECKSUM, checksum_plain(buf, IP4_HEADER_SIZE, AT_CHECKSUM));
	return IP4_HEADER_SIZE;
}
