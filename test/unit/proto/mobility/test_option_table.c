/* The table of options as a whole: every row in every message, with every length, both ways. */
#include <errno.h>
#include <stdio.h>

#include "proto/mobility/flags.h"
#include "proto/mobility/mh.h"
#include "visited.h"

static const struct option_numbers numbers = OPTION_NUMBERS_DEFAULT;
static uint8_t buf[MH_SIZE_MAX];

/* The bits of the LEN octets behind the Length that fields of this row hold. */
static void significant(const struct option_def *def, unsigned len, uint8_t *mask)
{
	memset(mask, 0, len);
	for (const struct field *f = def->fields; f->kind != FIELD_END; f++) {
		unsigned size = f->size ? f->size : len + 2 - f->at;

		for (unsigned i = 0; i < size; i++) {
			unsigned shift = 8 * (size - 1 - i);

			mask[f->at - 2 + i] |= f->mask ? (uint8_t)(f->mask >> shift) : 0xff;
		}
	}
}

static uint8_t pattern(unsigned which, unsigned i)
{
	return which == 0 ? 0 : which == 1 ? 0xff : (uint8_t)(i + 1);
}

/* A message of TYPE, with the flags of a sender of distributed mobility management, that holds one
 * option of this row with LEN octets, as a canonical sender writes it. */
static size_t with_option(uint8_t type, const struct option_def *def,
	const struct option_shape *shape, uint8_t len, unsigned which)
{
	size_t at = mh_def_find(type)->options_at;
	uint8_t mask[UINT8_MAX];
	size_t pad = 0;

	memset(buf, 0, sizeof(buf));
	buf[0] = MH_PAYLOAD_PROTO;
	buf[2] = type;
	buf[7] = type == MH_BA ? FLAGS_BA_P | FLAGS_BA_D : 0;
	buf[8] = type == MH_BU ? (FLAGS_BU_A | FLAGS_BU_P) >> 8 : 0;
	buf[9] = type == MH_BU ? FLAGS_BU_D : 0;
	while ((at + pad) % shape->align_n != shape->align_m)
		pad++;
	for (int end = 0; end < 2; end++) {
		if (pad > 1) {
			buf[at] = OPTION_PADN;
			buf[at + 1] = (uint8_t)(pad - 2);
		}
		at += pad;
		if (end)
			break;
		buf[at] = option_def_wire(&numbers, def);
		buf[at + 1] = len;
		if (option_shape_find(def, len)) {
			significant(def, len, mask);
			for (unsigned i = 0; i < len; i++)
				buf[at + 2 + i] = pattern(which, i) & mask[i];
		}
		at += 2u + len;
		pad = (8 - at % 8) % 8;
	}
	buf[1] = (uint8_t)(at / 8 - 1);
	return at;
}

/* Decoded where the row allows it, refused or skipped where not, and encoded to the same octets.
 * Returns whether it was decoded. */
static bool one_case(const struct option_def *def, uint8_t type, uint8_t len, unsigned which)
{
	static uint8_t again[MH_SIZE_MAX];
	const struct option_shape *shape = option_shape_find(def, len);
	size_t size = with_option(type, def, shape ? shape : &def->shapes[0], len, which);
	uint8_t *copy = exact(buf, size);
	struct mh mh;
	int rc = mh_decode_with(&numbers, copy, size, &mh, NULL);

	if (!(def->messages >> type & 1)) {
		assert_int_equal(rc, 0);
		assert_int_equal(mh.misplaced, 1);
		assert_int_equal(mh.options[0].state, OPTION_MISPLACED);
		assert_int_equal(mh.options[0].type, def->type);
	}
	if (rc) {
		assert_int_equal(rc, -EBADMSG);
		assert_true(!shape || def->agrees);
		free(copy);
		return false;
	}
	if (def->messages >> type & 1 && !shape) {
		assert_true(def->flags & OPTION_F_ANSWERED && type == MH_BU);
		assert_int_equal(mh.option_count, 1);
		assert_int_equal(mh.options[0].state, OPTION_MALFORMED);
		assert_int_equal(mh.options[0].raw.len, len);
	} else if (def->messages >> type & 1) {
		assert_int_equal(mh.option_count, 1);
		assert_int_equal(mh.options[0].type, def->type);
		assert_int_equal(mh.options[0].state, OPTION_KNOWN);
		assert_int_equal(mh_encode_with(&numbers, &mh, again, sizeof(again)), size);
		assert_memory_equal(again, buf, size);
		assert_int_equal(mh_encode_with(&numbers, &mh, again, size - 1), -ENOSPC);
	}
	free(copy);
	return mh.options[0].state != OPTION_MALFORMED;
}

/* Whether option 18 with this length is that of the configured option. */
static bool is_taken(const struct option_def *def, uint8_t len)
{
	return (def->type == OPTION_EXPERIMENTAL) && len == 16;
}

static void every_row(void **state)
{
	(void)state;
	unsigned rows = 0;

	for (unsigned n = 0; n < OPTION_TYPE_COUNT * 256; n++) {
		const struct option_def *def = option_def_find((uint16_t)(n >> 8));
		uint8_t len = n & 0xff;

		if (!def || def->flags & OPTION_F_PAD || is_taken(def, len) ||
			(def->type == OPTION_HA_TUNNEL && len != 16))
			continue;
		rows += len == 16;
		for (uint8_t type = 0; type < 32; type++) {
			bool any = false;

			if (!mh_def_find(type) ||
				(def->type == OPTION_HA_TUNNEL && !(def->messages >> type & 1)))
				continue;
			for (unsigned which = 0; which < 3; which++)
				any |= one_case(def, type, len, which);
			assert_int_equal(
				any, !(def->messages >> type & 1) || option_shape_find(def, len));
		}
	}
	/* all but Pad1, PadN and option 18, which was skipped at that length */
	assert_int_equal(rows, 43);
}

/* A small generator, so that a failure comes back. */
static uint32_t drawn(uint32_t *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 8;
}

static void draw_number(const struct field *f, uint32_t *seed, void *member)
{
	uint64_t value = (uint64_t)drawn(seed) << 32 | drawn(seed) << 12;

	if (f->mask)
		value &= f->mask >> __builtin_ctz(f->mask);
	else if (f->size < 8)
		value &= (UINT64_C(1) << f->size * 8) - 1;
	switch (f->width) {
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
		*(uint64_t *)member = value;
	}
}

/* Any values in the fields of an option that is to have LEN octets. */
static void draw_option(
	const struct option_def *def, unsigned len, uint32_t *seed, struct mh_option *out)
{
	static uint8_t octets[UINT8_MAX];

	for (unsigned i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)drawn(seed);
	for (const struct field *f = def->fields; f->kind != FIELD_END; f++) {
		void *member = (uint8_t *)out + f->member;
		uint8_t rest = (uint8_t)(len + 2 - f->at);

		if (f->kind <= FIELD_STATUS)
			draw_number(f, seed, member);
		else if (f->kind == FIELD_ADDR6 || f->kind == FIELD_ADDR4)
			memcpy(member, octets + f->at, f->size);
		else if (f->kind == FIELD_ADDR)
			((struct field_addr *)member)->len = rest;
		else if (f->kind == FIELD_MAYBE)
			((struct field_optional *)member)->present = rest;
		else
			*(struct field_bytes *)member = (struct field_bytes){octets, rest};
	}
}

/* decode(encode(m)) is m, whatever stands in its fields. */
static void decoded_as_built(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned n = 0; n < OPTION_TYPE_COUNT * 64; n++) {
		const struct option_def *def = option_def_find((uint16_t)(n / 64));
		const struct option_shape *shape;
		struct visited built = {.len = 0}, read = {.len = 0};
		struct mh mh = {.type = MH_BU}, again;
		ssize_t size;

		if (!def || def->flags & OPTION_F_PAD)
			continue;
		mh.type = (uint8_t)__builtin_ctz(def->messages & ~1u);
		mh.bu.flags = mh.type == MH_BU ? FLAGS_BU_P | FLAGS_BU_D : 0;
		shape = &def->shapes[n % 2 && def->shapes[1].align_n];
		draw_option(def, shape->min, &seed, option_add(&mh, def->type));
		size = mh_encode_with(&numbers, &mh, buf, sizeof(buf));
		if (size == -EINVAL && def->agrees && !def->agrees(&mh.options[0]))
			continue;
		assert_true(size > 0);
		assert_int_equal(mh_decode_with(&numbers, buf, (size_t)size, &again, NULL), 0);
		assert_int_equal(again.options[0].type, def->type);
		visit_option(&mh.options[0], &(struct visitor){visited_fn, &built});
		visit_option(&again.options[0], &(struct visitor){visited_fn, &read});
		assert_string_equal(read.text, built.text);
	}
}

static void rows_are_sound(void **state)
{
	(void)state;
	assert_string_equal(option_name(OPTION_MN_ID), "Mobile Node Identifier");
	assert_string_equal(option_name(200), "unknown");
	assert_string_equal(option_name(OPTION_MULTICAST_STATE), "Multicast State");
	assert_null(option_def_find(OPTION_TYPE_COUNT));
	for (uint16_t type = 0; type < OPTION_TYPE_COUNT; type++) {
		const struct option_def *def = option_def_find(type);
		unsigned most = 2, least = 255;

		if (!def)
			continue;
		assert_int_equal(def->type, type);
		assert_non_null(def->clause);
		assert_true(def->messages);
		assert_true(def->shapes[0].align_n);
		for (int i = 0; i < OPTION_SHAPES_MAX && def->shapes[i].align_n; i++) {
			assert_int_equal(def->shapes[i].align_n & (def->shapes[i].align_n - 1), 0);
			assert_true(def->shapes[i].min <= def->shapes[i].max &&
				    def->shapes[i].align_m < def->shapes[i].align_n);
			least = def->shapes[i].min < least ? def->shapes[i].min : least;
		}
		for (const struct field *f = def->fields; f->kind != FIELD_END; f++) {
			assert_non_null(f->name);
			assert_true(f->at >= 2);
			assert_true(f->kind != FIELD_STATUS || f->names);
			most = f->at + f->size > most ? f->at + f->size : most;
		}
		/* the shortest form holds all fixed fields */
		assert_true(most - 2 <= least);
	}
}

/* Alignment of the Type octet, n * k + m, as the clauses of the RFCs state it. */
static const struct {
	uint16_t type;
	uint8_t len, n, m;
} alignments[] = {
	{2, 2, 2, 0},
	{3, 16, 8, 6},
	{4, 4, 2, 0},
	{5, 12, 8, 2},
	{6, 18, 8, 4},
	{7, 7, 1, 0},
	{8, 20, 1, 0},
	{9, 17, 4, 1},
	{10, 8, 8, 2},
	{17, 9, 1, 0},
	{19, 9, 4, 2},
	{20, 4, 1, 0},
	{22, 18, 8, 4},
	{23, 2, 1, 0},
	{24, 2, 1, 0},
	{26, 16, 8, 6},
	{27, 8, 8, 2},
	{28, 4, 4, 2},
	{29, 6, 4, 0},
	{30, 6, 4, 0},
	{31, 6, 4, 0},
	{32, 6, 4, 0},
	{33, 2, 4, 0},
	{33, 6, 4, 0},
	{35, 4, 2, 0},
	{35, 8, 8, 2},
	{35, 20, 8, 2},
	{36, 6, 4, 0},
	{37, 6, 4, 0},
	{38, 6, 4, 0},
	{39, 2, 1, 0},
	{44, 4, 2, 0},
	{45, 6, 2, 0},
	{55, 6, 8, 2},
	{55, 18, 8, 2},
	{59, 2, 8, 2},
	{59, 6, 8, 2},
	{59, 18, 8, 2},
	{63, 6, 1, 0},
	{64, 6, 1, 0},
	{65, 18, 8, 4},
	{66, 18, 8, 4},
	{67, 34, 8, 4},
	{68, 16, 8, 6},
	{69, 16, 8, 6},
};

static void aligned_as_stated(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(alignments); i++) {
		const struct option_def *def = option_def_find(alignments[i].type);
		const struct option_shape *shape = option_shape_find(def, alignments[i].len);

		assert_non_null(shape);
		assert_int_equal(shape->align_n, alignments[i].n);
		assert_int_equal(shape->align_m, alignments[i].m);
	}
}

static void assigned_numbers(void **state)
{
	(void)state;
	static const struct {
		struct option_numbers numbers;
		bool valid;
	} cases[] = {{OPTION_NUMBERS_DEFAULT, true}, {{0, 0}, true}, {{18, 0}, true},
		{{71, 255}, true}, {{200, 200}, false}, {{18, 18}, false}, {{70, 0}, false},
		{{0, 1}, false}, {{200, 19}, false}};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(option_numbers_valid(&cases[i].numbers), cases[i].valid);
	assert_int_equal(option_def_wire(&numbers, option_def_find(OPTION_MULTICAST_STATE)), 200);
	assert_int_equal(option_def_wire(&numbers, option_def_find(OPTION_HA_TUNNEL)), 18);
	assert_int_equal(option_def_wire(NULL, option_def_find(OPTION_HA_TUNNEL)), 0);
	assert_int_equal(option_def_wire(NULL, option_def_find(OPTION_BID)), 35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(decoded_as_built),
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(aligned_as_stated),
		cmocka_unit_test(assigned_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
