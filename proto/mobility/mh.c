#include "proto/mobility/mh.h"

#include <errno.h>
#include <string.h>

#include "proto/mobility/mh_rules.h"
#include "proto/mobility/option_rows.h"

#define AT_HEADER_LEN 1

static int fail(struct mh_error *err, enum mh_fault fault, size_t offset, uint32_t value)
{
	if (err)
		*err = (struct mh_error){
			.fault = fault, .offset = (uint16_t)offset, .value = value};
	return -EBADMSG;
}

static int fail_option(struct mh_error *err, enum mh_fault fault, const struct mh_option *option)
{
	bool count = fault == MH_FAULT_OPTION_COUNT;

	fail(err, fault, option->offset, count ? MH_OPTIONS_MAX : option->raw.len);
	if (err) {
		err->option = option->type;
		err->number = option->number;
	}
	return -EBADMSG;
}

/* An option that is not understood here: kept for printers while there is room for a few. */
static void skip_option(struct mh *out, const struct option_def *def, struct mh_option *option)
{
	unsigned kept = out->unknown + out->misplaced;

	option->state = def ? OPTION_MISPLACED : OPTION_UNKNOWN;
	if (def)
		out->misplaced++;
	else
		out->unknown++;
	if (kept < MH_UNKNOWN_MAX && out->option_count < MH_OPTIONS_MAX)
		out->option_count++;
}

/* Decodes the option at `wire`, whose head is in OPTION, which stands at the end of the list. LEFT
 * are the octets behind it. */
static enum mh_fault decode_known(const struct option_def *def, const uint8_t *wire, size_t left,
	struct mh_rules *rules, struct mh *out, struct mh_option *option)
{
	bool shaped = mh_rules_shape(def, option->raw.len);
	enum mh_fault fault;

	if (!shaped && !mh_rules_answers(def, out))
		return MH_FAULT_OPTION_LENGTH;
	fault = mh_rules_admit(rules, out, out->option_count, def);
	if (fault)
		return fault;
	if (out->option_count >= MH_OPTIONS_MAX)
		return MH_FAULT_OPTION_COUNT;
	if (!shaped) {
		option->state = OPTION_MALFORMED;
		out->option_count++;
		return MH_FAULT_NONE;
	}
	if (def->walks.decode(wire, 2u + option->raw.len, option) ||
		(def->agrees && !def->agrees(option)))
		return MH_FAULT_OPTION_LENGTH;
	out->option_count++;
	return def->flags & OPTION_F_LAST && left ? MH_FAULT_OPTION_ORDER : MH_FAULT_NONE;
}

/* Reads the head of the next option that is no padding, at the end of the list of OUT. NULL behind
 * the last one; an option that runs past the end leaves the error in C. */
static struct mh_option *next_option(struct cursor *c, struct mh *out, struct mh_option *spare)
{
	bool room = out->option_count < MH_OPTIONS_MAX;
	struct mh_option *option = room ? &out->options[out->option_count] : spare;

	while (cursor_left(c)) {
		option->offset = (uint16_t)cursor_offset(c);
		option->type = option->number = cursor_u8(c);
		if (option->number == OPTION_PAD1)
			continue;
		option->raw.len = cursor_u8(c);
		option->raw.at = cursor_bytes(c, option->raw.len);
		if (!cursor_ok(c) || option->number != OPTION_PADN)
			return option;
	}
	return NULL;
}

static int decode_options(const struct option_numbers *numbers, const uint8_t *mh, size_t at,
	struct mh *out, struct mh_error *err)
{
	struct mh_option spare, *option;
	struct mh_rules rules = {0};
	struct cursor c;

	cursor_init(&c, mh, out->len);
	cursor_skip(&c, at);
	while ((option = next_option(&c, out, &spare))) {
		const struct option_def *def;
		enum mh_fault fault;

		def = numbers ? option_def_number(numbers, out, option->number, option->raw.len)
			      : option_rows[option->number];
		option->state = OPTION_KNOWN;
		if (def)
			option->type = def->type;
		if (!cursor_ok(&c))
			return fail_option(err, MH_FAULT_OPTION_TRUNCATED, option);
		if (!def || !mh_rules_allowed(def, out)) {
			skip_option(out, def, option);
			continue;
		}
		fault = decode_known(
			def, mh + option->offset, cursor_left(&c), &rules, out, option);
		if (fault)
			return fail_option(err, fault, option);
		if (option->state == OPTION_MALFORMED && err && !err->fault)
			fail_option(err, MH_FAULT_OPTION_LENGTH, option);
	}
	return 0;
}

size_t mh_size(const uint8_t *mh, size_t len)
{
	return len > AT_HEADER_LEN ? (mh[AT_HEADER_LEN] + 1u) * 8 : 0;
}

int mh_decode(const uint8_t *mh, size_t len, struct mh *out, struct mh_error *err)
{
	return mh_decode_with(NULL, mh, len, out, err);
}

int mh_decode_with(const struct option_numbers *numbers, const uint8_t *mh, size_t len,
	struct mh *out, struct mh_error *err)
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
	if (def->walks.decode(mh, out->len, out))
		return fail(err, MH_FAULT_MINIMUM, AT_HEADER_LEN, header_len);
	if (err)
		*err = (struct mh_error){0};
	return decode_options(numbers, mh, def->options_at, out, err);
}
