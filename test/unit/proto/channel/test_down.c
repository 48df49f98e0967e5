/* Tunnels that are down, on the wire: golden octets, round trips, every rule, every cut. */
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "proto/channel/down.h"

static struct down_tunnel tunnel(uint8_t local, uint8_t remote)
{
	struct down_tunnel t = {.local.s6_addr = {0x20, 1}, .remote.s6_addr = {0x20, 2}};

	t.local.s6_addr[15] = local;
	t.remote.s6_addr[15] = remote;
	return t;
}

static void golden(void **state)
{
	const struct down_tunnels down = {.count = 2, .tunnels = {tunnel(1, 9), tunnel(2, 3)}};
	struct down_tunnels back;
	uint8_t buf[128];
	struct cursor c;
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(down_tunnels_encode(&w, &down), 0);
	assert_written(&w, "0002 20010000000000000000000000000001 20020000000000000000000000000009"
			   "20010000000000000000000000000002 20020000000000000000000000000003");
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(down_tunnels_decode(&c, &back), 0);
	assert_int_equal(back.count, 2);
	assert_memory_equal(back.tunnels, down.tunnels, 2 * sizeof(struct down_tunnel));
	for (size_t cut = 0; cut < writer_len(&w); cut++) {
		cursor_init(&c, buf, cut);
		assert_int_equal(down_tunnels_decode(&c, &back), -EBADMSG);
	}
	cursor_init(&c, buf, writer_len(&w) + 1);
	assert_int_equal(down_tunnels_decode(&c, &back), -EBADMSG);
}

static void none(void **state)
{
	const struct down_tunnels down = {.count = 0};
	struct down_tunnels back = {.count = 1};
	uint8_t buf[4];
	struct cursor c;
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(down_tunnels_encode(&w, &down), 0);
	assert_written(&w, "0000");
	cursor_init(&c, buf, 2);
	assert_int_equal(down_tunnels_decode(&c, &back), 0);
	assert_int_equal(back.count, 0);
}

static void in_order_and_bounded(void **state)
{
	static struct down_tunnels down, back;
	static uint8_t buf[sizeof(down)];
	struct cursor c;
	struct writer w;

	(void)state;
	down.count = DOWN_TUNNELS_MAX;
	for (unsigned i = 0; i < DOWN_TUNNELS_MAX; i++) {
		down.tunnels[i].local.s6_addr[0] = (uint8_t)(i >> 8);
		down.tunnels[i].local.s6_addr[1] = (uint8_t)i;
	}
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(down_tunnels_encode(&w, &down), 0);
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(down_tunnels_decode(&c, &back), 0);
	assert_true(down_tunnels_have(&back, &down.tunnels[700]));
	assert_false(down_tunnels_have(&back, &(struct down_tunnel){.local.s6_addr = {9}}));
	buf[0] = 0xff;
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(down_tunnels_decode(&c, &back), -EBADMSG);

	down.count = 2;
	down.tunnels[0] = down.tunnels[1];
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(down_tunnels_encode(&w, &down), -EINVAL);
	down.count = DOWN_TUNNELS_MAX + 1;
	assert_int_equal(down_tunnels_encode(&w, &down), -EINVAL);
	down.count = 1;
	writer_init(&w, buf, 33);
	assert_int_equal(down_tunnels_encode(&w, &down), -ENOSPC);
	assert_int_equal(writer_len(&w), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(none),
		cmocka_unit_test(in_order_and_bounded),
	};

	return cmocka_run_group_tests_name("channel/down", tests, NULL, NULL);
}
