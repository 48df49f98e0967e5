#include "common/zsock.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/dmm-zsock-XXXXXX";
static char path[64], endpoint[80], lock_path[80];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/sock", dir);
	snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
	snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	zsock_context_end();
	unlink(path);
	unlink(lock_path);
	return rmdir(dir);
}

/* Receives with a generous limit. */
static int wait_recv(struct zsock *z, struct zsock_message *m)
{
	struct pollfd p = {.fd = zsock_fd(z), .events = POLLIN};

	for (int i = 0; i < 200; i++) {
		int rc = zsock_recv(z, m);

		if (rc != -EAGAIN)
			return rc;
		poll(&p, 1, 50);
	}
	return -ETIMEDOUT;
}

static bool part_is(struct zsock_message *m, size_t i, const char *text)
{
	return zsock_part_len(m, i) == strlen(text) &&
	       memcmp(zsock_part(m, i), text, strlen(text)) == 0;
}

static void router_and_dealer_talk(void **state)
{
	const struct zsock_options router_options = {
		.type = ZMQ_ROUTER, .router_mandatory = true, .router_handover = true};
	const struct zsock_options dealer_options = {
		.type = ZMQ_DEALER, .routing_id = "dp-a", .routing_id_len = 4};
	struct zsock router, dealer;
	struct zsock_message m;

	(void)state;
	assert_int_equal(zsock_bind(&router, &router_options, endpoint), 0);
	assert_int_equal(zsock_connect(&dealer, &dealer_options, endpoint), 0);
	assert_int_equal(zsock_recv(&router, &m), -EAGAIN);

	const struct iovec up[] = {{"hello", 5}, {"", 0}, {"world", 5}};
	assert_int_equal(zsock_send(&dealer, up, 3), 0);
	assert_int_equal(wait_recv(&router, &m), 0);
	assert_int_equal(m.count, 4);
	assert_true(part_is(&m, 0, "dp-a"));
	assert_true(part_is(&m, 1, "hello"));
	assert_true(part_is(&m, 2, ""));
	assert_true(part_is(&m, 3, "world"));
	zsock_message_close(&m);

	const struct iovec down[] = {{"dp-a", 4}, {"reply", 5}};
	assert_int_equal(zsock_send(&router, down, 2), 0);
	assert_int_equal(wait_recv(&dealer, &m), 0);
	assert_int_equal(m.count, 1);
	assert_true(part_is(&m, 0, "reply"));
	zsock_message_close(&m);

	const struct iovec lost[] = {{"dp-b", 4}, {"reply", 5}};
	assert_int_equal(zsock_send(&router, lost, 2), -EHOSTUNREACH);
	/* The refused message left nothing behind. */
	assert_int_equal(zsock_send(&router, down, 2), 0);
	assert_int_equal(wait_recv(&dealer, &m), 0);
	assert_int_equal(m.count, 1);
	zsock_message_close(&m);
	assert_int_equal(zsock_send(&dealer, up, 0), -EINVAL);
	zsock_close(&dealer);
	zsock_close(&router);
	zsock_close(&router);
}

static void full_queue_is_eagain(void **state)
{
	const struct zsock_options options = {.type = ZMQ_DEALER, .send_hwm = 2, .immediate = true};
	struct zsock z;

	(void)state;
	/* Nobody listens: with `immediate` there is no queue to fill. */
	assert_int_equal(zsock_connect(&z, &options, endpoint), 0);
	assert_false(zsock_writable(&z));
	assert_int_equal(zsock_send1(&z, "x", 1), -EAGAIN);
	zsock_close(&z);
}

/* Sends until nobody takes more: not the queue here, nor the connection, nor the queue there.
 * Before the first, the connection may have to be made. */
static void fill(struct zsock *z)
{
	static const char text[1000];

	while (!zsock_writable(z))
		poll(NULL, 0, 1);
	for (int refused = 0; refused < 5; refused++) {
		while (zsock_send1(z, text, sizeof(text)) == 0)
			refused = 0;
		poll(NULL, 0, 10);
	}
}

static void the_end_of_one_whose_queue_is_full_does_no_harm(void **state)
{
	const struct zsock_options router_options = {.type = ZMQ_ROUTER,
		.recv_hwm = 4,
		.send_hwm = 4,
		.router_mandatory = true,
		.router_handover = true};
	const struct zsock_options dealer_options = {.type = ZMQ_DEALER,
		.send_hwm = 4,
		.recv_hwm = 4,
		.immediate = true,
		.routing_id = "dp-a",
		.routing_id_len = 4};
	const struct iovec down[] = {{"dp-a", 4}, {"reply", 5}};
	struct zsock router, dealer;
	struct zsock_message m;

	(void)state;
	assert_int_equal(zsock_bind(&router, &router_options, endpoint), 0);
	assert_int_equal(zsock_connect(&dealer, &dealer_options, endpoint), 0);
	fill(&dealer);
	assert_int_equal(wait_recv(&router, &m), 0);
	zsock_message_close(&m);
	while (zsock_send(&router, down, 2) == 0)
		;
	zsock_close(&dealer);
	poll(NULL, 0, 50);
	/* As long as anything of it is left, or it is not yet known that it is gone. */
	while (zsock_send(&router, down, 2) != -EHOSTUNREACH) {
		while (zsock_recv(&router, &m) == 0)
			zsock_message_close(&m);
		poll(NULL, 0, 1);
	}
	assert_int_equal(zsock_connect(&dealer, &dealer_options, endpoint), 0);
	while (zsock_send1(&dealer, "hello", 5) == -EAGAIN)
		poll(NULL, 0, 1);
	do
		assert_int_equal(wait_recv(&router, &m), 0);
	while (!part_is(&m, 1, "hello") && (zsock_message_close(&m), true));
	zsock_message_close(&m);
	assert_int_equal(zsock_send(&router, down, 2), 0);
	assert_int_equal(wait_recv(&dealer, &m), 0);
	assert_true(part_is(&m, 0, "reply"));
	zsock_message_close(&m);
	zsock_close(&dealer);
	zsock_close(&router);
}

static void too_many_parts_are_refused(void **state)
{
	const struct zsock_options options = {.type = ZMQ_PAIR};
	struct iovec parts[ZSOCK_PARTS_MAX + 3];
	struct zsock a, b;
	struct zsock_message m;

	(void)state;
	assert_int_equal(zsock_bind(&a, &options, endpoint), 0);
	assert_int_equal(zsock_connect(&b, &options, endpoint), 0);
	for (size_t i = 0; i < ZSOCK_PARTS_MAX + 3; i++)
		parts[i] = (struct iovec){"p", 1};
	assert_int_equal(zsock_send(&b, parts, ZSOCK_PARTS_MAX + 3), 0);
	assert_int_equal(zsock_send1(&b, "next", 4), 0);
	assert_int_equal(wait_recv(&a, &m), -EMSGSIZE);
	assert_int_equal(wait_recv(&a, &m), 0);
	assert_true(part_is(&m, 0, "next"));
	zsock_message_close(&m);
	assert_int_equal(zsock_send(&b, parts, ZSOCK_PARTS_MAX), 0);
	assert_int_equal(wait_recv(&a, &m), 0);
	assert_int_equal(m.count, ZSOCK_PARTS_MAX);
	zsock_message_close(&m);
	zsock_close(&a);
	zsock_close(&b);
}

/* A part above the limit never arrives; the peer connects again and is heard. */
static void oversized_messages_are_dropped(void **state)
{
	const struct zsock_options small = {.type = ZMQ_ROUTER, .max_message = 100};
	const struct zsock_options sender = {.type = ZMQ_DEALER, .reconnect_ms = 10};
	char big[101] = "";
	struct zsock a, b;
	struct zsock_message m;
	int rc = -ETIMEDOUT;

	(void)state;
	assert_int_equal(zsock_bind(&a, &small, endpoint), 0);
	assert_int_equal(zsock_connect(&b, &sender, endpoint), 0);
	assert_int_equal(zsock_send1(&b, big, sizeof(big)), 0);
	for (int i = 0; i < 200 && rc != 0; i++) {
		zsock_send1(&b, big, 100);
		usleep(20000);
		rc = zsock_recv(&a, &m);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(zsock_part_len(&m, 1), 100);
	zsock_message_close(&m);
	zsock_close(&a);
	zsock_close(&b);
}

/* The permissions hold whatever the umask is. */
static void socket_file_has_its_mode(void **state)
{
	static const mode_t umasks[] = {0, 022, 077}, modes[] = {0, 0600, 0660};
	struct stat st;
	struct zsock z;

	(void)state;
	for (size_t u = 0; u < 3; u++) {
		for (size_t i = 0; i < 3; i++) {
			struct zsock_options options = {.type = ZMQ_ROUTER, .mode = modes[i]};
			mode_t old = umask(umasks[u]);

			assert_int_equal(zsock_bind(&z, &options, endpoint), 0);
			umask(old);
			assert_int_equal(stat(path, &st), 0);
			assert_int_equal(st.st_mode & 0777, modes[i] ? modes[i] : 0600);
			zsock_close(&z);
			assert_int_equal(stat(path, &st), -1);
		}
	}
}

/* A second server is refused and the first goes on serving; after the first is killed without any
 * clean-up, its socket file is in nobody's way. */
static void live_endpoints_are_not_stolen(void **state)
{
	const struct zsock_options options = {.type = ZMQ_PAIR};
	struct zsock z, client;
	struct zsock_message m;
	int ready[2], status;
	char c;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	zsock_context_end(); /* a context does not survive a fork */
	pid_t child = fork();
	if (child == 0) {
		if (zsock_bind(&z, &options, endpoint) < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		if (wait_recv(&z, &m) < 0 || zsock_send1(&z, "served", 6) < 0)
			_exit(2);
		pause();
		_exit(3);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(zsock_bind(&z, &options, endpoint), -EADDRINUSE);
	assert_int_equal(zsock_probe(endpoint), -EADDRINUSE);
	assert_int_equal(zsock_connect(&client, &options, endpoint), 0);
	assert_int_equal(zsock_send1(&client, "ask", 3), 0);
	assert_int_equal(wait_recv(&client, &m), 0);
	assert_true(part_is(&m, 0, "served"));
	zsock_message_close(&m);
	zsock_close(&client);

	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(zsock_bind(&z, &options, endpoint), 0);
	zsock_close(&z);
	close(ready[0]);
	close(ready[1]);
}

/* Close and bind in a row: the closed socket's remains never hit the new file. */
static void rebinding_keeps_the_file(void **state)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER};
	struct zsock z;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(zsock_bind(&z, &options, endpoint), 0);
		zsock_close(&z);
	}
	assert_int_equal(zsock_bind(&z, &options, endpoint), 0);
	usleep(50000);
	assert_int_equal(access(path, F_OK), 0);
	zsock_close(&z);
}

static void bad_endpoints_are_refused(void **state)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER};
	char long_path[200] = "ipc:///tmp/";
	struct zsock z;

	(void)state;
	memset(long_path + 11, 'x', sizeof(long_path) - 12);
	long_path[199] = '\0';
	assert_int_equal(zsock_bind(&z, &options, long_path), -ENAMETOOLONG);
	assert_int_equal(zsock_bind(&z, &options, "ipc://"), -EINVAL);
	assert_int_equal(zsock_bind(&z, &options, "ipc://*"), -EINVAL);
	assert_int_equal(zsock_bind(&z, &options, "ipc://@name"), -EINVAL);
	assert_int_equal(zsock_bind(&z, &options, "nonsense"), -EINVAL);
	assert_int_equal(zsock_bind(&z, &options, "ipc:///nonexistent/dir/sock"), -ENOENT);
	assert_int_equal(zsock_connect(&z, &options, "nonsense"), -EINVAL);

	/* What is no socket is not removed. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	assert_int_equal(zsock_bind(&z, &options, endpoint), -EEXIST);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 8);
	unlink(path);
}

static void who_is_there_is_found_without_a_trace(void **state)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER};
	static const char *const hosts[] = {"tcp://127.0.0.1:*", "tcp://[::1]:*"};
	char endpoint[128], lock[160];
	struct stat st;
	struct zsock z;

	(void)state;
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/probed", dir);
	snprintf(lock, sizeof(lock), "%s/probed.lock", dir);
	assert_int_equal(zsock_probe(endpoint), 0);
	assert_int_equal(stat(lock, &st), -1);
	assert_int_equal(zsock_probe("ipc:///nowhere/at/all"), 0);
	for (size_t i = 0; i < 2; i++) {
		size_t len = sizeof(endpoint);

		assert_int_equal(zsock_bind(&z, &options, hosts[i]), 0);
		assert_int_equal(zmq_getsockopt(z.socket, ZMQ_LAST_ENDPOINT, endpoint, &len), 0);
		assert_int_equal(zsock_probe(endpoint), -EADDRINUSE);
		zsock_close(&z);
		zsock_context_end();
		assert_int_equal(zsock_probe(endpoint), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(router_and_dealer_talk),
		cmocka_unit_test(full_queue_is_eagain),
		cmocka_unit_test(the_end_of_one_whose_queue_is_full_does_no_harm),
		cmocka_unit_test(too_many_parts_are_refused),
		cmocka_unit_test(oversized_messages_are_dropped),
		cmocka_unit_test(socket_file_has_its_mode),
		cmocka_unit_test(live_endpoints_are_not_stolen),
		cmocka_unit_test(rebinding_keeps_the_file),
		cmocka_unit_test(who_is_there_is_found_without_a_trace),
		cmocka_unit_test(bad_endpoints_are_refused),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
