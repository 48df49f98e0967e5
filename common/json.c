#include "common/json.h"

#include "common/hex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int put(json_t *obj, const char *key, json_t *value)
{
	/* Takes over the value also when it fails. */
	return json_object_set_new(obj, key, value) == 0 ? 0 : -ENOMEM;
}

int json_put_str(json_t *obj, const char *key, const char *value)
{
	if (!value)
		return put(obj, key, json_null());
	json_t *text = json_string(value);
	if (text)
		return put(obj, key, text);

	/* Not UTF-8: an octet string of the network's. Its ASCII part is better than nothing. */
	char *ascii = strdup(value);
	if (!ascii)
		return -ENOMEM;
	for (char *c = ascii; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	int rc = put(obj, key, json_string(ascii));
	free(ascii);
	return rc;
}

int json_put_int(json_t *obj, const char *key, int64_t value)
{
	return put(obj, key, json_integer(value));
}

int json_put_uint(json_t *obj, const char *key, uint64_t value)
{
	return json_put_int(obj, key, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

int json_put_bool(json_t *obj, const char *key, bool value)
{
	return put(obj, key, json_boolean(value));
}

int json_put_addr(json_t *obj, const char *key, const struct in6_addr *value)
{
	return put(obj, key, value ? json_string(ADDR_TEXT(value)) : json_null());
}

int json_put_prefix(json_t *obj, const char *key, const struct prefix6 *value)
{
	return put(obj, key, json_string(PREFIX6_TEXT(value)));
}

int json_put_mac(json_t *obj, const char *key, const struct mac *value)
{
	return put(obj, key, json_string(MAC_TEXT(value)));
}

/* A short text of a value that was not what is expected. */
static void describe(const json_t *value, char *buf, size_t size)
{
	if (json_is_object(value) || json_is_array(value)) {
		snprintf(buf, size, "%s", json_is_object(value) ? "an object" : "an array");
		return;
	}
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	if (text && strlen(text) < size)
		snprintf(buf, size, "%s", text);
	else if (text)
		snprintf(buf, size, "%.*s...", (int)size - 4, text);
	else
		snprintf(buf, size, "an unprintable value");
	free(text);
}

/* "field 'KEY': expected WHAT, got VALUE"; a secret value is not shown. */
__attribute__((format(printf, 5, 6))) static int wrong(struct json_why *why, const char *key,
	const json_t *value, bool secret, const char *fmt, ...)
{
	char what[128], got[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (!secret)
		describe(value, got, sizeof(got));
	snprintf(why->text, sizeof(why->text), "field '%s': expected %s%s%s", key, what,
		secret ? "" : ", got ", secret ? "" : got);
	return -EINVAL;
}

/* Finds a field: 1, 0 when it may be absent and is, -EINVAL. */
static int find(const json_t *obj, const char *key, enum json_need need, const json_t **value,
	struct json_why *why)
{
	if (!json_is_object(obj)) {
		snprintf(why->text, sizeof(why->text), "expected an object with a field '%s'", key);
		return -EINVAL;
	}
	*value = json_object_get(obj, key);
	if (*value && !json_is_null(*value))
		return 1;
	if (need == JSON_FIELD_OPTIONAL)
		return 0;
	snprintf(why->text, sizeof(why->text), "field '%s' is missing", key);
	return -EINVAL;
}

int json_field_uint(const json_t *obj, const char *key, enum json_need need, uint64_t min,
	uint64_t max, uint64_t *out, struct json_why *why)
{
	const json_t *value;
	int rc = find(obj, key, need, &value, why);

	if (rc <= 0)
		return rc;
	json_int_t n = json_integer_value(value);
	if (!json_is_integer(value) || n < 0 || (uint64_t)n < min || (uint64_t)n > max)
		return wrong(why, key, value, false, "an integer from %llu to %llu",
			(unsigned long long)min, (unsigned long long)max);
	*out = (uint64_t)n;
	return 1;
}

int json_field_bool(
	const json_t *obj, const char *key, enum json_need need, bool *out, struct json_why *why)
{
	const json_t *value;
	int rc = find(obj, key, need, &value, why);

	if (rc <= 0)
		return rc;
	if (!json_is_boolean(value))
		return wrong(why, key, value, false, "true or false");
	*out = json_is_true(value);
	return 1;
}

int json_field_str(const json_t *obj, const char *key, enum json_need need, size_t min, size_t max,
	const char **out, struct json_why *why)
{
	const json_t *value;
	int rc = find(obj, key, need, &value, why);

	if (rc <= 0)
		return rc;
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	if (!text || len < min || len > max || strlen(text) != len)
		return wrong(why, key, value, false, "a text of %zu to %zu octets", min, max);
	*out = text;
	return 1;
}

int json_field_addr(const json_t *obj, const char *key, enum json_need need, struct in6_addr *out,
	struct json_why *why)
{
	const json_t *value;
	struct in6_addr a;
	int rc = find(obj, key, need, &value, why);

	if (rc <= 0)
		return rc;
	if (!json_is_string(value) || addr_parse(json_string_value(value), &a) < 0)
		return wrong(why, key, value, false, "an IPv6 address");
	*out = a;
	return 1;
}

int json_field_prefix(const json_t *obj, const char *key, enum json_need need, struct prefix6 *out,
	struct json_why *why)
{
	const json_t *value;
	struct prefix6 p;
	int rc = find(obj, key, need, &value, why);

	if (rc <= 0)
		return rc;
	rc = json_is_string(value) ? prefix6_parse(json_string_value(value), &p) : -EINVAL;
	if (rc == -EDOM)
		return wrong(why, key, value, false, "a prefix without bits behind its length (%s)",
			PREFIX6_TEXT(&p));
	if (rc < 0)
		return wrong(why, key, value, false, "an IPv6 prefix (ADDRESS/LENGTH)");
	*out = p;
	return 1;
}

int json_field_hex(const json_t *obj, const char *key, enum json_need need, size_t min, size_t max,
	uint8_t *out, size_t *len, struct json_why *why)
{
	const json_t *value;
	int rc = find(obj, key, need, &value, why);

	if (rc <= 0)
		return rc;
	const char *text = json_string_value(value);
	size_t digits = json_string_length(value);
	bool good = text && digits % 2 == 0 && digits / 2 >= min && digits / 2 <= max;

	for (size_t i = 0; good && i < digits; i++)
		good = hex_digit(text[i]) >= 0;
	if (!good)
		return wrong(
			why, key, value, true, "%zu to %zu octets in hexadecimal digits", min, max);
	for (size_t i = 0; i < digits / 2; i++)
		out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	*len = digits / 2;
	return 1;
}

int json_field_array(const json_t *obj, const char *key, enum json_need need, const json_t **out,
	struct json_why *why)
{
	const json_t *value;
	int rc = find(obj, key, need, &value, why);

	if (rc <= 0)
		return rc;
	if (!json_is_array(value))
		return wrong(why, key, value, false, "an array");
	*out = value;
	return 1;
}

int json_field_object(const json_t *obj, const char *key, enum json_need need, const json_t **out,
	struct json_why *why)
{
	const json_t *value;
	int rc = find(obj, key, need, &value, why);

	if (rc <= 0)
		return rc;
	if (!json_is_object(value))
		return wrong(why, key, value, false, "an object");
	*out = value;
	return 1;
}

/* Adds to a text of limited size. */
static void append(struct json_why *why, const char *text)
{
	size_t at = strlen(why->text);

	snprintf(why->text + at, sizeof(why->text) - at, "%s", text);
}

static bool is_known(const char *const *names, const char *key)
{
	for (; *names; names++)
		if (strcmp(*names, key) == 0)
			return true;
	return false;
}

int json_fields_known(const json_t *obj, const char *const *names, struct json_why *why)
{
	const char *key;
	json_t *value;

	if (!json_is_object(obj)) {
		char got[64];

		describe(obj, got, sizeof(got));
		snprintf(why->text, sizeof(why->text), "expected an object, got %s", got);
		return -EINVAL;
	}
	json_object_foreach((json_t *)obj, key, value)
	{
		if (is_known(names, key))
			continue;
		snprintf(why->text, sizeof(why->text), "unknown field '%.40s', allowed are ", key);
		for (size_t i = 0; names[i]; i++) {
			append(why, i ? ", '" : "'");
			append(why, names[i]);
			append(why, "'");
		}
		return -EINVAL;
	}
	return 0;
}
