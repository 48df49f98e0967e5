/* Update channel: questions about what was counted of objects, and their answers. */
#include <errno.h>

#include "bytes.h"
#include "proto/channel/update.h"

static void counts(void **state)
{
	(void)state;
	static const uint64_t ids[] = {1, 0x1122334455667788};
	const struct update_count count = {
		.kind = OBJECT_GROUP, .id = 5, .values = {1, 2, 3, 4, 5, 6}};
	static uint64_t many[UPDATE_COUNT_IDS_MAX + 1];
	struct update_count got;
	enum object_kind kind;
	uint8_t buf[64];
	struct writer w;
	struct cursor c;
	uint32_t id;

	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(update_count_request_encode(&w, 9, OBJECT_GROUP, many, 0), -EINVAL);
	assert_int_equal(
		update_count_request_encode(&w, 9, OBJECT_GROUP, many, UPDATE_COUNT_IDS_MAX + 1),
		-EINVAL);
	assert_int_equal(update_count_request_encode(&w, 9, 0, ids, 2), -EINVAL);
	assert_int_equal(update_count_request_encode(&w, 9, OBJECT_GROUP, ids, 2), 0);
	assert_written(&w, "00000009 07 0000000000000001 1122334455667788");
	for (size_t len = 0; len <= writer_len(&w); len++) {
		/* Whole ids, one at least. */
		bool good = len == 5 + 8 || len == 5 + 16;

		cursor_exact(&c, buf, len);
		assert_int_equal(update_count_request_decode(&c, &id, &kind), good ? 0 : -EBADMSG);
		if (good)
			assert_int_equal(cursor_u64(&c), 1);
		cursor_exact_free(&c);
	}
	assert_int_equal(id, 9);
	assert_int_equal(kind, OBJECT_GROUP);

	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(update_count_encode(&w, &count), 0);
	assert_written(&w, "07 0000000000000005 0000000000000001 0000000000000002"
			   "0000000000000003 0000000000000004 0000000000000005"
			   "0000000000000006");
	cursor_exact(&c, buf, writer_len(&w));
	assert_int_equal(update_count_decode(&c, &got), 0);
	assert_int_equal(got.kind, count.kind);
	assert_int_equal(got.id, count.id);
	assert_memory_equal(got.values, count.values, sizeof(got.values));
	cursor_exact_free(&c);
	cursor_exact(&c, buf, writer_len(&w) - 1);
	assert_int_equal(update_count_decode(&c, &got), -EBADMSG);
	cursor_exact_free(&c);
	buf[0] = 0;
	cursor_exact(&c, buf, writer_len(&w));
	assert_int_equal(update_count_decode(&c, &got), -EBADMSG);
	cursor_exact_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
