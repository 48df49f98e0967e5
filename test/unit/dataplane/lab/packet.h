/*
 * Packets for tests, made and read octet by octet without the code under test.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"

enum {
	PACKET_MAX = 10000,
	PACKET_IP6 = 40,
	PACKET_ETHER = 14,
};

struct packet {
	uint16_t len;
	uint8_t data[PACKET_MAX];
};

/* An address from text; fails the test if it is none. */
struct in6_addr packet_addr(const char *text);

/* An IPv6 packet with UDP of size payload octets in a pattern, ports 1000 to 2000, hop limit 64. */
void packet_udp(struct packet *p, const char *src, const char *dst, uint16_t size);

/* An IPv6 packet with body as payload; an ICMPv6 body (58) gets its checksum. */
void packet_ip6(struct packet *p, const char *src, const char *dst, uint8_t next_header,
	const void *body, uint16_t size);

/* Makes the checksum of an ICMPv6 packet without extension headers good, if it is one. */
void packet_mend_icmp(struct packet *p);

/* Puts an extension header of n octets behind the IPv6 header: its first octet becomes the old next
 * header, the IPv6 header's becomes kind. */
void packet_extend(struct packet *p, uint8_t kind, const void *header, uint16_t n);

/* Puts an outer IPv6 header in front. */
void packet_wrap(struct packet *p, const char *src, const char *dst);

/* The same with GRE and a key between the headers (RFC 2784, RFC 2890). */
void packet_wrap_keyed(struct packet *p, const char *src, const char *dst, uint32_t key);

/* Puts octets in front. */
void packet_prepend(struct packet *p, const void *header, uint16_t n);

/* Writes, reads a number in network order. */
void packet_put32(uint8_t *at, uint32_t v);
uint32_t packet_get32(const uint8_t *at);

/* Puts an Ethernet header in front (cuts it off). */
void packet_ether(struct packet *p, const struct mac *dst, const struct mac *src);
void packet_unether(struct packet *p);

/* Cuts the first n octets off. */
void packet_cut(struct packet *p, uint16_t n);

/* Fields of the IPv6 header at the start. */
void packet_set_hop_limit(struct packet *p, uint8_t hop_limit);
void packet_set_class(struct packet *p, uint8_t traffic_class);
void packet_set_length(struct packet *p, uint16_t payload);
uint8_t packet_class(const struct packet *p);
uint32_t packet_label(const struct packet *p);
uint16_t packet_payload(const struct packet *p);
struct in6_addr packet_src(const struct packet *p);
struct in6_addr packet_dst(const struct packet *p);

/* Checks of the test: addresses as texts, equal octets, a right ICMPv6 checksum. */
void packet_assert_addrs(const struct packet *p, const char *src, const char *dst);
void packet_assert_equal(const struct packet *a, const struct packet *b);
void packet_assert_icmp(const struct packet *p, uint8_t type, uint8_t code, uint32_t value);
void packet_assert_ether(const struct packet *p, const struct mac *dst, const struct mac *src);

/* A Neighbour Solicitation for target; source "::" is a probe. with_source adds the option. */
void packet_solicit(struct packet *p, const char *src, const char *dst, const char *target,
	const struct mac *source);

/* The error that a router on the way sends about *about: its own address to that packet's source.
 */
void packet_icmp_error(struct packet *p, const char *router, uint8_t type, uint8_t code,
	uint32_t value, const struct packet *about);
