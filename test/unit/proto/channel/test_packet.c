/* The packet channel on the wire: golden octets, round trips, every rule, every boundary. */
#include <errno.h>

#include "bytes.h"
#include "proto/channel/packet.h"

static uint8_t frame[PACKET_FRAME_MAX + 1];

static struct packet_punt a_punt(void)
{
	frame[0] = 0xaa, frame[1] = 0xbb, frame[2] = 0xcc;
	return (struct packet_punt){.reason = PACKET_MOBILITY,
		.port = "wan0",
		.subscriber = 9,
		.time_ns = 0x0102030405060708,
		.length = 3,
		.frame = frame};
}

static struct packet_inject an_inject(enum packet_inject_how how)
{
	struct packet_inject inject = {.how = how, .length = 2, .frame = frame};

	frame[0] = 0x11, frame[1] = 0x22;
	if (how == PACKET_TO_PORT)
		strcpy(inject.port, "home0");
	if (how == PACKET_TO_SUBSCRIBER)
		inject.subscriber = 77;
	return inject;
}

static void golden(void **state)
{
	(void)state;
	struct packet_punt punt = a_punt();
	struct packet_inject inject;
	uint8_t buf[256];
	struct writer w;

	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(packet_head_encode(&w, PACKET_PUNT), 0);
	assert_int_equal(packet_punt_encode(&w, &punt), 0);
	assert_written(&w, "444b 01 01 01 04 77616e30 0000000000000009 0102030405060708 "
			   "0003 aabbcc");
	inject = an_inject(PACKET_TO_PORT);
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(packet_head_encode(&w, PACKET_INJECT), 0);
	assert_int_equal(packet_inject_encode(&w, &inject), 0);
	inject = an_inject(PACKET_TO_SUBSCRIBER);
	assert_int_equal(packet_inject_encode(&w, &inject), 0);
	assert_written(&w, "444b 01 02 "
			   "01 05 686f6d6530 0000000000000000 0002 1122 "
			   "03 00 000000000000004d 0002 1122");
}

static void head(void **state)
{
	(void)state;
	static const struct {
		uint8_t octets[4];
		size_t len;
		int rc;
	} cases[] = {
		{{0x44, 0x4b, 1, 1}, 4, 0},
		{{0x44, 0x4b, 1, 2}, 4, 0},
		{{0x44, 0x4b, 1, 1}, 3, -EBADMSG},
		{{0x44, 0x4b, 1, 1}, 0, -EBADMSG},
		{{0x44, 0x4d, 1, 1}, 4, -EBADMSG},
		{{0x44, 0x4b, 1, 0}, 4, -EBADMSG},
		{{0x44, 0x4b, 1, 3}, 4, -EBADMSG},
		{{0x44, 0x4b, 2, 1}, 4, -EPROTO},
		{{0x44, 0x4b, 0, 9}, 4, -EPROTO},
	};
	enum packet_type type;
	uint8_t buf[3];
	struct writer w;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cursor c;

		cursor_exact(&c, cases[i].octets, cases[i].len);
		assert_int_equal(packet_head_decode(&c, &type), cases[i].rc);
		assert_int_equal(cursor_ok(&c), cases[i].rc == 0);
		if (cases[i].rc == 0)
			assert_int_equal(type, cases[i].octets[3]);
		cursor_exact_free(&c);
	}
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(packet_head_encode(&w, PACKET_PUNT), -ENOSPC);
	assert_int_equal(packet_head_encode(&w, 3), -EINVAL);
	assert_int_equal(writer_len(&w), 0);
}

static void punt_round_trip_and_truncation(void **state)
{
	(void)state;
	const uint16_t lengths[] = {1, 3, 1514, PACKET_FRAME_MAX};
	static uint8_t buf[PACKET_FRAME_MAX + 256];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct packet_punt punt = a_punt(), got;
		struct writer w;
		struct cursor c;

		punt.reason = (enum packet_reason)(i + 1);
		punt.length = lengths[i];
		punt.frame = frame;
		writer_init(&w, buf, sizeof(buf));
		assert_int_equal(packet_punt_encode(&w, &punt), 0);
		for (size_t cut = 0; cut < writer_len(&w); cut += cut < 64 ? 1 : 97) {
			cursor_exact(&c, buf, cut);
			assert_int_equal(packet_punt_decode(&c, &got), -EBADMSG);
			cursor_exact_free(&c);
		}
		cursor_exact(&c, buf, writer_len(&w));
		assert_int_equal(packet_punt_decode(&c, &got), 0);
		assert_int_equal(got.reason, punt.reason);
		assert_string_equal(got.port, "wan0");
		assert_int_equal(got.subscriber, 9);
		assert_int_equal(got.time_ns, 0x0102030405060708);
		assert_int_equal(got.length, lengths[i]);
		assert_memory_equal(got.frame, frame, lengths[i]);
		assert_int_equal(cursor_left(&c), 0);
		cursor_exact_free(&c);
	}
}

static void inject_round_trip_and_truncation(void **state)
{
	(void)state;
	for (enum packet_inject_how how = PACKET_TO_PORT; how <= PACKET_TO_SUBSCRIBER; how++) {
		struct packet_inject inject = an_inject(how), got;
		uint8_t buf[128];
		struct writer w;
		struct cursor c;

		writer_init(&w, buf, sizeof(buf));
		assert_int_equal(packet_inject_encode(&w, &inject), 0);
		for (size_t cut = 0; cut < writer_len(&w); cut++) {
			cursor_exact(&c, buf, cut);
			assert_int_equal(packet_inject_decode(&c, &got), -EBADMSG);
			cursor_exact_free(&c);
		}
		cursor_exact(&c, buf, writer_len(&w));
		assert_int_equal(packet_inject_decode(&c, &got), 0);
		assert_int_equal(got.how, how);
		assert_string_equal(got.port, inject.port);
		assert_int_equal(got.subscriber, inject.subscriber);
		assert_int_equal(got.length, 2);
		assert_memory_equal(got.frame, frame, 2);
		cursor_exact_free(&c);
	}
}

static void no_room(void **state)
{
	(void)state;
	struct packet_punt punt = a_punt(), small = a_punt();
	struct packet_inject inject = an_inject(PACKET_TO_ROUTE);
	uint8_t buf[64];
	struct writer w;

	punt.length = 100;
	inject.length = 100;
	small.length = 1;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(packet_punt_encode(&w, &punt), -ENOSPC);
	assert_int_equal(packet_inject_encode(&w, &inject), -ENOSPC);
	assert_int_equal(writer_len(&w), 0);
	assert_int_equal(packet_punt_encode(&w, &small), 0);
	assert_int_equal(writer_len(&w), 25);
}

static void encoder_refuses(void **state)
{
	(void)state;
	struct packet_punt punts[] = {a_punt(), a_punt(), a_punt(), a_punt(), a_punt(), a_punt()};
	struct packet_inject injects[] = {an_inject(PACKET_TO_ROUTE), an_inject(PACKET_TO_PORT),
		an_inject(PACKET_TO_PORT), an_inject(PACKET_TO_SUBSCRIBER),
		an_inject(PACKET_TO_ROUTE), an_inject(PACKET_TO_ROUTE), an_inject(PACKET_TO_ROUTE)};
	uint8_t buf[256];
	struct writer w;

	punts[0].reason = 0;
	punts[1].reason = 6;
	punts[2].port[0] = '\0';
	punts[3].length = 0;
	punts[4].length = PACKET_FRAME_MAX + 1;
	punts[5].frame = NULL;
	injects[0].how = 4;
	injects[1].port[0] = '\0';
	injects[2].subscriber = 1;
	injects[3].subscriber = 0;
	injects[4].subscriber = 1;
	strcpy(injects[5].port, "home0");
	injects[6].length = PACKET_FRAME_MAX + 1;
	writer_init(&w, buf, sizeof(buf));
	for (size_t i = 0; i < sizeof(punts) / sizeof(punts[0]); i++)
		assert_int_equal(packet_punt_encode(&w, &punts[i]), -EINVAL);
	for (size_t i = 0; i < sizeof(injects) / sizeof(injects[0]); i++)
		assert_int_equal(packet_inject_encode(&w, &injects[i]), -EINVAL);
	assert_int_equal(writer_len(&w), 0);
}

/* One octet of a good record changed, so that it breaks one rule. */
static void decoder_refuses(void **state)
{
	(void)state;
	static const struct {
		enum packet_inject_how how; /* 0: a punt */
		size_t at;
		uint8_t value;
		const char *rule;
	} cases[] = {
		{0, 0, 0, "unknown reason"},
		{0, 0, 6, "unknown reason"},
		{0, 1, 0, "no port"},
		{0, 1, 16, "a long port name"},
		{0, 2, 0x7f, "a name that is not printable"},
		{0, 22, 0x30, "a frame longer than any"},
		{0, 23, 0, "an empty frame"},
		{PACKET_TO_PORT, 0, 0, "unknown destination"},
		{PACKET_TO_PORT, 0, 4, "unknown destination"},
		{PACKET_TO_PORT, 0, PACKET_TO_ROUTE, "a port that routing does not need"},
		{PACKET_TO_PORT, 7, 1, "a port and a subscriber"},
		{PACKET_TO_ROUTE, 0, PACKET_TO_PORT, "to a port without a port"},
		{PACKET_TO_ROUTE, 0, PACKET_TO_SUBSCRIBER, "to a subscriber without one"},
		{PACKET_TO_SUBSCRIBER, 0, PACKET_TO_ROUTE, "a subscriber that routing finds out"},
		{PACKET_TO_SUBSCRIBER, 11, 0, "an empty frame"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static uint8_t buf[2 * PACKET_FRAME_MAX];
		struct packet_punt punt = a_punt();
		struct packet_inject inject = an_inject(cases[i].how);
		struct writer w;
		struct cursor c;
		int rc;

		memset(buf, 0, sizeof(buf));
		writer_init(&w, buf, sizeof(buf));
		rc = cases[i].how ? packet_inject_encode(&w, &inject)
				  : packet_punt_encode(&w, &punt);
		assert_int_equal(rc, 0);
		buf[cases[i].at] = cases[i].value;
		cursor_init(&c, buf, sizeof(buf));
		rc = cases[i].how ? packet_inject_decode(&c, &inject)
				  : packet_punt_decode(&c, &punt);
		if (rc != -EBADMSG)
			fail_msg("accepted: %s", cases[i].rule);
		assert_false(cursor_ok(&c));
	}
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(packet_reason_name(PACKET_MOBILITY), "mobility");
	assert_string_equal(packet_reason_name(PACKET_HOME_ADDRESS), "home-address");
	assert_string_equal(packet_reason_name(PACKET_NEIGHBOUR), "neighbour");
	assert_string_equal(packet_reason_name(PACKET_ICMP), "icmp");
	assert_string_equal(packet_reason_name(0), "unknown");
	assert_string_equal(packet_reason_name(99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(head),
		cmocka_unit_test(punt_round_trip_and_truncation),
		cmocka_unit_test(inject_round_trip_and_truncation),
		cmocka_unit_test(no_room),
		cmocka_unit_test(encoder_refuses),
		cmocka_unit_test(decoder_refuses),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
