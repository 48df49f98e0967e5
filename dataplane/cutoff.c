#include "dataplane/cutoff.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"

extern char **environ;

enum {
	NFT_TEXT = 1024,
};

/* Reads what comes from fd until its end; what does not fit is thrown away. */
static void read_all(int fd, char *out, size_t size)
{
	size_t used = 0;
	char part[256];

	for (;;) {
		ssize_t n = read(fd, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		size_t room = size - 1 - used;
		size_t take = (size_t)n < room ? (size_t)n : room;

		memcpy(out + used, part, take);
		used += take;
	}
	out[used] = '\0';
}

/* Runs nft with one argument line; all that it prints goes to out. 0 or a negative errno. */
static int nft(const char *command, char out[static NFT_TEXT])
{
	char *const argv[] = {"nft", (char *)command, NULL};
	posix_spawn_file_actions_t actions;
	sigset_t none;
	posix_spawnattr_t attr;
	int pipes[2], status;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	/* Our blocked signals are not for nft. */
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
	int rc = -posix_spawnp(&pid, argv[0], &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	close(pipes[1]);
	out[0] = '\0';
	if (rc == 0) {
		read_all(pipes[0], out, NFT_TEXT);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		rc = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
	} else {
		snprintf(out, NFT_TEXT, "nft: %s", strerror(-rc));
	}
	close(pipes[0]);
	return rc;
}

static int sysctl_open(const char *interface, int flags)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", interface);
	return open(path, flags | O_CLOEXEC);
}

/* 0 or 1; 1 also where the kernel has no IPv6 to disable. */
static int read_disable_ipv6(const char *interface)
{
	char value = '1';
	int fd = sysctl_open(interface, O_RDONLY);

	if (fd < 0)
		return 1;
	if (read(fd, &value, 1) != 1)
		value = '1';
	close(fd);
	return value == '1';
}

static int write_disable_ipv6(const char *interface, int value)
{
	int rc = 0;

	if (read_disable_ipv6(interface) == value)
		return 0;
	int fd = sysctl_open(interface, O_WRONLY);
	if (fd < 0)
		return -errno;
	if (write(fd, value ? "1" : "0", 1) != 1)
		rc = -errno;
	close(fd);
	return rc;
}

static int ask_kernel(const char *interface, unsigned long request, struct ifreq *req)
{
	int rc = 0;
	int sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	snprintf(req->ifr_name, sizeof(req->ifr_name), "%s", interface);
	if (ioctl(sock, request, req) < 0)
		rc = -errno;
	close(sock);
	return rc;
}

/* Sets and clears flags of the interface; the ones before go to *old. */
static int change_flags(const char *interface, short set, short clear, short *old)
{
	struct ifreq req = {0};
	int rc = ask_kernel(interface, SIOCGIFFLAGS, &req);
	short now = req.ifr_flags;

	if (rc < 0)
		return rc;
	if (old)
		*old = now;
	req.ifr_flags = (short)((now | set) & ~clear);
	return req.ifr_flags == now ? 0 : ask_kernel(interface, SIOCSIFFLAGS, &req);
}

int cutoff_set_mtu(const struct cutoff *cut, uint16_t mtu)
{
	struct ifreq req = {.ifr_mtu = mtu};

	return ask_kernel(cut->interface, SIOCSIFMTU, &req);
}

/* The flag IFF_RUNNING follows the carrier as much as a second later; this does not. */
bool cutoff_has_link(const struct cutoff *cut)
{
	struct ethtool_value value = {.cmd = ETHTOOL_GLINK};
	struct ifreq req = {.ifr_data = (char *)&value};

	return ask_kernel(cut->interface, SIOCETHTOOL, &req) == 0 && value.data != 0;
}

/* The table's name says whose it is; characters that nft would not take are spelled in hex. */
static void name_table(struct cutoff *cut)
{
	size_t used = (size_t)snprintf(cut->table, sizeof(cut->table), "dmm_dp_");

	for (const char *p = cut->interface; *p && used + 4 < sizeof(cut->table); p++) {
		const char *form = isalnum((unsigned char)*p) ? "%c" : "_%02x";

		used += (size_t)snprintf(
			cut->table + used, sizeof(cut->table) - used, form, (unsigned char)*p);
	}
}

/*
 * What was before us is kept in the table's comment, so that it survives a crash: the next process
 * finds it and restores it at its own end.
 */
static void remember_before(struct cutoff *cut, short flags)
{
	char command[160], out[NFT_TEXT];
	int disable_ipv6, noarp;

	cut->old_disable_ipv6 = read_disable_ipv6(cut->interface);
	cut->old_noarp = flags & IFF_NOARP;
	snprintf(command, sizeof(command), "list table netdev %s", cut->table);
	if (nft(command, out) < 0)
		return;
	const char *at = strstr(out, "before ");
	if (at && sscanf(at, "before disable_ipv6=%d noarp=%d", &disable_ipv6, &noarp) == 2) {
		cut->old_disable_ipv6 = disable_ipv6 != 0;
		cut->old_noarp = noarp != 0;
		LOG_WARN("port", "leftover-cleaned", "interface=%s", cut->interface);
	}
}

static int add_table(const struct cutoff *cut)
{
	char command[512], out[NFT_TEXT];

	snprintf(command, sizeof(command),
		"add table netdev %s\ndelete table netdev %s\ntable netdev %s {\n"
		"comment \"before disable_ipv6=%d noarp=%d\"\nchain ingress {\n"
		"type filter hook ingress device \"%s\" priority -500; policy drop;\n}\n}\n",
		cut->table, cut->table, cut->table, cut->old_disable_ipv6, cut->old_noarp,
		cut->interface);
	int rc = nft(command, out);
	if (rc < 0)
		LOG_ERROR("port", "cut-off-failed", "interface=%s step=nft error=%s",
			cut->interface, LOG_QUOTE(out));
	return rc;
}

/*
 * An abstract socket is a name of its network namespace, as the interface is, and goes with its
 * process: two processes must not take each other's chain for a leftover.
 */
static int take_lock(const char *interface)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "dmm-dp/%s", interface);
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static void release(struct cutoff *cut)
{
	if (cut->lock)
		close(cut->lock - 1);
	cut->lock = 0;
	cut->table[0] = '\0';
}

int cutoff_begin(struct cutoff *cut, const char *interface)
{
	short flags;

	*cut = (struct cutoff){0};
	snprintf(cut->interface, sizeof(cut->interface), "%s", interface);
	int rc = change_flags(interface, 0, 0, &flags);
	if (rc < 0) {
		LOG_ERROR("port", "cut-off-failed", "interface=%s step=find error=%s", interface,
			LOG_QUOTE(strerror(-rc)));
		return rc;
	}
	int lock = take_lock(interface);
	if (lock < 0) {
		LOG_ERROR("port", "cut-off-failed", "interface=%s step=lock error=%s", interface,
			lock == -EADDRINUSE ? "\"another process has this interface\""
					    : LOG_QUOTE(strerror(-lock)));
		return lock;
	}
	cut->lock = lock + 1;
	name_table(cut);
	remember_before(cut, flags);
	rc = add_table(cut);
	if (rc < 0) {
		release(cut);
		return rc;
	}
	rc = write_disable_ipv6(interface, 1);
	if (rc == 0)
		rc = change_flags(interface, IFF_UP | IFF_NOARP | IFF_ALLMULTI, 0, NULL);
	if (rc < 0) {
		LOG_ERROR("port", "cut-off-failed", "interface=%s step=settings error=%s",
			interface, LOG_QUOTE(strerror(-rc)));
		cutoff_end(cut);
	}
	return rc;
}

void cutoff_end(struct cutoff *cut)
{
	char command[160], out[NFT_TEXT];

	if (cut->table[0] == '\0')
		return;
	change_flags(
		cut->interface, 0, (short)(IFF_ALLMULTI | (cut->old_noarp ? 0 : IFF_NOARP)), NULL);
	snprintf(command, sizeof(command), "delete table netdev %s", cut->table);
	int rc = nft(command, out);
	/* An interface that is gone has taken its chain with it. */
	if (rc < 0 && if_nametoindex(cut->interface) != 0)
		LOG_ERROR("port", "give-back-failed", "interface=%s error=%s", cut->interface,
			LOG_QUOTE(out));
	if (if_nametoindex(cut->interface) != 0)
		write_disable_ipv6(cut->interface, cut->old_disable_ipv6);
	release(cut);
}
