#include "rig.h"

#include "ctrl/packet.h"

static struct rig rig;
static struct packet *packet;
static struct zsock dp;
static uint8_t out[PACKET_MESSAGE_MAX];

/* What the handler got. */
static struct {
	unsigned count, dp;
	enum packet_reason reason;
	char port[16];
	size_t length;
	uint8_t first;
} got;

static void on_punt(void *arg, unsigned number, struct packet_punt punts[], unsigned count)
{
	const struct packet_punt *punt = &punts[count - 1];

	(void)arg;
	assert_in_range(count, 1, PACKET_BURST);
	for (unsigned i = 0; i + 1 < count; i++)
		assert_int_equal(punts[i].frame[0] + 1, punts[i + 1].frame[0]);
	got.count += count;
	got.dp = number;
	got.reason = punt->reason;
	strcpy(got.port, punt->port);
	got.length = punt->length;
	got.first = punt->length ? punt->frame[0] : 0;
}

static void flush(void *arg)
{
	packet_flush(arg);
}

static void dial(const char *name)
{
	const struct zsock_options options = {
		.type = ZMQ_DEALER, .routing_id = name, .routing_id_len = strlen(name)};

	assert_int_equal(zsock_connect(&dp, &options, rig.config.endpoints.packet), 0);
}

static int open_packet(void **state)
{
	(void)state;
	memset(&got, 0, sizeof(got));
	rig_open(&rig, NULL);
	assert_int_equal(packet_open(&packet, &rig.config, NULL, rig.loop), 0);
	packet_set_handler(packet, on_punt, NULL);
	return loop_add_flush(rig.loop, flush, packet);
}

static int close_packet(void **state)
{
	(void)state;
	zsock_close(&dp);
	packet_close(packet);
	rig_close(&rig, false);
	return 0;
}

static uint64_t counted(enum packet_counter counter)
{
	return packet_counters(packet)[counter];
}

static void start(struct writer *w, enum packet_type type)
{
	writer_init(w, out, sizeof(out));
	assert_int_equal(packet_head_encode(w, type), 0);
}

static void add_punt(struct writer *w, uint8_t first, uint16_t length)
{
	uint8_t frame[2000] = {first};
	const struct packet_punt punt = {.reason = PACKET_MOBILITY,
		.port = "core",
		.time_ns = 1,
		.length = length,
		.frame = frame};

	assert_int_equal(packet_punt_encode(w, &punt), 0);
}

static void introduce(const char *name)
{
	uint64_t before = counted(PACKET_MESSAGES);
	struct writer w;

	dial(name);
	start(&w, PACKET_PUNT);
	assert_int_equal(zsock_send1(&dp, out, writer_len(&w)), 0);
	RIG_UNTIL(&rig, counted(PACKET_MESSAGES) > before);
}

static void hands_on_every_record(void **state)
{
	struct writer w;

	(void)state;
	introduce("dp2");
	start(&w, PACKET_PUNT);
	add_punt(&w, 1, 100);
	add_punt(&w, 2, 1500);
	assert_int_equal(zsock_send1(&dp, out, writer_len(&w)), 0);
	RIG_UNTIL(&rig, got.count == 2);
	assert_int_equal(got.dp, 1);
	assert_int_equal(got.reason, PACKET_MOBILITY);
	assert_string_equal(got.port, "core");
	assert_int_equal(got.length, 1500);
	assert_int_equal(got.first, 2);
	assert_int_equal(counted(PACKET_PUNTED), 2);
}

/* In bursts, in order, up to what does not decode. */
static void hands_on_what_stands_before_a_broken_record(void **state)
{
	enum { GOOD = 2 * PACKET_BURST + 8 };
	struct writer w;

	(void)state;
	introduce("dp1");
	start(&w, PACKET_PUNT);
	for (uint8_t i = 1; i <= GOOD; i++)
		add_punt(&w, i, 40);
	writer_u16(&w, 0xffff);
	assert_true(writer_ok(&w));
	assert_int_equal(zsock_send1(&dp, out, writer_len(&w)), 0);
	RIG_UNTIL(&rig, counted(PACKET_BAD_MESSAGE) == 1);
	assert_int_equal(got.count, GOOD);
	assert_int_equal(got.first, GOOD);
	assert_int_equal(counted(PACKET_PUNTED), GOOD);
}

static struct packet_inject inject_of(uint16_t length)
{
	static const uint8_t frame[2000] = {0x60};

	return (struct packet_inject){.how = PACKET_TO_ROUTE, .length = length, .frame = frame};
}

static void sends_a_round_in_one_message(void **state)
{
	struct packet_inject one = inject_of(60), two = inject_of(80), back;
	struct zsock_message m;
	enum packet_type type;
	struct cursor c;

	(void)state;
	introduce("dp1");
	assert_int_equal(packet_inject(packet, 0, &one), 0);
	assert_int_equal(packet_inject(packet, 0, &two), 0);
	RIG_UNTIL(&rig, zsock_readable(&dp));
	assert_int_equal(zsock_recv(&dp, &m), 0);
	assert_int_equal(m.count, 1);
	cursor_init(&c, zsock_part(&m, 0), zsock_part_len(&m, 0));
	assert_int_equal(packet_head_decode(&c, &type), 0);
	assert_int_equal(type, PACKET_INJECT);
	assert_int_equal(packet_inject_decode(&c, &back), 0);
	assert_int_equal(back.length, 60);
	assert_int_equal(packet_inject_decode(&c, &back), 0);
	assert_int_equal(back.length, 80);
	assert_int_equal(cursor_left(&c), 0);
	zsock_message_close(&m);
	assert_int_equal(counted(PACKET_INJECTED), 2);
}

static void sends_more_than_a_message_holds(void **state)
{
	struct packet_inject big = inject_of(1900);

	(void)state;
	introduce("dp1");
	for (int i = 0; i < 300; i++)
		assert_int_equal(packet_inject(packet, 0, &big), 0);
	RIG_UNTIL(&rig, counted(PACKET_INJECTED) == 300);
}

static void counts_what_cannot_be_sent(void **state)
{
	struct packet_inject one = inject_of(60), bad = inject_of(60);

	(void)state;
	assert_int_equal(packet_inject(packet, 0, &one), -ENOTCONN);
	assert_int_equal(packet_inject(packet, 9, &one), -ENOTCONN);
	assert_int_equal(counted(PACKET_INJECT_NO_PEER), 2);
	introduce("dp1");
	bad.how = (enum packet_inject_how)77;
	assert_int_equal(packet_inject(packet, 0, &bad), -EINVAL);
	assert_int_equal(packet_inject(packet, 0, &one), 0);
	RIG_UNTIL(&rig, counted(PACKET_INJECTED) == 1);
	zsock_close(&dp);
	for (int i = 0; i < 100000 && counted(PACKET_INJECT_NO_PEER) == 2; i++) {
		packet_inject(packet, 0, &one);
		rig_round(&rig);
	}
	assert_true(counted(PACKET_INJECT_NO_PEER) > 2);
}

static void a_full_queue_drops_and_counts(void **state)
{
	struct packet_inject big = inject_of(1900);

	(void)state;
	introduce("dp1");
	for (int i = 0; i < 400000 && !counted(PACKET_INJECT_OVERFLOW); i++) {
		packet_inject(packet, 0, &big);
		packet_flush(packet);
	}
	assert_true(counted(PACKET_INJECT_OVERFLOW) > 0);
}

static void counts_what_does_not_decode(void **state)
{
	struct writer w;

	(void)state;
	introduce("dp1");
	assert_int_equal(zsock_send1(&dp, "garbage", 7), 0);
	RIG_UNTIL(&rig, counted(PACKET_BAD_MESSAGE) == 1);
	start(&w, PACKET_INJECT);
	assert_int_equal(zsock_send1(&dp, out, writer_len(&w)), 0);
	RIG_UNTIL(&rig, counted(PACKET_BAD_MESSAGE) == 2);
	start(&w, PACKET_PUNT);
	add_punt(&w, 1, 100);
	add_punt(&w, 2, 100);
	assert_int_equal(zsock_send1(&dp, out, writer_len(&w) - 1), 0);
	RIG_UNTIL(&rig, counted(PACKET_BAD_MESSAGE) == 3);
	assert_int_equal(got.count, 1);
}

static void unknown_names_are_not_heard(void **state)
{
	struct writer w;

	(void)state;
	dial("stranger");
	start(&w, PACKET_PUNT);
	add_punt(&w, 1, 100);
	assert_int_equal(zsock_send1(&dp, out, writer_len(&w)), 0);
	RIG_UNTIL(&rig, counted(PACKET_UNKNOWN_PEER) == 1);
	assert_int_equal(got.count, 0);
}

static void a_second_server_is_refused(void **state)
{
	struct packet *second;

	(void)state;
	assert_int_equal(packet_open(&second, &rig.config, NULL, rig.loop), -EADDRINUSE);
	assert_null(second);
	introduce("dp1");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_packet, close_packet)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hands_on_every_record),
		TEST(hands_on_what_stands_before_a_broken_record),
		TEST(sends_a_round_in_one_message),
		TEST(sends_more_than_a_message_holds),
		TEST(counts_what_cannot_be_sent),
		TEST(a_full_queue_drops_and_counts),
		TEST(counts_what_does_not_decode),
		TEST(unknown_names_are_not_heard),
		TEST(a_second_server_is_refused),
	};
	int failed = cmocka_run_group_tests_name("packet", tests, NULL, NULL);

	zsock_context_end();
	return failed;
}
