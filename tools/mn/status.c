#include "tools/mn/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_WAIT_S = 5 };

static int connect_to(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_sec = ANSWER_WAIT_S};

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	strncpy(un.sun_path, path, sizeof(un.sun_path) - 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&un, sizeof(un))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int status_listen(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct stat st;
	int fd = connect_to(path);

	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	if (fd == -ENAMETOOLONG)
		return fd;
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return -EEXIST; /* somebody's file */
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	strncpy(un.sun_path, path, sizeof(un.sun_path) - 1);
	mode_t mask = umask(0077);
	int ret = bind(fd, (struct sockaddr *)&un, sizeof(un)) || listen(fd, 4) ? -errno : 0;

	umask(mask);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

void status_serve(int fd, json_t *document)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	char *text = json_dumps(document, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

	if (client >= 0 && text) {
		struct iovec iov[2] = {{text, strlen(text)}, {"\n", 1}};
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

		sendmsg(client, &msg, MSG_NOSIGNAL);
	}
	if (client >= 0)
		close(client);
	free(text);
	json_decref(document);
}

int status_ask(const char *path)
{
	char buf[4096];
	ssize_t n;
	int fd = connect_to(path);

	if (fd < 0)
		return fd;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	int ret = n < 0 ? -errno : 0;

	close(fd);
	return ret;
}
