#include "common/json.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>

static json_t *object(const char *text)
{
	json_t *obj = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	assert_non_null(obj);
	return obj;
}

static void puts_values(void **state)
{
	json_t *obj = json_object();
	struct in6_addr a;
	struct prefix6 p;
	struct mac m = {{2, 0, 0, 0, 0, 1}};

	(void)state;
	addr_parse("2001:db8::1", &a);
	prefix6_parse("2001:db8::/32", &p);
	assert_int_equal(json_put_str(obj, "s", "text"), 0);
	assert_int_equal(json_put_str(obj, "bytes", "a\xff\xfe"), 0);
	assert_int_equal(json_put_str(obj, "none", NULL), 0);
	assert_int_equal(json_put_int(obj, "i", -5), 0);
	assert_int_equal(json_put_uint(obj, "u", UINT64_MAX), 0);
	assert_int_equal(json_put_bool(obj, "b", true), 0);
	assert_int_equal(json_put_addr(obj, "a", &a), 0);
	assert_int_equal(json_put_addr(obj, "nowhere", NULL), 0);
	assert_int_equal(json_put_prefix(obj, "p", &p), 0);
	assert_int_equal(json_put_mac(obj, "m", &m), 0);
	char *text = json_dumps(obj, JSON_COMPACT);
	assert_string_equal(text,
		"{\"s\":\"text\",\"bytes\":\"a??\",\"none\":null,\"i\":-5,"
		"\"u\":9223372036854775807,\"b\":true,\"a\":\"2001:db8::1\",\"nowhere\":null,"
		"\"p\":\"2001:db8::/32\",\"m\":\"02:00:00:00:00:01\"}");
	free(text);
	json_decref(obj);
	assert_int_equal(json_put_str(NULL, "s", "text"), -ENOMEM);
}

static void reads_good_fields(void **state)
{
	json_t *obj = object("{\"u\":256,\"b\":true,\"s\":\"ab\",\"a\":\"2001:db8::1\","
			     "\"p\":\"2001:db8::/32\",\"k\":\"00FFa5\",\"l\":[1],\"o\":{},"
			     "\"n\":null}");
	struct json_why why = {""};
	uint64_t u;
	bool b = false;
	const char *s;
	struct in6_addr a;
	struct prefix6 p;
	uint8_t key[3];
	size_t len;
	const json_t *inner;

	(void)state;
	assert_int_equal(json_field_uint(obj, "u", JSON_FIELD_REQUIRED, 256, 256, &u, &why), 1);
	assert_int_equal(u, 256);
	assert_int_equal(json_field_bool(obj, "b", JSON_FIELD_REQUIRED, &b, &why), 1);
	assert_true(b);
	assert_int_equal(json_field_str(obj, "s", JSON_FIELD_REQUIRED, 1, 2, &s, &why), 1);
	assert_string_equal(s, "ab");
	assert_int_equal(json_field_addr(obj, "a", JSON_FIELD_REQUIRED, &a, &why), 1);
	assert_string_equal(ADDR_TEXT(&a), "2001:db8::1");
	assert_int_equal(json_field_prefix(obj, "p", JSON_FIELD_REQUIRED, &p, &why), 1);
	assert_int_equal(p.len, 32);
	assert_int_equal(json_field_hex(obj, "k", JSON_FIELD_REQUIRED, 1, 3, key, &len, &why), 1);
	assert_int_equal(len, 3);
	assert_memory_equal(key, "\x00\xff\xa5", 3);
	assert_int_equal(json_field_array(obj, "l", JSON_FIELD_REQUIRED, &inner, &why), 1);
	assert_int_equal(json_array_size(inner), 1);
	assert_int_equal(json_field_object(obj, "o", JSON_FIELD_REQUIRED, &inner, &why), 1);
	/* Absent and null leave the default alone. */
	u = 77;
	assert_int_equal(json_field_uint(obj, "x", JSON_FIELD_OPTIONAL, 0, 9, &u, &why), 0);
	assert_int_equal(json_field_uint(obj, "n", JSON_FIELD_OPTIONAL, 0, 9, &u, &why), 0);
	assert_int_equal(u, 77);
	assert_string_equal(why.text, "");
	json_decref(obj);
}

static void says_what_is_wrong(void **state)
{
	json_t *obj = object("{\"spi\":255,\"neg\":-1,\"real\":1.5,\"text\":\"abc\",\"l\":[],"
			     "\"host\":\"2001:db8::1/32\",\"nul\":\"a\\u0000b\",\"none\":null}");
	struct json_why why;
	uint64_t u = 7;
	const char *s;
	struct in6_addr a;
	struct prefix6 p;
	const json_t *inner;
	bool b;

	(void)state;
	assert_int_equal(
		json_field_uint(obj, "spi", JSON_FIELD_REQUIRED, 256, UINT32_MAX, &u, &why),
		-EINVAL);
	assert_string_equal(
		why.text, "field 'spi': expected an integer from 256 to 4294967295, got 255");
	json_field_uint(obj, "neg", JSON_FIELD_OPTIONAL, 0, UINT64_MAX, &u, &why);
	assert_string_equal(why.text,
		"field 'neg': expected an integer from 0 to 18446744073709551615, got -1");
	json_field_uint(obj, "text", JSON_FIELD_OPTIONAL, 0, 9, &u, &why);
	assert_string_equal(why.text, "field 'text': expected an integer from 0 to 9, got \"abc\"");
	assert_int_equal(
		json_field_uint(obj, "real", JSON_FIELD_OPTIONAL, 0, 9, &u, &why), -EINVAL);
	assert_int_equal(u, 7);
	assert_int_equal(
		json_field_uint(obj, "none", JSON_FIELD_REQUIRED, 0, 9, &u, &why), -EINVAL);
	assert_string_equal(why.text, "field 'none' is missing");
	json_field_bool(obj, "l", JSON_FIELD_REQUIRED, &b, &why);
	assert_string_equal(why.text, "field 'l': expected true or false, got an array");
	assert_int_equal(json_field_str(obj, "text", JSON_FIELD_REQUIRED, 4, 9, &s, &why), -EINVAL);
	assert_int_equal(json_field_str(obj, "nul", JSON_FIELD_REQUIRED, 1, 9, &s, &why), -EINVAL);
	json_field_addr(obj, "text", JSON_FIELD_REQUIRED, &a, &why);
	assert_string_equal(why.text, "field 'text': expected an IPv6 address, got \"abc\"");
	json_field_prefix(obj, "host", JSON_FIELD_REQUIRED, &p, &why);
	assert_string_equal(why.text, "field 'host': expected a prefix without bits behind its "
				      "length (2001:db8::/32), got \"2001:db8::1/32\"");
	assert_int_equal(json_field_object(obj, "l", JSON_FIELD_REQUIRED, &inner, &why), -EINVAL);
	assert_int_equal(json_field_array(obj, "text", JSON_FIELD_REQUIRED, &inner, &why), -EINVAL);
	json_decref(obj);

	obj = object("[]");
	assert_int_equal(json_field_bool(obj, "b", JSON_FIELD_OPTIONAL, &b, &why), -EINVAL);
	assert_string_equal(why.text, "expected an object with a field 'b'");
	json_decref(obj);
}

/* A key that is refused must not show up in the message. */
static void secrets_stay_secret(void **state)
{
	static const char *const bad[] = {
		"{\"k\":\"abc\"}", "{\"k\":\"abxd\"}", "{\"k\":\"aabbccdd\"}", "{\"k\":171205}"};
	struct json_why why;
	uint8_t key[3] = {0};
	size_t len = 9;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *obj = object(bad[i]);

		assert_int_equal(
			json_field_hex(obj, "k", JSON_FIELD_REQUIRED, 1, 3, key, &len, &why),
			-EINVAL);
		assert_string_equal(
			why.text, "field 'k': expected 1 to 3 octets in hexadecimal digits");
		assert_int_equal(len, 9);
		json_decref(obj);
	}
}

static void unknown_fields_are_named(void **state)
{
	static const char *const names[] = {"spi", "key", NULL};
	struct json_why why;
	json_t *obj = object("{\"spi\":1,\"kye\":2}");

	(void)state;
	assert_int_equal(json_fields_known(obj, names, &why), -EINVAL);
	assert_string_equal(why.text, "unknown field 'kye', allowed are 'spi', 'key'");
	json_object_del(obj, "kye");
	assert_int_equal(json_fields_known(obj, names, &why), 0);
	json_decref(obj);
	obj = object("5");
	assert_int_equal(json_fields_known(obj, names, &why), -EINVAL);
	assert_string_equal(why.text, "expected an object, got 5");
	json_decref(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_values),
		cmocka_unit_test(reads_good_fields),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(secrets_stay_secret),
		cmocka_unit_test(unknown_fields_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
