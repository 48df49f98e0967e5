#include "tools/pktgen/channel.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/zsock.h"
#include "proto/channel/packet.h"

enum { LIMIT_MS = 20000, EPOCH = 77, ETHER = 14, RECEIVE_HWM = 4 };

static char dir[] = "/tmp/dmm-channel-XXXXXX";
static char update_at[64], packet_at[64];

/* Control, which the tests play, and what the channel told them. */
static struct {
	struct zsock update, packet;
	struct channel *channel;
	unsigned begins, ends, objects, packets;
	uint64_t last_id;
	uint8_t last_octet;
	size_t last_len;
} all;

static void on_packet(void *context, const uint8_t *ip, size_t len)
{
	(void)context;
	all.packets++;
	all.last_octet = ip[0];
	all.last_len = len;
}

static void on_begin(void *context)
{
	(void)context;
	all.begins++;
}

static void on_end(void *context)
{
	(void)context;
	all.ends++;
}

static void on_object(void *context, const struct object *object)
{
	(void)context;
	all.objects++;
	all.last_id = object->id;
}

static int open_all(void **state)
{
	const struct zsock_options options = {
		.type = ZMQ_ROUTER, .recv_hwm = RECEIVE_HWM, .router_handover = true};
	const struct channel_fns fns = {
		.packet = on_packet, .begin = on_begin, .end = on_end, .object = on_object};

	(void)state;
	memset(&all, 0, sizeof(all));
	if (zsock_bind(&all.update, &options, update_at) < 0 ||
		zsock_bind(&all.packet, &options, packet_at) < 0)
		return -1;
	return channel_open(&all.channel, update_at, packet_at, "dp1", &fns);
}

static int close_all(void **state)
{
	(void)state;
	channel_close(all.channel);
	zsock_close(&all.update);
	zsock_close(&all.packet);
	return 0;
}

static void work(void)
{
	channel_flush(all.channel);
	if (!channel_work(all.channel, clock_mono_ns()))
		channel_wait(all.channel, CLOCK_NS_PER_MS);
}

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		uint64_t end_ms = clock_mono_ms() + LIMIT_MS;                                      \
                                                                                                   \
		while (!(condition)) {                                                             \
			if (clock_mono_ms() > end_ms)                                              \
				fail_msg("never: %s", #condition);                                 \
			work();                                                                    \
		}                                                                                  \
	} while (0)

/* The next message of this type that the channel sends to control; heartbeats come any time. */
static void hear(enum update_type type, struct update_head *head)
{
	do {
		struct zsock_message m;
		struct cursor c;

		UNTIL(zsock_readable(&all.update));
		assert_int_equal(zsock_recv(&all.update, &m), 0);
		assert_int_equal(m.count, 2);
		assert_int_equal(zsock_part_len(&m, 0), 3);
		assert_memory_equal(zsock_part(&m, 0), "dp1", 3);
		cursor_init(&c, zsock_part(&m, 1), zsock_part_len(&m, 1));
		assert_int_equal(update_head_decode(&c, head), 0);
		zsock_message_close(&m);
		if (head->type != UPDATE_HEARTBEAT)
			assert_int_equal(head->type, type);
	} while (head->type != type);
}

static void say(struct zsock *z, const struct writer *w)
{
	const struct iovec parts[] = {{"dp1", 3}, {w->base, writer_len(w)}};

	assert_int_equal(zsock_send(z, parts, 2), 0);
}

/* A message of control with the path of this id, or without an object. */
static void tell(enum update_type type, uint64_t epoch, uint64_t sequence, uint64_t id)
{
	const struct update_head head = {.type = type, .epoch = epoch, .sequence = sequence};
	const struct object path = {.op = OBJECT_DELETE, .kind = OBJECT_PATH, .id = id};
	uint8_t octets[256];
	struct writer w;

	writer_init(&w, octets, sizeof(octets));
	assert_int_equal(update_head_encode(&w, &head), 0);
	if (id)
		assert_int_equal(object_encode(&w, &path), 0);
	say(&all.update, &w);
}

static void snapshot(uint64_t epoch, uint64_t sequence)
{
	struct update_head head;

	hear(UPDATE_HELLO, &head);
	assert_int_equal(head.epoch, 0);
	tell(UPDATE_BEGIN, epoch, sequence, 0);
	tell(UPDATE_OBJECTS, epoch, sequence, 5);
	tell(UPDATE_END, epoch, sequence, 0);
	hear(UPDATE_ACK, &head);
	assert_int_equal(head.epoch, epoch);
	assert_int_equal(head.sequence, sequence);
}

static void takes_a_snapshot_and_what_follows(void **state)
{
	struct update_head head;

	(void)state;
	assert_false(channel_synced(all.channel));
	snapshot(EPOCH, 3);
	assert_true(channel_synced(all.channel));
	assert_int_equal(all.begins, 1);
	assert_int_equal(all.ends, 1);
	assert_int_equal(all.objects, 1);
	assert_int_equal(all.last_id, 5);
	tell(UPDATE_DELTA, EPOCH, 4, 6);
	hear(UPDATE_ACK, &head);
	assert_int_equal(head.sequence, 4);
	assert_int_equal(all.last_id, 6);
}

/* The number of a snapshot may be that of an empty state. */
static void acknowledges_number_zero(void **state)
{
	(void)state;
	snapshot(EPOCH, 0);
}

static void a_gap_leads_to_a_hello(void **state)
{
	(void)state;
	snapshot(EPOCH, 3);
	tell(UPDATE_DELTA, EPOCH, 5, 6);
	snapshot(EPOCH, 5);
	assert_int_equal(all.objects, 2);
	assert_int_equal(all.begins, 2);
}

static void another_epoch_leads_to_a_hello(void **state)
{
	(void)state;
	snapshot(EPOCH, 3);
	tell(UPDATE_DELTA, EPOCH + 1, 4, 6);
	snapshot(EPOCH + 1, 4);
	assert_int_equal(all.last_id, 5);
}

static void asks_for_everything_again(void **state)
{
	(void)state;
	snapshot(EPOCH, 3);
	channel_resync(all.channel);
	assert_false(channel_synced(all.channel));
	snapshot(EPOCH, 3);
	assert_true(channel_synced(all.channel));
}

static void answers_for_statistics(void **state)
{
	const struct update_head head = {.type = UPDATE_STATS_REQUEST, .epoch = EPOCH};
	struct update_head answer;
	uint8_t octets[64];
	struct writer w;

	(void)state;
	snapshot(EPOCH, 1);
	writer_init(&w, octets, sizeof(octets));
	update_head_encode(&w, &head);
	update_stats_id_encode(&w, 9);
	say(&all.update, &w);
	hear(UPDATE_STATS, &answer);
	assert_int_equal(answer.epoch, EPOCH);
}

/* The next packet that reaches control: its first octet, -1 for a message without one. */
static int next_punt(void)
{
	struct packet_punt punt;
	enum packet_type type;
	struct zsock_message m;
	struct cursor c;
	int first = -1;

	UNTIL(zsock_readable(&all.packet));
	assert_int_equal(zsock_recv(&all.packet, &m), 0);
	cursor_init(&c, zsock_part(&m, 1), zsock_part_len(&m, 1));
	assert_int_equal(packet_head_decode(&c, &type), 0);
	assert_int_equal(type, PACKET_PUNT);
	if (cursor_left(&c)) {
		assert_int_equal(packet_punt_decode(&c, &punt), 0);
		assert_int_equal(punt.reason, PACKET_MOBILITY);
		first = punt.frame[ETHER];
	}
	zsock_message_close(&m);
	return first;
}

static void lower_classes_leave_first(void **state)
{
	const uint8_t known[40] = {1}, new[40] = {2};
	int first;

	(void)state;
	UNTIL(zsock_readable(&all.packet)); /* it has introduced itself */
	assert_int_equal(next_punt(), -1);
	assert_int_equal(channel_put(all.channel, CHANNEL_NEW, new, sizeof(new)), 0);
	assert_int_equal(channel_put(all.channel, CHANNEL_KNOWN, known, sizeof(known)), 0);
	while ((first = next_punt()) < 0)
		;
	assert_int_equal(first, 1);
	while ((first = next_punt()) < 0)
		;
	assert_int_equal(first, 2);
}

static void what_control_does_not_take_is_refused(void **state)
{
	static const uint8_t packet[1400] = {2};
	unsigned put = 0, got = 0;

	(void)state;
	assert_int_equal(channel_put(all.channel, CHANNEL_NEW, packet, 3000), -EINVAL);
	UNTIL(zsock_readable(&all.packet));
	/* Nobody reads: queues fill, and then no more is taken. */
	for (int refused = 0; refused < 20;) {
		if (channel_put(all.channel, CHANNEL_NEW, packet, sizeof(packet)) == 0) {
			put++;
			refused = 0;
		} else {
			assert_true(channel_full(all.channel, CHANNEL_NEW));
			refused++;
			poll(NULL, 0, 5);
		}
	}
	assert_false(channel_full(all.channel, CHANNEL_KNOWN));
	assert_true(put > 0);
	while (got < put) {
		struct zsock_message m;
		struct packet_punt punt;
		enum packet_type type;
		struct cursor c;

		UNTIL(zsock_readable(&all.packet));
		assert_int_equal(zsock_recv(&all.packet, &m), 0);
		cursor_init(&c, zsock_part(&m, 1), zsock_part_len(&m, 1));
		assert_int_equal(packet_head_decode(&c, &type), 0);
		for (; cursor_left(&c); got++)
			assert_int_equal(packet_punt_decode(&c, &punt), 0);
		zsock_message_close(&m);
	}
	assert_int_equal(got, put);
	assert_false(channel_full(all.channel, CHANNEL_NEW));
}

static void hands_on_what_control_injects(void **state)
{
	static const uint8_t frame[80] = {0x60};
	struct packet_inject inject = {.how = PACKET_TO_ROUTE, .length = 60, .frame = frame};
	uint8_t octets[512];
	struct writer w;

	(void)state;
	UNTIL(zsock_readable(&all.packet));
	next_punt();
	writer_init(&w, octets, sizeof(octets));
	packet_head_encode(&w, PACKET_INJECT);
	assert_int_equal(packet_inject_encode(&w, &inject), 0);
	inject.length = 70;
	inject.how = PACKET_TO_SUBSCRIBER;
	inject.subscriber = 1;
	assert_int_equal(packet_inject_encode(&w, &inject), 0);
	/* A frame for a link is nobody's that is played. */
	inject.how = PACKET_TO_PORT;
	inject.subscriber = 0;
	strcpy(inject.port, "home");
	assert_int_equal(packet_inject_encode(&w, &inject), 0);
	say(&all.packet, &w);
	UNTIL(all.packets == 2);
	assert_int_equal(all.last_len, 70);
	assert_int_equal(all.last_octet, 0x60);
	/* What is no message of the channel is passed over. */
	writer_init(&w, octets, sizeof(octets));
	writer_u32(&w, 0xffffffff);
	say(&all.packet, &w);
	writer_init(&w, octets, sizeof(octets));
	packet_head_encode(&w, PACKET_INJECT);
	inject.length = 50;
	inject.how = PACKET_TO_ROUTE;
	inject.port[0] = '\0';
	assert_int_equal(packet_inject_encode(&w, &inject), 0);
	say(&all.packet, &w);
	UNTIL(all.packets == 3);
	assert_int_equal(all.last_len, 50);
}

static void names_have_a_limit(void **state)
{
	char name[UPDATE_NAME_MAX + 2];
	struct channel *c;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(
		channel_open(&c, update_at, packet_at, name, &(struct channel_fns){0}), -EINVAL);
	assert_null(c);
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(update_at, sizeof(update_at), "ipc://%s/update", dir);
	snprintf(packet_at, sizeof(packet_at), "ipc://%s/packet", dir);
	return 0;
}

static int remove_dir(void **state)
{
	char path[64];

	(void)state;
	zsock_context_end();
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s.lock", (i ? update_at : packet_at) + 6);
		unlink(path);
	}
	return rmdir(dir);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_a_snapshot_and_what_follows),
		TEST(acknowledges_number_zero),
		TEST(a_gap_leads_to_a_hello),
		TEST(another_epoch_leads_to_a_hello),
		TEST(asks_for_everything_again),
		TEST(answers_for_statistics),
		TEST(lower_classes_leave_first),
		TEST(what_control_does_not_take_is_refused),
		TEST(hands_on_what_control_injects),
		TEST(names_have_a_limit),
	};

	return cmocka_run_group_tests_name("channel", tests, make_dir, remove_dir);
}
