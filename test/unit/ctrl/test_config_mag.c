#include "config_rig.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

static const char *const good =
	"roles = [\"mag\"];\n"
	"data_planes = ( { name = \"dp1\"; } );\n"
	"mag = { address = \"2001:db8:a::1\";\n"
	"anchors = ( { name = \"one\"; address = \"2001:db8:1::1\"; },\n"
	"  { name = \"two\"; address = \"2001:db8:2::1\"; } );\n"
	"links = ( { port = \"access\"; } );\n"
	"nodes = ( { mn_id = \"a@b\"; link_address = \"02:00:00:00:00:01\"; },\n"
	"  { mn_id = \"c@d\"; link_address = \"02:00:00:00:00:02\"; anchor = \"two\"; } ); };\n";

/* The text with one part replaced. */
static const char *instead(const char *old, const char *new)
{
	return config_instead(good, old, new);
}

static void has_defaults(void **state)
{
	struct ctrl_config c;

	(void)state;
	config_load_good(&c, good);
	assert_int_equal(c.address_count, 1);
	assert_true(ctrl_config_is_own(&c, ctrl_config_mag_address(&c)));
	assert_string_equal(ADDR_TEXT(&c.mag.link_local), "fe80::200:5eff:fe00:5213");
	assert_int_equal(c.mag.lifetime_ms, 120000);
	assert_int_equal(c.mag.mtu, 1460);
	assert_string_equal(ctrl_config_anchor(&c, NULL)->name, "one");
	assert_string_equal(ctrl_config_anchor(&c, "two")->name, "two");
	assert_null(ctrl_config_anchor(&c, "three"));
	ctrl_config_free(&c);
}

/* With a domain, and a link of it, and this. */
static const char *with_domain(const char *node, const char *more)
{
	static char text[4096];
	const char *at = strstr(good, "links = (");
	const char *rest = strstr(good, "nodes = ( {");

	snprintf(text, sizeof(text),
		"domains = ( { name = \"r\"; number = 5; } );\n%.*s"
		"links = ( { port = \"access\"; domain = \"r\"; }, { port = \"other\"; } );\n"
		"nodes = ( { %s %s\n%s",
		(int)(at - good), good, node, rest + strlen("nodes = ( {"), more);
	return text;
}

static void refuses_domains(void **state)
{
	struct ctrl_config c;

	(void)state;
	config_load_good(&c, with_domain("domain = \"r\";", ""));
	ctrl_config_free(&c);
	config_assert_refused(with_domain("domain = \"g\";", ""), "mag.nodes[0].domain", "\"g\"");
	config_assert_refused(with_domain("domain = \"r\"; always_on = \"other\";", ""),
		"mag.nodes[0].always_on", "another domain");
	config_assert_refused(with_domain("always_on = \"access\";", ""), "mag.nodes[0].always_on",
		"another domain");
	config_assert_refused(with_domain("", "multicast = { max_groups = 4; };"),
		"multicast.max_groups", "public");
	config_assert_refused(
		instead("links = ( {", "gre = \"never\"; links = ( { domain = \"r\";"),
		"mag.links[0].domain", "no domain");
	config_assert_refused(
		instead("links = ( {", "gre = \"never\"; links = ( { domain = \"r\";"), "mag.gre",
		"keys");
}

static void refuses(void **state)
{
	(void)state;
	config_assert_refused(
		"roles = [\"mag\"]; data_planes = ( { name = \"dp1\"; } );", "mag", "is required");
	config_assert_refused(instead("[\"mag\"]", "[\"lma\"]"), "mag", "roles has no");
	config_assert_refused(instead("[\"mag\"]", "[\"mag\", \"lma\"]"), "roles", "processes");
	config_assert_refused(
		instead("{ name = \"dp1\"; }", "{ name = \"dp1\"; }, { name = \"dp2\"; }"),
		"data_planes", "one data plane");
	config_assert_refused(instead("2001:db8:a::1", "fe80::1"), "mag.address", "fe80::1");
	config_assert_refused(instead("links =", "link_local = \"2001:db8::9\"; links ="),
		"mag.link_local", "2001:db8::9");
	config_assert_refused(
		instead("links =", "metrics_vendor = 9; supervision = { interval = \"0s\"; };"
				   " links ="),
		"mag.metrics_vendor", "supervision");
	config_assert_refused(instead("links =", "metrics_interval = \"1ms\"; links ="),
		"metrics_interval", "1ms");
	config_assert_refused(
		instead("2001:db8:2::1", "2001:db8:a::1"), "mag.anchors", "2001:db8:a::1");
	config_assert_refused(
		instead("\"two\"; address", "\"one\"; address"), "mag.anchors", "\"one\"");
	config_assert_refused(
		instead("anchor = \"two\"", "anchor = \"three\""), "mag.nodes", "three");
	config_assert_refused(
		instead("anchor = \"two\"", "always_on = \"core\""), "mag.nodes", "\"core\"");
	config_assert_refused(
		instead("anchor = \"two\"", "delegated_prefixes = [\"2001:db8:7000::/56\", "
					    "\"2001:db8:7000:10::/60\"]"),
		"mag.nodes", "overlap");
	config_assert_refused(
		instead("anchor = \"two\"", "delegated_prefixes = [\"2001:db8::1/56\"]"),
		"delegated_prefixes", "2001:db8::1/56");
	config_assert_refused(instead("00:00:02", "00:00:01"), "mag.nodes", "02:00:00:00:00:01");
	config_assert_refused(
		instead("links =", "lifetime = \"10s\"; links ="), "mag.lifetime", "4 s");
	config_assert_refused(instead("\"2001:db8:2::1\";", "\"2001:db8:2::1\"; spi = 300;"),
		"mag.anchors", "key_file");
	config_assert_refused(instead("\"2001:db8:2::1\";",
				      "\"2001:db8:2::1\"; spi = 3; key_file = \"/nowhere/key\";"),
		"mag.anchors", "/nowhere/key");
}

/* Several ways (RFC 8278), each with an identifier and an address of its own. */
static void has_paths(void **state)
{
	struct ctrl_config c;
	const struct in6_addr *second;

	(void)state;
#define PATHS(id, first, other, bid)                                                               \
	instead("links =",                                                                         \
		id "paths = ( { bid = 1; address = \"" first "\"; label = 9; }, { bid = " bid      \
		   "; address = \"" other "\"; } ); links =")
	config_load_good(
		&c, PATHS("identifier = \"m@x\"; ", "2001:db8:a::1", "2001:db8:b::1", "2"));
	second = &ctrl_config_mag_path(&c, 2)->address;
	assert_string_equal(ADDR_TEXT(second), "2001:db8:b::1");
	assert_true(ctrl_config_is_own(&c, second));
	assert_int_equal(c.address_count, 2);
	assert_int_equal(ctrl_config_mag_path(&c, 1)->label, 9);
	assert_null(ctrl_config_mag_path(&c, 3));
	assert_true(c.mag.concurrent);
	ctrl_config_free(&c);
	config_assert_refused(
		PATHS("", "2001:db8:a::1", "2001:db8:b::1", "2"), "mag.identifier", "paths");
	config_assert_refused(PATHS("identifier = \"m\"; ", "2001:db8:a::2", "2001:db8:b::1", "2"),
		"mag.paths", "2001:db8:a::2");
	config_assert_refused(PATHS("identifier = \"m\"; ", "2001:db8:a::1", "2001:db8:a::1", "2"),
		"mag.paths", "2001:db8:a::1");
	config_assert_refused(PATHS("identifier = \"m\"; ", "2001:db8:a::1", "2001:db8:b::1", "1"),
		"mag.paths", "bid 1");
	config_assert_refused(PATHS("identifier = \"m\"; ", "2001:db8:a::1", "fe80::1", "2"),
		"mag.paths", "fe80::1");
	config_assert_refused(PATHS("", "2001:db8:a::1", "2001:db8:b::1", "255"), "bid", "255");
#undef PATHS
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_domains),
		cmocka_unit_test(has_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
