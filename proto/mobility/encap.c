#include "proto/mobility/encap.h"

#include <errno.h>

#include "common/cursor.h"
#include "proto/mobility/mh.h"

#define NIBBLE_TLV 0 /* RFC 5845, 7.2: no version of IP */
#define NIBBLE_IP4 4
#define NIBBLE_IP6 6

bool encap_is_port(uint16_t port)
{
	return port == ENCAP_PORT_DSMIP || port == ENCAP_PORT_PMIP_CONTROL ||
	       port == ENCAP_PORT_PMIP_DATA;
}

static int tlv_decode(struct cursor *c, struct encap_inner *out)
{
	uint16_t len;

	cursor_skip(c, 1);
	out->proto = cursor_u8(c);
	len = cursor_u16(c);
	out->at = cursor_bytes(c, len);
	out->len = len;
	out->has_tlv = true;
	return cursor_ok(c) ? 0 : -EBADMSG;
}

/* What tells IPv4, IPv6 and the TLV header apart is the first nibble (RFC 5555, 4.1; RFC 5845,
 * 7.2). */
static int data_decode(struct cursor *c, const uint8_t *data, struct encap_inner *out)
{
	switch (*data >> 4) {
	case NIBBLE_TLV:
		return tlv_decode(c, out);
	case NIBBLE_IP4:
		out->proto = IPPROTO_IPIP;
		return 0;
	case NIBBLE_IP6:
		out->proto = IPPROTO_IPV6;
		return 0;
	default:
		return -EBADMSG;
	}
}

int encap_udp_decode(uint16_t port, const uint8_t *data, size_t len, struct encap_inner *out)
{
	struct cursor c;

	if (!encap_is_port(port))
		return -EINVAL;
	/* One octet is a NAT keepalive of IPsec, which some send here too (RFC 3948, 2.3). */
	if (len <= 1)
		return -ENOMSG;
	*out = (struct encap_inner){.proto = MH_NEXT_HEADER, .at = data, .len = len};
	if (port == ENCAP_PORT_PMIP_CONTROL)
		return 0;
	cursor_init(&c, data, len);
	return data_decode(&c, data, out);
}

ssize_t encap_tlv_encode(uint8_t proto, uint16_t len, uint8_t *buf, size_t size)
{
	struct writer w;

	writer_init(&w, buf, size);
	writer_u8(&w, NIBBLE_TLV << 4);
	writer_u8(&w, proto);
	writer_u16(&w, len);
	return writer_ok(&w) ? ENCAP_TLV_SIZE : -ENOSPC;
}
