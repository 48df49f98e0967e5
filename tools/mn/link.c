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
#include "tools/mn/link_choose.h"
#include "tools/mn/link_iface.h"
#include "tools/mn/link_stale.h"

#ifndef IFA_PROTO
#define IFA_PROTO 11
#endif
#define PROTO_KERNEL_RA 2       /* IFAPROT_KERNEL_RA of linux/if_addr.h */
#define LOWER_UP        0x10000 /* IFF_LOWER_UP of linux/if.h, which clashes with net/if.h */

enum {
	SOLICITATIONS_MAX = 4,  /* RFC 6275, 11.5.1 allows more than RFC 4861, 6.3.7 */
	SOLICIT_RETRY_MS = 100, /* while there is no address to solicit from */
	HOP_LIMIT_ON_LINK = 255,
};

struct link_watch {
	const struct mn_config *config;
	struct rtnl *rtnl;
	struct wheel *wheel;
	const struct link_ops *ops;
	void *context;
	struct mnl_socket *events;
	int router_fd;
	struct link_attachment now;
	struct link_attachment all[LINK_INTERFACES_MAX];
	uint8_t all_count;
	uint8_t count;
	bool beside; /* the home link is used beside others */
	struct link_iface ifaces[LINK_INTERFACES_MAX];
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

static bool same_attachment(const struct link_attachment *a, const struct link_attachment *b)
{
	return a->place == b->place && a->ifindex == b->ifindex && a->mtu == b->mtu &&
	       addr_equal(&a->care_of, &b->care_of);
}

static void settle(struct link_watch *w)
{
	struct link_attachment all[LINK_INTERFACES_MAX];
	unsigned count =
		link_choose(w->config, w->beside, w->ifaces, w->count, w->all, w->all_count, all);
	struct link_attachment next = link_choose_first(all, count);
	bool same = count == w->all_count;

	for (unsigned n = 0; same && n < count; n++)
		same = same_attachment(&all[n], &w->all[n]);
	memcpy(w->all, all, count * sizeof(all[0]));
	w->all_count = (uint8_t)count;
	w->now = next;
	if (same)
		return;
	LOG_INFO("link", "attached", "place=%s interface=%s care_of=%s mtu=%u",
		link_place_name(next.place), next.ifindex ? next.name : "-",
		ADDR_TEXT(&next.care_of), next.mtu);
	w->ops->attached(&w->now, w->context);
}

/* ---- routers ---------------------------------------------------------------------------- */

static int send_solicitation(struct link_watch *w, const struct link_iface *i)
{
	uint8_t msg[16];
	ssize_t len = rs_encode(link_iface_has_link_local(i) ? &i->mac : NULL, msg, sizeof(msg));
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_scope_id = i->ifindex};
	int ifindex = (int)i->ifindex;

	inet_pton(AF_INET6, "ff02::2", &to.sin6_addr);
	if (setsockopt(w->router_fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, sizeof(ifindex)) ||
		sendto(w->router_fd, msg, (size_t)len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

static void solicit(struct link_watch *w, struct link_iface *i)
{
	uint64_t wait_ns = SOLICIT_RETRY_MS * CLOCK_NS_PER_MS;
	int ret = send_solicitation(w, i);

	if (ret)
		LOG_DEBUG("link", "solicit-failed", "interface=%s error=%s", i->name,
			LOG_QUOTE(strerror(-ret)));
	else if (++i->solicitations == SOLICITATIONS_MAX)
		return;
	else
		wait_ns = CLOCK_NS_PER_S << (i->solicitations - 1);
	wheel_arm(w->wheel, &i->solicit, clock_mono_ns() + wait_ns);
}

static void solicit_again(struct wheel_timer *timer, void *context)
{
	(void)context;
	struct link_iface *i = wheel_entry(timer, struct link_iface, solicit);

	if (i->up && !i->advertised)
		solicit(i->watch, i);
}

static void expire(struct link_watch *w, struct link_iface *i)
{
	uint64_t next = link_iface_expire(i, clock_mono_ns());

	if (next == UINT64_MAX)
		wheel_cancel(w->wheel, &i->expire);
	else
		wheel_arm(w->wheel, &i->expire, next);
}

static void prefix_expired(struct wheel_timer *timer, void *context)
{
	(void)context;
	struct link_iface *i = wheel_entry(timer, struct link_iface, expire);

	expire(i->watch, i);
	settle(i->watch);
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

static void take_router_input(struct link_watch *w)
{
	struct in6_addr router;
	unsigned ifindex;
	struct ra ra;
	bool valid;

	while (receive_router(w, &ifindex, &router, &ra, &valid)) {
		struct link_iface *i = iface_find(w, ifindex);

		if (!valid || !i || !i->up)
			continue;
		wheel_cancel(w->wheel, &i->solicit);
		bool first = !i->advertised;
		bool other_link = link_iface_advertised(i, &router, &ra, clock_mono_ns());

		i->check_stale |= first || other_link;
		expire(w, i);
	}
}

static void tell_duplicates(struct link_watch *w, struct link_iface *i)
{
	struct in6_addr link_local = addr_link_local_of(&w->config->home_address);

	if (i->home_failed)
		w->ops->duplicate(i->ifindex, &w->config->home_address, w->context);
	if (i->link_local_failed)
		w->ops->duplicate(i->ifindex, &link_local, w->context);
	i->home_failed = i->link_local_failed = false;
}

/* Tidies up where a link has turned out to be another, then decides. Not in the callback of a dump:
 * rtnl does one thing at a time. */
static void conclude(struct link_watch *w)
{
	for (int n = 0; n < w->count; n++)
		tell_duplicates(w, &w->ifaces[n]);
	for (int n = 0; n < w->count; n++) {
		struct link_iface *i = &w->ifaces[n];

		if (i->check_stale && i->up)
			link_stale_remove(w->rtnl, i);
		i->check_stale = false;
	}
	settle(w);
}

void link_router_input(struct link_watch *w)
{
	take_router_input(w);
	conclude(w);
}

/* ---- netlink ---------------------------------------------------------------------------- */

static struct link_iface *iface_named(struct link_watch *w, const char *name)
{
	for (int n = 0; n < w->count; n++)
		if (strcmp(w->ifaces[n].name, name) == 0)
			return &w->ifaces[n];
	return NULL;
}

/* The link is not the one it was, or is not there at all. */
static void link_lost(struct link_watch *w, struct link_iface *i)
{
	/* what has come in so far belongs to the link before */
	i->up = false;
	take_router_input(w);
	link_iface_forget(i);
	wheel_cancel(w->wheel, &i->solicit);
	wheel_cancel(w->wheel, &i->expire);
}

static void iface_gone(struct link_watch *w, struct link_iface *i)
{
	link_lost(w, i);
	i->ifindex = 0;
	i->address_count = 0;
}

/* A removed interface, or one renamed away, is gone; another index is another interface. */
static void iface_identify(
	struct link_watch *w, struct link_iface *i, unsigned ifindex, const char *name)
{
	struct link_iface *old = iface_find(w, ifindex);

	if (old && old != i) {
		LOG_INFO("link", "renamed", "interface=%s to=%s", old->name, LOG_QUOTE(name));
		iface_gone(w, old);
	}
	if (!i || i->ifindex == ifindex)
		return;
	if (i->ifindex)
		iface_gone(w, i);
	i->ifindex = ifindex;
	w->ops->appeared(i->name, w->context);
}

/* A short loss of carrier may be told only by its count. */
static void iface_update(
	struct link_watch *w, struct link_iface *i, unsigned flags, uint32_t carrier_losses)
{
	bool up = (flags & IFF_UP) && (flags & LOWER_UP);

	if (i->up && (!up || carrier_losses != i->carrier_losses))
		link_lost(w, i);
	bool came_up = up && !i->up;

	i->up = up;
	i->carrier_losses = carrier_losses;
	if (came_up) {
		LOG_DEBUG("link", "up", "interface=%s", i->name);
		solicit(w, i);
	}
}

static void link_changed(struct link_watch *w, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	const char *name = "";
	struct mac mac = {0};
	uint32_t mtu = 0, carrier_losses = 0;

	/* a bridge tells of its ports in messages of its own */
	if (ifi->ifi_family != AF_UNSPEC)
		return;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFLA_IFNAME)
			name = mnl_attr_get_str(attr);
		else if (type == IFLA_MTU)
			mtu = mnl_attr_get_u32(attr);
		else if (type == IFLA_CARRIER_DOWN_COUNT)
			carrier_losses = mnl_attr_get_u32(attr);
		else if (type == IFLA_ADDRESS && mnl_attr_get_payload_len(attr) == sizeof(mac))
			memcpy(&mac, mnl_attr_get_payload(attr), sizeof(mac));
	}
	struct link_iface *i = iface_named(w, name);

	if (nlh->nlmsg_type == RTM_DELLINK) {
		if (i && i->ifindex == (unsigned)ifi->ifi_index)
			iface_gone(w, i);
		return;
	}
	iface_identify(w, i, (unsigned)ifi->ifi_index, name);
	if (!i)
		return;
	i->mac = mac;
	i->mtu = mtu;
	iface_update(w, i, ifi->ifi_flags, carrier_losses);
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
	if (nlh->nlmsg_type != RTM_NEWADDR || !(a.flags & IFA_F_DADFAILED))
		return;
	struct in6_addr link_local = addr_link_local_of(&w->config->home_address);

	i->home_failed |= addr_equal(&a.addr, &w->config->home_address);
	i->link_local_failed |= addr_equal(&a.addr, &link_local);
}

static void event(const struct nlmsghdr *nlh, void *context)
{
	struct link_watch *w = context;

	if (nlh->nlmsg_type == RTM_NEWLINK || nlh->nlmsg_type == RTM_DELLINK)
		link_changed(w, nlh);
	else if (nlh->nlmsg_type == RTM_NEWADDR || nlh->nlmsg_type == RTM_DELADDR)
		address_changed(w, nlh);
}

static int event_cb(const struct nlmsghdr *nlh, void *context)
{
	event(nlh, context);
	return MNL_CB_OK;
}

/* Reads everything anew: at the start, and when the kernel had to drop events. */
static int read_all(struct link_watch *w)
{
	unsigned before[LINK_INTERFACES_MAX];

	for (int n = 0; n < w->count; n++) {
		before[n] = w->ifaces[n].ifindex;
		w->ifaces[n].address_count = 0;
	}
	int ret = rtnl_dump(w->rtnl, RTM_GETLINK, event, w);

	for (int n = 0; n < w->count; n++)
		if (before[n] && !if_indextoname(before[n], (char[IF_NAMESIZE]){0}) &&
			w->ifaces[n].ifindex == before[n])
			iface_gone(w, &w->ifaces[n]);
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
	conclude(w);
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
	struct wheel *wheel, const struct link_ops *ops, void *context)
{
	struct link_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->config = config;
	w->rtnl = rtnl;
	w->wheel = wheel;
	w->ops = ops;
	w->context = context;
	w->beside = config->home_binding;
	w->router_fd = -1;
	w->count = (uint8_t)config->interfaces.count;
	for (int n = 0; n < w->count; n++) {
		struct link_iface *i = &w->ifaces[n];

		i->watch = w;
		strncpy(i->name, *config_item(&config->interfaces, char *, n), IFNAMSIZ - 1);
		wheel_timer_init(&i->solicit, solicit_again);
		wheel_timer_init(&i->expire, prefix_expired);
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
	w->ops->attached(&w->now, w->context);
	settle(w);
	return 0;
}

void link_close(struct link_watch *w)
{
	if (!w)
		return;
	for (int n = 0; n < w->count; n++) {
		wheel_cancel(w->wheel, &w->ifaces[n].solicit);
		wheel_cancel(w->wheel, &w->ifaces[n].expire);
	}
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

unsigned link_all(const struct link_watch *w, const struct link_attachment **all)
{
	*all = w->all;
	return w->now.place == LINK_FOREIGN ? w->all_count : 0;
}

void link_forgo_home(struct link_watch *w)
{
	w->beside = false;
	settle(w);
}

const struct mac *link_next_hop(const struct link_watch *w, unsigned ifindex)
{
	const struct link_iface *i = iface_find((struct link_watch *)w, ifindex);

	return i ? link_iface_next_hop(i) : NULL;
}

enum link_identifier link_identifier(
	const struct link_watch *w, unsigned ifindex, const struct in6_addr *addr)
{
	const struct link_iface *i = iface_find((struct link_watch *)w, ifindex);
	const struct link_address *a = i ? link_iface_link_local_of(i, addr) : NULL;

	if (!a)
		return LINK_IDENTIFIER_OTHER;
	return a->flags & IFA_F_DADFAILED ? LINK_IDENTIFIER_FAILED : LINK_IDENTIFIER_SAME;
}

const char *link_place_name(enum link_place place)
{
	static const char *const names[] = {
		[LINK_NOWHERE] = "nowhere", [LINK_HOME] = "home", [LINK_FOREIGN] = "foreign"};

	return place <= LINK_FOREIGN ? names[place] : "unknown";
}
