#include "dataplane/mirror/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FOLLOW_BUFFER = 4 << 20, /* octets in the socket before changes are lost */
	READ_SIZE = 64 << 10,
	FOLLOW_READS = 64,
	DUMP_TIMEOUT_MS = 5000,
};

static int open_socket(uint32_t groups)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int size = FOLLOW_BUFFER;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

int netlink_open(struct netlink *nl)
{
	*nl = (struct netlink){0};
	int fd = open_socket(RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE);

	if (fd < 0)
		return fd;
	nl->follow = fd + 1;
	fd = open_socket(0);
	if (fd < 0) {
		netlink_close(nl);
		return fd;
	}
	nl->ask = fd + 1;
	return 0;
}

void netlink_close(struct netlink *nl)
{
	if (nl->follow)
		close(nl->follow - 1);
	if (nl->ask)
		close(nl->ask - 1);
	*nl = (struct netlink){0};
}

int netlink_fd(const struct netlink *nl)
{
	return nl->follow - 1;
}

/* One datagram of the kernel: its length; others may send to a netlink socket too. */
static int receive(int fd, void *buf, size_t size)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(fd, buf, size, MSG_TRUNC, (struct sockaddr *)&from, &from_len);

	if (n < 0)
		return -errno;
	if ((size_t)n > size)
		return -ENOBUFS;
	return from.nl_pid == 0 ? (int)n : 0;
}

int netlink_follow(struct netlink *nl, netlink_fn *fn, void *context)
{
	static uint8_t buf[READ_SIZE] __attribute__((aligned(8)));
	int count = 0;

	for (int i = 0; i < FOLLOW_READS; i++) {
		int n = receive(netlink_fd(nl), buf, sizeof(buf));
		struct cursor c;
		struct kmsg msg;

		if (n == -EAGAIN)
			break;
		if (n < 0)
			return n;
		cursor_init(&c, buf, (size_t)n);
		while (cursor_left(&c) > 0) {
			if (kmsg_decode(&c, &msg) < 0)
				return -ENOBUFS;
			fn(&msg, context);
			count++;
		}
	}
	return count;
}

/* 1: the dump is complete, 0: more to come, or a negative errno. */
static int dump_part(
	struct netlink *nl, const uint8_t *buf, size_t len, netlink_fn *fn, void *context)
{
	struct cursor c;
	struct kmsg msg;

	cursor_init(&c, buf, len);
	while (cursor_left(&c) > 0) {
		int rc = kmsg_decode(&c, &msg);

		if (rc < 0)
			return rc;
		/* What is left of an earlier request, and answers to netlink_use(). */
		if (msg.sequence != nl->sequence)
			continue;
		if (msg.kind == KMSG_ERROR)
			return msg.error < 0 ? msg.error : -EBADMSG;
		if (msg.interrupted)
			return -EINTR;
		if (msg.kind == KMSG_DONE)
			return 1;
		fn(&msg, context);
	}
	return 0;
}

int netlink_dump(struct netlink *nl, uint16_t type, netlink_fn *fn, void *context)
{
	static uint8_t buf[READ_SIZE] __attribute__((aligned(8)));
	int fd = nl->ask - 1;
	int rc;

	/* Zero is what netlink_use() sends with. */
	if (++nl->sequence == 0)
		nl->sequence = 1;
	int len = kmsg_dump_encode(buf, sizeof(buf), type, nl->sequence);
	if (send(fd, buf, (size_t)len, 0) < 0)
		return -errno;
	do {
		struct pollfd wait = {.fd = fd, .events = POLLIN};

		if (poll(&wait, 1, DUMP_TIMEOUT_MS) == 0)
			return -ETIMEDOUT;
		rc = receive(fd, buf, sizeof(buf));
		if (rc > 0)
			rc = dump_part(nl, buf, (size_t)rc, fn, context);
	} while (rc == 0 || rc == -EAGAIN);
	return rc < 0 ? rc : 0;
}

int netlink_use(struct netlink *nl, int ifindex, const struct in6_addr *addr)
{
	uint8_t buf[128], drop[512];
	int len = kmsg_use_encode(buf, sizeof(buf), ifindex, addr);

	if (send(nl->ask - 1, buf, (size_t)len, 0) < 0)
		return -errno;
	/* Errors answer at once, within send(); they tell nothing that no change tells. */
	while (recv(nl->ask - 1, drop, sizeof(drop), 0) > 0)
		;
	return 0;
}
