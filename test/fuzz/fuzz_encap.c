/* IPv4, UDP, TLV and GRE headers: whatever arrives is refused, or encodes to what it was. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mobility/encap.h"
#include "proto/mobility/ip4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_inner(uint16_t port, const uint8_t *data, size_t size)
{
	uint8_t header[ENCAP_TLV_SIZE];
	struct encap_inner inner;

	if (encap_udp_decode(port, data, size, &inner))
		return;
	require(inner.at >= data && inner.at + inner.len <= data + size);
	if (!inner.has_tlv)
		return;
	require(encap_tlv_encode(inner.proto, (uint16_t)inner.len, header, sizeof(header)) ==
		ENCAP_TLV_SIZE);
	require(memcmp(header + 1, data + 1, sizeof(header) - 1) == 0);
}

static void check_udp(const uint8_t *data, size_t size)
{
	uint8_t again[UDP_HEADER_SIZE];
	struct udp_header h;

	if (udp_decode(data, size, &h))
		return;
	require(udp_encode(&h, again, size) == UDP_HEADER_SIZE);
	require(memcmp(again, data, 6) == 0);
	check_inner(h.dst, data + UDP_HEADER_SIZE, h.len);
}

static void check_ip4(const uint8_t *data, size_t size)
{
	struct ip4_packet p, second;
	uint8_t again[IP4_HEADER_SIZE + UINT16_MAX];
	enum ip4_fault fault = ip4_packet_decode(data, size, &p);

	require(fault < IP4_FAULT_COUNT && ip4_fault_name(fault));
	if (fault)
		return;
	require((size_t)p.offset + p.len <= size);
	require(ip4_packet_encode(&p, again, sizeof(again)) == IP4_HEADER_SIZE);
	memcpy(again + IP4_HEADER_SIZE, data + p.offset, p.len);
	require(ip4_packet_decode(again, (size_t)IP4_HEADER_SIZE + p.len, &second) ==
		IP4_FAULT_NONE);
	require(second.len == p.len && second.protocol == p.protocol && second.id == p.id &&
		second.fragment_offset == p.fragment_offset);
	check_udp(data + p.offset, p.len);
}

static void check_gre(const uint8_t *data, size_t size)
{
	uint8_t again[ENCAP_GRE_SIZE_MAX];
	struct encap_gre gre, second;
	ssize_t n = encap_gre_decode(data, size, &gre);

	if (n < 0)
		return;
	encap_gre_inner(&gre);
	require((size_t)n <= size);
	require(encap_gre_encode(&gre, data + n, size - (size_t)n, again, sizeof(again)) == n);
	gre.has_checksum = false; /* covers the payload, which is not behind this header */
	n = encap_gre_encode(&gre, NULL, 0, again, sizeof(again));
	require(encap_gre_decode(again, (size_t)n, &second) == n);
	require(second.protocol == gre.protocol && second.has_key == gre.has_key &&
		second.key == gre.key && second.has_sequence == gre.has_sequence &&
		second.sequence == gre.sequence);
}

/* The first octet says where the rest begins. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t ports[] = {
		ENCAP_PORT_DSMIP, ENCAP_PORT_PMIP_CONTROL, ENCAP_PORT_PMIP_DATA};
	uint8_t first = size ? data[0] : 0;
	uint8_t *copy = size > 1 ? malloc(size - 1) : NULL;

	if (!copy)
		return 0;
	memcpy(copy, data + 1, --size);
	switch (first % 4) {
	case 0:
		check_ip4(copy, size);
		break;
	case 1:
		check_udp(copy, size);
		break;
	case 2:
		check_gre(copy, size);
		break;
	default:
		check_inner(ports[first / 4 % 3], copy, size);
	}
	free(copy);
	return 0;
}
