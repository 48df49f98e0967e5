#include "common/config.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum colour { RED, GREEN };
static const char *const colours[] = {"red", "green", NULL};

struct link {
	char *name;
	struct prefix6 prefix;
};

struct conf {
	bool flag;
	uint16_t port;
	int32_t offset;
	uint32_t spi;
	char *name;
	char *title, *password;
	enum colour colour;
	struct in6_addr address;
	struct prefix6 prefix;
	struct mac mac;
	uint32_t wait;
	uint64_t lifetime;
	struct {
		uint8_t depth;
		char *label;
	} inner;
	struct {
		char *file;
	} extra;
	bool has_extra;
	struct config_list links, numbers, words, prefixes;
};

static int even(const void *at, char *why, size_t size)
{
	uint16_t port = *(const uint16_t *)at;

	if (port % 2 == 0)
		return 0;
	snprintf(why, size, "port %u is odd", port);
	return -1;
}

static const struct config_key link_keys[] = {
	CONFIG_KEY(
		STRING, struct link, name, .min = 1, .max = 15, .required = true, .help = "name"),
	CONFIG_KEY(PREFIX6, struct link, prefix, .text = "2001:db8::/32", .help = "prefix"),
	CONFIG_END,
};
static const struct config_key inner_keys[] = {
	CONFIG_KEY_NAMED("depth", INT, struct conf, inner.depth, .min = 1, .max = 9, .text = "4"),
	CONFIG_KEY_NAMED("label", STRING, struct conf, inner.label, .text = "none"),
	CONFIG_END,
};
static const struct config_key keys[] = {
	CONFIG_KEY(BOOL, struct conf, flag, .text = "true", .help = "a flag"),
	CONFIG_KEY(INT, struct conf, port, .text = "4190", .check = even, .help = "a port"),
	CONFIG_KEY(INT, struct conf, offset, .min = -10, .max = 10),
	CONFIG_KEY(INT, struct conf, spi, .min = 256, .max = UINT32_MAX, .text = "256"),
	CONFIG_KEY(STRING, struct conf, name, .required = true, .help = "a name"),
	CONFIG_KEY(STRING, struct conf, title),
	CONFIG_KEY(STRING, struct conf, password, .max = 8, .secret = true),
	CONFIG_KEY(ENUM, struct conf, colour, .names = colours, .text = "green"),
	CONFIG_KEY(ADDR6, struct conf, address),
	CONFIG_KEY(PREFIX6, struct conf, prefix),
	CONFIG_KEY(MAC, struct conf, mac),
	CONFIG_KEY(DURATION, struct conf, wait, .min = 100, .max = 60000, .text = "300ms"),
	CONFIG_KEY(DURATION, struct conf, lifetime, .unit = "s", .text = "420"),
	{.name = "inner",
		.kind = CONFIG_GROUP,
		.size = sizeof(struct conf),
		.keys = inner_keys,
		.help = "a group"},
	{.name = "extra",
		.kind = CONFIG_GROUP,
		.size = sizeof(struct conf),
		.present = CONFIG_PRESENT(struct conf, has_extra),
		.keys =
			(const struct config_key[]){
				CONFIG_KEY_NAMED(
					"file", STRING, struct conf, extra.file, .required = true),
				CONFIG_END,
			}},
	CONFIG_KEY(GROUPS, struct conf, links, .keys = link_keys, .item_size = sizeof(struct link),
		.max_items = 2, .help = "links"),
	CONFIG_KEY(INTS, struct conf, numbers, .min = 1, .max = 100),
	CONFIG_KEY(STRINGS, struct conf, words),
	CONFIG_KEY(PREFIXES, struct conf, prefixes),
	CONFIG_END,
};

static struct conf conf;
static struct config_report report;

static int load(const char *text)
{
	config_report_free(&report);
	return config_load_text("a.conf", text, keys, &conf, &report);
}

static int unload(void **state)
{
	(void)state;
	config_free(keys, &conf);
	config_report_free(&report);
	return 0;
}

static void defaults_hold(void **state)
{
	(void)state;
	memset(&conf, 0xee, sizeof(conf));
	assert_int_equal(load("name = \"x\";"), 0);
	assert_null(report.text);
	assert_true(conf.flag);
	assert_int_equal(conf.port, 4190);
	assert_int_equal(conf.offset, 0);
	assert_string_equal(conf.name, "x");
	assert_null(conf.title);
	assert_int_equal(conf.colour, GREEN);
	assert_true(addr_is_unspecified(&conf.address));
	assert_int_equal(conf.wait, 300);
	assert_true(conf.lifetime == 420000);
	assert_int_equal(conf.inner.depth, 4);
	assert_string_equal(conf.inner.label, "none");
	assert_false(conf.has_extra);
	assert_int_equal(conf.links.count, 0);
	config_free(keys, &conf);
	assert_null(conf.name);
}

static void every_kind_is_read(void **state)
{
	(void)state;
	assert_int_equal(load("flag = false; port = 0x1f90; offset = -10; spi = 0xffffffff;\n"
			      "name = \"gw\"; title = \"\"; colour = \"red\";\n"
			      "address = \"2001:db8::5\"; prefix = \"2001:db8:1::/48\";\n"
			      "mac = \"02:00:00:00:00:0a\"; wait = \"7s\"; lifetime = 10;\n"
			      "inner = { depth = 9; label = \"deep\"; };\n"
			      "extra = { file = \"f\"; };\n"
			      "links = ( { name = \"a\"; },\n"
			      "          { name = \"b\"; prefix = \"2001:db8:b::/64\"; } );\n"
			      "numbers = [ 1, 100 ]; words = [ \"one\", \"two\" ];\n"
			      "prefixes = ( \"2001:db8::/64\" );\n"),
		0);
	assert_false(conf.flag);
	assert_int_equal(conf.port, 8080);
	assert_int_equal(conf.offset, -10);
	assert_true(conf.spi == UINT32_MAX);
	assert_string_equal(conf.title, "");
	assert_int_equal(conf.colour, RED);
	assert_string_equal(ADDR_TEXT(&conf.address), "2001:db8::5");
	assert_string_equal(PREFIX6_TEXT(&conf.prefix), "2001:db8:1::/48");
	assert_string_equal(MAC_TEXT(&conf.mac), "02:00:00:00:00:0a");
	assert_int_equal(conf.wait, 7000);
	assert_true(conf.lifetime == 10000);
	assert_int_equal(conf.inner.depth, 9);
	assert_string_equal(conf.inner.label, "deep");
	assert_true(conf.has_extra);
	assert_string_equal(conf.extra.file, "f");
	assert_int_equal(conf.links.count, 2);
	assert_string_equal(config_item(&conf.links, struct link, 0)->name, "a");
	assert_int_equal(config_item(&conf.links, struct link, 0)->prefix.len, 32);
	assert_int_equal(config_item(&conf.links, struct link, 1)->prefix.len, 64);
	assert_int_equal(conf.numbers.count, 2);
	assert_true(*config_item(&conf.numbers, int64_t, 1) == 100);
	assert_string_equal(*config_item(&conf.words, char *, 1), "two");
	assert_int_equal(config_item(&conf.prefixes, struct prefix6, 0)->len, 64);
}

/* One error each: the whole line that the operator sees. */
static void errors_name_place_value_and_remedy(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "a.conf: name: is required, but missing\n"},
		{"name = \"x\"; prot = 1;",
			"a.conf:1: prot: unknown key, did you mean \"port\"?\n"},
		{"name = \"x\";\n\nflag = 1;",
			"a.conf:3: flag: got the integer 1, expected true or false\n"},
		{"name = \"x\"; port = 65536;",
			"a.conf:1: port: got 65536, expected an integer from 0 to 65535\n"},
		{"name = \"x\"; port = \"1\";", "a.conf:1: port: got the text \"1\", expected an "
						"integer from 0 to 65535\n"},
		{"name = \"x\"; port = 4191;", "a.conf:1: port: port 4191 is odd\n"},
		{"name = \"x\"; port = -2;",
			"a.conf:1: port: got -2, expected an integer from 0 to 65535\n"},
		{"name = 5;",
			"a.conf:1: name: got the integer 5, expected a text of 0 to 4095 octets\n"},
		{"name = \"x\"; password = 12345678;", "a.conf:1: password: got the integer, "
						       "expected a text of 0 to 8 octets\n"},
		{"name = \"x\"; password = \"123456789\";",
			"a.conf:1: password: expected a text of 0 to 8 octets, this has 9\n"},
		{"name = \"x\"; colour = \"blue\";",
			"a.conf:1: colour: got \"blue\", expected one of \"red\", \"green\"\n"},
		{"name = \"x\"; address = \"2001:db8::g\";",
			"a.conf:1: address: got \"2001:db8::g\", expected an IPv6 address as "
			"\"2001:db8::1\"\n"},
		{"name = \"x\"; prefix = \"2001:db8::1/64\";",
			"a.conf:1: prefix: got \"2001:db8::1/64\", expected an IPv6 prefix as "
			"\"2001:db8::/64\"; bits are set behind the length, perhaps "
			"\"2001:db8::/64\" is meant\n"},
		{"name = \"x\"; mac = \"02\";", "a.conf:1: mac: got \"02\", expected a MAC address "
						"as \"02:00:00:00:00:01\"\n"},
		{"name = \"x\"; wait = 99;",
			"a.conf:1: wait: got 99, expected a duration from \"100ms\" to "
			"\"1min\"; a number without a unit is in ms\n"},
		{"name = \"x\"; wait = \"3 weeks\";",
			"a.conf:1: wait: got \"3 weeks\", expected a duration from \"100ms\" to "
			"\"1min\"; a number without a unit is in ms\n"},
		{"name = \"x\"; inner = 5;",
			"a.conf:1: inner: got the integer 5, expected a group\n"},
		{"name = \"x\"; inner = {\n depth = 10; };",
			"a.conf:2: inner.depth: got 10, expected an integer from 1 to 9\n"},
		{"name = \"x\"; extra = { };", "a.conf:1: extra.file: is required, but missing\n"},
		{"name = \"x\"; links = ( { name = \"a\"; },\n { } );",
			"a.conf:2: links[1].name: is required, but missing\n"},
		{"name = \"x\"; links = ( 1 );", "a.conf:1: links[0]: expected a group: { ... }\n"},
		{"name = \"x\"; links = ({name=\"a\";},{name=\"b\";},{name=\"c\";});",
			"a.conf:1: links: got 3 items, at most 2 are allowed\n"},
		{"name = \"x\"; links = { };",
			"a.conf:1: links: got a group, expected a list of groups\n"},
		{"name = \"x\"; numbers = [ 1, 101 ];",
			"a.conf:1: numbers[1]: got 101, expected an integer from 1 to 100\n"},
		{"name = \"x\"; port = ;", "a.conf:1: syntax error\n"},
		{"name = \"x\";\nname = \"y\";", "a.conf:2: name: is there twice\n"},
		{"name = \"x\"; port = 2; offset = 1; port = 4; # port = 6",
			"a.conf:1: port: is there twice\n"},
		{"name = \"x\"; port = 4294967298;",
			"a.conf:1: port: got 4294967298, expected an integer from 0 to 65535\n"},
		{"name = \"x\"; offset = -4294967297;",
			"a.conf:1: offset: got -4294967297, expected an integer from -10 to 10\n"},
		{"name = \"x\"; port = 0x100000002;",
			"a.conf:1: port: got 4294967298, expected an integer from 0 to 65535\n"},
		{"name = \"x\"; numbers = [ 1,\n 99999999999 ];",
			"a.conf:2: numbers[1]: got 99999999999, expected an integer from 1 to "
			"100\n"},
		{"name = \"x\"; port = 99999999999999999999;",
			"a.conf:1: port: out of range, an integer has at most 64 bits\n"},
		{"name = \"x\"; password = 4294967298;",
			"a.conf:1: password: got the integer, expected a text of 0 to 8 octets\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(load(cases[i].text), -EINVAL);
		assert_string_equal(report.text, cases[i].message);
		assert_int_equal(report.count, 1);
		config_free(keys, &conf);
	}
}

static void all_errors_are_reported(void **state)
{
	(void)state;
	assert_int_equal(load("port = 70000;\nfrob = 1;\nlinks = ( { nmae = \"a\"; } );"), -EINVAL);
	assert_int_equal(report.count, 5);
	assert_non_null(strstr(report.text, "a.conf:1: port: "));
	assert_non_null(strstr(report.text, "a.conf:2: frob: unknown key"));
	assert_non_null(strstr(report.text, "a.conf: name: is required"));
	assert_non_null(strstr(
		report.text, "a.conf:3: links[0].nmae: unknown key, did you mean \"name\"?"));
	assert_non_null(strstr(report.text, "a.conf:3: links[0].name: is required"));
	config_report_add(&report, "a.conf", 7, "wait", "longer than %s", "lifetime");
	assert_int_equal(report.count, 6);
	assert_non_null(strstr(report.text, "a.conf:7: wait: longer than lifetime\n"));
}

/* What is found wrong later has the line of its key, or of what the key is missing in. */
static void later_errors_have_lines(void **state)
{
	(void)state;
	assert_int_equal(load("name = \"x\";\nport = 2;\nlinks = (\n  { name = \"a\"; },\n"
			      "  {\n    name = \"b\"; } );"),
		0);
	config_report_add(&report, "a.conf", 0, "port", "one");
	config_report_add(&report, "a.conf", 0, "links[1].name", "two");
	config_report_add(&report, "a.conf", 0, CONFIG_ITEM_TEXT("links", 1, "prefix"), "three");
	config_report_add(&report, "a.conf", 0, CONFIG_ITEM_TEXT("links", 0, ""), "four");
	config_report_add(&report, "a.conf", 0, "links.name", "five");
	config_report_add(&report, "a.conf", 0, "link", "six");
	config_report_add(&report, "a.conf", 0, NULL, "seven");
	assert_string_equal(report.text,
		"a.conf:2: port: one\na.conf:6: links[1].name: two\n"
		"a.conf:5: links[1].prefix: three\na.conf:4: links[0]: four\n"
		"a.conf:3: links.name: five\na.conf: link: six\na.conf: seven\n");
	config_report_free(&report);
	config_report_add(&report, "a.conf", 0, "port", "eight");
	assert_string_equal(report.text, "a.conf: port: eight\n");
}

/* All that an integer may be written as, next to what only looks like one. */
static void integers(void **state)
{
	(void)state;
	assert_int_equal(load("/* 99999999999 */ name = \"99999999999\\\" 4294967296\";\n"
			      "// 4294967296\n# \"4294967296\nspi = 4294967295; offset = +7;\n"
			      "numbers = [ 1L, 0x64 ]; port = 0x000000002; lifetime = 2147483648;"),
		0);
	assert_null(report.text);
	assert_string_equal(conf.name, "99999999999\" 4294967296");
	assert_true(conf.spi == UINT32_MAX);
	assert_int_equal(conf.offset, 7);
	assert_int_equal(conf.port, 2);
	assert_true(conf.lifetime == 2147483648000);
	assert_true(*config_item(&conf.numbers, int64_t, 1) == 100);
}

static void durations(void **state)
{
	int64_t ms = 0;

	(void)state;
	assert_int_equal(config_parse_duration("300ms", NULL, &ms), 0);
	assert_true(ms == 300);
	assert_int_equal(config_parse_duration("5min", NULL, &ms), 0);
	assert_true(ms == 300000);
	assert_int_equal(config_parse_duration("2h", NULL, &ms), 0);
	assert_true(ms == 7200000);
	assert_int_equal(config_parse_duration("1d", NULL, &ms), 0);
	assert_true(ms == 86400000);
	assert_int_equal(config_parse_duration("7", "s", &ms), 0);
	assert_true(ms == 7000);
	assert_int_equal(config_parse_duration("7", NULL, &ms), 0);
	assert_true(ms == 7);
	assert_int_equal(config_parse_duration("7m05s", "ms", &ms), 0);
	assert_true(ms == 425000);
	assert_int_equal(config_parse_duration("2d03h", NULL, &ms), 0);
	assert_true(ms == 51 * 3600000);
	assert_int_equal(config_parse_duration("1m9223372036854775807s", NULL, &ms), -ERANGE);
	assert_int_equal(config_parse_duration("9223372036854775807d", NULL, &ms), -ERANGE);
	assert_int_equal(config_parse_duration("92233720368547758070ms", NULL, &ms), -ERANGE);
	static const char *const bad[] = {"", "s", "1.5s", "7 s", "7S", " 7s", "7s ", "--7s",
		"7s5m", "7s7s", "7m5", "7m-5s", "-7m5s", "7mm"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(config_parse_duration(bad[i], NULL, &ms), -EINVAL);
}

static void files(void **state)
{
	char dir[] = "/tmp/dmm-config-XXXXXX", path[64], part[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/main.conf", dir);
	snprintf(part, sizeof(part), "%s/part.conf", dir);
	config_report_free(&report);
	assert_int_equal(config_load(path, keys, &conf, &report), -ENOENT);
	assert_non_null(strstr(report.text, "main.conf: cannot be read: No such file"));
	config_report_free(&report);
	assert_int_equal(config_load(dir, keys, &conf, &report), -EISDIR);
	config_report_free(&report);

	/* An included file is looked for beside the file, and named in its own errors. */
	FILE *f = fopen(path, "w");
	fputs("name = \"x\";\n@include \"part.conf\"\n", f);
	fclose(f);
	f = fopen(part, "w");
	fputs("\nport = 3;\n", f);
	fclose(f);
	assert_int_equal(config_load(path, keys, &conf, &report), -EINVAL);
	assert_non_null(strstr(report.text, "part.conf:2: port: port 3 is odd\n"));
	config_free(keys, &conf);
	config_report_free(&report);
	f = fopen(part, "w");
	fputs("port = 4;\nspi = 99999999999;", f);
	fclose(f);
	assert_int_equal(config_load(path, keys, &conf, &report), -EINVAL);
	assert_non_null(strstr(report.text, "part.conf:2: spi: got 99999999999, expected"));
	config_free(keys, &conf);
	config_report_free(&report);
	f = fopen(part, "w");
	fputs("port = 4;\n@include \"part.conf\"\n", f);
	fclose(f);
	assert_int_equal(config_load(path, keys, &conf, &report), -ELOOP);
	assert_non_null(strstr(report.text, "part.conf: cannot be read: too many files"));
	config_free(keys, &conf);
	config_report_free(&report);
	f = fopen(part, "w");
	fwrite("port = 4;\n\0port = 5;", 1, 20, f);
	fclose(f);
	assert_int_equal(config_load(path, keys, &conf, &report), -EILSEQ);
	assert_non_null(strstr(report.text, "main.conf:2: "));
	config_free(keys, &conf);
	config_report_free(&report);
	f = fopen(part, "w");
	fputs("port = 4;\n", f);
	fclose(f);
	assert_int_equal(config_load(path, keys, &conf, &report), 0);
	assert_int_equal(conf.port, 4);
	unlink(path);
	unlink(part);
	rmdir(dir);
}

static void reference_lists_all_keys(void **state)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	config_print_reference(f, keys);
	fclose(f);
	assert_non_null(
		strstr(text, "| `port` | an integer from 0 to 65535 | `4190` | a port |\n"));
	assert_non_null(
		strstr(text, "| `name` | a text of 0 to 4095 octets | required | a name |\n"));
	assert_non_null(strstr(text, "| `links` | a list of groups, at most 2 | none | links |\n"));
	assert_non_null(strstr(text, "### `links` (each item)\n"));
	assert_non_null(strstr(text, "### `inner`\n"));
	assert_non_null(strstr(text, "| `numbers` | list, each an integer from 1 to 100 |"));
	assert_non_null(strstr(text, ", or a number of s | `420` |"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(defaults_hold, unload),
		cmocka_unit_test_teardown(every_kind_is_read, unload),
		cmocka_unit_test_teardown(errors_name_place_value_and_remedy, unload),
		cmocka_unit_test_teardown(all_errors_are_reported, unload),
		cmocka_unit_test_teardown(later_errors_have_lines, unload),
		cmocka_unit_test_teardown(integers, unload),
		cmocka_unit_test(durations),
		cmocka_unit_test_teardown(files, unload),
		cmocka_unit_test(reference_lists_all_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
