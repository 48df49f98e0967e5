/* The connection of dmmctl to a control that is there, but takes no connection for a while. */
#include "server.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tools/dmmctl/client.h"

/* Longer than one is waited for that is gone. */
enum { BUSY_MS = 5500, LIMIT_MS = 60000 };

struct late {
	struct server server;
	int lock;
};

/* Until then the lock says that somebody serves. */
static void *serve_late(void *context)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER, .router_mandatory = true};
	struct late *late = context;

	poll(NULL, 0, BUSY_MS);
	close(late->lock);
	if (zsock_bind(&late->server.socket, &options, late->server.endpoint) < 0)
		return NULL;
	return server_run(&late->server);
}

/* The file of a socket that nobody listens at, and the lock beside it. */
static void hang(struct late *late)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char path[80];

	strcpy(late->server.folder, "/tmp/dmmctl-test-XXXXXX");
	assert_non_null(mkdtemp(late->server.folder));
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/api", late->server.folder);
	snprintf(late->server.endpoint, sizeof(late->server.endpoint), "ipc://%s", at.sun_path);
	assert_int_equal(bind(dead, (struct sockaddr *)&at, sizeof(at)), 0);
	close(dead);
	snprintf(path, sizeof(path), "%s/api.lock", late->server.folder);
	late->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(late->lock, LOCK_EX | LOCK_NB), 0);
}

static void a_busy_control_is_waited_for(void **state)
{
	const struct server_exchange lines[] = {
		{"{\"method\":\"status\"}", {"{\"result\":{}}"}}, {0}};
	struct late late = {.server.exchanges = lines};
	struct client_error error = {0};
	json_t *result = NULL;
	struct client client;
	int rc;

	(void)state;
	hang(&late);
	assert_int_equal(pthread_create(&late.server.thread, NULL, serve_late, &late), 0);
	assert_int_equal(client_open(&client, late.server.endpoint, LIMIT_MS, &error), 0);
	rc = client_call(&client, "status", NULL, false, NULL, NULL, &result, &error);
	client_close(&client);
	server_stop(&late.server);
	assert_string_equal(error.message, "");
	assert_int_equal(rc, 0);
	json_decref(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_busy_control_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
