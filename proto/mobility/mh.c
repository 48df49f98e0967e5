#include "proto/mobility/mh.h"

#include <errno.h>
#include <string.h>

#define AT_HEADER_LEN 1

static int fail(struct mh_error *err, enum mh_fault fault, size_t offset, uint32_t value)
{
	if (err)
		*err = (struct mh_error){
			.fault = fault, .offset = (uint16_t)offset, .value = value};
	return -EBADMSG;
}

static int fail_option(
	struct mh_error *err, enum mh_fault fault, size_t offset, uint16_t option, uint32_t value)
{
	fail(err, fault, offset, value);
	if (err)
		err->option = (uint8_t)option;
	return -EBADMSG;
}

/* Whether an option of this row may follow the first BEFORE options of the message. */
static enum mh_fault admit(const struct mh *mh, unsigned before, const struct option_def *def)
{
	unsigned seen = 0, flags = 0;

	for (unsigned i = 0; i < before; i++) {
		const struct mh_option *option = &mh->options[i];

		if (option->state != OPTION_KNOWN)
			continue;
		seen += option->type == def->type;
		flags |= option_def_find(option->type)->flags;
	}
	if (def->times && seen >= def->times)
		return MH_FAULT_OPTION_REPEATED;
	if (flags & OPTION_F_LAST)
		return MH_FAULT_OPTION_ORDER;
	if (flags & OPTION_F_AUTHENTICATES && def->flags & OPTION_F_PROTECTED)
		return MH_FAULT_OPTION_ORDER;
	return MH_FAULT_NONE;
}

static bool allowed_in(const struct option_def *def, uint8_t message)
{
	return message < 32 && def->messages >> message & 1;
}

/* An option that is not understood here: kept for printers while there is room for a few. */
static void skip_option(struct mh *out, const struct mh_option *option)
{
	unsigned kept = out->unknown + out->misplaced;

	if (option->state == OPTION_UNKNOWN)
		out->unknown++;
	else
		out->misplaced++;
	if (kept < MH_UNKNOWN_MAX && out->option_count < MH_OPTIONS_MAX)
		out->options[out->option_count++] = *option;
}

/* Decodes the option whose header and body were read already. */
static int decode_option(
	const uint8_t *mh, struct mh *out, struct mh_option *option, struct mh_error *err)
{
	const struct option_def *def = option_def_find(option->type);
	uint8_t len = option->raw.len;
	enum mh_fault fault;

	if (!def || !allowed_in(def, out->type)) {
		option->state = def ? OPTION_MISPLACED : OPTION_UNKNOWN;
		skip_option(out, option);
		return 0;
	}
	if (!option_shape_find(def, len))
		return fail_option(err, MH_FAULT_OPTION_LENGTH, option->offset, option->type, len);
	if (def->flags & OPTION_F_PAD)
		return 0;
	fault = admit(out, out->option_count, def);
	if (fault)
		return fail_option(err, fault, option->offset, option->type, len);
	if (out->option_count >= MH_OPTIONS_MAX)
		return fail_option(
			err, MH_FAULT_OPTION_COUNT, option->offset, option->type, MH_OPTIONS_MAX);
	if (field_decode(def->fields, mh + option->offset, 2u + len, option))
		return fail_option(err, MH_FAULT_OPTION_LENGTH, option->offset, option->type, len);
	out->options[out->option_count++] = *option;
	return 0;
}

static int decode_options(const uint8_t *mh, size_t at, struct mh *out, struct mh_error *err)
{
	struct cursor c;

	cursor_init(&c, mh, out->len);
	cursor_skip(&c, at);
	while (cursor_left(&c)) {
		struct mh_option option = {.offset = (uint16_t)cursor_offset(&c)};
		const struct option_def *last;

		option.type = option.number = cursor_u8(&c);
		if (option.type == OPTION_PAD1)
			continue;
		option.raw.len = cursor_u8(&c);
		option.raw.at = cursor_bytes(&c, option.raw.len);
		if (!cursor_ok(&c))
			return fail_option(err, MH_FAULT_OPTION_TRUNCATED, option.offset,
				option.type, option.raw.len);
		if (decode_option(mh, out, &option, err))
			return -EBADMSG;
		last = option_def_find(option.type);
		if (last && last->flags & OPTION_F_LAST && option.state == OPTION_KNOWN &&
			cursor_left(&c))
			return fail_option(err, MH_FAULT_OPTION_ORDER, option.offset, option.type,
				option.raw.len);
	}
	return 0;
}

size_t mh_size(const uint8_t *mh, size_t len)
{
	return len > AT_HEADER_LEN ? (mh[AT_HEADER_LEN] + 1u) * 8 : 0;
}

int mh_decode(const uint8_t *mh, size_t len, struct mh *out, struct mh_error *err)
{
	const struct mh_def *def;
	struct cursor c;
	uint8_t proto, header_len, type;

	cursor_init(&c, mh, len);
	proto = cursor_u8(&c);
	header_len = cursor_u8(&c);
	type = cursor_u8(&c);
	if (len < 8)
		return fail(err, MH_FAULT_TRUNCATED, len, (uint32_t)len);
	def = mh_def_find(type);
	if (!def)
		return fail(err, MH_FAULT_TYPE, MH_AT_TYPE, type);
	if (proto != MH_PAYLOAD_PROTO)
		return fail(err, MH_FAULT_PAYLOAD_PROTO, 0, proto);
	if (mh_size(mh, len) < def->minimum)
		return fail(err, MH_FAULT_MINIMUM, AT_HEADER_LEN, header_len);
	if (mh_size(mh, len) > len)
		return fail(err, MH_FAULT_HEADER_LEN, AT_HEADER_LEN, header_len);

	memset(out, 0, offsetof(struct mh, options));
	out->type = type;
	out->len = (uint16_t)mh_size(mh, len);
	if (field_decode(def->fields, mh, out->len, out))
		return fail(err, MH_FAULT_MINIMUM, AT_HEADER_LEN, header_len);
	if (decode_options(mh, def->options_at, out, err))
		return -EBADMSG;
	if (err)
		*err = (struct mh_error){0};
	return 0;
}

/* N octets of padding; 0 is none. */
static void write_padding(struct writer *w, size_t n)
{
	if (n == 1) {
		writer_u8(w, OPTION_PAD1);
	} else if (n) {
		writer_u8(w, OPTION_PADN);
		writer_u8(w, (uint8_t)(n - 2));
		writer_zero(w, n - 2);
	}
}

/* The value of the Length octet, or -1 when it would not fit. */
static int wire_len(const struct option_def *def, const struct mh_option *option)
{
	size_t len = field_size(def->fields, option, 2u + def->shapes[0].min) - 2;

	return len <= UINT8_MAX ? (int)len : -1;
}

static int encode_known(const struct mh *mh, unsigned i, struct writer *w)
{
	const struct mh_option *option = &mh->options[i];
	const struct option_def *def = option_def_find(option->type);
	const struct option_shape *shape;
	uint8_t *at;
	int len;

	if (!def || def->flags & OPTION_F_PAD || !allowed_in(def, mh->type) || admit(mh, i, def))
		return -EINVAL;
	len = wire_len(def, option);
	shape = len < 0 ? NULL : option_shape_find(def, (uint8_t)len);
	if (!shape)
		return -EINVAL;
	write_padding(w, (shape->align_n + shape->align_m - writer_offset(w) % shape->align_n) %
				 shape->align_n);
	at = writer_reserve(w, 2u + (unsigned)len);
	if (!at)
		return -ENOSPC;
	memset(at, 0, 2u + (unsigned)len);
	at[0] = def->type;
	at[1] = (uint8_t)len;
	if (def->flags & OPTION_F_LAST && (i + 1 != mh->option_count || writer_offset(w) % 8))
		return -EINVAL;
	return field_encode(def->fields, option, at, 2u + (unsigned)len);
}

static int encode_raw(const struct mh *mh, const struct mh_option *option, struct writer *w)
{
	const struct option_def *def = option_def_find(option->type);
	enum option_state state = !def ? OPTION_UNKNOWN : OPTION_MISPLACED;

	if (option->state != state || (def && allowed_in(def, mh->type)))
		return -EINVAL;
	writer_u8(w, (uint8_t)option->type);
	writer_u8(w, option->raw.len);
	writer_bytes(w, option->raw.at, option->raw.len);
	return 0;
}

static int encode_options(const struct mh *mh, struct writer *w)
{
	unsigned raw = 0;

	if (mh->option_count > MH_OPTIONS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < mh->option_count; i++) {
		bool known = mh->options[i].state == OPTION_KNOWN;
		int rc = known ? encode_known(mh, i, w) : encode_raw(mh, &mh->options[i], w);

		if (rc)
			return rc;
		raw += !known;
	}
	return raw <= MH_UNKNOWN_MAX ? 0 : -EINVAL;
}

ssize_t mh_encode(const struct mh *mh, uint8_t *buf, size_t size)
{
	const struct mh_def *def = mh_def_find(mh->type);
	struct writer w;
	int rc;

	if (!def)
		return -EINVAL;
	writer_init(&w, buf, size < MH_SIZE_MAX ? size : MH_SIZE_MAX);
	writer_zero(&w, def->options_at);
	if (!writer_ok(&w))
		return -ENOSPC;
	rc = field_encode(def->fields, mh, buf, def->options_at);
	if (!rc)
		rc = encode_options(mh, &w);
	if (rc)
		return rc;
	write_padding(&w, -writer_offset(&w) % 8);
	writer_put_u8_at(&w, 0, MH_PAYLOAD_PROTO);
	writer_put_u8_at(&w, AT_HEADER_LEN, (uint8_t)(writer_len(&w) / 8 - 1));
	writer_put_u8_at(&w, MH_AT_TYPE, mh->type);
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}
