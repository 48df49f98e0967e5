#include "packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct in6_addr packet_addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

void packet_put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v & 0xffff);
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

uint32_t packet_get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

void packet_prepend(struct packet *p, const void *header, uint16_t n)
{
	assert_true(p->len + n <= PACKET_MAX);
	memmove(p->data + n, p->data, p->len);
	memcpy(p->data, header, n);
	p->len = (uint16_t)(p->len + n);
}

void packet_cut(struct packet *p, uint16_t n)
{
	assert_true(p->len >= n);
	p->len = (uint16_t)(p->len - n);
	memmove(p->data, p->data + n, p->len);
}

static void header(struct packet *p, const char *src, const char *dst, uint8_t next_header)
{
	uint8_t ip[PACKET_IP6] = {0x60, [6] = next_header, [7] = 64};
	struct in6_addr s = packet_addr(src), d = packet_addr(dst);

	put16(ip + 4, p->len);
	memcpy(ip + 8, &s, 16);
	memcpy(ip + 24, &d, 16);
	packet_prepend(p, ip, sizeof(ip));
}

/* Sum of RFC 1071 over the pseudo-header and the payload of a packet without extensions. */
static uint32_t checksum(const struct packet *p)
{
	uint32_t sum = get16(p->data + 4) + p->data[6];

	for (unsigned i = 8; i < p->len; i++)
		sum += i % 2 ? p->data[i] : (uint32_t)p->data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

void packet_mend_icmp(struct packet *p)
{
	if (p->len < PACKET_IP6 + 4 || p->data[6] != IPPROTO_ICMPV6 ||
		packet_payload(p) + PACKET_IP6 != p->len)
		return;
	put16(p->data + PACKET_IP6 + 2, 0);
	put16(p->data + PACKET_IP6 + 2, checksum(p));
}

void packet_ip6(struct packet *p, const char *src, const char *dst, uint8_t next_header,
	const void *body, uint16_t size)
{
	p->len = size;
	memcpy(p->data, body, size);
	header(p, src, dst, next_header);
	packet_mend_icmp(p);
}

void packet_udp(struct packet *p, const char *src, const char *dst, uint16_t size)
{
	p->len = (uint16_t)(8 + size);
	for (unsigned i = 8; i < p->len; i++)
		p->data[i] = (uint8_t)i;
	put16(p->data, 1000);
	put16(p->data + 2, 2000);
	put16(p->data + 4, p->len);
	put16(p->data + 6, 0);
	header(p, src, dst, IPPROTO_UDP);
	put16(p->data + PACKET_IP6 + 6, checksum(p));
}

void packet_extend(struct packet *p, uint8_t kind, const void *extension, uint16_t n)
{
	uint8_t ip[PACKET_IP6];
	uint8_t old = p->data[6];

	memcpy(ip, p->data, sizeof(ip));
	packet_cut(p, PACKET_IP6);
	packet_prepend(p, extension, n);
	p->data[0] = old;
	ip[6] = kind;
	put16(ip + 4, p->len);
	packet_prepend(p, ip, sizeof(ip));
}

void packet_wrap(struct packet *p, const char *src, const char *dst)
{
	header(p, src, dst, IPPROTO_IPV6);
}

void packet_wrap_keyed(struct packet *p, const char *src, const char *dst, uint32_t key)
{
	uint8_t header[8] = {0x20, 0, 0x86, 0xdd};

	packet_put32(header + 4, key);
	packet_prepend(p, header, sizeof(header));
	packet_wrap(p, src, dst);
	p->data[6] = IPPROTO_GRE;
}

void packet_ether(struct packet *p, const struct mac *dst, const struct mac *src)
{
	uint8_t eth[PACKET_ETHER];

	memcpy(eth, dst->b, 6);
	memcpy(eth + 6, src->b, 6);
	put16(eth + 12, 0x86dd);
	packet_prepend(p, eth, sizeof(eth));
}

void packet_unether(struct packet *p)
{
	packet_cut(p, PACKET_ETHER);
}

void packet_set_hop_limit(struct packet *p, uint8_t hop_limit)
{
	p->data[7] = hop_limit;
}

void packet_set_class(struct packet *p, uint8_t traffic_class)
{
	p->data[0] = (uint8_t)(0x60 | traffic_class >> 4);
	p->data[1] = (uint8_t)((p->data[1] & 0x0f) | traffic_class << 4);
}

void packet_set_length(struct packet *p, uint16_t payload)
{
	put16(p->data + 4, payload);
}

uint8_t packet_class(const struct packet *p)
{
	return (uint8_t)(p->data[0] << 4 | p->data[1] >> 4);
}

uint32_t packet_label(const struct packet *p)
{
	return packet_get32(p->data) & 0xfffff;
}

uint16_t packet_payload(const struct packet *p)
{
	return (uint16_t)get16(p->data + 4);
}

struct in6_addr packet_src(const struct packet *p)
{
	struct in6_addr a;

	memcpy(&a, p->data + 8, sizeof(a));
	return a;
}

struct in6_addr packet_dst(const struct packet *p)
{
	struct in6_addr a;

	memcpy(&a, p->data + 24, sizeof(a));
	return a;
}

void packet_assert_addrs(const struct packet *p, const char *src, const char *dst)
{
	struct in6_addr s = packet_src(p), d = packet_dst(p);

	assert_true(p->len >= PACKET_IP6);
	assert_string_equal(ADDR_TEXT(&s), src);
	assert_string_equal(ADDR_TEXT(&d), dst);
	assert_int_equal(packet_payload(p) + PACKET_IP6, p->len);
}

void packet_assert_equal(const struct packet *a, const struct packet *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
}

void packet_assert_icmp(const struct packet *p, uint8_t type, uint8_t code, uint32_t value)
{
	assert_int_equal(p->data[6], IPPROTO_ICMPV6);
	assert_int_equal(p->data[PACKET_IP6], type);
	assert_int_equal(p->data[PACKET_IP6 + 1], code);
	assert_int_equal(packet_get32(p->data + PACKET_IP6 + 4), value);
	assert_int_equal(checksum(p), 0);
}

void packet_assert_ether(const struct packet *p, const struct mac *dst, const struct mac *src)
{
	assert_memory_equal(p->data, dst->b, 6);
	assert_memory_equal(p->data + 6, src->b, 6);
	assert_int_equal(get16(p->data + 12), 0x86dd);
}

void packet_solicit(struct packet *p, const char *src, const char *dst, const char *target,
	const struct mac *source)
{
	uint8_t body[32] = {135};
	struct in6_addr t = packet_addr(target);

	memcpy(body + 8, &t, 16);
	body[24] = 1;
	body[25] = 1;
	if (source)
		memcpy(body + 26, source->b, 6);
	packet_ip6(p, src, dst, IPPROTO_ICMPV6, body, source ? 32 : 24);
	packet_set_hop_limit(p, 255);
}

void packet_icmp_error(struct packet *p, const char *router, uint8_t type, uint8_t code,
	uint32_t value, const struct packet *about)
{
	uint8_t body[1240] = {type, code};
	uint16_t n = (uint16_t)(about->len < 1232 ? about->len : 1232);
	struct in6_addr to = packet_src(about);

	packet_put32(body + 4, value);
	memcpy(body + 8, about->data, n);
	packet_ip6(p, router, ADDR_TEXT(&to), IPPROTO_ICMPV6, body, (uint16_t)(8 + n));
}
