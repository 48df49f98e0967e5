#include "common/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[CONFIG_KINDS] = {
	[CONFIG_NONE] = "nothing",
	[CONFIG_BOOL] = "boolean",
	[CONFIG_INT] = "integer",
	[CONFIG_STRING] = "text",
	[CONFIG_ENUM] = "one of",
	[CONFIG_ADDR6] = "IPv6 address",
	[CONFIG_PREFIX6] = "IPv6 prefix",
	[CONFIG_MAC] = "MAC address",
	[CONFIG_DURATION] = "duration",
	[CONFIG_GROUP] = "group",
	[CONFIG_GROUPS] = "list of groups",
	[CONFIG_INTS] = "list of integers",
	[CONFIG_STRINGS] = "list of texts",
	[CONFIG_PREFIXES] = "list of IPv6 prefixes",
};

/* Units of durations, the largest first. */
static const struct {
	const char *name;
	int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

const char *config_kind_name(enum config_kind kind)
{
	return (unsigned)kind < CONFIG_KINDS ? kind_names[kind] : "unknown";
}

bool config_value_is_list(enum config_kind kind)
{
	return kind == CONFIG_GROUPS || kind == CONFIG_INTS || kind == CONFIG_STRINGS ||
	       kind == CONFIG_PREFIXES;
}

struct config_key config_value_item(const struct config_key *list)
{
	struct config_key item = {.name = list->name, .min = list->min, .max = list->max};

	switch (list->kind) {
	case CONFIG_INTS:
		item.kind = CONFIG_INT;
		item.size = sizeof(int64_t);
		break;
	case CONFIG_STRINGS:
		item.kind = CONFIG_STRING;
		item.size = sizeof(char *);
		break;
	case CONFIG_PREFIXES:
		item.kind = CONFIG_PREFIX6;
		item.size = sizeof(struct prefix6);
		break;
	default:
		break;
	}
	return item;
}

/* Bounds of a key; without its own, what the member holds. */
static void bounds(const struct config_key *key, int64_t *min, int64_t *max)
{
	*min = key->min;
	*max = key->max;
	if (*min || *max)
		return;
	if (key->kind == CONFIG_STRING)
		*max = 4095;
	else
		*max = key->size >= 8 ? INT64_MAX : (1ll << key->size * 8) - 1;
}

/* A duration in the largest unit that gives a whole number. */
static const char *duration_text(char *buf, size_t size, int64_t ms)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ms % units[i].ms == 0 && (ms || units[i].ms == 1)) {
			snprintf(buf, size, "%" PRId64 "%s", ms / units[i].ms, units[i].name);
			break;
		}
	}
	return buf;
}

static void allowed_names(const struct config_key *key, char *buf, size_t size)
{
	size_t at = (size_t)snprintf(buf, size, "one of");

	for (size_t i = 0; key->names[i] && at < size; i++)
		at += (size_t)snprintf(
			buf + at, size - at, "%s \"%s\"", i ? "," : "", key->names[i]);
}

void config_value_allowed(const struct config_key *key, char *buf, size_t size)
{
	int64_t min, max;
	char low[24], high[24];

	bounds(key, &min, &max);
	switch (key->kind) {
	case CONFIG_BOOL:
		snprintf(buf, size, "true or false");
		break;
	case CONFIG_INT:
		snprintf(buf, size, "an integer from %" PRId64 " to %" PRId64, min, max);
		break;
	case CONFIG_STRING:
		snprintf(buf, size, "a text of %" PRId64 " to %" PRId64 " octets", min, max);
		break;
	case CONFIG_ENUM:
		allowed_names(key, buf, size);
		break;
	case CONFIG_ADDR6:
		snprintf(buf, size, "an IPv6 address as \"2001:db8::1\"");
		break;
	case CONFIG_PREFIX6:
		snprintf(buf, size, "an IPv6 prefix as \"2001:db8::/64\"");
		break;
	case CONFIG_MAC:
		snprintf(buf, size, "a MAC address as \"02:00:00:00:00:01\"");
		break;
	case CONFIG_DURATION:
		snprintf(buf, size, "a duration from \"%s\" to \"%s\"",
			duration_text(low, sizeof(low), min),
			duration_text(high, sizeof(high), max));
		break;
	default:
		snprintf(buf, size, "a %s", config_kind_name(key->kind));
		break;
	}
}

/* "got VALUE, expected WHAT IS ALLOWED", with a remark behind it. */
__attribute__((format(printf, 5, 6))) static int refuse(const struct config_key *key,
	const char *text, char *why, size_t size, const char *remark, ...)
{
	char allowed[256];
	va_list ap;

	config_value_allowed(key, allowed, sizeof(allowed));
	/* Of a duration, a number without a unit was one without quotes. */
	bool number = key->kind == CONFIG_INT ||
		      (key->kind == CONFIG_DURATION && !text[strspn(text, "+-0123456789")]);
	const char *quote = number ? "" : "\"";
	int n = key->secret ? snprintf(why, size, "expected %s", allowed)
			    : snprintf(why, size, "got %s%.80s%s, expected %s", quote, text, quote,
				      allowed);
	if (n > 0 && (size_t)n < size) {
		va_start(ap, remark);
		vsnprintf(why + n, size - (size_t)n, remark, ap);
		va_end(ap);
	}
	return -EINVAL;
}

static void store_int(const struct config_key *key, void *member, int64_t value)
{
	switch (key->size) {
	case 1:
		*(uint8_t *)member = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)member = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)member = (uint32_t)value;
		break;
	default:
		*(uint64_t *)member = (uint64_t)value;
		break;
	}
}

/* The number at the start of the text; *rest is what follows it. Returns 0, -EINVAL, -ERANGE. */
static int parse_number(const char *text, int64_t *value, const char **rest)
{
	char *end;

	if (!text[strspn(text, "+-")] || strchr(" \t\r\n", text[0]))
		return -EINVAL;
	errno = 0;
	*value = strtoll(text, &end, 10);
	*rest = end;
	if (end == text)
		return -EINVAL;
	return errno == ERANGE ? -ERANGE : 0;
}

/* The unit that a text begins with, and its length; -1: none. */
static int find_unit(const char *text, size_t *length)
{
	*length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == *length && strncmp(text, units[i].name, *length) == 0)
			return (int)i;
	return -1;
}

int config_parse_duration(const char *text, const char *unit, int64_t *ms)
{
	const char *rest;
	int64_t value, part, sum = 0;
	size_t length;
	int last = -1, rc = parse_number(text, &value, &rest);

	if (rc < 0)
		return rc;
	if (*rest == '\0')
		rest = unit ? unit : "ms";
	for (;;) {
		int i = find_unit(rest, &length);

		if (i <= last)
			return -EINVAL;
		last = i;
		if (__builtin_mul_overflow(value, units[i].ms, &part) ||
			__builtin_add_overflow(sum, part, &sum))
			return -ERANGE;
		rest += length;
		if (!*rest) {
			*ms = sum;
			return 0;
		}
		if (*text == '-' || !isdigit((unsigned char)*rest))
			return -EINVAL;
		rc = parse_number(rest, &value, &rest);
		if (rc < 0)
			return rc;
	}
}

static int parse_int(
	const struct config_key *key, const char *text, void *member, char *why, size_t size)
{
	int64_t value = 0, min, max;
	const char *rest = "";
	int rc;

	if (key->kind == CONFIG_DURATION) {
		rc = config_parse_duration(text, key->unit, &value);
	} else {
		rc = parse_number(text, &value, &rest);
		if (*rest)
			rc = -EINVAL;
	}
	bounds(key, &min, &max);
	if (rc < 0 || value < min || value > max)
		return refuse(key, text, why, size, "%s%s",
			key->kind == CONFIG_DURATION ? "; a number without a unit is in " : "",
			key->kind == CONFIG_DURATION ? (key->unit ? key->unit : "ms") : "");
	store_int(key, member, value);
	return 0;
}

static int parse_string(
	const struct config_key *key, const char *text, void *member, char *why, size_t size)
{
	int64_t min, max, len = (int64_t)strlen(text);

	bounds(key, &min, &max);
	if (len < min || len > max)
		return refuse(key, text, why, size, ", this has %" PRId64, len);
	char *copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*(char **)member);
	*(char **)member = copy;
	return 0;
}

static int parse_enum(
	const struct config_key *key, const char *text, void *member, char *why, size_t size)
{
	for (size_t i = 0; key->names[i]; i++) {
		if (strcmp(key->names[i], text) == 0) {
			store_int(key, member, (int64_t)i);
			return 0;
		}
	}
	return refuse(key, text, why, size, "%s", "");
}

static int parse_prefix(
	const struct config_key *key, const char *text, void *member, char *why, size_t size)
{
	struct prefix6 p;
	int rc = prefix6_parse(text, &p);

	if (rc == -EDOM)
		return refuse(key, text, why, size,
			"; bits are set behind the length, perhaps \"%s\" is meant",
			PREFIX6_TEXT(&p));
	if (rc < 0)
		return refuse(key, text, why, size, "%s", "");
	*(struct prefix6 *)member = p;
	return 0;
}

int config_value_parse(
	const struct config_key *key, const char *text, void *member, char *why, size_t why_size)
{
	int rc;

	switch (key->kind) {
	case CONFIG_BOOL:
		if (strcmp(text, "true") && strcmp(text, "false"))
			return refuse(key, text, why, why_size, "%s", "");
		*(bool *)member = text[0] == 't';
		return 0;
	case CONFIG_INT:
	case CONFIG_DURATION:
		return parse_int(key, text, member, why, why_size);
	case CONFIG_STRING:
		return parse_string(key, text, member, why, why_size);
	case CONFIG_ENUM:
		return parse_enum(key, text, member, why, why_size);
	case CONFIG_ADDR6:
		rc = addr_parse(text, member);
		return rc < 0 ? refuse(key, text, why, why_size, "%s", "") : 0;
	case CONFIG_PREFIX6:
		return parse_prefix(key, text, member, why, why_size);
	case CONFIG_MAC:
		rc = mac_parse(text, member);
		return rc < 0 ? refuse(key, text, why, why_size, "%s", "") : 0;
	default:
		return -EINVAL;
	}
}
