#include "tools/mn/tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/clock.h"
#include "proto/mobility/mcast.h"
#include "proto/mobility/mld.h"
#include "tools/mn/early.h"
#include "tools/mn/encap.h"
#include "tools/mn/outlet.h"

enum {
	BURST = 64,
	PACKET_MAX = 65535,
	HEADER_SIZE = ENCAP_HEADER_SIZE,
	OFFSET_SOURCE = 8,
	OFFSET_DESTINATION = 24,
	SCOPE_LINK = 2, /* of a multicast address (RFC 4291, 2.7) */
	SOCKET_BUFFER = 4 << 20,
	ENDS = 16,  /* other ends that are remembered */
	OTHERS = 8, /* ways out besides the usual one */
};

struct tunnel {
	int tun;          /* inner packets */
	int in;           /* protocol 41, without outer header */
	int errors;       /* ICMPv6, Packet Too Big only */
	unsigned ifindex; /* of the TUN interface */
	struct in6_addr home_address;
	struct outlet usual;          /* the way of what no other is chosen for */
	struct outlet others[OTHERS]; /* opened when they are needed first */
	unsigned other_count, next_other;
	tunnel_chooser *choose; /* NULL: all go the usual way */
	void *choose_context;
	struct in6_addr ends[ENDS]; /* other ends so far, in a ring; unspecified: none */
	unsigned next_end;
	const struct tunnel_listener *listener; /* NULL: nobody cares for multicast */
	void *listener_context;
	bool expecting; /* an answer that may name another end */
	struct early early;
	struct tunnel_counters counters;
	uint8_t buf[PACKET_MAX];
};

static int open_tun(struct tunnel *t, const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	t->tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (t->tun < 0)
		return -errno;
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(t->tun, TUNSETIFF, &ifr) < 0)
		return -errno;
	t->ifindex = if_nametoindex(name);
	return t->ifindex ? 0 : -errno;
}

static int open_errors(struct tunnel *t)
{
	struct icmp6_filter filter;

	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &filter);
	t->errors = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	if (t->errors < 0 ||
		setsockopt(t->errors, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)))
		return -errno;
	return 0;
}

static int open_sockets(struct tunnel *t)
{
	int on = 1, size = SOCKET_BUFFER;

	t->in = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IPV6);
	if (t->in < 0)
		return -errno;
	int ret = outlet_open(&t->usual);

	if (!ret)
		ret = open_errors(t);
	if (ret)
		return ret;
	if (setsockopt(t->in, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)))
		return -errno;
	/* bursts must survive a scheduling delay; beyond the system's limit only if allowed */
	if (setsockopt(t->in, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(t->in, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

int tunnel_open(struct tunnel **out, const char *name, const struct in6_addr *home_address)
{
	struct tunnel *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->tun = t->in = t->usual.out = t->usual.fragments = t->usual.link = t->errors = -1;
	t->home_address = *home_address;
	int ret = open_tun(t, name);

	if (!ret)
		ret = open_sockets(t);
	if (ret) {
		tunnel_close(t);
		return ret;
	}
	*out = t;
	return 0;
}

void tunnel_close(struct tunnel *t)
{
	if (!t)
		return;
	if (t->tun >= 0)
		close(t->tun);
	if (t->in >= 0)
		close(t->in);
	outlet_close(&t->usual);
	for (unsigned i = 0; i < t->other_count; i++)
		outlet_close(&t->others[i]);
	if (t->errors >= 0)
		close(t->errors);
	free(t);
}

unsigned tunnel_ifindex(const struct tunnel *t)
{
	return t->ifindex;
}

static void give_up_early(struct tunnel *t)
{
	t->counters.in_wrong_source += early_release(&t->early, clock_mono_ns(), NULL, NULL, NULL);
}

int tunnel_set(struct tunnel *t, unsigned ifindex, const struct in6_addr *local,
	const struct in6_addr *remote)
{
	give_up_early(t);
	return outlet_set(&t->usual, ifindex, local, remote);
}

void tunnel_choose(struct tunnel *t, tunnel_chooser *choose, void *context)
{
	t->choose = choose;
	t->choose_context = context;
}

static bool was_other_end(const struct tunnel *t, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < ENDS; i++)
		if (addr_equal(addr, &t->ends[i]))
			return true;
	return false;
}

/* A data plane that served before may do so again some time before we are told. */
static bool is_other_end(const struct tunnel *t, const struct in6_addr *addr)
{
	return addr_equal(addr, &t->usual.remote) ||
	       (!addr_is_unspecified(addr) && was_other_end(t, addr));
}

void tunnel_expect(struct tunnel *t, bool expecting)
{
	t->expecting = expecting;
	if (!expecting)
		give_up_early(t);
}

static bool is_for_us(const struct tunnel *t, const uint8_t *octets)
{
	struct in6_addr source, destination;

	memcpy(&source, octets + OFFSET_SOURCE, sizeof(source));
	memcpy(&destination, octets + OFFSET_DESTINATION, sizeof(destination));
	if (!addr_is_multicast(&destination))
		return addr_equal(&destination, &t->home_address);
	return t->listener && t->listener->wants(t->listener_context, &source, &destination);
}

/* What the home agent asks listeners by way of the tunnel is for the kernel to answer
 * (draft-sarikaya-mext-multicastdmm-04, 6). */
static bool is_query(const struct tunnel *t, const uint8_t *octets, size_t len)
{
	const uint8_t *mld;
	size_t mld_len;

	return t->listener && octets[OFFSET_DESTINATION] == 0xff &&
	       mld_packet_decode(octets, len, &mld, &mld_len) == MLD_FAULT_NONE &&
	       mld[0] == MCAST_MLD_QUERY;
}

/* A packet that came out of the tunnel, at octets. */
static void deliver(void *context, uint8_t *octets, size_t len, uint8_t class)
{
	struct tunnel *t = context;
	struct tunnel_counters *counters = &t->counters;

	if (len < HEADER_SIZE || octets[0] >> 4 != 6)
		counters->in_malformed++;
	else if (!is_for_us(t, octets) && !is_query(t, octets, len))
		counters->in_not_home++;
	else if (!encap_combine_ecn(octets, class))
		counters->in_congestion++;
	else if (write(t->tun, octets, len) < 0)
		counters->in_malformed++;
	else {
		counters->in_packets++;
		counters->in_octets += len;
	}
}

void tunnel_retarget(struct tunnel *t, const struct in6_addr *remote)
{
	if (addr_equal(remote, &t->usual.remote))
		return;
	outlet_set_mtu(&t->usual, 0);
	if (!was_other_end(t, &t->usual.remote))
		t->ends[t->next_end++ % ENDS] = t->usual.remote;
	t->usual.remote = *remote;
	t->counters.in_wrong_source +=
		early_release(&t->early, clock_mono_ns(), remote, deliver, t);
}

void tunnel_accept(struct tunnel *t, const struct in6_addr *remote)
{
	if (addr_equal(remote, &t->usual.remote) || was_other_end(t, remote))
		return;
	t->ends[t->next_end++ % ENDS] = *remote;
	t->counters.in_wrong_source +=
		early_release(&t->early, clock_mono_ns(), remote, deliver, t);
}

/* ---- out ---------------------------------------------------------------------------------- */

static bool leads(const struct outlet *o, const struct tunnel_way *way)
{
	if (o->on_link || way->on_link)
		return o->on_link && way->on_link && o->link_ifindex == way->ifindex &&
		       mac_equal(&o->next_hop, &way->next_hop);
	return o->link_ifindex == way->ifindex && addr_equal(&o->local, &way->local) &&
	       addr_equal(&o->remote, &way->remote);
}

static int lead(struct outlet *o, const struct tunnel_way *way)
{
	return way->on_link ? outlet_set_on_link(o, way->ifindex, &way->next_hop)
			    : outlet_set(o, way->ifindex, &way->local, &way->remote);
}

/* The outlet of a way: one that leads there, or the one that was made longest ago; the usual one
 * when no other can be had. */
static struct outlet *outlet_of(struct tunnel *t, const struct tunnel_way *way)
{
	struct outlet *o;

	if (leads(&t->usual, way))
		return &t->usual;
	for (unsigned i = 0; i < t->other_count; i++)
		if (leads(&t->others[i], way))
			return &t->others[i];
	if (t->other_count < OTHERS) {
		o = &t->others[t->other_count];
		if (outlet_open(o)) {
			outlet_close(o);
			return &t->usual;
		}
		t->other_count++;
	} else {
		o = &t->others[t->next_other++ % OTHERS];
	}
	return lead(o, way) ? &t->usual : o;
}

static void send_out(struct tunnel *t, uint8_t *inner, size_t len)
{
	if (len < HEADER_SIZE || inner[0] >> 4 != 6 ||
		memcmp(inner + OFFSET_SOURCE, &t->home_address, sizeof(t->home_address)) != 0) {
		t->counters.out_not_home++;
		return;
	}
	if (!t->usual.link_ifindex) {
		t->counters.out_no_tunnel++;
		return;
	}
	struct tunnel_way *way = t->choose ? t->choose(t->choose_context, inner, len) : NULL;
	struct outlet *outlet = way ? outlet_of(t, way) : &t->usual;

	if (outlet_send(outlet, inner, len)) {
		t->counters.out_failed++;
		return;
	}
	if (way) {
		way->out_packets++;
		way->out_octets += len;
	}
	t->counters.out_packets++;
	t->counters.out_octets += len;
}

/* ff02::/16, and nothing else: other groups are sent to like any address. */
static bool is_link_scope(const uint8_t *pkt, size_t len)
{
	return len >= HEADER_SIZE && pkt[0] >> 4 == 6 && pkt[OFFSET_DESTINATION] == 0xff &&
	       (pkt[OFFSET_DESTINATION + 1] & 0x0f) == SCOPE_LINK;
}

void tunnel_listen(struct tunnel *t, const struct tunnel_listener *listener, void *context)
{
	t->listener = listener;
	t->listener_context = context;
}

int tunnel_inject(struct tunnel *t, const uint8_t *pkt, size_t len)
{
	return write(t->tun, pkt, len) < 0 ? -errno : 0;
}

void tunnel_tun_input(struct tunnel *t)
{
	for (int i = 0; i < BURST; i++) {
		ssize_t n = read(t->tun, t->buf, sizeof(t->buf));

		if (n <= 0)
			return;
		if (t->listener && is_link_scope(t->buf, (size_t)n))
			t->listener->link_scope(t->listener_context, t->buf, (size_t)n);
		else
			send_out(t, t->buf, (size_t)n);
	}
}

/* ---- in ----------------------------------------------------------------------------------- */

static uint8_t traffic_class(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		int value;

		if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_TCLASS)
			continue;
		memcpy(&value, CMSG_DATA(c), sizeof(value));
		return (uint8_t)value;
	}
	return 0;
}

static void take_in(struct tunnel *t, struct msghdr *msg, size_t len)
{
	const struct in6_addr *from = &((const struct sockaddr_in6 *)msg->msg_name)->sin6_addr;

	if (!t->usual.link_ifindex)
		t->counters.in_wrong_source++;
	else if (is_other_end(t, from))
		deliver(t, t->buf, len, traffic_class(msg));
	else if (t->expecting)
		t->counters.in_wrong_source += early_keep(
			&t->early, clock_mono_ns(), from, traffic_class(msg), t->buf, len);
	else
		t->counters.in_wrong_source++;
}

void tunnel_link_input(struct tunnel *t)
{
	for (int i = 0; i < BURST; i++) {
		uint8_t control[64];
		struct sockaddr_in6 from = {0};
		struct iovec iov = {t->buf, sizeof(t->buf)};
		struct msghdr msg = {.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(t->in, &msg, 0);

		if (n < 0)
			return;
		take_in(t, &msg, (size_t)n);
	}
}

/* ---- errors ------------------------------------------------------------------------------- */

int tunnel_error_fd(const struct tunnel *t)
{
	return t->errors;
}

/* Whether an error is about packets of an outlet, and tells something new. */
static bool lowered(struct outlet *o, const uint8_t *icmp, size_t len)
{
	uint32_t mtu = encap_path_mtu(icmp, len, &o->local, &o->remote);

	if (!mtu || !o->link_ifindex || (o->path_mtu && mtu >= o->path_mtu))
		return false;
	outlet_set_mtu(o, mtu);
	return true;
}

uint32_t tunnel_error_input(struct tunnel *t)
{
	uint8_t icmp[256];
	uint32_t lower = 0;
	ssize_t n;

	while ((n = recv(t->errors, icmp, sizeof(icmp), 0)) >= 0) {
		if (lowered(&t->usual, icmp, (size_t)n))
			lower = t->usual.path_mtu;
		for (unsigned i = 0; i < t->other_count; i++)
			lowered(&t->others[i], icmp, (size_t)n);
	}
	return lower;
}

int tunnel_tun_fd(const struct tunnel *t)
{
	return t->tun;
}

int tunnel_link_fd(const struct tunnel *t)
{
	return t->in;
}

const struct tunnel_counters *tunnel_counters(const struct tunnel *t)
{
	return &t->counters;
}
