#include "tools/mn/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PROTO_MOBILITY = 135,
	PROTO_ROUTING = 43,
	PROTO_ICMPV6 = 58,
	TYPE_PARAMETER_PROBLEM = 4,
	TYPE_NEIGHBOUR_SOLICIT = 135,
	ROUTING_TYPE_2 = 2,
	OFFSET_NEXT_HEADER = 6,
	OFFSET_ROUTING_TYPE = 42,
	OFFSET_ICMP_TYPE = 40,
	ACCEPT = 0xffff,
};

struct wire {
	int raw;    /* out: IPv6 header included */
	int quiet;  /* protocol 135, never read */
	int packet; /* in, and out to link-layer addresses */
};

/* Mobility messages, behind a type 2 routing header or not, Neighbour Solicitations, Parameter
 * Problems. */
static int set_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFFSET_NEXT_HEADER),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROTO_MOBILITY, 7, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROTO_ROUTING, 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFFSET_ROUTING_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ROUTING_TYPE_2, 4, 5),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROTO_ICMPV6, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFFSET_ICMP_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE_NEIGHBOUR_SOLICIT, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE_PARAMETER_PROBLEM, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ACCEPT),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {.len = sizeof(code) / sizeof(*code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

static int open_packet(struct wire *w)
{
	struct sockaddr_ll any = {.sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE_IPV6)};
	int on = 1;

	/* protocol 0: nothing is queued before the filter is there */
	w->packet = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->packet < 0)
		return -errno;
	int ret = set_filter(w->packet);

	if (ret)
		return ret;
	if (setsockopt(w->packet, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
		bind(w->packet, (struct sockaddr *)&any, sizeof(any)))
		return -errno;
	return 0;
}

int wire_open(struct wire **out)
{
	struct wire *w = malloc(sizeof(*w));
	int ret = 0;

	if (!w)
		return -ENOMEM;
	*w = (struct wire){.raw = -1, .quiet = -1, .packet = -1};
	w->raw = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (w->raw < 0)
		ret = -errno;
	if (!ret) {
		w->quiet = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, PROTO_MOBILITY);
		if (w->quiet < 0)
			ret = -errno;
	}
	if (!ret)
		ret = open_packet(w);
	if (ret) {
		wire_close(w);
		return ret;
	}
	*out = w;
	return 0;
}

void wire_close(struct wire *w)
{
	if (!w)
		return;
	if (w->raw >= 0)
		close(w->raw);
	if (w->quiet >= 0)
		close(w->quiet);
	if (w->packet >= 0)
		close(w->packet);
	free(w);
}

int wire_use(struct wire *w, unsigned ifindex)
{
	int index = (int)ifindex;

	/* SO_BINDTOIFINDEX keeps our outer packets off the default route through the tunnel */
	return setsockopt(w->raw, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index)) ? -errno : 0;
}

int wire_send(struct wire *w, const uint8_t *pkt, size_t len)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6};

	memcpy(&to.sin6_addr, pkt + 24, sizeof(to.sin6_addr));
	return sendto(w->raw, pkt, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

int wire_send_to(
	struct wire *w, unsigned ifindex, const struct mac *to, const uint8_t *pkt, size_t len)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_IPV6),
		.sll_ifindex = (int)ifindex,
		.sll_halen = sizeof(to->b)};

	memcpy(ll.sll_addr, to->b, sizeof(to->b));
	return sendto(w->packet, pkt, len, 0, (struct sockaddr *)&ll, sizeof(ll)) < 0 ? -errno : 0;
}

int wire_listen_for(struct wire *w, unsigned ifindex, const struct in6_addr *addr)
{
	struct in6_addr group = addr_solicited_node(addr);
	struct mac mac = addr_multicast_mac(&group);
	struct packet_mreq mreq = {.mr_ifindex = (int)ifindex,
		.mr_type = PACKET_MR_MULTICAST,
		.mr_alen = sizeof(mac.b)};

	memcpy(mreq.mr_address, mac.b, sizeof(mac.b));
	return setsockopt(w->packet, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq))
		       ? -errno
		       : 0;
}

int wire_fd(const struct wire *w)
{
	return w->packet;
}

ssize_t wire_receive(struct wire *w, uint8_t *buf, size_t size, unsigned *ifindex, struct mac *from)
{
	struct sockaddr_ll ll = {0};
	socklen_t ll_len = sizeof(ll);
	ssize_t n = recvfrom(w->packet, buf, size, 0, (struct sockaddr *)&ll, &ll_len);

	if (n < 0)
		return -errno;
	*ifindex = (unsigned)ll.sll_ifindex;
	memcpy(from->b, ll.sll_addr, sizeof(from->b));
	return n;
}
