#include <errno.h>

#include "common/cursor.h"
#include "proto/mobility/checksum.h"
#include "proto/mobility/ip4.h"

#define AT_CHECKSUM 6

int udp_decode(const uint8_t *udp, size_t len, struct udp_header *out)
{
	struct cursor c;
	uint16_t total;

	cursor_init(&c, udp, len);
	out->src = cursor_u16(&c);
	out->dst = cursor_u16(&c);
	total = cursor_u16(&c);
	out->checksum = cursor_u16(&c);
	if (!cursor_ok(&c) || total < UDP_HEADER_SIZE || total > len)
		return -EBADMSG;
	out->len = total - UDP_HEADER_SIZE;
	return 0;
}

ssize_t udp_encode(const struct udp_header *header, uint8_t *buf, size_t size)
{
	size_t total = UDP_HEADER_SIZE + (size_t)header->len;
	struct writer w;

	if (total > UINT16_MAX)
		return -EINVAL;
	if (total > size)
		return -ENOSPC;
	writer_init(&w, buf, UDP_HEADER_SIZE);
	writer_u16(&w, header->src);
	writer_u16(&w, header->dst);
	writer_u16(&w, (uint16_t)total);
	writer_u16(&w, 0);
	return UDP_HEADER_SIZE;
}

void udp_checksum_set4(
	const struct in_addr *src, const struct in_addr *dst, uint8_t *udp, size_t len)
{
	uint16_t sum = checksum_ip4(src, dst, IPPROTO_UDP, udp, len, AT_CHECKSUM);
	struct writer w;

	/* 0 is the same number as 0xffff and would mean that there is none (RFC 768). */
	writer_init(&w, udp, len);
	writer_reserve(&w, len);
	writer_put_u16_at(&w, AT_CHECKSUM, sum ? sum : 0xffff);
}

/* Whether the checksum field is 0. */
static bool is_absent(const uint8_t *udp, size_t len)
{
	struct cursor c;

	cursor_init(&c, udp, len);
	cursor_skip(&c, AT_CHECKSUM);
	return cursor_u16(&c) == 0;
}

bool udp_checksum_ok4(
	const struct in_addr *src, const struct in_addr *dst, const uint8_t *udp, size_t len)
{
	return is_absent(udp, len) || checksum_ip4_ok(src, dst, IPPROTO_UDP, udp, len);
}

bool udp_checksum_ok6(
	const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *udp, size_t len)
{
	return !is_absent(udp, len) && checksum_ip6_ok(src, dst, IPPROTO_UDP, udp, len);
}
