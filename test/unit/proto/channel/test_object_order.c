/* The order of a subscriber's packets on the wire: golden octets, round trips, every rule. */
#include <errno.h>

#include "bytes.h"
#include "proto/channel/object.h"

static struct object an_ordered_subscriber(void)
{
	return (struct object){.kind = OBJECT_SUBSCRIBER,
		.op = OBJECT_SET,
		.id = 9,
		.subscriber = {.id = 9,
			.prefix_count = 1,
			.path_count = 2,
			.steering = STEERING_PACKET,
			.paths = {1, 2},
			.weights = {3, 1},
			.order = {true, 64, 50}}};
}

static void golden(void **state)
{
	const struct object object = an_ordered_subscriber();
	uint8_t buf[OBJECT_WIRE_MAX];
	struct object back;
	struct writer w;
	struct cursor c;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(object_encode(&w, &object), 0);
	assert_written(&w, "04 01 003f 0000000000000009 00000000 0000000000000000 01 02 "
			   "00000000000000000000000000000000 00 0000000000000001 "
			   "0000000000000002 02 0301 01 0040 0032");
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(object_decode(&c, &back), 0);
	assert_true(back.subscriber.order.numbered);
	assert_int_equal(back.subscriber.order.packets, 64);
	assert_int_equal(back.subscriber.order.ms, 50);
	assert_int_equal(object_digest(&back), object_digest(&object));
}

/* Neither written nor read; what is read is written the same way. */
static void rules(void **state)
{
	static const struct {
		struct object_order order;
		int error;
	} cases[] = {
		{{false, 0, 0}, 0},
		{{true, 0, 0}, 0},
		{{true, OBJECT_ORDER_PACKETS_MAX, OBJECT_ORDER_MS_MAX}, 0},
		{{false, 1, 1}, -EINVAL},
		{{true, 1, 0}, -EINVAL},
		{{true, 0, 1}, -EINVAL},
		{{true, OBJECT_ORDER_PACKETS_MAX + 1, 1}, -EINVAL},
		{{true, 1, OBJECT_ORDER_MS_MAX + 1}, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct object object = an_ordered_subscriber(), back;
		uint8_t buf[OBJECT_WIRE_MAX];
		struct writer w;
		struct cursor c;
		size_t len;

		writer_init(&w, buf, sizeof(buf));
		object_encode(&w, &object);
		len = writer_len(&w);
		object.subscriber.order = cases[i].order;
		buf[len - 5] = cases[i].order.numbered;
		buf[len - 4] = (uint8_t)(cases[i].order.packets >> 8);
		buf[len - 3] = (uint8_t)cases[i].order.packets;
		buf[len - 2] = (uint8_t)(cases[i].order.ms >> 8);
		buf[len - 1] = (uint8_t)cases[i].order.ms;
		cursor_exact(&c, buf, len);
		assert_int_equal(object_decode(&c, &back), cases[i].error ? -EBADMSG : 0);
		cursor_exact_free(&c);
		writer_init(&w, buf, sizeof(buf));
		assert_int_equal(object_encode(&w, &object), cases[i].error);
	}
}

/* All of it is in the digest, so that an audit finds what differs. */
static void digest(void **state)
{
	static const struct object_order orders[] = {
		{false, 0, 0}, {true, 0, 0}, {true, 64, 50}, {true, 65, 50}, {true, 64, 51}};
	uint64_t digests[sizeof(orders) / sizeof(orders[0])];

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct object object = an_ordered_subscriber();

		object.subscriber.order = orders[i];
		digests[i] = object_digest(&object);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(digests[i], digests[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(rules),
		cmocka_unit_test(digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
