#include "common/daemon.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void signals_arrive_at_the_descriptor(void **state)
{
	int fd = daemon_signals();

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(daemon_signal_next(fd), -EAGAIN);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(daemon_signal_next(fd), SIGTERM);
	assert_int_equal(daemon_signal_next(fd), -EAGAIN);
	/* A peer that went away is an error code, not the end. */
	assert_int_equal(raise(SIGPIPE), 0);
	close(fd);
}

static void open_files_are_raised(void **state)
{
	struct rlimit before, after;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &before);
	assert_true(before.rlim_max >= 256);
	struct rlimit low = {.rlim_cur = 128, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(daemon_open_files(64), 128);
	assert_int_equal(daemon_open_files(256), 256);
	getrlimit(RLIMIT_NOFILE, &after);
	assert_int_equal(after.rlim_cur, 256);
	setrlimit(RLIMIT_NOFILE, &before);
}

static void notifies_the_service_manager(void **state)
{
	char dir[] = "/tmp/dmm-notify-XXXXXX", path[64], buf[32] = "";
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(daemon_notify("READY=1"), 0);

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	strcpy(at.sun_path, path);
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(daemon_notify("READY=1"), -ENOENT);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(daemon_notify("READY=1"), 1);
	assert_int_equal(recv(fd, buf, sizeof(buf) - 1, 0), 7);
	assert_string_equal(buf, "READY=1");
	close(fd);
	unlink(path);
	rmdir(dir);

	/* The abstract name space. */
	snprintf(path, sizeof(path), "@dmm-notify-%d", getpid());
	setenv("NOTIFY_SOCKET", path, 1);
	memset(at.sun_path, 0, sizeof(at.sun_path));
	strcpy(at.sun_path + 1, path + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(daemon_notify("STOPPING=1"), 1);
	assert_int_equal(recv(fd, buf, sizeof(buf) - 1, 0), 10);
	close(fd);
	unsetenv("NOTIFY_SOCKET");
}

/* In a child: it cannot be undone. _exit(), so that no leak checker needs to look at itself. */
static void secrets_are_not_dumped(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit core;

		if (daemon_protect_secrets() != 0 || getrlimit(RLIMIT_CORE, &core) != 0)
			_exit(1);
		_exit(prctl(PR_GET_DUMPABLE) == 0 && core.rlim_cur == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_arrive_at_the_descriptor),
		cmocka_unit_test(open_files_are_raised),
		cmocka_unit_test(notifies_the_service_manager),
		cmocka_unit_test(secrets_are_not_dumped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
