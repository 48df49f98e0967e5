#include "config_rig.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char key_path[] = "/tmp/dmm-test-key-XXXXXX";

static const char *const head = "roles = [\"lma\"];\ndata_planes = ( { name = \"dp1\"; } );\n";
static const char *const gateway =
	"gateways = ( { name = \"g\"; addresses = [\"2001:db8:a::1\"]; } );";
static const char *const rest =
	"pools = ( { name = \"p\"; prefix = \"2001:db8:100::/40\"; } );\n"
	"nodes = ( { match = \"*\"; pool = \"p\"; },\n"
	"  { match = \"own@example.org\"; prefixes = [\"2001:db8:f::/64\"]; } );\n";

/* A configuration whose group is the given lines. */
static const char *config(const char *gateways, const char *others, const char *more)
{
	static char text[4096];

	snprintf(text, sizeof(text), "%slma = { addresses = [\"2001:db8:1::1\"];\n%s\n%s%s };\n",
		head, gateways, others, more);
	return text;
}

static void has_defaults(void **state)
{
	struct ctrl_config c;

	(void)state;
	config_load_good(&c, config(gateway, rest, ""));
	assert_true(ctrl_config_has_role(&c, "lma"));
	assert_false(ctrl_config_has_role(&c, "ha"));
	assert_int_equal(c.address_count, 1);
	assert_int_equal(c.agent_count, 0);
	assert_true(ctrl_config_is_own(&c, &c.addresses[0]));
	assert_true(c.lma.timestamps);
	assert_int_equal(c.lma.timestamp_window_ms, 300);
	assert_int_equal(c.lma.delete_delay_ms, 10000);
	assert_int_equal(c.lma.assign_delay_ms, 1500);
	assert_int_equal(config_item(&c.lma.pools, struct ctrl_config_pool, 0)->length, 64);
	assert_true(config_item(&c.lma.nodes, struct ctrl_config_lma_node, 0)->enabled);
	assert_null(config_item(&c.lma.nodes, struct ctrl_config_lma_node, 0)->delegated_pool);
	ctrl_config_free(&c);
}

static void roles_and_groups_agree(void **state)
{
	char text[8192];

	(void)state;
	config_assert_refused(head, "lma", "is required");
	snprintf(text, sizeof(text), "%s%s", config(gateway, rest, ""),
		"home_agents = [\"2001:db8:2::1\"];");
	config_assert_refused(text, "home_agents", "roles has no");
	snprintf(text, sizeof(text), "%s", config(gateway, rest, ""));
	memcpy(strstr(text, "\"lma\""), "\"ha\" ", 5);
	config_assert_refused(text, "lma", "roles has no");
}

static void refuses_gateways(void **state)
{
	(void)state;
	config_assert_refused(config("gateways = ( );", rest, ""), "gateways", "lma");
	config_assert_refused(
		config("gateways = ( { name = \"g\"; addresses = [\"2001:db8:1::1\"]; } );", rest,
			""),
		"lma.gateways", "2001:db8:1::1");
	config_assert_refused(
		config("gateways = ( { name = \"g\"; addresses = [\"fe80::1\"]; } );", rest, ""),
		"addresses", "fe80::1");
	config_assert_refused(
		config("gateways = ( { name = \"g\"; addresses = [\"2001:db8:a::1\"]; },"
		       "  { name = \"h\"; addresses = [\"2001:db8:a::1\"]; } );",
			rest, ""),
		"lma.gateways", "2001:db8:a::1");
	config_assert_refused(
		config("gateways = ( { name = \"g\"; addresses = [\"2001:db8:a::1\"]; spi = 300; "
		       "} );",
			rest, ""),
		"lma.gateways", "key_file");
}

/* Writes the file of a key, and returns a configuration that names it. */
static const char *with_key(const char *digits, mode_t mode, unsigned spi)
{
	static char gateways[512];
	FILE *file = fopen(key_path, "w");

	fputs(digits, file);
	fclose(file);
	chmod(key_path, mode);
	snprintf(gateways, sizeof(gateways),
		"gateways = ( { name = \"g\"; addresses = [\"2001:db8:a::1\"]; spi = %u; "
		"key_file = \"%s\"; } );",
		spi, key_path);
	return config(gateways, rest, "");
}

static void reads_keys(void **state)
{
	static const char *const digits = "000102030405060708090A0b0c0d0e0f";
	uint8_t key[AUTH_KEY_SIZE];
	struct ctrl_config c;
	char why[256];

	(void)state;
	config_load_good(&c, with_key(digits, 0600, 256));
	ctrl_config_free(&c);
	assert_int_equal(ctrl_config_read_gateway_key(key_path, key, why, sizeof(why)), 0);
	for (size_t i = 0; i < sizeof(key); i++)
		assert_int_equal(key[i], i);
	config_assert_refused(with_key(digits, 0640, 256), key_path, "0640");
	config_assert_refused(with_key(digits, 0600, 255), "lma.gateways", "255");
	config_assert_refused(with_key("0001020304050607", 0600, 256), key_path, "32 hexadecimal");
	config_assert_refused(with_key("000102030405060708090A0b0c0d0e0f0", 0600, 256), key_path,
		"32 hexadecimal");
	unlink(key_path);
	assert_int_not_equal(ctrl_config_read_gateway_key(key_path, key, why, sizeof(why)), 0);
	assert_non_null(strstr(why, "No such file"));
}

static void refuses_prefixes(void **state)
{
	static const char *const node = "nodes = ( { match = \"*\"; pool = \"p\"; } );\n";
	char text[1024];

	(void)state;
#define ASSERT_POOLS(pools, key, value)                                                            \
	do {                                                                                       \
		snprintf(text, sizeof(text), "pools = ( %s );\n%s", pools, node);                  \
		config_assert_refused(config(gateway, text, ""), key, value);                      \
	} while (0)
	ASSERT_POOLS("{ name = \"p\"; prefix = \"2001:db8:100::/39\"; }", "lma.pools", "/39");
	ASSERT_POOLS("{ name = \"p\"; prefix = \"2001:db8:100::/64\"; length = 60; }", "lma.pools",
		"length 60");
	ASSERT_POOLS("{ name = \"p\"; prefix = \"2001:db8:100::/48\"; },"
		     "{ name = \"q\"; prefix = \"2001:db8:100:5::/64\"; }",
		"lma", "overlap");
	ASSERT_POOLS("{ name = \"p\"; prefix = \"2001:db8:100::/48\"; },"
		     "{ name = \"p\"; prefix = \"2001:db8:200::/48\"; }",
		"lma.pools", "two pools");
	ASSERT_POOLS("{ name = \"q\"; prefix = \"2001:db8:100::/48\"; }", "lma.nodes", "\"p\"");
#undef ASSERT_POOLS
}

static void refuses_nodes(void **state)
{
	static const char *const pool =
		"pools = ( { name = \"p\"; prefix = \"2001:db8:100::/48\"; } );\n";
	char text[1024];

	(void)state;
#define ASSERT_NODES(nodes, value)                                                                 \
	do {                                                                                       \
		snprintf(text, sizeof(text), "%snodes = ( %s );\n", pool, nodes);                  \
		config_assert_refused(config(gateway, text, ""), "lma", value);                    \
	} while (0)
	ASSERT_NODES("{ match = \"a@b\"; }", "neither a pool");
	ASSERT_NODES("{ match = \"a@b\"; pool = \"p\"; }, { match = \"a@b\"; pool = \"p\"; }",
		"given twice");
	ASSERT_NODES("{ match = \"a@b\"; prefixes = [\"2001:db8:100:1::/64\"]; }", "overlap");
	ASSERT_NODES("{ match = \"a@b\"; prefixes = [\"2001:db8:f::/64\"]; },"
		     "{ match = \"c@d\"; prefixes = [\"2001:db8:f::/64\"]; }",
		"overlap");
	ASSERT_NODES("{ match = \"a@b\"; pool = \"p\"; delegated_pool = \"q\"; }", "\"q\"");
	ASSERT_NODES("{ match = \"a@b\"; pool = \"p\"; delegated_per_session = 5; }", "5");
	ASSERT_NODES("{ match = \"a@b\"; delegated_prefixes = [\"2001:db8:f::/56\"]; }",
		"neither a pool");
	ASSERT_NODES("{ match = \"a@b\"; pool = \"p\"; "
		     "delegated_prefixes = [\"2001:db8:100:100::/56\"]; }",
		"overlap");
	ASSERT_NODES("{ match = \"a@b\"; prefixes = [\"2001:db8:f:1::/64\"]; "
		     "delegated_prefixes = [\"2001:db8:f::/56\"]; }",
		"overlap");
#undef ASSERT_NODES
}

static const char *domains(const char *list, const char *others, const char *more)
{
	static char text[8192];

	snprintf(text, sizeof(text), "%sdomains = ( %s );\n", config(gateway, others, more), list);
	return text;
}

static void domains_may_overlap(void **state)
{
	static const char *const two =
		"{ name = \"r\"; number = 5; }, { name = \"b\"; number = 9; }";
	static const char *const others =
		"pools = ( { name = \"p\"; prefix = \"fd00::/48\"; domain = \"r\"; },"
		" { name = \"q\"; prefix = \"fd00::/48\"; domain = \"b\"; },"
		" { name = \"s\"; prefix = \"fd00::/48\"; } );\n"
		"nodes = ( { match = \"@r\"; pool = \"p\"; domain = \"r\"; },"
		" { match = \"a@b\"; prefixes = [\"fd00:1::/64\"]; domain = \"b\"; },"
		" { match = \"a@r\"; prefixes = [\"fd00:1::/64\"]; domain = \"r\"; } );\n";
	struct ctrl_config c;

	(void)state;
	config_load_good(&c, domains(two, others, ""));
	assert_int_equal(ctrl_config_domain_number(&c, "b"), 9);
	assert_int_equal(ctrl_config_domain_number(&c, NULL), 0);
	assert_int_equal(ctrl_config_domain_number(&c, "g"), -1);
	assert_string_equal(ctrl_config_domain_name(&c, 5), "r");
	assert_null(ctrl_config_domain_name(&c, 0));
	ctrl_config_free(&c);
	config_assert_refused(
		domains("{ name = \"r\"; number = 5; }", others, ""), "lma.pools", "\"b\"");
	config_assert_refused(domains(two, others, "gre = \"never\";"), "lma.gre", "keys");
}

static void refuses_domains(void **state)
{
	static const char *const one = "{ name = \"r\"; number = 5; }";

	(void)state;
	config_assert_refused(
		domains("{ name = \"r\"; number = 5; }, { name = \"r\"; number = 6; }", rest, ""),
		"domains[1].name", "two domains");
	config_assert_refused(
		domains("{ name = \"r\"; number = 5; }, { name = \"b\"; number = 5; }", rest, ""),
		"domains[1].number", "both have");
	config_assert_refused(
		domains("{ name = \"public\"; number = 5; }", rest, ""), "domains", "public");
	config_assert_refused(domains("{ name = \"r\"; number = 0; }", rest, ""), "number", "0");
	config_assert_refused(
		domains("{ name = \"r\"; number = 8388608; }", rest, ""), "number", "8388608");
	config_assert_refused(
		domains(one,
			"pools = ( { name = \"p\"; prefix = \"fd00::/48\"; } );\n"
			"nodes = ( { match = \"*\"; pool = \"p\"; domain = \"r\"; } );",
			""),
		"lma.nodes[0].pool", "another domain");
	config_assert_refused(
		domains(one,
			"pools = ( { name = \"p\"; prefix = \"fd00::/48\"; domain = \"r\"; },"
			" { name = \"q\"; prefix = \"fd00::/40\"; domain = \"r\"; } );\n"
			"nodes = ( { match = \"*\"; pool = \"p\"; domain = \"r\"; } );",
			""),
		"lma", "overlap");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(roles_and_groups_agree),
		cmocka_unit_test(refuses_gateways),
		cmocka_unit_test(reads_keys),
		cmocka_unit_test(refuses_prefixes),
		cmocka_unit_test(refuses_nodes),
		cmocka_unit_test(domains_may_overlap),
		cmocka_unit_test(refuses_domains),
	};
	int fd = mkstemp(key_path);

	if (fd < 0)
		return 1;
	close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
