#include "config_rig.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const minimal =
	"roles = [\"ha\"];\n"
	"data_planes = ( { name = \"dp1\"; }, { name = \"dp2\"; } );\n"
	"home_agents = [\"2001:db8:1::1\", \"2001:db8:100::1\"];\n"
	"home_prefixes = ( { prefix = \"2001:db8:100::/64\"; link = \"home\"; },\n"
	"  { prefix = \"2001:db8:200::/64\"; },\n"
	"  { prefix = \"2001:db8:300::/64\"; link = \"home\"; } );\n";

static void has_defaults(void **state)
{
	struct ctrl_config c;
	struct in6_addr a;

	(void)state;
	config_load_good(&c, minimal);
	assert_string_equal(c.endpoints.api, "ipc:///run/dmm/ctrl.api");
	assert_string_equal(c.store, "/var/lib/dmm/store");
	assert_int_equal(c.binding.timestamp_window_ms, 7000);
	assert_int_equal(c.channel.heartbeat_ms, 300);
	assert_int_equal(c.channel.heartbeats_missed, 3);
	assert_int_equal(c.address_count, 2);
	assert_int_equal(ctrl_config_data_plane(&c, "dp2"), 1);
	assert_int_equal(ctrl_config_data_plane(&c, "dp3"), -ENOENT);
	assert_string_equal(ctrl_config_data_plane_name(&c, 0), "dp1");
	assert_int_equal(ctrl_config_link_id(&c, "home"), 1);
	assert_int_equal(ctrl_config_link_id(&c, "core"), 0);
	assert_int_equal(ctrl_config_link_id(&c, NULL), 0);
	addr_parse("2001:db8:200::5", &a);
	assert_null(ctrl_config_home_prefix(&c, &a)->link);
	addr_parse("2001:db8:300::5", &a);
	assert_string_equal(ctrl_config_home_prefix(&c, &a)->link, "home");
	addr_parse("2001:db8:400::5", &a);
	assert_null(ctrl_config_home_prefix(&c, &a));
	addr_parse("2001:db8:100::1", &a);
	assert_true(ctrl_config_is_own(&c, &a));
	addr_parse("2001:db8:100::2", &a);
	assert_false(ctrl_config_is_own(&c, &a));
	ctrl_config_free(&c);
}

/* The minimal text with a line more. */
static const char *with(const char *more)
{
	static char text[2048];

	snprintf(text, sizeof(text), "%s%s", minimal, more);
	return text;
}

/* The minimal text with one part replaced. */
static const char *instead(const char *part, const char *by)
{
	return config_instead(minimal, part, by);
}

static void refuses_values_by_name(void **state)
{
	(void)state;
	config_assert_refused(instead("\"ha\"", "\"lma\""), "roles", "lma");
	config_assert_refused(instead("\"dp2\"", "\"d p\""), "name", "d p");
	config_assert_refused(instead("2001:db8:200::/64", "2001:db8:100:0:8000::/80"),
		"home_prefixes", "overlap");
	config_assert_refused(
		instead("2001:db8:200::/64", "fe80::/64"), "home_prefixes", "fe80::/64");
	config_assert_refused(
		instead("2001:db8:200::/64", "2001:db8:200::1/64"), "prefix", "2001:db8:200::1/64");
	config_assert_refused(instead("2001:db8:1::1", "ff02::1"), "home_agents", "ff02::1");
	config_assert_refused(instead("2001:db8:1::1", "gateway"), "home_agents", "gateway");
	config_assert_refused(
		instead("2001:db8:1::1", "2001:db8:100::1"), "home_agents", "given twice");
	config_assert_refused(with("store = \"here\";"), "store", "absolute");
	config_assert_refused(
		with("endpoints = { api = \"tcp://*:1\"; };"), "endpoints.api", "ipc://");
	config_assert_refused(with("endpoints = { api = \"ipc:///x\"; packet = \"ipc:///x\"; };"),
		"endpoints", "ipc:///x");
	config_assert_refused(
		with("binding = { max_lifetime = \"30s\"; };"), "binding.max_lifetime", "4 s");
	config_assert_refused(
		with("binding = { timestamp_window = \"3s\"; };"), "binding.timestamp_window", "3");
	config_assert_refused(with("bindings = { };"), "bindings", "unknown");
	config_assert_refused(with("log_level = \"loud\";"), "log_level", "loud");
}

static void multicast_is_checked(void **state)
{
	(void)state;
	config_assert_refused(
		with("multicast = { reports = \"heard\"; };"), "file.cfg:7", "reports");
	config_assert_refused(with("multicast = { reports = \"taken\"; };"), "multicast.reports",
		"multicast.max_groups");
	config_assert_refused(with("multicast = { max_groups = 1; reports = \"taken\"; "
				   "querier = { max_groups = 0; }; };"),
		"multicast.reports", "multicast.querier.max_groups");
	for (unsigned robustness = 0; robustness < 2; robustness++) {
		char text[80];

		snprintf(text, sizeof(text), "multicast = { querier = { robustness = %u; }; };",
			robustness);
		config_assert_refused(with(text), "robustness", "2 to 7");
	}
	config_assert_refused(
		with("multicast = { querier = { version = 3; }; };"), "version", "1 to 2");
	/* MLDv1 has 16 bits for milliseconds. */
	config_assert_refused(
		with("multicast = { querier = { version = 1; response = \"66s\"; }; };"),
		"multicast.querier.response", "65535 ms");
}

static void names_the_line(void **state)
{
	(void)state;
	config_assert_refused(
		with("channel = { ack_timeout = \"0ms\"; };"), "file.cfg:7", "channel.ack_timeout");
}

static void needs_what_it_cannot_guess(void **state)
{
	(void)state;
	config_assert_refused("", "roles", "data_planes");
	config_assert_refused("roles = [\"ha\"]; data_planes = ( { name = \"dp1\"; } );",
		"home_agents", "home_prefixes");
}

static const char *const two = "{ name = \"dp1\"; address = \"2001:db8:d::1\"; "
			       "serves = [\"2001:db8:a::/48\", \"2001:db8::/32\"]; }, "
			       "{ name = \"dp2\"; address = \"2001:db8:d::2\"; "
			       "serves = [\"2001:db8:a:5::/64\", \"2001:db8::/32\"]; }, "
			       "{ name = \"dp3\"; address = \"2001:db8:d::3\"; }";

/* The minimal text with these data planes and a line more. */
static const char *data_planes(const char *list, const char *more)
{
	static char text[4096];

	snprintf(text, sizeof(text), "%s%s%s",
		instead("{ name = \"dp1\"; }, { name = \"dp2\"; }", list), more, "\n");
	return text;
}

static int prefer(const struct ctrl_config *c, const char *care_of, uint64_t set)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(care_of, &a), 0);
	return ctrl_config_prefer(c, &a, set);
}

static void the_longest_prefix_is_preferred_then_the_order(void **state)
{
	struct ctrl_config c, turned;

	(void)state;
	config_load_good(&c, data_planes(two, ""));
	assert_true(ctrl_config_addressed(&c));
	assert_true(ctrl_config_is_own(&c, ctrl_config_data_plane_address(&c, 0)));
	assert_int_equal(prefer(&c, "2001:db8:a:5::1", 7), 1);
	assert_int_equal(prefer(&c, "2001:db8:a:6::1", 7), 0);
	assert_int_equal(prefer(&c, "2001:db8:b::1", 7), 0);
	assert_int_equal(prefer(&c, "2001:db8:b::1", 6), 1);
	assert_int_equal(prefer(&c, "2001:db9::1", 7), 2);
	assert_int_equal(prefer(&c, "2001:db9::1", 3), -ENOENT);
	assert_int_equal(prefer(&c, "2001:db8:a:5::1", 0), -ENOENT);
	assert_int_equal(ctrl_config_tunnel_option(&c), CTRL_TUNNEL_ALTERNATE_COA);
	assert_int_equal(c.serving.hold_down_ms, 10000);
	assert_int_equal(c.serving.tell, CTRL_TELL_BRR);

	/* Another order, the same ids. */
	config_load_good(
		&turned, data_planes("{ name = \"dp2\"; address = \"2001:db8:d::9\"; }", ""));
	assert_true(ctrl_config_data_plane_id(&turned, 0) != 0);
	assert_true(ctrl_config_data_plane_id(&turned, 0) == ctrl_config_data_plane_id(&c, 1));
	assert_int_equal(
		ctrl_config_data_plane_of_id(&turned, ctrl_config_data_plane_id(&c, 0)), -ENOENT);
	assert_int_equal(ctrl_config_data_plane_of_id(&c, ctrl_config_data_plane_id(&c, 2)), 2);
	assert_int_equal(ctrl_config_data_plane_of_id(&c, 0), -ENOENT);
	ctrl_config_free(&turned);
	ctrl_config_free(&c);
}

static void without_addresses_nobody_is_told_of_them(void **state)
{
	struct ctrl_config c;

	(void)state;
	config_load_good(&c, minimal);
	assert_false(ctrl_config_addressed(&c));
	assert_int_equal(ctrl_config_data_plane_id(&c, 0), 0);
	assert_int_equal(ctrl_config_tunnel_option(&c), CTRL_TUNNEL_NONE);
	ctrl_config_free(&c);
	config_assert_refused(
		with("serving = { tunnel_address_option = \"alternate-care-of-address\"; };"),
		"tunnel_address_option", "no data plane has an address");
}

/* A node that is at home and away is reached through the data plane that is on its home link. */
static void the_home_link_is_at_one_of_several(void **state)
{
	static const char *const at_home = "multihoming = { at_home = \"is-defended\"; };";
	struct ctrl_config c;
	char text[4096];

	(void)state;
	config_assert_refused(with(at_home), "multihoming.at_home", "needs their addresses");
	config_assert_refused(data_planes(two, at_home), "link", "needs \"DATA-PLANE:home\"");
	snprintf(text, sizeof(text), "%s", data_planes(two, at_home));
	for (char *at = text; (at = strstr(at, "\"home\"")); at += 10) {
		memmove(at + 10, at + 6, strlen(at + 6) + 1);
		memcpy(at, "\"dp2:home\"", 10);
	}
	config_load_good(&c, text);
	assert_int_equal(ctrl_config_home_data_plane(&c,
				 config_item(&c.home_prefixes, struct ctrl_config_home_prefix, 0)),
		1);
	assert_int_equal(ctrl_config_home_data_plane(&c,
				 config_item(&c.home_prefixes, struct ctrl_config_home_prefix, 1)),
		-ENOENT);
	ctrl_config_free(&c);
	config_load_good(&c, data_planes("{ name = \"dp1\"; }", at_home));
	assert_int_equal(ctrl_config_home_data_plane(&c,
				 config_item(&c.home_prefixes, struct ctrl_config_home_prefix, 0)),
		0);
	ctrl_config_free(&c);
}

static void refuses_data_planes_that_do_not_fit(void **state)
{
	(void)state;
	config_assert_refused(
		instead("link = \"home\"", "link = \"dp7:home\""), "home_prefixes", "dp7");
	config_assert_refused(
		instead("link = \"home\"", "link = \"dp1:\""), "link", "DATA-PLANE:PORT");
	config_assert_refused(
		instead("link = \"home\"", "link = \":home\""), "link", "DATA-PLANE:PORT");
	config_assert_refused(instead("link = \"home\"", "link = \"dp1:ho me\""), "link", "ho me");
	config_assert_refused(data_planes("{ name = \"dp1\"; }, { name = \"dp1\"; }", ""),
		"data_planes", "two data planes have the name \"dp1\"");
	config_assert_refused(data_planes("{ name = \"dp1\"; address = \"2001:db8:d::1\"; }, "
					  "{ name = \"dp2\"; }",
				      ""),
		"data_planes", "\"dp2\" has no address");
	config_assert_refused(data_planes("{ name = \"dp1\"; }, "
					  "{ name = \"dp2\"; address = \"2001:db8:d::1\"; }",
				      ""),
		"data_planes", "\"dp2\" has an address");
	config_assert_refused(data_planes("{ name = \"dp1\"; address = \"2001:db8:d::1\"; }, "
					  "{ name = \"dp2\"; address = \"2001:db8:d::1\"; }",
				      ""),
		"data_planes", "2001:db8:d::1");
	config_assert_refused(data_planes("{ name = \"dp1\"; address = \"fe80::1\"; }", ""),
		"data_planes", "fe80::1");
	config_assert_refused(data_planes(two, "serving = { tunnel_address_number = 44; };"),
		"tunnel_address_number", "44");
	config_assert_refused(data_planes(two, "serving = { tunnel_address_option = \"yes\"; };"),
		"tunnel_address_option", "alternate-home-agent-tunnel-address");
	config_assert_refused(data_planes("{ name = \"dp1\"; address = \"2001:db8:d::1\"; "
					  "serves = [\"2001:db8::1/32\"]; }",
				      ""),
		"serves", "2001:db8::1/32");
}

static void the_example_is_right(void **state)
{
	struct config_report report = {0};
	struct ctrl_config c;

	(void)state;
	if (ctrl_config_load(&c, EXAMPLE, &report) < 0)
		fail_msg("%s", report.text);
	assert_string_equal(ctrl_config_data_plane_name(&c, 0), "dp1");
	ctrl_config_free(&c);
	assert_int_equal(ctrl_config_load(&c, "/nonexistent/x.cfg", &report), -ENOENT);
	assert_non_null(strstr(report.text, "/nonexistent/x.cfg"));
	config_report_free(&report);
	ctrl_config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(refuses_values_by_name),
		cmocka_unit_test(multicast_is_checked),
		cmocka_unit_test(names_the_line),
		cmocka_unit_test(needs_what_it_cannot_guess),
		cmocka_unit_test(the_longest_prefix_is_preferred_then_the_order),
		cmocka_unit_test(without_addresses_nobody_is_told_of_them),
		cmocka_unit_test(the_home_link_is_at_one_of_several),
		cmocka_unit_test(refuses_data_planes_that_do_not_fit),
		cmocka_unit_test(the_example_is_right),
	};

	return cmocka_run_group_tests_name("ctrl config", tests, NULL, NULL);
}
