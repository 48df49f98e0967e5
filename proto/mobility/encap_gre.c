#include <errno.h>

#include "common/cursor.h"
#include "proto/mobility/checksum.h"
#include "proto/mobility/encap.h"

#define HAS_CHECKSUM 0x8000
#define HAS_KEY      0x2000 /* RFC 2890, 2 */
#define HAS_SEQUENCE 0x1000
#define REFUSED      0x4c07 /* bits 1, 4 and 5, and the version; other bits are ignored */
#define AT_CHECKSUM  4

ssize_t encap_gre_decode(const uint8_t *gre, size_t len, struct encap_gre *out)
{
	struct cursor c;
	uint16_t bits;

	*out = (struct encap_gre){0};
	cursor_init(&c, gre, len);
	bits = cursor_u16(&c);
	out->protocol = cursor_u16(&c);
	out->has_checksum = bits & HAS_CHECKSUM;
	out->has_key = bits & HAS_KEY;
	out->has_sequence = bits & HAS_SEQUENCE;
	cursor_skip(&c, out->has_checksum ? 4 : 0);
	out->key = out->has_key ? cursor_u32(&c) : 0;
	out->sequence = out->has_sequence ? cursor_u32(&c) : 0;
	if (!cursor_ok(&c) || bits & REFUSED)
		return -EBADMSG;
	if (out->has_checksum && !checksum_plain_ok(gre, len))
		return -EILSEQ;
	return (ssize_t)cursor_offset(&c);
}

/* The sum of two parts: the header is a multiple of four octets, so the words of the payload stay
 * words. */
static uint16_t checksum(
	const uint8_t *header, size_t header_len, const uint8_t *payload, size_t len)
{
	uint32_t sum = (uint16_t)~checksum_plain(header, header_len, AT_CHECKSUM);

	sum += (uint16_t)~checksum_plain(payload, len, len);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

ssize_t encap_gre_encode(
	const struct encap_gre *gre, const uint8_t *payload, size_t len, uint8_t *buf, size_t size)
{
	struct writer w;

	writer_init(&w, buf, size);
	writer_u16(&w,
		(uint16_t)((gre->has_checksum ? HAS_CHECKSUM : 0) | (gre->has_key ? HAS_KEY : 0) |
			   (gre->has_sequence ? HAS_SEQUENCE : 0)));
	writer_u16(&w, gre->protocol);
	if (gre->has_checksum)
		writer_u32(&w, 0);
	if (gre->has_key)
		writer_u32(&w, gre->key);
	if (gre->has_sequence)
		writer_u32(&w, gre->sequence);
	if (!writer_ok(&w))
		return -ENOSPC;
	if (gre->has_checksum)
		writer_put_u16_at(&w, AT_CHECKSUM, checksum(buf, writer_len(&w), payload, len));
	return (ssize_t)writer_len(&w);
}

int encap_gre_inner(const struct encap_gre *gre)
{
	switch (gre->protocol) {
	case ENCAP_ETHERTYPE_IP4:
		return IPPROTO_IPIP;
	case ENCAP_ETHERTYPE_IP6:
		return IPPROTO_IPV6;
	default:
		return -1;
	}
}
