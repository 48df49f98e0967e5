/* Configuration: what a file gives, what is refused, and who the nodes of it are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/pktgen/config.h"

#define CORE "core = { device = \"net_null0\"; gateway_mac = \"02:00:00:00:00:01\"; };"
#define PEOPLE                                                                                     \
	"home_prefix = \"2001:db8:100::/64\"; care_of_prefixes = [\"2001:db8:a::/64\", "           \
	"\"2001:db8:b::/64\"];"
#define REST "home_agent = \"2001:db8:1::1\"; traffic = { correspondent = \"2001:db8:c::2\"; };"

static struct pktgen_config config;
static struct config_report report;

static int load(const char *text)
{
	char path[] = "/tmp/test-pktgen-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	rc = pktgen_config_load(path, &config, &report);
	unlink(path);
	return rc;
}

static int drop(void **state)
{
	(void)state;
	config_report_free(&report);
	pktgen_config_free(&config);
	return 0;
}

static void refused(const char *text, const char *about)
{
	assert_true(load(text) < 0);
	if (!report.text || !strstr(report.text, about))
		fail_msg("'%s' is not about '%s'", report.text ? report.text : "", about);
	drop(NULL);
}

static void test_defaults(void **state)
{
	struct packet_plan plan;

	(void)state;
	assert_int_equal(load(CORE "subscribers = { " PEOPLE " }; " REST), 0);
	assert_false(config.access.present);
	assert_ptr_equal(pktgen_config_access(&config), &config.core);
	assert_int_equal(config.subscribers.count, 1000);
	assert_int_equal(config.traffic.sizes.count, 1);
	assert_true(config.traffic.exponent == 1.0);
	assert_true(config.search.loss == 0);
	plan = pktgen_config_plan(&config);
	assert_true(addr_equal(&plan.tunnel, &config.home_agent));
}

static void test_refused(void **state)
{
	(void)state;
	refused("core = { device = \"x\"; }; subscribers = { " PEOPLE " }; " REST, "gateway");
	refused("core = { device = \"x\"; gateway = \"2001:db8::1\"; }; subscribers = { " PEOPLE
		" }; " REST,
		"address");
	refused(CORE "subscribers = { realm = \"a\\\"b\"; " PEOPLE " }; " REST, "realm");
	refused(CORE "subscribers = { home_prefix = \"2001:db8::/64\"; care_of_prefixes = "
		     "[\"2001:db8::/80\"]; }; " REST,
		"care_of_prefixes");
	refused(CORE "mtu = 1280; subscribers = { " PEOPLE " }; home_agent = \"2001:db8::1\"; "
		     "traffic = { correspondent = \"2001:db8:c::2\"; sizes = \"1241\"; };",
		"1241");
	refused(CORE "subscribers = { " PEOPLE " }; " REST
		     "search = { min_rate = 2; max_rate = 1; };",
		"min_rate");
	refused(CORE "subscribers = { " PEOPLE " }; " REST "search = { loss = \"-1\"; };", "loss");
	refused(CORE "subscribers = { " PEOPLE " }; home_agent = \"2001:db8::1\"; traffic = { "
		     "correspondent = \"2001:db8:c::2\"; downlink = 0; };",
		"downlink");
}

static void test_streams(void **state)
{
	static const char *const wrong[] = {"", "down", "downlink:", "downlink:0", "downlink,",
		"downlink:1001", "downlink;uplink"};
	const uint32_t *weight = config.traffic.weight;
	char why[200];

	(void)state;
	assert_int_equal(load(CORE "subscribers = { " PEOPLE " }; " REST), 0);
	assert_int_equal(
		pktgen_config_set_streams(&config, "uplink:3,multicast", why, sizeof(why)), 0);
	assert_int_equal(weight[PACKET_DOWNLINK], 0);
	assert_int_equal(weight[PACKET_UPLINK], 3);
	assert_int_equal(weight[PACKET_MULTICAST], 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_true(pktgen_config_set_streams(&config, wrong[i], why, sizeof(why)) < 0);
	assert_int_equal(weight[PACKET_UPLINK], 3);
}

static void is_address(const struct in6_addr a, const char *text)
{
	assert_string_equal(ADDR_TEXT(&a), text);
}

static void test_population(void **state)
{
	const struct population *p = &config.subscribers;
	char mn_id[POPULATION_MN_ID_MAX];

	(void)state;
	assert_int_equal(
		load(CORE "subscribers = { first = 0xfeffffff; realm = \"x.example\"; " PEOPLE
			  " }; " REST),
		0);
	is_address(population_home(p, 0), "2001:db8:100::feff:ffff");
	is_address(population_home(p, 2), "2001:db8:100::ff00:1");
	is_address(population_care_of(p, 0, 0), "2001:db8:a::feff:ffff");
	is_address(population_care_of(p, 0, 1), "2001:db8:b::feff:ffff");
	is_address(population_care_of(p, 0, 2), "2001:db8:a::1:feff:ffff");
	assert_int_equal(population_mn_id(p, 17, mn_id), strlen("node17@x.example"));
	assert_string_equal(mn_id, "node17@x.example");
}

static void test_keys_differ_and_stay(void **state)
{
	uint8_t a[POPULATION_KEY_SIZE], b[POPULATION_KEY_SIZE], again[POPULATION_KEY_SIZE];
	struct population p = {.key_seed = (char *)"one"};
	struct hmac *hmac = hmac_new();

	(void)state;
	assert_int_equal(population_key(&p, hmac, 0, a), 0);
	assert_int_equal(population_key(&p, hmac, 1, b), 0);
	assert_int_equal(population_key(&p, hmac, 0, again), 0);
	assert_memory_equal(a, again, sizeof(a));
	assert_memory_not_equal(a, b, sizeof(a));
	p.key_seed = (char *)"two";
	assert_int_equal(population_key(&p, hmac, 0, again), 0);
	assert_memory_not_equal(a, again, sizeof(a));
	hmac_free(hmac);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_defaults, drop),
		cmocka_unit_test_teardown(test_refused, drop),
		cmocka_unit_test_teardown(test_streams, drop),
		cmocka_unit_test_teardown(test_population, drop),
		cmocka_unit_test(test_keys_differ_and_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
