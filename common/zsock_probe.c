/*
 * Is an endpoint free? Asked before anything is opened, in ways that leave no trace.
 */
#include "common/zsock.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Who serves a path holds its lock. */
static int probe_path(const char *path)
{
	char lock[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
	int fd, rc = 0;

	snprintf(lock, sizeof(lock), "%s.lock", path);
	fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		rc = -EADDRINUSE;
	close(fd);
	return rc;
}

/* The address is taken when it cannot be bound although nobody but a listener keeps it. */
static int probe_address(const struct addrinfo *to)
{
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, rc = 0;

	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, to->ai_addr, to->ai_addrlen) < 0 && errno == EADDRINUSE)
		rc = -EADDRINUSE;
	close(fd);
	return rc;
}

static int probe_tcp(const char *address)
{
	const char *colon = strrchr(address, ':');
	struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char host[256];
	int rc = 0;

	if (!colon)
		return 0;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
	if (host[0] == '[') {
		memmove(host, host + 1, strlen(host));
		host[strcspn(host, "]")] = '\0';
	}
	if (getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, colon + 1, &hints, &found))
		return 0;
	for (const struct addrinfo *a = found; a && !rc; a = a->ai_next)
		rc = probe_address(a);
	freeaddrinfo(found);
	return rc;
}

int zsock_probe(const char *endpoint)
{
	if (strncmp(endpoint, "ipc://", 6) == 0)
		return probe_path(endpoint + 6);
	return zsock_is_tcp(endpoint) ? probe_tcp(endpoint + 6) : 0;
}
