#include "tools/mhdump/link.h"

#include "common/cursor.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100 /* IEEE 802.1Q */
#define ETHERTYPE_QINQ 0x88a8 /* IEEE 802.1ad */

/* How a link layer says what it carries. */
struct link {
	int type;
	uint8_t before;     /* octets before the EtherType */
	uint8_t behind;     /* octets between the EtherType and the packet */
	bool has_ethertype; /* else: the packet's version tells */
};

static const struct link links[] = {
	{LINK_NULL, 4, 0, false},
	{LINK_ETHERNET, 12, 0, true},
	{LINK_DLT_RAW, 0, 0, false},
	{LINK_RAW, 0, 0, false},
	{LINK_LOOP, 4, 0, false},
	{LINK_LINUX_SLL, 14, 0, true},
	{LINK_IPV4, 0, 0, false},
	{LINK_IPV6, 0, 0, false},
	{LINK_LINUX_SLL2, 0, 18, true},
};

static const struct link *find(int type)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

bool link_is_known(int type)
{
	return find(type);
}

static bool is_ip(struct cursor *c, const struct link *link)
{
	uint16_t ethertype;

	cursor_skip(c, link->before);
	if (!link->has_ethertype)
		return true;
	ethertype = cursor_u16(c);
	cursor_skip(c, link->behind);
	while (ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ) {
		cursor_skip(c, 2);
		ethertype = cursor_u16(c);
	}
	return ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6;
}

const uint8_t *link_packet(int type, const uint8_t *frame, size_t len, size_t *packet_len)
{
	const struct link *link = find(type);
	struct cursor c;

	cursor_init(&c, frame, len);
	if (!link || !is_ip(&c, link) || !cursor_ok(&c) || !cursor_left(&c))
		return NULL;
	*packet_len = cursor_left(&c);
	return cursor_bytes(&c, *packet_len);
}
