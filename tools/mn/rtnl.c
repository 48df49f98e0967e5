#include "tools/mn/rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <time.h>

struct rtnl {
	struct mnl_socket *sock;
	uint32_t seq;
	/* MNL_SOCKET_BUFFER_SIZE is no constant expression; dumps come in blocks of up to 32 KiB */
	uint8_t buf[32768];
};

enum { DUMP_ATTEMPTS = 5, LINK_LOCAL_LEN = 64 };

static int open_socket(struct rtnl *r)
{
	r->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	return r->sock && mnl_socket_bind(r->sock, 0, MNL_SOCKET_AUTOPID) == 0 ? 0 : -errno;
}

int rtnl_open(struct rtnl **out)
{
	struct rtnl *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->seq = (uint32_t)time(NULL);
	int ret = open_socket(r);

	if (ret) {
		rtnl_close(r);
		return ret;
	}
	*out = r;
	return 0;
}

void rtnl_close(struct rtnl *r)
{
	if (!r)
		return;
	if (r->sock)
		mnl_socket_close(r->sock);
	free(r);
}

struct dump {
	rtnl_fn *fn;
	void *context;
};

static int dump_message(const struct nlmsghdr *nlh, void *data)
{
	struct dump *d = data;

	d->fn(nlh, d->context);
	return MNL_CB_OK;
}

/* Sends the request and handles what comes until the kernel says it is done. */
static int transact(struct rtnl *r, struct nlmsghdr *nlh, struct dump *dump)
{
	unsigned port;
	int ret;

	if (!r->sock)
		return -ENOTCONN;
	port = mnl_socket_get_portid(r->sock);
	nlh->nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = mnl_socket_recvfrom(r->sock, r->buf, sizeof(r->buf));

		if (n < 0 && errno == EINTR) {
			ret = MNL_CB_OK;
			continue;
		}
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(r->buf, (size_t)n, r->seq, port, dump ? dump_message : NULL, dump);
		if (ret < 0)
			return -errno;
	} while (ret == MNL_CB_OK);
	return 0;
}

static struct nlmsghdr *request(struct rtnl *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(r->buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	return nlh;
}

/* Makes "it is so already" a success. */
static int unless(int ret, int harmless_a, int harmless_b)
{
	return ret == harmless_a || ret == harmless_b ? 0 : ret;
}

static int dump_once(struct rtnl *r, uint16_t type, struct dump *d)
{
	struct nlmsghdr *nlh = request(r, type, NLM_F_DUMP);
	struct rtgenmsg *gen = mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));

	gen->rtgen_family = type == RTM_GETLINK ? AF_UNSPEC : AF_INET6;
	return transact(r, nlh, d);
}

int rtnl_dump(struct rtnl *r, uint16_t type, rtnl_fn *fn, void *context)
{
	struct dump d = {.fn = fn, .context = context};
	int ret = -EINTR;

	for (int n = 0; n < DUMP_ATTEMPTS && ret == -EINTR; n++) {
		ret = dump_once(r, type, &d);
		if (!ret)
			return 0;
		/* the rest of a dump that failed must not be taken for the next answer */
		mnl_socket_close(r->sock);
		int err = open_socket(r);

		if (err)
			return err;
	}
	return ret;
}

static int address(struct rtnl *r, uint16_t type, uint16_t flags, unsigned ifindex,
	const struct in6_addr *addr, uint8_t len, uint32_t ifa_flags)
{
	struct nlmsghdr *nlh = request(r, type, NLM_F_ACK | flags);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = AF_INET6;
	ifa->ifa_prefixlen = len;
	ifa->ifa_index = ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, sizeof(*addr), addr);
	if (ifa_flags)
		mnl_attr_put_u32(nlh, IFA_FLAGS, ifa_flags);
	return transact(r, nlh, NULL);
}

int rtnl_address_add(struct rtnl *r, unsigned ifindex, const struct in6_addr *addr, bool detect)
{
	uint32_t flags = IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE | (detect ? 0 : IFA_F_NODAD);

	return unless(address(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, addr, 128, flags),
		-EEXIST, -EEXIST);
}

int rtnl_address_del(struct rtnl *r, unsigned ifindex, const struct in6_addr *addr, uint8_t len)
{
	return unless(address(r, RTM_DELADDR, 0, ifindex, addr, len, 0), -EADDRNOTAVAIL, -ENODEV);
}

int rtnl_link_local_renew(struct rtnl *r, unsigned ifindex, const struct in6_addr *addr)
{
	int ret = rtnl_address_del(r, ifindex, addr, LINK_LOCAL_LEN);

	if (!ret)
		ret = address(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, addr,
			LINK_LOCAL_LEN, IFA_F_PERMANENT | IFA_F_NODAD);
	if (!ret) /* takes IFA_F_NODAD away, which would last */
		ret = address(r, RTM_NEWADDR, NLM_F_REPLACE, ifindex, addr, LINK_LOCAL_LEN,
			IFA_F_PERMANENT);
	return ret;
}

static int change_route(
	struct rtnl *r, uint16_t type, uint16_t flags, const struct rtnl_route *route)
{
	struct nlmsghdr *nlh = request(r, type, NLM_F_ACK | flags);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = AF_INET6;
	rtm->rtm_table = RT_TABLE_UNSPEC;
	rtm->rtm_dst_len = route->dst.len;
	if (type == RTM_NEWROUTE) {
		rtm->rtm_protocol = RTPROT_STATIC;
		rtm->rtm_type = RTN_UNICAST;
		rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	}
	mnl_attr_put_u32(nlh, RTA_TABLE, route->table);
	mnl_attr_put_u32(nlh, RTA_OIF, route->ifindex);
	if (route->dst.len)
		mnl_attr_put(nlh, RTA_DST, sizeof(route->dst.addr), &route->dst.addr);
	if (route->metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, route->metric);
	if (route->gateway)
		mnl_attr_put(nlh, RTA_GATEWAY, sizeof(*route->gateway), route->gateway);
	if (route->source)
		mnl_attr_put(nlh, RTA_PREFSRC, sizeof(*route->source), route->source);
	return transact(r, nlh, NULL);
}

int rtnl_route_add(struct rtnl *r, const struct rtnl_route *route)
{
	return unless(
		change_route(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route), -EEXIST, -EEXIST);
}

int rtnl_route_del(struct rtnl *r, const struct rtnl_route *route)
{
	return unless(change_route(r, RTM_DELROUTE, 0, route), -ESRCH, -ENODEV);
}

static int rule(struct rtnl *r, uint16_t type, uint16_t flags, const struct in6_addr *source,
	uint32_t table, uint32_t priority)
{
	struct nlmsghdr *nlh = request(r, type, NLM_F_ACK | flags);
	struct fib_rule_hdr *frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));

	frh->family = AF_INET6;
	frh->src_len = 128;
	frh->table = RT_TABLE_UNSPEC;
	frh->action = FR_ACT_TO_TBL;
	mnl_attr_put(nlh, FRA_SRC, sizeof(*source), source);
	mnl_attr_put_u32(nlh, FRA_TABLE, table);
	mnl_attr_put_u32(nlh, FRA_PRIORITY, priority);
	return transact(r, nlh, NULL);
}

int rtnl_rule_add(struct rtnl *r, const struct in6_addr *source, uint32_t table, uint32_t priority)
{
	return unless(rule(r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, source, table, priority),
		-EEXIST, -EEXIST);
}

int rtnl_rule_del(struct rtnl *r, const struct in6_addr *source, uint32_t table, uint32_t priority)
{
	return unless(rule(r, RTM_DELRULE, 0, source, table, priority), -ENOENT, -ENOENT);
}

int rtnl_link_up(struct rtnl *r, unsigned ifindex, uint32_t mtu)
{
	struct nlmsghdr *nlh = request(r, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = (int)ifindex;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = IFF_UP;
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return transact(r, nlh, NULL);
}
