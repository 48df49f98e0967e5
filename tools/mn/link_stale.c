#include "tools/mn/link_stale.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "common/log.h"

enum { STALE_MAX = 32 };

/* A route that the kernel learnt on a link that we have left. */
struct stale_route {
	struct prefix6 dst; /* ::/0 with a gateway, else an on-link prefix */
	struct in6_addr gateway;
};

struct stale_routes {
	const struct link_iface *iface;
	uint8_t count;
	struct stale_route routes[STALE_MAX];
};

static bool is_stale(const struct link_iface *i, const struct stale_route *r)
{
	if (r->dst.len == 0)
		return !addr_is_unspecified(&r->gateway) && !link_iface_has_router(i, &r->gateway);
	return !addr_is_link_local(&r->dst.addr) && !link_iface_needs_prefix(i, &r->dst);
}

static void stale_route(const struct nlmsghdr *nlh, void *context)
{
	struct stale_routes *s = context;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct stale_route r = {.dst.len = rtm->rtm_dst_len};
	uint32_t oif = 0, table = rtm->rtm_table;

	if (nlh->nlmsg_type != RTM_NEWROUTE || rtm->rtm_family != AF_INET6 ||
		rtm->rtm_protocol != (rtm->rtm_dst_len ? RTPROT_KERNEL : RTPROT_RA))
		return;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type == RTA_OIF)
			oif = mnl_attr_get_u32(attr);
		else if (type == RTA_TABLE)
			table = mnl_attr_get_u32(attr);
		else if (type == RTA_GATEWAY && mnl_attr_get_payload_len(attr) == 16)
			memcpy(&r.gateway, mnl_attr_get_payload(attr), 16);
		else if (type == RTA_DST && mnl_attr_get_payload_len(attr) == 16)
			memcpy(&r.dst.addr, mnl_attr_get_payload(attr), 16);
	}
	if (table == RT_TABLE_MAIN && oif == s->iface->ifindex && s->count < STALE_MAX &&
		is_stale(s->iface, &r))
		s->routes[s->count++] = r;
}

void link_stale_remove(struct rtnl *rtnl, struct link_iface *i)
{
	struct stale_routes s = {.iface = i};

	for (int n = i->address_count - 1; n >= 0; n--) {
		struct link_address a = i->addresses[n];

		if (!link_iface_is_stale(i, &a))
			continue;
		LOG_DEBUG("link", "stale-address", "interface=%s address=%s", i->name,
			ADDR_TEXT(&a.addr));
		rtnl_address_del(rtnl, i->ifindex, &a.addr, a.len);
		link_iface_address_del(i, &a.addr);
	}
	rtnl_dump(rtnl, RTM_GETROUTE, stale_route, &s);
	for (int n = 0; n < s.count; n++) {
		const struct stale_route *r = &s.routes[n];
		struct rtnl_route route = {.ifindex = i->ifindex,
			.table = RT_TABLE_MAIN,
			.dst = r->dst,
			.gateway = r->dst.len ? NULL : &r->gateway};

		rtnl_route_del(rtnl, &route);
	}
}
