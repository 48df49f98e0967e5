/* Update channel: heads of messages, and names. */
#include <errno.h>

#include "bytes.h"
#include "proto/channel/update.h"

static void head_round_trip(void **state)
{
	(void)state;
	static const enum update_type types[] = {UPDATE_HELLO, UPDATE_ACK, UPDATE_HEARTBEAT,
		UPDATE_STATS, UPDATE_EVENT, UPDATE_BEGIN, UPDATE_OBJECTS, UPDATE_END, UPDATE_DELTA,
		UPDATE_STATS_REQUEST, UPDATE_REFUSE, UPDATE_DIGEST, UPDATE_DIGEST_REQUEST,
		UPDATE_ADOPT, UPDATE_COUNTS, UPDATE_COUNT_REQUEST, UPDATE_DOWN};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct update_head head = {
			.type = types[i], .epoch = 0x1122334455667788, .sequence = 42};
		struct update_head got;
		uint8_t buf[UPDATE_HEAD_LEN];
		struct writer w;
		struct cursor c;

		writer_init(&w, buf, sizeof(buf));
		assert_int_equal(update_head_encode(&w, &head), 0);
		assert_int_equal(writer_len(&w), UPDATE_HEAD_LEN);
		cursor_exact(&c, buf, sizeof(buf));
		assert_int_equal(update_head_decode(&c, &got), 0);
		assert_int_equal(got.type, types[i]);
		assert_int_equal(got.version, UPDATE_VERSION);
		assert_int_equal(got.epoch, head.epoch);
		assert_int_equal(got.sequence, 42);
		assert_int_equal(cursor_left(&c), 0);
		cursor_exact_free(&c);
		assert_string_not_equal(update_type_name(types[i]), "unknown");
		if (i == 0)
			assert_written(&w, "444d 0b 01 1122334455667788 000000000000002a");
	}
}

static void head_errors(void **state)
{
	(void)state;
	static const uint8_t good[UPDATE_HEAD_LEN] = {
		0x44, 0x4d, UPDATE_VERSION, 3, 0, 0, 0, 0, 0, 0, 0, 5};
	static const struct {
		size_t at;
		uint8_t value;
		int rc;
	} cases[] = {{0, 0, -EBADMSG}, {1, 0x4b, -EBADMSG}, {3, 0, -EBADMSG}, {3, 9, -EBADMSG},
		{3, 15, -EBADMSG}, {3, 27, -EBADMSG}, {3, 255, -EBADMSG}, {2, 0, -EPROTO},
		{2, 1, -EPROTO}, {2, UPDATE_VERSION + 1, -EPROTO}};
	struct update_head head;
	struct cursor c;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t buf[UPDATE_HEAD_LEN];

		memcpy(buf, good, sizeof(buf));
		buf[cases[i].at] = cases[i].value;
		cursor_exact(&c, buf, sizeof(buf));
		assert_int_equal(update_head_decode(&c, &head), cases[i].rc);
		assert_false(cursor_ok(&c));
		cursor_exact_free(&c);
	}
	for (size_t cut = 0; cut < UPDATE_HEAD_LEN; cut++) {
		cursor_exact(&c, good, cut);
		assert_int_equal(update_head_decode(&c, &head), -EBADMSG);
		cursor_exact_free(&c);
	}
}

/* Another version is refused by name: what can be read of it is told. */
static void head_of_another_version(void **state)
{
	(void)state;
	uint8_t buf[UPDATE_HEAD_LEN] = {
		0x44, 0x4d, UPDATE_VERSION + 1, 200, 0, 0, 0, 0, 0, 0, 0, 5};
	struct update_head head;
	struct cursor c;

	cursor_exact(&c, buf, sizeof(buf));
	assert_int_equal(update_head_decode(&c, &head), -EPROTO);
	assert_int_equal(head.version, UPDATE_VERSION + 1);
	assert_int_equal(head.type, 200);
	assert_int_equal(head.epoch, 5);
	cursor_exact_free(&c);
	cursor_exact(&c, buf, 4);
	assert_int_equal(update_head_decode(&c, &head), -EPROTO);
	assert_int_equal(head.version, UPDATE_VERSION + 1);
	assert_int_equal(head.epoch, 0);
	cursor_exact_free(&c);
}

static void head_encoder_errors(void **state)
{
	(void)state;
	struct update_head head = {.type = UPDATE_BEGIN};
	uint8_t buf[UPDATE_HEAD_LEN];
	struct writer w;

	writer_init(&w, buf, sizeof(buf) - 1);
	assert_int_equal(update_head_encode(&w, &head), -ENOSPC);
	head.type = 9;
	assert_int_equal(update_head_encode(&w, &head), -EINVAL);
	assert_int_equal(writer_len(&w), 0);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(update_type_name(UPDATE_HELLO), "hello");
	assert_string_equal(update_type_name(UPDATE_REFUSE), "refuse");
	assert_string_equal(update_type_name(UPDATE_ADOPT), "adopt");
	assert_string_equal(update_type_name(UPDATE_TRACED), "traced");
	assert_string_equal(update_type_name(UPDATE_DOWN), "down");
	assert_string_equal(update_type_name(0), "unknown");
	assert_string_equal(update_type_name(9), "unknown");
	assert_string_equal(update_type_name(27), "unknown");
	assert_string_equal(update_event_name(UPDATE_EVENT_WRONG_SOURCE), "wrong-source");
	assert_string_equal(update_event_name(UPDATE_EVENT_TUNNEL_ERROR), "tunnel-error");
	assert_string_equal(update_event_name(UPDATE_EVENT_PORT), "port");
	assert_string_equal(update_event_name(0), "unknown");
	assert_string_equal(update_event_name(4), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_round_trip),
		cmocka_unit_test(head_errors),
		cmocka_unit_test(head_of_another_version),
		cmocka_unit_test(head_encoder_errors),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
