/* Binding Updates of played nodes, and the acknowledgements that they believe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"
#include "tools/pktgen/binding.h"

enum { NODE = 7, SPI = 1000 };
#define NOW 1800000000123456789ull

static struct prefix6 prefixes[1];
static struct pktgen_config config = {.subscribers = {.count = 100,
					      .first = 0x1000,
					      .realm = (char *)"example.net",
					      .spi = SPI,
					      .key_seed = (char *)"seed",
					      .care_of_prefixes = {prefixes, 1}}};
static struct binding_keys *keys;
static struct hmac *hmac;
static uint8_t key[POPULATION_KEY_SIZE], packet[BINDING_PACKET_MAX];
static struct in6_addr home, care_of;

static int setup(void **state)
{
	(void)state;
	prefix6_parse("2001:db8:100::/64", &config.subscribers.home_prefix);
	prefix6_parse("2001:db8:a::/64", &prefixes[0]);
	addr_parse("2001:db8:1::1", &config.home_agent);
	home = population_home(&config.subscribers, NODE);
	care_of = population_care_of(&config.subscribers, NODE, 2);
	hmac = hmac_new();
	keys = binding_keys_new(&config);
	return hmac && keys ? population_key(&config.subscribers, hmac, NODE, key) : -1;
}

static int teardown(void **state)
{
	(void)state;
	hmac_free(hmac);
	binding_keys_free(keys);
	return 0;
}

static void test_update(void **state)
{
	const struct binding_update update = {
		.node = NODE, .place = 2, .lifetime_s = 420, .sequence = 4711};
	const ssize_t len = binding_write(&config, keys, &update, NOW, packet, sizeof(packet));
	const struct mh_option *id, *time;
	struct ip6_packet ip;
	struct mh mh;

	(void)state;
	assert_true(len > 0);
	assert_int_equal(ip6_packet_decode(packet, (size_t)len, &ip, NULL), 0);
	assert_true(addr_equal(&ip.src, &care_of) && addr_equal(&ip.dst, &config.home_agent));
	assert_true(ip.has_home_address && addr_equal(&ip.home_address, &home));
	assert_true(mh_checksum_ok(&home, &config.home_agent, packet + ip.offset, ip.len));
	assert_int_equal(mh_decode(packet + ip.offset, ip.len, &mh, NULL), 0);
	assert_int_equal(mh.type, MH_BU);
	assert_int_equal(mh.bu.sequence, 4711);
	assert_int_equal(mh.bu.lifetime, 105);
	assert_int_equal(mh.bu.flags, FLAGS_BU_A | FLAGS_BU_H);
	assert_int_equal(
		auth_verify(hmac, key, &care_of, &home, packet + ip.offset, &mh), AUTH_GOOD);
	assert_int_equal(auth_find(&mh, OPTION_AUTH_MN_HA)->auth.spi, SPI);
	id = option_find(&mh, OPTION_MN_ID);
	assert_int_equal(id->mn_id.id.len, strlen("node7@example.net"));
	assert_memory_equal(id->mn_id.id.at, "node7@example.net", id->mn_id.id.len);
	time = option_find(&mh, OPTION_MESG_ID);
	assert_int_equal(time->mesg_id.timestamp, clock_ntp_from_ns(NOW));
}

/* An acknowledgement as the home agent would send it, but for what is changed before. */
struct reply {
	struct in6_addr from, to, home;
	uint8_t key[POPULATION_KEY_SIZE];
	uint32_t spi;
	uint8_t type;
};

static struct reply good_reply(void)
{
	struct reply r = {
		.from = config.home_agent, .to = care_of, .home = home, .spi = SPI, .type = MH_BA};

	memcpy(r.key, key, sizeof(r.key));
	return r;
}

static enum binding_kind read_reply(const struct reply *r, size_t spoil, struct binding_answer *out)
{
	const struct ip6_build head = {.src = r->from, .dst = r->to, .routing2 = &r->home};
	const struct mh_packet_key sign = {
		.hmac = hmac, .key = r->key, .coa = r->to, .hoa = r->home};
	struct mh mh = {.type = r->type};
	ssize_t len;

	if (r->type == MH_BA) {
		mh.ba = (struct mh_ba){.status = 130, .sequence = 99, .lifetime = 5};
		if (r->spi)
			assert_int_equal(auth_add(&mh, r->spi), 0);
	}
	len = mh_packet_encode(
		&head, &mh, r->type == MH_BA && r->spi ? &sign : NULL, packet, sizeof(packet));
	assert_true(len > 0);
	packet[spoil] ^= spoil ? 1 : 0;
	return binding_read(&config, keys, packet, (size_t)len, out);
}

static void test_acknowledgement(void **state)
{
	const struct reply r = good_reply();
	struct binding_answer answer;

	(void)state;
	assert_int_equal(read_reply(&r, 0, &answer), BINDING_ACK);
	assert_int_equal(answer.node, NODE);
	assert_int_equal(answer.status, 130);
	assert_int_equal(answer.sequence, 99);
}

static void test_not_believed(void **state)
{
	struct binding_answer answer;
	struct reply r;

	(void)state;
	r = good_reply();
	r.key[0] ^= 1;
	assert_int_equal(read_reply(&r, 0, &answer), BINDING_UNAUTHENTICATED);
	r = good_reply();
	r.spi++;
	assert_int_equal(read_reply(&r, 0, &answer), BINDING_UNAUTHENTICATED);
	r.spi = 0;
	assert_int_equal(read_reply(&r, 0, &answer), BINDING_UNAUTHENTICATED);
	r = good_reply();
	r.from.s6_addr[15]++;
	assert_int_equal(read_reply(&r, 0, &answer), BINDING_FOREIGN);
	r = good_reply();
	r.home.s6_addr[13] = 0xff;
	assert_int_equal(read_reply(&r, 0, &answer), BINDING_FOREIGN);
	r = good_reply();
	r.home.s6_addr[3]++;
	assert_int_equal(read_reply(&r, 0, &answer), BINDING_FOREIGN);
	r = good_reply();
	assert_int_equal(read_reply(&r, 40 + 24 + 8, &answer), BINDING_DAMAGED);
}

static void test_refresh_request(void **state)
{
	struct reply r = good_reply();
	struct binding_answer answer;

	(void)state;
	r.type = MH_BRR;
	assert_int_equal(read_reply(&r, 0, &answer), BINDING_REFRESH_REQUEST);
	assert_int_equal(answer.node, NODE);
	r.to.s6_addr[12] = 1;
	assert_int_equal(read_reply(&r, 0, &answer), BINDING_FOREIGN);
}

static void test_short_packets(void **state)
{
	const struct reply r = good_reply();
	struct binding_answer answer;

	(void)state;
	assert_int_equal(read_reply(&r, 0, &answer), BINDING_ACK);
	for (size_t len = 0; len < 80; len++)
		assert_int_equal(
			binding_read(&config, keys, packet, len, &answer), BINDING_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_acknowledgement),
		cmocka_unit_test(test_not_believed),
		cmocka_unit_test(test_refresh_request),
		cmocka_unit_test(test_short_packets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
