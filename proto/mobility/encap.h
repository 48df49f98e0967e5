/* What stands inside the UDP ports of dual stack Mobile IPv6 (RFC 5555, 4.1) and of Proxy Mobile
 * IPv6 over IPv4 (RFC 5844, 4.1), the TLV header (RFC 5845, 7.2) and GRE with key (RFC 2784, 2 and
 * RFC 2890, 2). Pure functions: any thread. Numbers in host order. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ENCAP_PORT_DSMIP        4191 /* an IP packet or a TLV header (RFC 5555, 8) */
#define ENCAP_PORT_PMIP_CONTROL 5436 /* a Mobility Header (RFC 5844, 6) */
#define ENCAP_PORT_PMIP_DATA    5437 /* an IP packet or a TLV header (RFC 5844, 6) */
#define ENCAP_TLV_SIZE          4
#define ENCAP_GRE_SIZE_MAX      16 /* octets of a GRE header with everything */

/* Protocol types of GRE that carry IP (RFC 2784, 2.4; RFC 7676, 3). */
enum encap_ethertype {
	ENCAP_ETHERTYPE_IP4 = 0x0800,
	ENCAP_ETHERTYPE_IP6 = 0x86dd,
};

/* What a datagram, a TLV header or a GRE header carries: a view of it. */
struct encap_inner {
	uint8_t proto; /* IPPROTO_IPIP, IPPROTO_IPV6, IPPROTO_GRE, 135: a Mobility Header, or what
			  a TLV header says */
	bool has_tlv;  /* behind a TLV header */
	const uint8_t *at;
	size_t len;
};

/* encap_is_port: whether a datagram from or to PORT carries one of the encapsulations. */
bool encap_is_port(uint16_t port);

/* encap_udp_decode: what the LEN octets of payload of a datagram of PORT are. Returns 0; -ENOMSG
 * when it carries nothing: a NAT keepalive, an empty one; -EBADMSG when its first nibble is neither
 * 4, 6 nor 0, or its TLV header is wrong; -EINVAL when the port is not one of the above. */
int encap_udp_decode(uint16_t port, const uint8_t *data, size_t len, struct encap_inner *out);

/* encap_tlv_encode: writes the TLV header for LEN octets of protocol PROTO. Returns the octets
 * written, or -ENOSPC. */
ssize_t encap_tlv_encode(uint8_t proto, uint16_t len, uint8_t *buf, size_t size);

struct encap_gre {
	uint16_t protocol; /* an EtherType */
	bool has_checksum;
	bool has_key;
	bool has_sequence;
	uint32_t key; /* RFC 5845, 3.1: tells mobile nodes and their overlapping addresses apart */
	uint32_t sequence; /* RFC 2890, 2.2 */
};

/* encap_gre_decode: reads the GRE header at GRE, LEN octets to the end of the packet, and checks
 * its checksum if it has one. Returns the octets of the header; -EBADMSG when it is truncated or
 * its version or its reserved bits 1, 4 and 5 are not 0 (RFC 2784, 2.3); -EILSEQ when the checksum
 * is wrong. */
ssize_t encap_gre_decode(const uint8_t *gre, size_t len, struct encap_gre *out);

/* encap_gre_encode: writes the header. The checksum covers PAYLOAD, LEN octets, which the caller
 * puts behind the header; neither is looked at without has_checksum. Returns the octets written, or
 * -ENOSPC. */
ssize_t encap_gre_encode(
	const struct encap_gre *gre, const uint8_t *payload, size_t len, uint8_t *buf, size_t size);

/* encap_gre_inner: the IPPROTO of what a GRE header carries, -1 when it is not IP. */
int encap_gre_inner(const struct encap_gre *gre);
