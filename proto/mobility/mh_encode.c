#include <errno.h>

#include "proto/mobility/mh.h"
#include "proto/mobility/mh_rules.h"

#define AT_HEADER_LEN 1

/* What the encoder of one message carries along. */
struct encoder {
	const struct option_numbers *numbers;
	const struct mh *mh;
	struct writer w;
	struct mh_rules rules;
};

/* N octets of padding, at most 7; 0 is none. */
static void write_padding(struct writer *w, size_t n)
{
	static const uint8_t zeros[8];

	if (n == 1) {
		writer_u8(w, OPTION_PAD1);
	} else if (n) {
		writer_u8(w, OPTION_PADN);
		writer_u8(w, (uint8_t)(n - 2));
		writer_bytes(w, zeros, n - 2);
	}
}

/* The value of the Length octet, or -1 when it would not fit. */
static int wire_len(const struct option_def *def, const struct mh_option *option)
{
	size_t least = def->shapes[0].min, len;

	for (unsigned i = 1; i < OPTION_SHAPES_MAX && def->shapes[i].align_n; i++)
		least = def->shapes[i].min < least ? def->shapes[i].min : least;
	len = def->walks.size(option, 2 + least) - 2;
	return len <= UINT8_MAX ? (int)len : -1;
}

/* Whether the decoder would take what is written for what is meant. */
static bool is_sound(const struct encoder *e, unsigned i, const struct option_def *def, int len)
{
	const struct mh_option *option = &e->mh->options[i];
	uint8_t number = option_def_wire(e->numbers, def);

	if (def->flags & OPTION_F_PAD || len < 0 || !option_allowed(def, e->mh))
		return false;
	if (def->agrees && !def->agrees(option))
		return false;
	/* Only Pad1 has the number 0: that is none for all others. */
	return number && option_def_number(e->numbers, e->mh, number, (uint8_t)len) == def;
}

static int encode_known(struct encoder *e, unsigned i)
{
	const struct mh_option *option = &e->mh->options[i];
	const struct option_def *def = option_def_find(option->type);
	int len = def ? wire_len(def, option) : -1;
	const struct option_shape *shape;
	uint8_t *wire;
	int rc;

	if (!def || !is_sound(e, i, def, len) || mh_rules_admit(&e->rules, e->mh, i, def))
		return -EINVAL;
	shape = option_shape_find(def, (uint8_t)len);
	if (!shape)
		return -EINVAL;
	/* Alignments are powers of two. */
	write_padding(&e->w, (shape->align_m - writer_offset(&e->w)) & (shape->align_n - 1u));
	wire = writer_reserve(&e->w, 2u + (unsigned)len);
	if (!wire)
		return -ENOSPC;
	if (def->flags & OPTION_F_LAST &&
		(i + 1 != e->mh->option_count || writer_offset(&e->w) % 8))
		return -EINVAL;
	rc = def->walks.encode(option, wire, 2u + (unsigned)len);
	wire[0] = option_def_wire(e->numbers, def);
	wire[1] = (uint8_t)len;
	return rc;
}

static int encode_raw(struct encoder *e, const struct mh_option *option)
{
	const struct option_def *own = option_def_find(option->type);
	uint8_t number = own ? option_def_wire(e->numbers, own) : (uint8_t)option->type;
	const struct option_def *def =
		option_def_number(e->numbers, e->mh, number, option->raw.len);
	enum option_state state = !def ? OPTION_UNKNOWN : OPTION_MISPLACED;

	if (def && option_allowed(def, e->mh)) {
		if (!mh_rules_answers(def, e->mh) || option_shape_find(def, option->raw.len))
			return -EINVAL;
		state = OPTION_MALFORMED;
	}
	if (option->type >= OPTION_TYPE_COUNT || !number || own != def || option->state != state)
		return -EINVAL;
	writer_u8(&e->w, number);
	writer_u8(&e->w, option->raw.len);
	writer_bytes(&e->w, option->raw.at, option->raw.len);
	return 0;
}

static int encode_options(struct encoder *e)
{
	unsigned raw = 0;

	if (e->mh->option_count > MH_OPTIONS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < e->mh->option_count; i++) {
		bool known = e->mh->options[i].state == OPTION_KNOWN;
		int rc = known ? encode_known(e, i) : encode_raw(e, &e->mh->options[i]);

		if (rc)
			return rc;
		raw += !known && e->mh->options[i].state != OPTION_MALFORMED;
	}
	return raw <= MH_UNKNOWN_MAX ? 0 : -EINVAL;
}

ssize_t mh_encode(const struct mh *mh, uint8_t *buf, size_t size)
{
	return mh_encode_with(NULL, mh, buf, size);
}

ssize_t mh_encode_with(
	const struct option_numbers *numbers, const struct mh *mh, uint8_t *buf, size_t size)
{
	const struct mh_def *def = mh_def_find(mh->type);
	struct encoder e = {.numbers = numbers, .mh = mh};
	struct writer *w = &e.w;
	int rc;

	if (!def)
		return -EINVAL;
	writer_init(w, buf, size < MH_SIZE_MAX ? size : MH_SIZE_MAX);
	if (!writer_reserve(w, def->options_at))
		return -ENOSPC;
	rc = def->walks.encode(mh, buf, def->options_at);
	if (!rc)
		rc = encode_options(&e);
	if (rc)
		return rc;
	write_padding(w, -writer_offset(w) % 8);
	writer_put_u8_at(w, 0, MH_PAYLOAD_PROTO);
	writer_put_u8_at(w, AT_HEADER_LEN, (uint8_t)(writer_len(w) / 8 - 1));
	writer_put_u8_at(w, MH_AT_TYPE, mh->type);
	return writer_ok(w) ? (ssize_t)writer_len(w) : -ENOSPC;
}
