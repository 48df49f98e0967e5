#include "desk.h"

#include "ctrl/api/api.h"
#include "ctrl/dp_events.h"
#include "ctrl/events.h"
#include "ctrl/keyring.h"
#include "ctrl/packet.h"
#include "ctrl/role_ha.h"
#include "ctrl/store_events.h"

struct desk desk;

static void flush_packet(void *arg)
{
	packet_flush(arg);
}

static void flush_api(void *arg)
{
	api_flush(arg);
}

void desk_dial(struct zsock *socket)
{
	const struct zsock_options options = {.type = ZMQ_DEALER};

	assert_int_equal(zsock_connect(socket, &options, desk.rig.config.endpoints.api), 0);
}

/* The rest of dmm-ctrl around the rig, as main.c does it. */
void desk_start(void)
{
	struct subscriber_why why;
	char text[256];

	rig_open(&desk.rig, desk.more);
	desk.ctrl = (struct ctrl){.config = &desk.rig.config,
		.loop = desk.rig.loop,
		.store = desk.rig.store,
		.publish = desk.rig.publish,
		.commit = desk.rig.commit};
	desk.ctrl.subscribers = subscriber_db_new(&desk.rig.config, desk.rig.store);
	assert_true(subscriber_db_load(desk.ctrl.subscribers, &why) >= 0);
	desk.ctrl.events = events_new(desk.rig.loop);
	assert_int_equal(keyring_open(&desk.ctrl.keyring, &desk.rig.config, desk.rig.loop), 0);
	assert_int_equal(packet_open(&desk.ctrl.packet, &desk.rig.config, NULL, desk.rig.loop), 0);
	assert_int_equal(dp_events_start(&desk.ctrl), 0);
	if (role_ha_open(&desk.role, &desk.ctrl, text, sizeof(text)) < 0)
		fail_msg("%s", text);
	assert_int_equal(api_open(&desk.api, &desk.ctrl), 0);
	role_ha_set_api(desk.role, desk.api);
	assert_int_equal(store_events_start(&desk.ctrl.store_events, &desk.ctrl), 0);
	loop_add_flush(desk.rig.loop, flush_packet, desk.ctrl.packet);
	loop_add_flush(desk.rig.loop, flush_api, desk.api);
	desk_dial(&desk.client);
}

void desk_stop(bool keep)
{
	zsock_close(&desk.client);
	api_close(desk.api);
	role_ha_close(desk.role);
	packet_close(desk.ctrl.packet);
	keyring_close(desk.ctrl.keyring);
	store_events_stop(desk.ctrl.store_events);
	events_free(desk.ctrl.events);
	subscriber_db_free(desk.ctrl.subscribers);
	rig_close(&desk.rig, keep);
}

int desk_open(void **state)
{
	(void)state;
	desk_start();
	return 0;
}

int desk_close(void **state)
{
	(void)state;
	desk_stop(false);
	return 0;
}

/* The next reply on a socket. */
json_t *desk_reply(struct zsock *socket)
{
	struct zsock_message m;
	json_t *reply;

	RIG_UNTIL(&desk.rig, zsock_readable(socket));
	assert_int_equal(zsock_recv(socket, &m), 0);
	assert_int_equal(m.count, 1);
	reply = json_loadb(zsock_part(&m, 0), zsock_part_len(&m, 0), 0, NULL);
	assert_non_null(reply);
	zsock_message_close(&m);
	return reply;
}

/* Asks and returns the last reply; items go to the list. */
json_t *desk_ask_items(const char *request, json_t *items)
{
	json_t *reply;

	assert_int_equal(zsock_send1(&desk.client, request, strlen(request)), 0);
	for (;;) {
		reply = desk_reply(&desk.client);
		json_t *item = json_object_get(reply, "item");

		assert_int_equal(json_object_size(reply), 1);
		if (!item)
			return reply;
		assert_non_null(items);
		json_array_append(items, item);
		json_decref(reply);
	}
}

json_t *desk_ask(const char *request)
{
	return desk_ask_items(request, NULL);
}

/* The reply must be an error with this code whose message has the word. */
void desk_assert_error(const char *request, const char *code, const char *word)
{
	json_t *reply = desk_ask(request);
	json_t *error = json_object_get(reply, "error");

	if (!error)
		fail_msg("no error: %s", request);
	assert_string_equal(json_string_value(json_object_get(error, "code")), code);
	if (!strstr(json_string_value(json_object_get(error, "message")), word))
		fail_msg("\"%s\" does not say %s",
			json_string_value(json_object_get(error, "message")), word);
	json_decref(reply);
}

/* The reply's result must be this JSON. */
void desk_assert_result(const char *request, const char *expected)
{
	json_t *reply = desk_ask(request), *want = json_loads(expected, 0, NULL);

	assert_non_null(want);
	if (!json_equal(json_object_get(reply, "result"), want)) {
		char *text = json_dumps(reply, 0);

		print_error("%s: %s instead of %s\n", request, text, expected);
		free(text);
		fail();
	}
	json_decref(want);
	json_decref(reply);
}

const char *const desk_add_one =
	"{\"method\": \"subscriber.add\", \"params\": {\"mn_id\": \"one\", \"spi\": 256, " DESK_KEY
	", \"home_addresses\": [\"2001:db8:100::11\"]}}";

void desk_store_binding(unsigned n, unsigned c)
{
	struct binding_record record = rig_record(n, c);
	uint8_t key[18] = {0}, octets[BINDING_RECORD_SIZE];
	struct writer w;

	record.updated_ns = record.registered_ns = loop_real_ns(desk.rig.loop);
	record.expires_ns = record.updated_ns + 400000000000ull;
	memcpy(key, &record.home, 16);
	writer_init(&w, octets, sizeof(octets));
	assert_int_equal(binding_record_encode(&w, &record), 0);
	assert_int_equal(
		store_put(desk.rig.store, STORE_BINDING, key, sizeof(key), octets, writer_len(&w)),
		0);
	assert_int_equal(store_commit(desk.rig.store), 0);
}

void desk_restart(void)
{
	desk_stop(true);
	desk_start();
	rig_connect(&desk.rig, &desk.dp1, "dp1");
	fake_hello(&desk.dp1);
	RIG_UNTIL(&desk.rig, publish_first_ready(desk.rig.publish) == 0);
}

/* A binding as if it had been registered before a restart. */
void desk_restart_with_a_binding(void)
{
	json_decref(desk_ask(desk_add_one));
	desk_store_binding(0x11, 0x77);
	desk_restart();
}
