#include "tools/mn/outlet.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tools/mn/encap.h"

/* A socket of its own, as one that is not bound to the link would take the default route into the
 * tunnel. It takes nothing in. */
static int open_fragments(struct outlet *o)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = {.len = 1, .filter = &nothing};

	o->fragments = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IPV6);
	if (o->fragments < 0 ||
		setsockopt(o->fragments, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)))
		return -errno;
	return 0;
}

int outlet_open(struct outlet *o)
{
	*o = (struct outlet){.fragments = -1, .link = -1};
	o->out = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	return o->out < 0 ? -errno : open_fragments(o);
}

void outlet_close(struct outlet *o)
{
	if (o->out >= 0)
		close(o->out);
	if (o->fragments >= 0)
		close(o->fragments);
	if (o->link >= 0)
		close(o->link);
	o->out = o->fragments = o->link = -1;
}

void outlet_set_mtu(struct outlet *o, uint32_t mtu)
{
	int value = (int)mtu;

	o->path_mtu = mtu;
	setsockopt(o->fragments, IPPROTO_IPV6, IPV6_MTU, &value, sizeof(value));
}

int outlet_set(struct outlet *o, unsigned ifindex, const struct in6_addr *local,
	const struct in6_addr *remote)
{
	int index = (int)ifindex;

	outlet_set_mtu(o, 0);
	o->on_link = false;
	o->link_ifindex = ifindex;
	o->local = *local;
	o->remote = *remote;
	if (setsockopt(o->out, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index)) ||
		setsockopt(o->fragments, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index)))
		return -errno;
	return 0;
}

int outlet_set_on_link(struct outlet *o, unsigned ifindex, const struct mac *next_hop)
{
	if (o->link < 0)
		/* protocol 0: it takes nothing in */
		o->link = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (o->link < 0)
		return -errno;
	o->on_link = true;
	o->link_ifindex = ifindex;
	o->next_hop = *next_hop;
	o->local = o->remote = (struct in6_addr){0};
	return 0;
}

static int send_on_link(struct outlet *o, const uint8_t *packet, size_t len)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_IPV6),
		.sll_ifindex = (int)o->link_ifindex,
		.sll_halen = sizeof(o->next_hop.b)};

	memcpy(to.sll_addr, o->next_hop.b, sizeof(o->next_hop.b));
	return sendto(o->link, packet, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static int send_whole(struct outlet *o, uint8_t *inner, size_t len)
{
	uint8_t header[ENCAP_HEADER_SIZE];
	struct iovec iov[2] = {{header, sizeof(header)}, {inner, len}};
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = o->remote};
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = iov, .msg_iovlen = 2};

	encap_header(inner, len, &o->local, &o->remote, header);
	return sendmsg(o->out, &msg, 0) < 0 ? -errno : 0;
}

static void put_control(struct msghdr *msg, size_t *used, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)msg->msg_control + *used);

	*c = (struct cmsghdr){
		.cmsg_level = IPPROTO_IPV6, .cmsg_type = type, .cmsg_len = CMSG_LEN(len)};
	memcpy(CMSG_DATA(c), data, len);
	*used += CMSG_SPACE(len);
}

/* A link with the least MTU of IPv6 leaves the inner packets no room to be of that size: the kernel
 * makes fragments of the outer one (RFC 2473, 7.1), without our flow label. */
static int send_fragmented(struct outlet *o, uint8_t *inner, size_t len)
{
	struct in6_pktinfo from = {.ipi6_addr = o->local, .ipi6_ifindex = o->link_ifindex};
	int class = (inner[0] & 0x0f) << 4 | inner[1] >> 4, hops = ENCAP_HOP_LIMIT;
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = o->remote};
	struct iovec iov = {inner, len};
	_Alignas(struct cmsghdr) uint8_t control[128] = {0};
	struct msghdr msg = {.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control};
	size_t used = 0;

	put_control(&msg, &used, IPV6_PKTINFO, &from, sizeof(from));
	put_control(&msg, &used, IPV6_TCLASS, &class, sizeof(class));
	put_control(&msg, &used, IPV6_HOPLIMIT, &hops, sizeof(hops));
	msg.msg_controllen = used;
	return sendmsg(o->fragments, &msg, 0) < 0 ? -errno : 0;
}

int outlet_send(struct outlet *o, uint8_t *inner, size_t len)
{
	if (o->on_link)
		return send_on_link(o, inner, len);
	bool fits = !o->path_mtu || len + ENCAP_HEADER_SIZE <= o->path_mtu;
	int ret = fits ? send_whole(o, inner, len) : -EMSGSIZE;

	return ret == -EMSGSIZE ? send_fragmented(o, inner, len) : ret;
}
