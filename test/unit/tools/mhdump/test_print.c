/* What the two printers write for each kind of value. */
#include <errno.h>
#include <stdio.h>

#include "../../proto/mobility/octets.h"
#include "tools/mhdump/print.h"

/* One value of each kind, with a list of objects. */
static void give(const struct visitor *v)
{
	static const struct visit_value values[] = {
		{.kind = VISIT_OBJECT, .clause = "RFC 1, 2"},
		{.kind = VISIT_NUMBER, .name = "big", .number = UINT64_MAX},
		{.kind = VISIT_NUMBER, .name = "lifetime", .number = 15, .unit = "4 s"},
		{.kind = VISIT_BOOL, .name = "bool", .number = 1},
		{.kind = VISIT_FLAGS, .name = "flags", .number = 0xc0, .size = 2, .text = "HI"},
		{.kind = VISIT_NAMED, .name = "status", .number = 7, .text = "fine"},
		{.kind = VISIT_ADDR4,
			.name = "ip4",
			.octets = (const uint8_t *)"\xc0\0\2\1",
			.len = 4},
		{.kind = VISIT_ADDR6,
			.name = "ip6",
			.octets = (const uint8_t *)"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1",
			.len = 16},
		{.kind = VISIT_OCTETS,
			.name = "octets",
			.octets = (const uint8_t *)"\0\xff",
			.len = 2},
		{.kind = VISIT_TEXT, .name = "text", .octets = (const uint8_t *)"a\"b", .len = 3},
		{.kind = VISIT_STRING, .name = "string", .text = "x\\y"},
		{.kind = VISIT_STRING, .name = "nothing"},
		{.kind = VISIT_LIST, .name = "list"},
		{.kind = VISIT_OBJECT, .clause = "RFC 3, 4"},
		{.kind = VISIT_NUMBER, .name = "a", .number = 1},
		{.kind = VISIT_LIST, .name = "inner"},
		{.kind = VISIT_NUMBER, .number = 5},
		{.kind = VISIT_NAMED, .number = 6, .text = "six"},
		{.kind = VISIT_END},
		{.kind = VISIT_END},
		{.kind = VISIT_OBJECT},
		{.kind = VISIT_NUMBER, .name = "b", .number = 2},
		{.kind = VISIT_END},
		{.kind = VISIT_END},
		{.kind = VISIT_LIST, .name = "empty"},
		{.kind = VISIT_END},
		{.kind = VISIT_END},
	};

	for (size_t i = 0; i < COUNT(values); i++)
		assert_int_equal(v->fn(v->context, &values[i]), 0);
}

static void assert_prints(visit_fn *fn, const char *expected)
{
	char *text = NULL;
	size_t len;
	struct print p = {.out = open_memstream(&text, &len)};

	assert_non_null(p.out);
	give(&(struct visitor){fn, &p});
	fclose(p.out);
	assert_string_equal(text, expected);
	free(text);
}

static void json(void **state)
{
	(void)state;
	assert_prints(print_json,
		"{\"big\": 18446744073709551615, \"lifetime\": 15, \"bool\": true, "
		"\"flags\": \"HI\", \"status\": 7, \"status_name\": \"fine\", "
		"\"ip4\": \"192.0.2.1\", \"ip6\": \"2001:db8::1\", \"octets\": \"00ff\", "
		"\"text\": \"a\\\"b\", \"string\": \"x\\\\y\", \"nothing\": null, "
		"\"list\": [{\"a\": 1, \"inner\": [5, 6]}, {\"b\": 2}], \"empty\": []}\n");
}

static void text(void **state)
{
	(void)state;
	assert_prints(print_text, "clause: RFC 1, 2\n"
				  "big: 18446744073709551615\n"
				  "lifetime: 15 x 4 s\n"
				  "bool: yes\n"
				  "flags: 0x00c0 HI\n"
				  "status: 7 (fine)\n"
				  "ip4: 192.0.2.1\n"
				  "ip6: 2001:db8::1\n"
				  "octets: 00ff\n"
				  "text: a\"b\n"
				  "string: x\\y\n"
				  "nothing: -\n"
				  "list:\n"
				  "  - clause: RFC 3, 4\n"
				  "    a: 1\n"
				  "    inner:\n"
				  "      - 5\n"
				  "      - 6 (six)\n"
				  "  - b: 2\n"
				  "empty:\n"
				  "\n");
}

static void a_full_disk_is_noticed(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct print p = {.out = full};
	int rc = 0;

	(void)state;
	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	rc = print_json(&p, &(struct visit_value){.kind = VISIT_OBJECT});
	assert_int_equal(rc, -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json),
		cmocka_unit_test(text),
		cmocka_unit_test(a_full_disk_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
