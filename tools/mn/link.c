#include "tools/mn/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "tools/mn/link_iface.h"

#ifndef IFA_PROTO
#define IFA_PROTO 11
#endif
#define PROTO_KERNEL_RA 2       /* IFAPROT_KERNEL_RA of linux/if_addr.h */
#define LOWER_UP        0x10000 /* IFF_LOWER_UP of linux/if.h, which clashes with net/if.h */

enum {
	INTERFACES_MAX = 8,
	SOLICITATIONS_MAX = 4, /* RFC 6275, 11.5.1 allows more than RFC 4861, 6.3.7 */
	HOP_LIMIT_ON_LINK = 255,
};

struct link_watch {
	const struct mn_config *config;
	struct rtnl *rtnl;
	struct wheel *wheel;
	link_fn *fn;
	void *context;
	struct mnl_socket *events;
	int router_fd;
	struct link_attachment now;
	uint8_t count;
	struct link_iface ifaces[INTERFACES_MAX];
	uint8_t buf[32768];
};

static struct link_iface *iface_find(struct link_watch *w, unsigned ifindex)
{
	for (int n = 0; n < w->count; n++)
		if (ifindex && w->ifaces[n].ifindex == ifindex)
			return &w->ifaces[n];
	return NULL;
}

bool link_has(const struct link_watch *w, unsigned ifindex)
{
	return iface_find((struct link_watch *)w, ifindex) != NULL;
}

/* ---- deciding where we are -------------------------------------------------------------- */

static struct link_attachment choose(struct link_watch *w)
{
	const struct mn_config *config = w->config;

	for (int n = 0; n < w->count; n++) {
		const struct link_iface *i = &w->ifaces[n];
		struct link_attachment a = {.ifindex = i->ifindex, .mtu = i->mtu, .mac = i->mac};

		if (!i->up)
			continue;
		memcpy(a.name, i->name, sizeof(a.name));
		a.link_local_matches = link_iface_has_identifier(i, &config->home_address);
		if (link_iface_at_home(i, &config->home_prefix, &config->home_address)) {
			a.place = LINK_HOME;
			return a;
		}
		const struct in6_addr *coa =
			link_iface_care_of(i, &config->home_address, &w->now.care_of);
		if (coa) {
			a.place = LINK_FOREIGN;
			a.care_of = *coa;
			return a;
		}
	}
	return (struct link_attachment){.place = LINK_NOWHERE};
}

static void settle(struct link_watch *w)
{
	struct link_attachment next = choose(w);
	bool same = next.place == w->now.place && next.ifindex == w->now.ifindex &&
		    next.mtu == w->now.mtu && addr_equal(&next.care_of, &w->now.care_of);

	if (same)
		return;
	LOG_INFO("link", "attached", "place=%s interface=%s care_of=%s mtu=%u",
		link_place_name(next.place), next.ifindex ? next.name : "-",
		ADDR_TEXT(&next.care_of), next.mtu);
	w->now = next;
	w->fn(&w->now, w->context);
}

/* ---- routers ---------------------------------------------------------------------------- */

static void solicit(struct link_watch *w, struct link_iface *i)
{
	uint8_t msg[16];
	ssize_t len = rs_encode(&i->mac, msg, sizeof(msg));
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_scope_id = i->ifindex};

	inet_pton(AF_INET6, "ff02::2", &to.sin6_addr);
	int ifindex = (int)i->ifindex;
	if (setsockopt(w->router_fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, sizeof(ifindex)) ||
		sendto(w->router_fd, msg, (size_t)len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		LOG_DEBUG("link", "solicit-failed", "interface=%s error=%s", i->name,
			LOG_QUOTE(strerror(errno)));
	if (++i->solicitations < SOLICITATIONS_MAX)
		wheel_arm(w->wheel, &i->solicit,
			clock_mono_ns() + (CLOCK_NS_PER_S << (i->solicitations - 1)));
}

static void solicit_again(struct wheel_timer *timer, void *context)
{
	(void)context;
	struct link_iface *i = wheel_entry(timer, struct link_iface, solicit);
	struct link_watch *w = i->watch;

	if (i->up && !i->advertised)
		solicit(w, i);
}

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

static int stale_route(const struct nlmsghdr *nlh, void *context)
{
	struct stale_routes *s = context;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct stale_route r = {.dst.len = rtm->rtm_dst_len};
	uint32_t oif = 0, table = rtm->rtm_table;

	if (nlh->nlmsg_type != RTM_NEWROUTE || rtm->rtm_family != AF_INET6 ||
		rtm->rtm_protocol != (rtm->rtm_dst_len ? RTPROT_KERNEL : RTPROT_RA))
		return 0;
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
	return 0;
}

/* Removes what the kernel keeps of the link before: it would go on using it for seconds. */
static void remove_stale(struct link_watch *w, struct link_iface *i)
{
	struct stale_routes s = {.iface = i};

	for (int n = i->address_count - 1; n >= 0; n--) {
		struct link_address a = i->addresses[n];

		if (!link_iface_is_stale(i, &a))
			continue;
		LOG_DEBUG("link", "stale-address", "interface=%s address=%s", i->name,
			ADDR_TEXT(&a.addr));
		rtnl_address_del(w->rtnl, i->ifindex, &a.addr, a.len);
		link_iface_address_del(i, &a.addr);
	}
	rtnl_dump(w->rtnl, RTM_GETROUTE, stale_route, &s);
	for (int n = 0; n < s.count; n++) {
		const struct stale_route *r = &s.routes[n];
		struct rtnl_route route = {.ifindex = i->ifindex,
			.table = RT_TABLE_MAIN,
			.dst = r->dst,
			.gateway = r->dst.len ? NULL : &r->gateway};

		rtnl_route_del(w->rtnl, &route);
	}
}

/* The interface and hop limit that the kernel tells with a packet. */
static void read_control(struct msghdr *msg, unsigned *ifindex, int *hop_limit)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		if (c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			*ifindex = info.ipi6_ifindex;
		} else if (c->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(hop_limit, CMSG_DATA(c), sizeof(*hop_limit));
		}
	}
}

/* Takes one advertisement from the socket. False: there is none. */
static bool receive_router(struct link_watch *w, unsigned *ifindex, struct in6_addr *router,
	struct ra *ra, bool *valid)
{
	uint8_t data[2048], control[128];
	struct sockaddr_in6 from = {0};
	struct iovec iov = {data, sizeof(data)};
	struct msghdr msg = {.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	int hop_limit = 0;
	ssize_t len = recvmsg(w->router_fd, &msg, MSG_DONTWAIT);

	if (len < 0)
		return false;
	*ifindex = 0;
	read_control(&msg, ifindex, &hop_limit);
	*router = from.sin6_addr;
	*valid = hop_limit == HOP_LIMIT_ON_LINK && addr_is_link_local(router) &&
		 ra_decode(data, (size_t)len, ra) == 0;
	return true;
}

/* What has come in so far belongs to the link before. */
static void discard_router_input(struct link_watch *w)
{
	struct in6_addr router;
	unsigned ifindex;
	struct ra ra;
	bool valid;

	while (receive_router(w, &ifindex, &router, &ra, &valid))
		;
}

void link_router_input(struct link_watch *w)
{
	struct in6_addr router;
	unsigned ifindex;
	struct ra ra;
	bool valid;

	while (receive_router(w, &ifindex, &router, &ra, &valid)) {
		struct link_iface *i = iface_find(w, ifindex);

		if (!valid || !i || !i->up)
			continue;
		bool first = !i->advertised;

		link_iface_advertised(i, &router, &ra);
		if (first) {
			wheel_cancel(w->wheel, &i->solicit);
			remove_stale(w, i);
		}
	}
	settle(w);
}

/* ---- netlink ---------------------------------------------------------------------------- */

static void link_changed(struct link_watch *w, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	const char *name = "";
	struct mac mac = {0};
	uint32_t mtu = 0;
	struct link_iface *i = NULL;

	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
	{
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			name = mnl_attr_get_str(attr);
		else if (mnl_attr_get_type(attr) == IFLA_MTU)
			mtu = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == IFLA_ADDRESS &&
			 mnl_attr_get_payload_len(attr) == sizeof(mac))
			memcpy(&mac, mnl_attr_get_payload(attr), sizeof(mac));
	}
	for (int n = 0; n < w->count; n++)
		if (strcmp(w->ifaces[n].name, name) == 0)
			i = &w->ifaces[n];
	if (!i)
		return;
	bool gone = nlh->nlmsg_type == RTM_DELLINK;
	bool up = !gone && (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & LOWER_UP);
	bool came_up = up && !i->up;

	i->ifindex = gone ? 0 : (unsigned)ifi->ifi_index;
	i->up = up;
	i->mac = mac;
	i->mtu = mtu;
	if (gone)
		i->address_count = 0;
	if (!up) {
		discard_router_input(w);
		link_iface_forget(i);
		wheel_cancel(w->wheel, &i->solicit);
	}
	if (came_up) {
		LOG_DEBUG("link", "up", "interface=%s", i->name);
		solicit(w, i);
	}
}

static void address_changed(struct link_watch *w, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct link_iface *i = iface_find(w, ifa->ifa_index);
	const struct nlattr *attr;
	struct link_address a = {.len = ifa->ifa_prefixlen, .flags = ifa->ifa_flags};
	bool has_address = false;

	if (!i || ifa->ifa_family != AF_INET6)
		return;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if ((type == IFA_ADDRESS && !has_address) || type == IFA_LOCAL) {
			if (mnl_attr_get_payload_len(attr) != sizeof(a.addr))
				return;
			memcpy(&a.addr, mnl_attr_get_payload(attr), sizeof(a.addr));
			has_address = true;
		} else if (type == IFA_FLAGS) {
			a.flags = mnl_attr_get_u32(attr);
		} else if (type == IFA_PROTO) {
			a.from_router = mnl_attr_get_u8(attr) == PROTO_KERNEL_RA;
		}
	}
	if (!has_address)
		return;
	if (nlh->nlmsg_type == RTM_DELADDR)
		link_iface_address_del(i, &a.addr);
	else
		link_iface_address_set(i, &a);
}

static int event(const struct nlmsghdr *nlh, void *context)
{
	struct link_watch *w = context;

	if (nlh->nlmsg_type == RTM_NEWLINK || nlh->nlmsg_type == RTM_DELLINK)
		link_changed(w, nlh);
	else if (nlh->nlmsg_type == RTM_NEWADDR || nlh->nlmsg_type == RTM_DELADDR)
		address_changed(w, nlh);
	return 0;
}

static int event_cb(const struct nlmsghdr *nlh, void *context)
{
	event(nlh, context);
	return MNL_CB_OK;
}

/* Reads everything anew: at the start, and when the kernel had to drop events. */
static int read_all(struct link_watch *w)
{
	for (int n = 0; n < w->count; n++)
		w->ifaces[n].address_count = 0;
	int ret = rtnl_dump(w->rtnl, RTM_GETLINK, event, w);
	return ret ? ret : rtnl_dump(w->rtnl, RTM_GETADDR, event, w);
}

void link_netlink_input(struct link_watch *w)
{
	ssize_t n;

	while ((n = recv(mnl_socket_get_fd(w->events), w->buf, sizeof(w->buf), MSG_DONTWAIT)) > 0)
		mnl_cb_run(w->buf, (size_t)n, 0, 0, event_cb, w);
	if (n < 0 && errno == ENOBUFS) {
		LOG_WARN("link", "events-lost");
		read_all(w);
	}
	settle(w);
}

/* ---- life ------------------------------------------------------------------------------- */

static int open_events(struct link_watch *w)
{
	w->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->events)
		return -errno;
	if (mnl_socket_bind(w->events, RTMGRP_LINK | RTMGRP_IPV6_IFADDR, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return 0;
}

static int open_router_socket(struct link_watch *w)
{
	struct icmp6_filter filter;
	int on = 1, hops = HOP_LIMIT_ON_LINK;

	w->router_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	if (w->router_fd < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &filter);
	if (setsockopt(w->router_fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) ||
		setsockopt(w->router_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) ||
		setsockopt(w->router_fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on)) ||
		setsockopt(w->router_fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)))
		return -errno;
	return 0;
}

int link_open(struct link_watch **out, const struct mn_config *config, struct rtnl *rtnl,
	struct wheel *wheel, link_fn *fn, void *context)
{
	struct link_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->config = config;
	w->rtnl = rtnl;
	w->wheel = wheel;
	w->fn = fn;
	w->context = context;
	w->router_fd = -1;
	w->count = (uint8_t)config->interfaces.count;
	for (int n = 0; n < w->count; n++) {
		struct link_iface *i = &w->ifaces[n];

		i->watch = w;
		strncpy(i->name, *config_item(&config->interfaces, char *, n), IFNAMSIZ - 1);
		wheel_timer_init(&i->solicit, solicit_again);
	}
	int ret = open_events(w);

	if (!ret)
		ret = open_router_socket(w);
	if (ret) {
		link_close(w);
		return ret;
	}
	*out = w;
	return 0;
}

int link_start(struct link_watch *w)
{
	int ret = read_all(w);

	if (ret)
		return ret;
	w->fn(&w->now, w->context);
	settle(w);
	return 0;
}

void link_close(struct link_watch *w)
{
	if (!w)
		return;
	for (int n = 0; n < w->count; n++)
		wheel_cancel(w->wheel, &w->ifaces[n].solicit);
	if (w->events)
		mnl_socket_close(w->events);
	if (w->router_fd >= 0)
		close(w->router_fd);
	free(w);
}

int link_netlink_fd(const struct link_watch *w)
{
	return mnl_socket_get_fd(w->events);
}

int link_router_fd(const struct link_watch *w)
{
	return w->router_fd;
}

const struct link_attachment *link_now(const struct link_watch *w)
{
	return &w->now;
}

const char *link_place_name(enum link_place place)
{
	static const char *const names[] = {
		[LINK_NOWHERE] = "nowhere", [LINK_HOME] = "home", [LINK_FOREIGN] = "foreign"};

	return place <= LINK_FOREIGN ? names[place] : "unknown";
}
