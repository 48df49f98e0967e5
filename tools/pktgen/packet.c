#include "tools/pktgen/packet.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/cursor.h"
#include "tools/pktgen/sizes.h"

enum {
	ETHERTYPE = 0x86dd,
	PROTO_IP6 = 41,
	PROTO_UDP = 17,
	PROTO_ICMP6 = 58,
	PROTO_MOBILITY = 135,
	PROTO_ROUTING = 43,
	HOP_LIMIT = 64,
	AT_SOURCE = 8,
	AT_DESTINATION = 24,
	ICMP6_SOLICITATION = 135,
	ICMP6_ADVERTISEMENT = 136,
	ICMP6_FIRST_INFORMATION = 128,
	SOURCE_PORT_MASK = 0x3fff,
};
static_assert(SIZES_MIN == PACKET_IP6 + PACKET_UDP + PACKET_MARK, "the mark fits into all packets");

const char *const packet_stream_names[PACKET_STREAMS + 1] = {
	"downlink", "uplink", "multicast", NULL};

/* Sums of the Internet checksum, over words of any width in the order of memory (RFC 1071, 2). */
static inline uint64_t sum_add(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

static inline uint64_t sum_octets(uint64_t sum, const uint8_t *at, unsigned words)
{
	for (unsigned i = 0; i < words; i++) {
		uint64_t word;

		memcpy(&word, at + 8 * i, sizeof(word));
		sum = sum_add(sum, word);
	}
	return sum;
}

/* The checksum as it stands in memory; what would be 0 is sent as all ones (RFC 8200, 8.1). */
static inline uint16_t sum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

static void put_ip6(
	struct writer *w, uint8_t next, const struct in6_addr *from, const struct in6_addr *to)
{
	writer_u32(w, 6u << 28);
	writer_u16(w, 0);
	writer_u8(w, next);
	writer_u8(w, HOP_LIMIT);
	writer_addr6(w, from);
	writer_addr6(w, to);
}

void packet_template_init(struct packet_template *t, const struct packet_plan *plan,
	enum packet_stream stream, const struct mac *from, const struct mac *to)
{
	const struct in6_addr blank = {0};
	const bool up = stream == PACKET_UPLINK;
	const struct mac group = addr_multicast_mac(&plan->group);
	struct writer w;

	*t = (struct packet_template){.stream = stream};
	writer_init(&w, t->head, sizeof(t->head));
	writer_bytes(&w, stream == PACKET_MULTICAST ? group.b : to->b, sizeof(to->b));
	writer_bytes(&w, from->b, sizeof(from->b));
	writer_u16(&w, ETHERTYPE);
	if (up)
		put_ip6(&w, PROTO_IP6, &blank, &plan->tunnel);
	t->ip_at = (uint16_t)writer_len(&w);
	put_ip6(&w, PROTO_UDP, up ? &blank : &plan->correspondent,
		up ? &plan->correspondent : &blank);
	writer_u16(&w, 0);
	writer_u16(&w, plan->udp_port);
	t->sum = sum_octets(htons(PROTO_UDP), plan->correspondent.s6_addr, 2);
	t->sum = sum_add(t->sum, htons(plan->udp_port));
}

/* The address of a multicast flow: groups follow one another in their last 32 bits. */
static inline struct in6_addr group_of(const struct packet_plan *plan, uint32_t flow)
{
	struct in6_addr a = plan->group;
	uint32_t last;

	memcpy(&last, a.s6_addr + 12, sizeof(last));
	last = htonl(ntohl(last) + flow);
	memcpy(a.s6_addr + 12, &last, sizeof(last));
	return a;
}

static inline struct in6_addr subject_of(
	const struct packet_plan *plan, uint8_t stream, uint32_t flow)
{
	return stream == PACKET_MULTICAST ? group_of(plan, flow)
					  : population_home(plan->population, flow);
}

static inline void put_mark(uint8_t *at, const struct packet_mark *mark)
{
	const uint64_t first = htobe64((uint64_t)mark->trial << 48 | (uint64_t)mark->stream << 40 |
				       (mark->time & PACKET_TIME_MASK));
	const uint64_t second = htobe64((uint64_t)mark->flow << 32 | mark->sequence);

	memcpy(at, &first, sizeof(first));
	memcpy(at + 8, &second, sizeof(second));
}

static inline void put_u16(uint8_t *at, uint16_t in_memory)
{
	memcpy(at, &in_memory, sizeof(in_memory));
}

uint16_t packet_write(const struct packet_template *t, const struct packet_plan *plan,
	const struct packet_mark *mark, uint16_t size, uint8_t *frame)
{
	const struct in6_addr subject = subject_of(plan, (uint8_t)t->stream, mark->flow);
	const uint16_t source =
		htons((uint16_t)(PACKET_FIRST_SOURCE_PORT | (mark->flow & SOURCE_PORT_MASK)));
	const uint16_t payload = htons((uint16_t)(size - PACKET_IP6));
	uint8_t *ip = frame + t->ip_at, *udp = ip + PACKET_IP6;

	memcpy(frame, t->head, PACKET_HEAD);
	put_u16(ip + 4, payload);
	memcpy(ip + (t->stream == PACKET_UPLINK ? AT_SOURCE : AT_DESTINATION), &subject,
		sizeof(subject));
	put_u16(udp, source);
	put_u16(udp + 4, payload);
	put_mark(udp + PACKET_UDP, mark);

	uint64_t sum = sum_octets(t->sum, subject.s6_addr, 2);

	sum = sum_octets(sum, udp + PACKET_UDP, 2);
	sum = sum_add(sum, (uint64_t)source + 2u * (uint64_t)payload); /* length counts twice */
	put_u16(udp + 6, sum_fold(sum));
	if (t->stream == PACKET_UPLINK) {
		const struct in6_addr care_of = population_care_of(plan->population, mark->flow, 0);

		put_u16(frame + PACKET_ETHERNET + 4, htons(size));
		memcpy(frame + PACKET_ETHERNET + AT_SOURCE, &care_of, sizeof(care_of));
	} else if (t->stream == PACKET_MULTICAST)
		memcpy(frame + 2, subject.s6_addr + 12, 4);
	return (uint16_t)(t->ip_at + size);
}

/* A UDP datagram is at the cursor, its IPv6 header at `ip`. */
static void read_udp(
	struct cursor *c, const uint8_t *ip, uint16_t udp_port, struct packet_seen *out)
{
	const uint8_t *udp = cursor_bytes(c, PACKET_UDP + PACKET_MARK);
	uint64_t sum = htons(PROTO_UDP), first, second;
	uint16_t port, length, checksum, source;

	if (!udp)
		return;
	memcpy(&source, udp, sizeof(source));
	memcpy(&port, udp + 2, sizeof(port));
	memcpy(&length, udp + 4, sizeof(length));
	memcpy(&checksum, udp + 6, sizeof(checksum));
	memcpy(&first, udp + PACKET_UDP, sizeof(first));
	memcpy(&second, udp + PACKET_UDP + 8, sizeof(second));
	first = be64toh(first);
	second = be64toh(second);
	if (port != htons(udp_port) || (uint8_t)(first >> 40) >= PACKET_STREAMS)
		return;
	sum = sum_octets(sum, ip + AT_SOURCE, 4);
	sum = sum_octets(sum, udp + PACKET_UDP, 2);
	sum = sum_add(sum, (uint64_t)source + port + 2u * (uint64_t)length);
	out->kind = sum_fold(sum) == checksum ? PACKET_MARKED : PACKET_DAMAGED;
	out->inner = ip;
	out->size = (uint16_t)(ntohs(length) + PACKET_IP6);
	out->mark = (struct packet_mark){.trial = (uint16_t)(first >> 48),
		.stream = (uint8_t)(first >> 40),
		.time = first & PACKET_TIME_MASK,
		.flow = (uint32_t)(second >> 32),
		.sequence = (uint32_t)second};
}

static enum packet_kind icmp6_kind(struct cursor *c)
{
	const uint8_t type = cursor_u8(c);

	if (!cursor_ok(c))
		return PACKET_OTHER;
	if (type == ICMP6_SOLICITATION || type == ICMP6_ADVERTISEMENT)
		return PACKET_ND;
	return type < ICMP6_FIRST_INFORMATION ? PACKET_ICMP_ERROR : PACKET_OTHER;
}

void packet_read(const uint8_t *frame, size_t len, uint16_t udp_port, struct packet_seen *out)
{
	struct cursor c;

	*out = (struct packet_seen){.kind = PACKET_OTHER};
	cursor_init(&c, frame, len);
	cursor_skip(&c, PACKET_ETHERNET - 2);
	if (cursor_u16(&c) != ETHERTYPE)
		return;
	out->ip_len = cursor_left(&c);

	const uint8_t *ip = cursor_bytes(&c, PACKET_IP6);

	if (!ip || ip[0] >> 4 != 6)
		return;
	out->ip = ip;
	switch (ip[6]) {
	case PROTO_IP6:
		ip = cursor_bytes(&c, PACKET_IP6);
		if (!ip || ip[0] >> 4 != 6 || ip[6] != PROTO_UDP)
			return;
		out->tunnelled = true;
		read_udp(&c, ip, udp_port, out);
		return;
	case PROTO_UDP:
		read_udp(&c, ip, udp_port, out);
		return;
	case PROTO_ICMP6:
		out->kind = icmp6_kind(&c);
		return;
	case PROTO_MOBILITY:
		out->kind = PACKET_MOBILITY;
		return;
	case PROTO_ROUTING:
		if (cursor_u8(&c) == PROTO_MOBILITY)
			out->kind = PACKET_MOBILITY;
		return;
	}
}

static bool is_at(const uint8_t *at, const struct in6_addr *address)
{
	return memcmp(at, address, sizeof(*address)) == 0;
}

bool packet_came_right(const struct packet_plan *plan, const struct packet_seen *seen)
{
	const uint8_t stream = seen->mark.stream;
	const bool up = stream == PACKET_UPLINK;
	struct in6_addr subject;

	if (seen->tunnelled == up ||
		(stream != PACKET_MULTICAST && seen->mark.flow >= plan->population->count))
		return false;
	subject = subject_of(plan, stream, seen->mark.flow);
	if (!is_at(seen->inner + (up ? AT_SOURCE : AT_DESTINATION), &subject) ||
		!is_at(seen->inner + (up ? AT_DESTINATION : AT_SOURCE), &plan->correspondent))
		return false;
	if (up)
		return true;
	if (!is_at(seen->ip + AT_SOURCE, &plan->tunnel))
		return false;
	if (stream == PACKET_MULTICAST)
		return true;
	subject = population_care_of(plan->population, seen->mark.flow, 0);
	return is_at(seen->ip + AT_DESTINATION, &subject);
}
