/* The Internet checksum over an IPv6 pseudo-header (RFC 8200, 8.1; RFC 1071). Pure: any thread. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* checksum_ip6: the one's complement of the one's complement sum of the pseudo-header of SRC, DST,
 * NEXT_HEADER and LEN, and of the LEN octets at DATA. Host order. Over data that already holds its
 * right checksum the result is 0; to compute one, its field must be 0. */
uint16_t checksum_ip6(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header,
	const uint8_t *data, size_t len);
