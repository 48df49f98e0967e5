/*
 * A subscriber by itself: what makes it valid, and its record in the store.
 *
 * Record: version (8 bits), id (32), SPI (32), longest lifetime in seconds (32), authentication
 * (8), replay protection (8), enabled (8), length of the MN-ID (8) and the MN-ID, length of the key
 * (8) and the key, number of home addresses (8) and the addresses. Version 2: limits of multicast.
 * Version 3: care-of addresses (16) and flow bindings (16), each NO_LIMIT when it is as configured,
 * and whether limits of multicast follow (8).
 */
#include "ctrl/binding/subscriber.h"

#include "ctrl/binding/binding.h"
#include "ctrl/binding/flow.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	RECORD_VERSION = 1,
	RECORD_VERSION_MULTICAST = 2,
	RECORD_VERSION_LIMITS = 3,
	NO_LIMIT = UINT16_MAX,
};

const char *const subscriber_auth_names[SUBSCRIBER_AUTHS + 1] = {
	[SUBSCRIBER_AUTH_REQUIRED] = "required",
	[SUBSCRIBER_AUTH_NONE] = "none",
};

const char *const subscriber_replay_names[SUBSCRIBER_REPLAYS + 1] = {
	[SUBSCRIBER_REPLAY_TIMESTAMP] = "timestamp",
	[SUBSCRIBER_REPLAY_SEQUENCE] = "sequence",
};

__attribute__((format(printf, 2, 3))) static int refuse(
	struct subscriber_why *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

/* Graphic ASCII and UTF-8 (RFC 7542, 2.2); nothing that could break a line of text. */
static bool mn_id_good(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
			return false;
	return len > 0 && len <= SUBSCRIBER_MN_ID_MAX && text[len] == '\0';
}

static int check_homes(const struct subscriber_spec *spec, struct subscriber_why *why)
{
	if (spec->home_count < 1 || spec->home_count > SUBSCRIBER_HOME_MAX)
		return refuse(why, "home_addresses: 1 to %d are needed, got %u",
			SUBSCRIBER_HOME_MAX, spec->home_count);
	for (size_t i = 0; i < spec->home_count; i++) {
		if (!addr_is_unicast_routable(&spec->home[i]))
			return refuse(why,
				"home_addresses: %s is no global or unique local address",
				ADDR_TEXT(&spec->home[i]));
		for (size_t j = 0; j < i; j++)
			if (addr_equal(&spec->home[i], &spec->home[j]))
				return refuse(why, "home_addresses: %s is given twice",
					ADDR_TEXT(&spec->home[i]));
	}
	return 0;
}

static int check_multicast(const struct subscriber_multicast *m, struct subscriber_why *why)
{
	if (!m->limited)
		return 0;
	if (m->max_groups > SUBSCRIBER_LISTEN_MAX || m->group_count > SUBSCRIBER_GROUPS_MAX)
		return refuse(why, "multicast: at most %d groups and %d prefixes",
			SUBSCRIBER_LISTEN_MAX, SUBSCRIBER_GROUPS_MAX);
	for (size_t i = 0; i < m->group_count; i++)
		if (!addr_is_multicast(&m->groups[i].addr) || m->groups[i].len < 8)
			return refuse(why, "multicast_groups: %s is no prefix of groups",
				PREFIX6_TEXT(&m->groups[i]));
	return 0;
}

static int check_limits(const struct subscriber_limits *limits, struct subscriber_why *why)
{
	if (limits->has_bindings && limits->bindings > BINDING_MAX)
		return refuse(why, "max_bindings: %u is not within 0 to %d", limits->bindings,
			BINDING_MAX);
	if (limits->has_flows && limits->flows > FLOW_MAX)
		return refuse(why, "max_flows: %u is not within 0 to %d", limits->flows, FLOW_MAX);
	return 0;
}

int subscriber_spec_check(const struct subscriber_spec *spec, struct subscriber_why *why)
{
	if (check_multicast(&spec->multicast, why) < 0 || check_limits(&spec->limits, why) < 0)
		return -EINVAL;
	if (!mn_id_good(spec->mn_id, spec->mn_id_len))
		return refuse(why,
			"mn_id: 1 to %d octets without spaces and control characters are needed",
			SUBSCRIBER_MN_ID_MAX);
	if ((unsigned)spec->auth >= SUBSCRIBER_AUTHS)
		return refuse(why, "auth: \"required\" or \"none\" is needed");
	if ((unsigned)spec->replay >= SUBSCRIBER_REPLAYS)
		return refuse(why, "replay: \"timestamp\" or \"sequence\" is needed");
	if (spec->auth == SUBSCRIBER_AUTH_REQUIRED && !spec->has_key)
		return refuse(why, "key: is needed unless auth is \"none\"");
	if (spec->has_key && spec->spi < SUBSCRIBER_SPI_MIN)
		return refuse(why, "spi: %u is reserved, %d to 4294967295 is needed (RFC 4285, 5)",
			spec->spi, SUBSCRIBER_SPI_MIN);
	if (!spec->has_key && spec->spi)
		return refuse(why, "key: is needed with an spi");
	if (spec->max_lifetime_s && (spec->max_lifetime_s < SUBSCRIBER_LIFETIME_MIN ||
					    spec->max_lifetime_s > SUBSCRIBER_LIFETIME_MAX))
		return refuse(why, "max_lifetime_s: %u is not within %d to %d",
			spec->max_lifetime_s, SUBSCRIBER_LIFETIME_MIN, SUBSCRIBER_LIFETIME_MAX);
	return check_homes(spec, why);
}

static void encode_multicast(struct writer *w, const struct subscriber_multicast *m)
{
	writer_u8(w, m->max_groups);
	writer_u8(w, m->group_count);
	for (size_t i = 0; i < m->group_count; i++) {
		writer_addr6(w, &m->groups[i].addr);
		writer_u8(w, m->groups[i].len);
	}
}

static void decode_multicast(struct cursor *c, struct subscriber_multicast *m)
{
	m->limited = true;
	m->max_groups = cursor_u8(c);
	m->group_count = cursor_u8(c);
	if (m->group_count > SUBSCRIBER_GROUPS_MAX) {
		cursor_fail(c);
		return;
	}
	for (size_t i = 0; i < m->group_count; i++) {
		const struct in6_addr addr = cursor_addr6(c);
		uint8_t len = cursor_u8(c);

		m->groups[i] = prefix6_of(&addr, len);
		if (m->groups[i].len != len || !addr_equal(&m->groups[i].addr, &addr))
			cursor_fail(c);
	}
}

static bool has_limits(const struct subscriber_limits *limits)
{
	return limits->has_bindings || limits->has_flows;
}

static void encode_limits(struct writer *w, const struct subscriber_spec *spec)
{
	const struct subscriber_limits *limits = &spec->limits;

	writer_u16(w, limits->has_bindings ? limits->bindings : NO_LIMIT);
	writer_u16(w, limits->has_flows ? limits->flows : NO_LIMIT);
	writer_u8(w, spec->multicast.limited);
}

/* Returns whether limits of multicast follow. */
static bool decode_limits(struct cursor *c, struct subscriber_limits *limits)
{
	uint16_t bindings = cursor_u16(c);
	uint8_t multicast;

	limits->flows = cursor_u16(c);
	multicast = cursor_u8(c);
	limits->has_bindings = bindings != NO_LIMIT;
	limits->has_flows = limits->flows != NO_LIMIT;
	if ((limits->has_bindings && bindings > BINDING_MAX) || multicast > 1 ||
		!has_limits(limits))
		cursor_fail(c);
	limits->bindings = limits->has_bindings ? (uint8_t)bindings : 0;
	if (!limits->has_flows)
		limits->flows = 0;
	return multicast == 1;
}

static uint8_t version_of(const struct subscriber_spec *spec)
{
	if (has_limits(&spec->limits))
		return RECORD_VERSION_LIMITS;
	return spec->multicast.limited ? RECORD_VERSION_MULTICAST : RECORD_VERSION;
}

int subscriber_encode(struct writer *w, const struct subscriber_spec *spec)
{
	struct subscriber_why why;

	if (!spec->id || subscriber_spec_check(spec, &why) < 0)
		return -EINVAL;
	writer_u8(w, version_of(spec));
	writer_u32(w, spec->id);
	writer_u32(w, spec->spi);
	writer_u32(w, spec->max_lifetime_s);
	writer_u8(w, (uint8_t)spec->auth);
	writer_u8(w, (uint8_t)spec->replay);
	writer_u8(w, spec->enabled);
	writer_u8(w, spec->mn_id_len);
	writer_bytes(w, spec->mn_id, spec->mn_id_len);
	writer_u8(w, spec->has_key ? SUBSCRIBER_KEY_LEN : 0);
	writer_bytes(w, spec->key, spec->has_key ? SUBSCRIBER_KEY_LEN : 0);
	writer_u8(w, spec->home_count);
	for (size_t i = 0; i < spec->home_count; i++)
		writer_addr6(w, &spec->home[i]);
	if (has_limits(&spec->limits))
		encode_limits(w, spec);
	if (spec->multicast.limited)
		encode_multicast(w, &spec->multicast);
	return writer_ok(w) ? 0 : -ENOSPC;
}

int subscriber_decode(struct cursor *c, struct subscriber_spec *spec)
{
	struct subscriber_why why;
	uint8_t version, enabled, key_len;

	memset(spec, 0, sizeof(*spec));
	version = cursor_u8(c);
	if (!cursor_ok(c))
		return -EBADMSG;
	if (version < RECORD_VERSION || version > RECORD_VERSION_LIMITS)
		return -EPROTO;
	spec->id = cursor_u32(c);
	spec->spi = cursor_u32(c);
	spec->max_lifetime_s = cursor_u32(c);
	spec->auth = (enum subscriber_auth)cursor_u8(c);
	spec->replay = (enum subscriber_replay)cursor_u8(c);
	enabled = cursor_u8(c);
	spec->enabled = enabled == 1;
	spec->mn_id_len = cursor_u8(c);
	if (enabled > 1 || spec->mn_id_len > SUBSCRIBER_MN_ID_MAX)
		return -EBADMSG;
	cursor_copy(c, spec->mn_id, spec->mn_id_len);
	key_len = cursor_u8(c);
	spec->has_key = key_len == SUBSCRIBER_KEY_LEN;
	if (key_len && !spec->has_key)
		return -EBADMSG;
	cursor_copy(c, spec->key, key_len);
	spec->home_count = cursor_u8(c);
	if (spec->home_count > SUBSCRIBER_HOME_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < spec->home_count; i++)
		spec->home[i] = cursor_addr6(c);
	if (version == RECORD_VERSION_LIMITS ? decode_limits(c, &spec->limits)
					     : version == RECORD_VERSION_MULTICAST)
		decode_multicast(c, &spec->multicast);
	if (!cursor_ok(c) || cursor_left(c) || !spec->id || subscriber_spec_check(spec, &why) < 0)
		return -EBADMSG;
	return 0;
}
