#include "proto/mobility/checksum.h"

#include <arpa/inet.h>
#include <string.h>

/* The sum of octets as 16-bit words does not depend on byte order until it is folded (RFC 1071, 2),
 * so words of 32 bits are added as the machine reads them. */
static uint64_t add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (; len >= 4; at += 4, len -= 4) {
		uint32_t word;

		memcpy(&word, at, 4);
		sum += word;
	}
	if (len) {
		uint8_t tail[4] = {0};
		uint32_t word;

		memcpy(tail, at, len);
		memcpy(&word, tail, 4);
		sum += word;
	}
	return sum;
}

static uint64_t pseudo_ip6(
	const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header, size_t len)
{
	const uint32_t tail[2] = {htonl((uint32_t)len), htonl(next_header)};
	uint64_t sum = add(0, src, sizeof(*src));

	return add(add(sum, dst, sizeof(*dst)), tail, sizeof(tail));
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ntohs((uint16_t)sum);
}

static uint64_t pseudo_ip4(
	const struct in_addr *src, const struct in_addr *dst, uint8_t protocol, size_t len)
{
	const uint32_t tail = htonl((uint32_t)protocol << 16 | (uint16_t)len);
	uint64_t sum = add(0, src, sizeof(*src));

	return add(add(sum, dst, sizeof(*dst)), &tail, sizeof(tail));
}

/* The checksum that goes to AT, over what SUM already holds and the rest of DATA. */
static uint16_t finish(uint64_t sum, const uint8_t *data, size_t len, size_t at)
{
	if (at + 2 > len)
		at = len;
	sum = add(sum, data, at);
	if (at + 2 < len)
		sum = add(sum, data + at + 2, len - at - 2);
	return (uint16_t)~fold(sum);
}

static bool ok(uint64_t sum, const uint8_t *data, size_t len)
{
	return fold(add(sum, data, len)) == 0xffff;
}

uint16_t checksum_ip6(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header,
	const uint8_t *data, size_t len, size_t at)
{
	return finish(pseudo_ip6(src, dst, next_header, len), data, len, at);
}

bool checksum_ip6_ok(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header,
	const uint8_t *data, size_t len)
{
	return ok(pseudo_ip6(src, dst, next_header, len), data, len);
}

uint16_t checksum_ip4(const struct in_addr *src, const struct in_addr *dst, uint8_t protocol,
	const uint8_t *data, size_t len, size_t at)
{
	return finish(pseudo_ip4(src, dst, protocol, len), data, len, at);
}

bool checksum_ip4_ok(const struct in_addr *src, const struct in_addr *dst, uint8_t protocol,
	const uint8_t *data, size_t len)
{
	return ok(pseudo_ip4(src, dst, protocol, len), data, len);
}

uint16_t checksum_plain(const uint8_t *data, size_t len, size_t at)
{
	return finish(0, data, len, at);
}

bool checksum_plain_ok(const uint8_t *data, size_t len)
{
	return ok(0, data, len);
}
