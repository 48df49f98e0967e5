#include "dataplane/mirror/kmsg.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

/* One attribute: a copy of its head and a reader of its value. */
struct attribute {
	uint16_t type;
	struct cursor value;
};

static void skip_padding(struct cursor *c, size_t len)
{
	size_t pad = NLMSG_ALIGN(len) - len;

	/* The last attribute of a message may go without. */
	cursor_skip(c, pad < cursor_left(c) ? pad : cursor_left(c));
}

static bool next_attribute(struct cursor *c, struct attribute *a)
{
	struct rtattr head;

	if (cursor_left(c) < sizeof(head))
		return false;
	cursor_copy(c, &head, sizeof(head));
	if (head.rta_len < sizeof(head)) {
		cursor_fail(c);
		return false;
	}
	a->type = head.rta_type & NLA_TYPE_MASK;
	cursor_sub(c, head.rta_len - sizeof(head), &a->value);
	if (!cursor_ok(c))
		return false;
	skip_padding(c, head.rta_len);
	return true;
}

static uint32_t number(struct cursor *c)
{
	uint32_t value;

	cursor_copy(c, &value, sizeof(value));
	return value;
}

/* The value is an IPv6 address, or it is not for us. */
static bool address(struct attribute *a, struct in6_addr *addr)
{
	if (cursor_left(&a->value) != sizeof(*addr))
		return false;
	cursor_copy(&a->value, addr, sizeof(*addr));
	return true;
}

static void decode_link(struct cursor *c, struct kmsg *msg)
{
	struct ifinfomsg head;
	struct attribute a;

	cursor_copy(c, &head, sizeof(head));
	msg->kind = KMSG_LINK;
	msg->link.ifindex = head.ifi_index;
	msg->link.up = head.ifi_flags & IFF_UP;
	while (next_attribute(c, &a)) {
		if (a.type == IFLA_MTU)
			msg->link.mtu = number(&a.value);
	}
	/* Bridges and other address families send notes about links that are no links. */
	if (head.ifi_family != AF_UNSPEC)
		msg->kind = KMSG_OTHER;
}

static void decode_address(struct cursor *c, struct kmsg *msg)
{
	struct ifaddrmsg head;
	struct attribute a;
	bool found = false;

	cursor_copy(c, &head, sizeof(head));
	msg->address.ifindex = (int)head.ifa_index;
	while (next_attribute(c, &a)) {
		/* On a point-to-point link IFA_ADDRESS is the peer's and IFA_LOCAL ours. */
		if (a.type == IFA_LOCAL || (a.type == IFA_ADDRESS && !found))
			found |= address(&a, &msg->address.addr);
	}
	if (head.ifa_family == AF_INET6 && found)
		msg->kind = KMSG_ADDRESS;
}

static void decode_neighbour(struct cursor *c, struct kmsg *msg)
{
	const uint16_t usable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
	struct kmsg_neighbour *n = &msg->neighbour;
	struct ndmsg head;
	struct attribute a;
	bool found = false, has_mac = false;

	cursor_copy(c, &head, sizeof(head));
	n->ifindex = head.ndm_ifindex;
	while (next_attribute(c, &a)) {
		if (a.type == NDA_DST)
			found = address(&a, &n->addr);
		if (a.type == NDA_LLADDR && cursor_left(&a.value) == sizeof(n->mac)) {
			cursor_copy(&a.value, &n->mac, sizeof(n->mac));
			has_mac = true;
		}
	}
	n->usable = has_mac && head.ndm_state & usable;
	n->stale = head.ndm_state & NUD_STALE;
	n->failed = head.ndm_state & NUD_FAILED;
	if (head.ndm_family == AF_INET6 && found && !(head.ndm_flags & NTF_PROXY))
		msg->kind = KMSG_NEIGHBOUR;
}

/* The first next hop of several that has an interface and is not dead. */
static void decode_hops(struct cursor *c, struct kmsg_route *route)
{
	struct rtnexthop head;
	struct cursor attributes;
	struct attribute a;

	route->partial = true;
	while (cursor_left(c) >= sizeof(head)) {
		cursor_copy(c, &head, sizeof(head));
		if (head.rtnh_len < sizeof(head)) {
			cursor_fail(c);
			return;
		}
		cursor_sub(c, head.rtnh_len - sizeof(head), &attributes);
		if (!cursor_ok(c))
			return;
		skip_padding(c, head.rtnh_len);
		if (route->ifindex != 0 || head.rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN))
			continue;
		route->ifindex = head.rtnh_ifindex;
		while (next_attribute(&attributes, &a)) {
			if (a.type == RTA_GATEWAY)
				route->gateway = address(&a, &route->via);
		}
		if (!cursor_ok(&attributes))
			cursor_fail(c);
	}
}

static enum kmsg_route_type classify(
	const struct kmsg *msg, uint32_t table, uint8_t type, uint32_t flags)
{
	if (table == RT_TABLE_LOCAL || flags & RTM_F_CLONED)
		return KMSG_ROUTE_IGNORED;
	switch (type) {
	case RTN_UNICAST:
		/* Without a next hop there is nothing to send to, but a removal needs none. */
		return msg->route.ifindex != 0 || msg->removed ? KMSG_ROUTE_UNICAST
							       : KMSG_ROUTE_IGNORED;
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
	case RTN_THROW:
		return KMSG_ROUTE_UNREACHABLE;
	case RTN_BLACKHOLE:
		return KMSG_ROUTE_BLACKHOLE;
	default:
		return KMSG_ROUTE_IGNORED;
	}
}

static void decode_route(struct cursor *c, struct kmsg *msg, uint16_t message_flags)
{
	struct kmsg_route *route = &msg->route;
	struct rtmsg head;
	struct in6_addr dst = {0}, src = {0};
	struct attribute a;

	cursor_copy(c, &head, sizeof(head));
	uint32_t table = head.rtm_table;
	while (next_attribute(c, &a)) {
		if (a.type == RTA_DST)
			address(&a, &dst);
		else if (a.type == RTA_SRC)
			address(&a, &src);
		else if (a.type == RTA_TABLE)
			table = number(&a.value);
		else if (a.type == RTA_PRIORITY)
			route->metric = number(&a.value);
		else if (a.type == RTA_OIF)
			route->ifindex = (int)number(&a.value);
		else if (a.type == RTA_GATEWAY)
			route->gateway = address(&a, &route->via);
		else if (a.type == RTA_MULTIPATH)
			decode_hops(&a.value, route);
		if (!cursor_ok(&a.value))
			cursor_fail(c);
	}
	if (head.rtm_family != AF_INET6)
		return;
	if (head.rtm_dst_len > 128 || head.rtm_src_len > 128) {
		cursor_fail(c);
		return;
	}
	msg->kind = KMSG_ROUTE;
	route->partial |= (message_flags & (NLM_F_APPEND | NLM_F_REPLACE)) != 0;
	route->prefix = prefix6_of(&dst, head.rtm_dst_len);
	route->elsewhere = table != RT_TABLE_MAIN;
	route->type = classify(msg, table, head.rtm_type, head.rtm_flags);
	route->source = prefix6_of(&src, head.rtm_src_len);
}

static void decode_error(struct cursor *c, struct kmsg *msg)
{
	msg->kind = KMSG_ERROR;
	msg->error = (int)number(c);
}

static void decode_body(struct cursor *c, const struct nlmsghdr *head, struct kmsg *msg)
{
	switch (head->nlmsg_type) {
	case NLMSG_DONE:
		msg->kind = KMSG_DONE;
		break;
	case NLMSG_ERROR:
		decode_error(c, msg);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		msg->removed = head->nlmsg_type == RTM_DELLINK;
		decode_link(c, msg);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		msg->removed = head->nlmsg_type == RTM_DELADDR;
		decode_address(c, msg);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		msg->removed = head->nlmsg_type == RTM_DELNEIGH;
		decode_neighbour(c, msg);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		msg->removed = head->nlmsg_type == RTM_DELROUTE;
		decode_route(c, msg, head->nlmsg_flags);
		break;
	}
}

int kmsg_decode(struct cursor *c, struct kmsg *msg)
{
	struct nlmsghdr head;
	struct cursor body;

	memset(msg, 0, sizeof(*msg));
	cursor_copy(c, &head, sizeof(head));
	if (!cursor_ok(c) || head.nlmsg_len < sizeof(head))
		return -EBADMSG;
	cursor_sub(c, head.nlmsg_len - sizeof(head), &body);
	if (!cursor_ok(c))
		return -EBADMSG;
	skip_padding(c, head.nlmsg_len);
	msg->sequence = head.nlmsg_seq;
	msg->dump = head.nlmsg_flags & NLM_F_MULTI;
	msg->interrupted = head.nlmsg_flags & NLM_F_DUMP_INTR;
	decode_body(&body, &head, msg);
	return cursor_ok(&body) ? 0 : -EBADMSG;
}

int kmsg_dump_encode(void *buf, size_t size, uint16_t type, uint32_t sequence)
{
	struct {
		struct nlmsghdr head;
		struct rtmsg body; /* no dump needs a longer one; the family is its first octet */
	} dump = {
		.head = {.nlmsg_len = sizeof(dump),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			.nlmsg_seq = sequence},
		.body = {.rtm_family = type == RTM_GETLINK ? AF_UNSPEC : AF_INET6},
	};

	if (size < sizeof(dump))
		return -ENOSPC;
	memcpy(buf, &dump, sizeof(dump));
	return sizeof(dump);
}

int kmsg_use_encode(void *buf, size_t size, int ifindex, const struct in6_addr *addr)
{
	struct {
		struct nlmsghdr head;
		struct ndmsg body;
		struct rtattr attribute;
		struct in6_addr addr;
	} use = {
		.head = {.nlmsg_len = sizeof(use),
			.nlmsg_type = RTM_NEWNEIGH,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE},
		.body = {.ndm_family = AF_INET6, .ndm_ifindex = ifindex, .ndm_flags = NTF_USE},
		.attribute = {.rta_len = RTA_LENGTH(sizeof(*addr)), .rta_type = NDA_DST},
		.addr = *addr,
	};

	if (size < sizeof(use))
		return -ENOSPC;
	memcpy(buf, &use, sizeof(use));
	return sizeof(use);
}
