/*
 * The Internet checksum (RFC 1071), alone and over the pseudo-headers of IPv6 (RFC 8200, 8.1) and
 * IPv4 (RFC 768). Pure functions: any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* checksum_ip6: the checksum of the LEN octets at DATA with the pseudo-header of SRC, DST,
 * NEXT_HEADER and LEN. The two octets at AT, an even offset, hold the checksum and count as 0.
 * Host order. */
uint16_t checksum_ip6(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header,
	const uint8_t *data, size_t len, size_t at);

/* checksum_ip6_ok: true when DATA holds its right checksum; 0 and 0xffff are the same number there.
 */
bool checksum_ip6_ok(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header,
	const uint8_t *data, size_t len);

/* checksum_ip4, checksum_ip4_ok: the same with the pseudo-header of IPv4 addresses, as UDP uses it.
 */
uint16_t checksum_ip4(const struct in_addr *src, const struct in_addr *dst, uint8_t protocol,
	const uint8_t *data, size_t len, size_t at);
bool checksum_ip4_ok(const struct in_addr *src, const struct in_addr *dst, uint8_t protocol,
	const uint8_t *data, size_t len);

/* checksum_plain, checksum_plain_ok: the same without a pseudo-header: IPv4 header, IGMP, GRE. */
uint16_t checksum_plain(const uint8_t *data, size_t len, size_t at);
bool checksum_plain_ok(const uint8_t *data, size_t len);
