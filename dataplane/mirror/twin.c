#include "dataplane/mirror/twin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/log.h"

enum {
	SEGMENTS_MAX = 16,
};

static int attach(int fd, const char *name)
{
	struct ifreq req = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	strncpy(req.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &req) < 0)
		return errno == EINVAL ? -EEXIST : -errno;
	if (ioctl(fd, TUNSETPERSIST, 1) < 0)
		return -errno;
	return 0;
}

/*
 * Its link-local address is made of the MAC, whatever the host does elsewhere: the workers speak
 * from that address too (port_link_local()). Without IPv6 there is nothing to set.
 */
static int derive_address(const char *name)
{
	char path[64 + IFNAMSIZ];
	int rc = 0;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", name);

	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (write(fd, "0", 1) != 1) /* IN6_ADDR_GEN_MODE_EUI64 */
		rc = -errno;
	close(fd);
	return rc;
}

/* A MAC or MTU that is right already is left alone: setting it again would disturb addresses. */
static int configure(int sock, const char *name, const struct rte_ether_addr *mac, uint16_t mtu)
{
	struct ifreq req = {0};

	strncpy(req.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(sock, SIOCGIFHWADDR, &req) < 0)
		return -errno;
	if (memcmp(req.ifr_hwaddr.sa_data, mac, sizeof(*mac)) != 0) {
		req.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(req.ifr_hwaddr.sa_data, mac, sizeof(*mac));
		if (ioctl(sock, SIOCSIFHWADDR, &req) < 0)
			return -errno;
	}
	if (ioctl(sock, SIOCGIFMTU, &req) < 0)
		return -errno;
	if (req.ifr_mtu != mtu) {
		req.ifr_mtu = mtu;
		if (ioctl(sock, SIOCSIFMTU, &req) < 0)
			return -errno;
	}
	if (ioctl(sock, SIOCGIFFLAGS, &req) < 0)
		return -errno;
	req.ifr_flags |= IFF_UP;
	return ioctl(sock, SIOCSIFFLAGS, &req) < 0 ? -errno : 0;
}

int twin_open(struct twin *twin, const char *name, const struct rte_ether_addr *mac, uint16_t mtu,
	bool carrier)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = fd < 0 || sock < 0 ? -errno : attach(fd, name);

	if (rc == 0) {
		/*
		 * Attaching gave it a carrier. One that comes after the interface is up lets the
		 * kernel drop what it sends for up to a second.
		 */
		twin->fd = fd + 1;
		twin->carrier = true;
		twin_set_carrier(twin, carrier);
		rc = derive_address(name);
		if (rc == 0)
			rc = configure(sock, name, mac, mtu);
		twin->ifindex = (int)if_nametoindex(name);
	}
	if (sock >= 0)
		close(sock);
	if (rc == 0)
		return 0;
	if (fd >= 0)
		close(fd);
	twin->fd = 0;
	LOG_ERROR("mirror", "twin-failed", "port=%s error=%s", name,
		rc == -EBUSY    ? "\"another process has this interface\""
		: rc == -EEXIST ? "\"an interface of another kind has this name\""
				: LOG_QUOTE(strerror(-rc)));
	return rc;
}

void twin_close(struct twin *twin)
{
	if (twin->fd)
		close(twin_fd(twin));
	*twin = (struct twin){0};
}

int twin_fd(const struct twin *twin)
{
	return twin->fd - 1;
}

void twin_set_carrier(struct twin *twin, bool up)
{
	int carrier = up;

	if (twin->carrier == up)
		return;
	if (ioctl(twin_fd(twin), TUNSETCARRIER, &carrier) == 0)
		twin->carrier = up;
}

int twin_write(struct twin *twin, struct rte_mbuf *m)
{
	struct iovec iov[SEGMENTS_MAX];
	int n = 0;

	for (; m && n < SEGMENTS_MAX; m = m->next)
		iov[n++] = (struct iovec){rte_pktmbuf_mtod(m, void *), m->data_len};
	if (m)
		return -EMSGSIZE;
	return writev(twin_fd(twin), iov, n) < 0 ? -errno : 0;
}

int twin_read(struct twin *twin, struct rte_mbuf *m)
{
	uint16_t room = rte_pktmbuf_tailroom(m);
	/* One octet more than fits tells a cut frame from a whole one. */
	uint8_t beyond;
	struct iovec iov[2] = {{rte_pktmbuf_mtod(m, void *), room}, {&beyond, 1}};
	ssize_t n = readv(twin_fd(twin), iov, 2);

	if (n < 0)
		return -errno;
	if (n > room)
		return -EMSGSIZE;
	m->data_len = (uint16_t)n;
	m->pkt_len = (uint32_t)n;
	return (int)n;
}
