/*
 * Small helpers on jansson: values of ours into objects, and fields out of objects with an error
 * text that a person can act on. Not thread safe beyond what jansson is: one object, one thread.
 */
#pragma once

#include "common/addr.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* json_put_*: set obj[key]. Return 0, or -ENOMEM (also when obj is NULL, so that a chain of puts on
 * a failed json_object() is safe). */
int json_put_str(json_t *obj, const char *key, const char *value); /* NULL becomes null */
int json_put_int(json_t *obj, const char *key, int64_t value);
/* Counters above 2^63 - 1, which JSON integers cannot hold here, are cut to it. */
int json_put_uint(json_t *obj, const char *key, uint64_t value);
int json_put_bool(json_t *obj, const char *key, bool value);
int json_put_addr(
	json_t *obj, const char *key, const struct in6_addr *value); /* NULL becomes null */
int json_put_prefix(json_t *obj, const char *key, const struct prefix6 *value);
int json_put_mac(json_t *obj, const char *key, const struct mac *value);

/* Whether a field must be there. */
enum json_need { JSON_FIELD_OPTIONAL, JSON_FIELD_REQUIRED };

/* Why a field was refused, for people: "field 'spi': expected an integer from 256 to 4294967295,
 * got \"abc\"". */
struct json_why {
	char text[256];
};

/* json_field_*: read obj[key] into *out. Return 1 when it was there and good, 0 when it is optional
 * and absent or null (*out is left alone, so set the default before), -EINVAL with why filled in
 * otherwise. Strings stay owned by the object. */
int json_field_uint(const json_t *obj, const char *key, enum json_need need, uint64_t min,
	uint64_t max, uint64_t *out, struct json_why *why);
int json_field_bool(
	const json_t *obj, const char *key, enum json_need need, bool *out, struct json_why *why);
/* A string of min to max octets, without a NUL inside. */
int json_field_str(const json_t *obj, const char *key, enum json_need need, size_t min, size_t max,
	const char **out, struct json_why *why);
int json_field_addr(const json_t *obj, const char *key, enum json_need need, struct in6_addr *out,
	struct json_why *why);
int json_field_prefix(const json_t *obj, const char *key, enum json_need need, struct prefix6 *out,
	struct json_why *why);
/* Hexadecimal digits, two an octet, min to max octets into out; *len is how many. The text of the
 * value never gets into `why`: such fields are keys. */
int json_field_hex(const json_t *obj, const char *key, enum json_need need, size_t min, size_t max,
	uint8_t *out, size_t *len, struct json_why *why);
/* An array or an object; *out is borrowed from obj. */
int json_field_array(const json_t *obj, const char *key, enum json_need need, const json_t **out,
	struct json_why *why);
int json_field_object(const json_t *obj, const char *key, enum json_need need, const json_t **out,
	struct json_why *why);

/* Checks that obj is an object and has no other fields than those in `names` (NULL-terminated).
 * Returns 0 or -EINVAL: "unknown field 'spl', allowed are 'spi', 'key'". */
int json_fields_known(const json_t *obj, const char *const *names, struct json_why *why);
