#include "common/zap.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 1000 }; /* octets that the server takes */

/* A server with a handler, and the keys of those around it. */
static struct {
	struct zap zap;
	struct zsock server, watch, client, client_watch;
	struct zsock_message m;
	char endpoint[64];
	struct curve_key server_public, server_secret;
	struct curve_key known_public, known_secret;
	struct curve_key other_public, other_secret;
	char address[ZAP_ADDRESS_MAX + 1]; /* of the last question */
} rig;

static bool allow(void *arg, const struct zap_request *request)
{
	assert_ptr_equal(arg, &rig);
	memcpy(rig.address, request->address, sizeof(rig.address));
	return curve_equal(&request->key, &rig.known_public);
}

static int make_keys(void **state)
{
	(void)state;
	return curve_generate(&rig.server_public, &rig.server_secret) ||
	       curve_generate(&rig.known_public, &rig.known_secret) ||
	       curve_generate(&rig.other_public, &rig.other_secret);
}

static void bind_server(void)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER,
		.curve_secret = &rig.server_secret,
		.zap_domain = "dmm",
		.max_message = LONGEST,
		.watch = &rig.watch};
	size_t len = sizeof(rig.endpoint);

	assert_int_equal(zsock_bind(&rig.server, &options, "tcp://127.0.0.1:*"), 0);
	assert_int_equal(
		zmq_getsockopt(rig.server.socket, ZMQ_LAST_ENDPOINT, rig.endpoint, &len), 0);
}

static int start(void **state)
{
	(void)state;
	if (zap_open(&rig.zap, allow, &rig) < 0)
		return -1;
	bind_server();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	zsock_message_close(&rig.m);
	zsock_close(&rig.client);
	zsock_close(&rig.client_watch);
	zsock_close(&rig.server);
	zsock_close(&rig.watch);
	zap_close(&rig.zap);
	zsock_context_end();
	return 0;
}

static void call(
	const struct curve_key *secret, const struct curve_key *server, struct zsock *watch)
{
	const struct zsock_options options = {.type = ZMQ_DEALER,
		.routing_id = "dp1",
		.routing_id_len = 3,
		.curve_secret = secret,
		.curve_server = server,
		.watch = watch};

	assert_int_equal(zsock_connect(&rig.client, &options, rig.endpoint), 0);
	/* Who has been refused by then has nowhere to send it to. */
	int rc = zsock_send1(&rig.client, "hello", 5);

	assert_true(rc == 0 || rc == -EAGAIN);
}

/* Serves until the condition holds; false after a generous time. */
static bool until(bool (*met)(void *arg), void *arg)
{
	for (int i = 0; i < 3000; i++) {
		if (met(arg))
			return true;
		zap_serve(&rig.zap);
		poll(NULL, 0, 10);
	}
	return false;
}

static bool received(void *arg)
{
	return zsock_recv(&rig.server, arg) == 0;
}

static bool refused(void *arg)
{
	(void)arg;
	return rig.zap.counters[ZAP_UNKNOWN_KEY] > 0;
}

struct watched {
	struct zsock *watch;
	enum zsock_event event;
};

/* A connection that breaks otherwise is tried again. */
static bool told(void *arg)
{
	const struct watched *w = arg;
	enum zsock_event event = ZSOCK_BROKEN;

	return zsock_watch_next(w->watch, &event) == 0 && event == w->event;
}

static bool accepted_again(void *arg)
{
	(void)arg;
	return rig.zap.counters[ZAP_ACCEPTED] >= 2;
}

static void known_key_is_let_in_and_named(void **state)
{
	char text[CURVE_TEXT_SIZE];

	(void)state;
	call(&rig.known_secret, &rig.server_public, NULL);
	assert_true(until(received, &rig.m));
	assert_int_equal(rig.m.count, 2);
	assert_string_equal(zsock_user(&rig.m), curve_text(&rig.known_public, text));
	assert_string_equal(rig.address, "::ffff:127.0.0.1");
	assert_true(rig.zap.counters[ZAP_ACCEPTED] >= 1);
	assert_int_equal(rig.zap.counters[ZAP_UNKNOWN_KEY], 0);
	zsock_message_close(&rig.m);
}

/* CURVE makes messages longer; what their sender may put into them is not less for it. */
static void longest_message_arrives(void **state)
{
	char longest[LONGEST] = "";

	(void)state;
	call(&rig.known_secret, &rig.server_public, NULL);
	assert_true(until(received, &rig.m));
	zsock_message_close(&rig.m);
	assert_int_equal(zsock_send1(&rig.client, longest, sizeof(longest)), 0);
	assert_true(until(received, &rig.m));
	assert_int_equal(zsock_part_len(&rig.m, 1), LONGEST);
	zsock_message_close(&rig.m);
}

static void cut_connection_comes_again(void **state)
{

	(void)state;
	call(&rig.known_secret, &rig.server_public, NULL);
	assert_true(until(received, &rig.m));
	zsock_cut(&rig.m);
	zsock_message_close(&rig.m);
	assert_true(until(accepted_again, NULL));
}

static void unknown_key_is_refused_and_told(void **state)
{
	struct watched at_client = {.watch = &rig.client_watch, .event = ZSOCK_REFUSED_KEY};
	struct watched at_server = {.watch = &rig.watch, .event = ZSOCK_REFUSED_KEY};

	(void)state;
	call(&rig.other_secret, &rig.server_public, &rig.client_watch);
	assert_true(until(refused, NULL));
	assert_true(until(told, &at_client));
	assert_true(until(told, &at_server));
	assert_int_equal(zsock_recv(&rig.server, &rig.m), -EAGAIN);
	assert_int_equal(rig.zap.counters[ZAP_ACCEPTED], 0);
}

static void plain_client_is_refused_and_told(void **state)
{
	struct watched at_server = {.watch = &rig.watch, .event = ZSOCK_NOT_CURVE};

	(void)state;
	call(NULL, NULL, NULL);
	assert_true(until(told, &at_server));
	assert_int_equal(zsock_recv(&rig.server, &rig.m), -EAGAIN);
}

static void other_server_key_is_told(void **state)
{
	struct watched at_server = {.watch = &rig.watch, .event = ZSOCK_WRONG_KEY};

	(void)state;
	call(&rig.known_secret, &rig.other_public, NULL);
	assert_true(until(told, &at_server));
}

static void without_a_handler_nobody_has_a_name(void **state)
{
	int rc = -EAGAIN;

	(void)state;
	zap_close(&rig.zap);
	call(&rig.other_secret, &rig.server_public, NULL);
	for (int i = 0; i < 3000 && rc == -EAGAIN; i++) {
		poll(NULL, 0, 10);
		rc = zsock_recv(&rig.server, &rig.m);
	}
	assert_int_equal(rc, 0);
	assert_null(zsock_user(&rig.m));
	zsock_message_close(&rig.m);
}

static void one_handler_a_process(void **state)
{
	struct zap second;

	(void)state;
	assert_int_equal(zap_open(&second, allow, &rig), -EADDRINUSE);
}

static const uint8_t key[CURVE_KEY_LEN] = {1, 2, 3};

static void requests_are_read(void **state)
{
	const struct iovec good[] = {{"1.0", 3}, {"id-7", 4}, {"dmm", 3}, {"2001:db8::1\n", 12},
		{"", 0}, {"CURVE", 5}, {(void *)key, CURVE_KEY_LEN}};
	struct iovec frames[7];
	struct zap_request r;

	(void)state;
	assert_int_equal(zap_request_read(good, 7, &r), 0);
	assert_int_equal(r.id_len, 4);
	assert_memory_equal(r.id, "id-7", 4);
	assert_string_equal(r.address, "2001:db8::1?");
	assert_memory_equal(r.key.b, key, CURVE_KEY_LEN);

	assert_int_equal(zap_request_read(good, 6, &r), -EPROTO);
	assert_int_equal(r.id_len, 4);
	assert_int_equal(zap_request_read(good, 1, &r), -EBADMSG);
	assert_int_equal(zap_request_read(NULL, 0, &r), -EBADMSG);
	memcpy(frames, good, sizeof(frames));
	frames[0] = (struct iovec){"2.0", 3};
	assert_int_equal(zap_request_read(frames, 7, &r), -EPROTO);
	memcpy(frames, good, sizeof(frames));
	frames[5] = (struct iovec){"PLAIN", 5};
	assert_int_equal(zap_request_read(frames, 7, &r), -EPROTO);
	memcpy(frames, good, sizeof(frames));
	frames[6].iov_len--;
	assert_int_equal(zap_request_read(frames, 7, &r), -EPROTO);
	assert_memory_equal(r.id, "id-7", 4);
}

static void asked_by_hand(void **state)
{
	const struct iovec bad[] = {{"1.0", 3}, {"9", 1}, {"dmm", 3}, {"::1", 3}, {"", 0},
		{"PLAIN", 5}, {"user", 4}, {"password", 8}};
	const struct zsock_options options = {.type = ZMQ_REQ};
	struct iovec many[ZSOCK_PARTS_MAX + 1];
	int rc = -EAGAIN;

	(void)state;
	assert_int_equal(zsock_connect(&rig.client, &options, "inproc://zeromq.zap.01"), 0);
	assert_int_equal(zsock_send(&rig.client, bad, 8), 0);
	for (int i = 0; i < 3000 && rc == -EAGAIN; i++) {
		zap_serve(&rig.zap);
		rc = zsock_recv(&rig.client, &rig.m);
		poll(NULL, 0, rc ? 10 : 0);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(rig.m.count, 6);
	assert_memory_equal(zsock_part(&rig.m, 1), "9", 1);
	assert_memory_equal(zsock_part(&rig.m, 2), "400", 3);
	assert_int_equal(zsock_part_len(&rig.m, 4), 0);
	zsock_message_close(&rig.m);
	/* Too many frames are answered as well, or the handler would be stuck. */
	for (size_t i = 0; i < ZSOCK_PARTS_MAX + 1; i++)
		many[i] = (struct iovec){"x", 1};
	for (int round = 0; round < 2; round++) {
		assert_int_equal(zsock_send(&rig.client, many, ZSOCK_PARTS_MAX + 1), 0);
		rc = -EAGAIN;
		for (int i = 0; i < 3000 && rc == -EAGAIN; i++) {
			zap_serve(&rig.zap);
			rc = zsock_recv(&rig.client, &rig.m);
			poll(NULL, 0, rc ? 10 : 0);
		}
		assert_int_equal(rc, 0);
		assert_memory_equal(zsock_part(&rig.m, 2), "400", 3);
		zsock_message_close(&rig.m);
	}
	assert_int_equal(rig.zap.counters[ZAP_BAD_REQUEST], 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(known_key_is_let_in_and_named, start, stop),
		cmocka_unit_test_setup_teardown(longest_message_arrives, start, stop),
		cmocka_unit_test_setup_teardown(cut_connection_comes_again, start, stop),
		cmocka_unit_test_setup_teardown(unknown_key_is_refused_and_told, start, stop),
		cmocka_unit_test_setup_teardown(plain_client_is_refused_and_told, start, stop),
		cmocka_unit_test_setup_teardown(other_server_key_is_told, start, stop),
		cmocka_unit_test_setup_teardown(without_a_handler_nobody_has_a_name, start, stop),
		cmocka_unit_test_setup_teardown(one_handler_a_process, start, stop),
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test_setup_teardown(asked_by_hand, start, stop),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
