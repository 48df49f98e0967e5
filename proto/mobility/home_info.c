#include "proto/mobility/home_info.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cursor.h"

#define LABEL_MAX   63
#define PREFIX_SIZE 17

const char *home_info_fault_name(enum home_info_fault fault)
{
	static const char *const names[HOME_INFO_FAULT_COUNT] = {
		[HOME_INFO_FAULT_NONE] = "none",
		[HOME_INFO_FAULT_TRUNCATED] = "truncated",
		[HOME_INFO_FAULT_LENGTH] = "length",
		[HOME_INFO_FAULT_PREFIX] = "prefix",
		[HOME_INFO_FAULT_NAME] = "name",
	};

	return fault < HOME_INFO_FAULT_COUNT ? names[fault] : "unknown";
}

/* Whether the octets are the labels of one name, up to and including the root's. */
static bool is_name(const uint8_t *name, size_t len)
{
	struct cursor c;
	uint8_t label;

	if (len > HOME_INFO_NAME_MAX)
		return false;
	cursor_init(&c, name, len);
	while ((label = cursor_u8(&c))) {
		if (label > LABEL_MAX)
			return false;
		cursor_skip(&c, label);
	}
	return cursor_ok(&c) && !cursor_left(&c);
}

static enum home_info_fault read_prefix(struct cursor *c, struct prefix6 *out)
{
	struct in6_addr addr;

	out->len = cursor_u8(c);
	addr = cursor_addr6(c);
	if (out->len > 128)
		return HOME_INFO_FAULT_PREFIX;
	*out = prefix6_of(&addr, out->len);
	return HOME_INFO_FAULT_NONE;
}

static enum home_info_fault read_body(struct cursor *c, struct home_info *out)
{
	size_t len = cursor_left(c);

	switch (out->code) {
	case HOME_INFO_PREFIX:
		return len != PREFIX_SIZE ? HOME_INFO_FAULT_LENGTH : read_prefix(c, &out->prefix);
	case HOME_INFO_AGENT:
		out->agent = cursor_addr6(c);
		return len != sizeof(out->agent) ? HOME_INFO_FAULT_LENGTH : HOME_INFO_FAULT_NONE;
	default:
		break;
	}
	out->octets.len = (uint16_t)len;
	out->octets.at = cursor_bytes(c, len);
	if ((out->code == HOME_INFO_NETWORK_ID || out->code == HOME_INFO_AGENT_NAME) &&
		!is_name(out->octets.at, len))
		return HOME_INFO_FAULT_NAME;
	return HOME_INFO_FAULT_NONE;
}

int home_info_next(const uint8_t *options, size_t len, size_t *at, struct home_info *out,
	enum home_info_fault *fault)
{
	enum home_info_fault found;
	struct cursor c, body;

	cursor_init(&c, options, len);
	cursor_skip(&c, *at);
	if (cursor_ok(&c) && !cursor_left(&c))
		return 0;
	out->code = cursor_u16(&c);
	cursor_sub(&c, cursor_u16(&c), &body);
	found = cursor_ok(&c) ? read_body(&body, out) : HOME_INFO_FAULT_TRUNCATED;
	if (fault)
		*fault = found;
	if (found)
		return -EBADMSG;
	*at = cursor_offset(&c);
	return 1;
}

static bool is_valid(const struct home_info *o)
{
	switch (o->code) {
	case HOME_INFO_PREFIX:
		return o->prefix.len <= 128;
	case HOME_INFO_AGENT:
		return true;
	case HOME_INFO_NETWORK_ID:
	case HOME_INFO_AGENT_NAME:
		return is_name(o->octets.at, o->octets.len);
	default:
		return o->octets.at || !o->octets.len;
	}
}

ssize_t home_info_encode(const struct home_info *option, uint8_t *buf, size_t size)
{
	struct writer w;

	if (!is_valid(option))
		return -EINVAL;
	writer_init(&w, buf, size);
	writer_u16(&w, option->code);
	switch (option->code) {
	case HOME_INFO_PREFIX:
		writer_u16(&w, PREFIX_SIZE);
		writer_u8(&w, option->prefix.len);
		writer_addr6(&w, &option->prefix.addr);
		break;
	case HOME_INFO_AGENT:
		writer_u16(&w, sizeof(option->agent));
		writer_addr6(&w, &option->agent);
		break;
	default:
		writer_u16(&w, option->octets.len);
		writer_bytes(&w, option->octets.at, option->octets.len);
	}
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}

static void put_octet(struct writer *w, uint8_t octet)
{
	char escape[5];
	int n;

	if (octet == '.' || octet == '\\')
		n = snprintf(escape, sizeof(escape), "\\%c", octet);
	else if (octet > ' ' && octet < 0x7f)
		n = snprintf(escape, sizeof(escape), "%c", octet);
	else
		n = snprintf(escape, sizeof(escape), "\\%03u", octet);
	writer_bytes(w, escape, (size_t)n);
}

int home_info_name_print(const uint8_t *name, size_t len, char *buf, size_t size)
{
	struct cursor c;
	struct writer w;
	uint8_t label;

	if (!is_name(name, len))
		return -EBADMSG;
	cursor_init(&c, name, len);
	writer_init(&w, buf, size);
	while ((label = cursor_u8(&c))) {
		if (writer_len(&w))
			writer_u8(&w, '.');
		while (label--)
			put_octet(&w, cursor_u8(&c));
	}
	if (!writer_len(&w))
		writer_u8(&w, '.');
	writer_zero(&w, 1);
	return writer_ok(&w) ? 0 : -ENOSPC;
}

ssize_t home_info_name_parse(const char *text, uint8_t *buf, size_t size)
{
	struct writer w;

	writer_init(&w, buf, size);
	if (strcmp(text, ".") == 0)
		text++;
	while (*text) {
		size_t n = strcspn(text, ".");

		if (!n || n > LABEL_MAX)
			return -EINVAL;
		writer_u8(&w, (uint8_t)n);
		writer_bytes(&w, text, n);
		text += n;
		text += *text == '.';
	}
	writer_u8(&w, 0);
	if (!writer_ok(&w))
		return -ENOSPC;
	return writer_len(&w) > HOME_INFO_NAME_MAX ? -EINVAL : (ssize_t)writer_len(&w);
}
