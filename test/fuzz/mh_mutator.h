/* Mutation that knows the Mobility Header: options with known numbers and possible lengths, and a
 * Header Len that is true, so that the fuzzer does not spend its time before the options. */
#pragma once

#include <stdint.h>
#include <string.h>

#include "proto/mobility/mh.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* A small generator: the fuzzer asks for the same result from the same seed. */
static uint32_t mutator_random(unsigned *seed, uint32_t below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 8) % below;
}

static const struct option_def *mutator_option(unsigned *seed)
{
	const struct option_def *def;

	do
		def = option_def_find((uint16_t)mutator_random(seed, OPTION_TYPE_COUNT));
	while (!def);
	return def;
}

/* A length that the option may have, or now and then one that is off by one. */
static uint8_t mutator_len(const struct option_def *def, unsigned *seed)
{
	unsigned shapes = 0, len;
	const struct option_shape *shape;

	while (shapes < OPTION_SHAPES_MAX && def->shapes[shapes].align_n)
		shapes++;
	shape = &def->shapes[mutator_random(seed, shapes)];
	len = shape->min + mutator_random(seed, shape->max - shape->min + 1u) % 40;
	return (uint8_t)(mutator_random(seed, 16) ? len : len + 1);
}

/* An option inserted at AT, at the alignment of its first shape. */
static size_t mutator_insert(uint8_t *data, size_t size, size_t max_size, size_t at, unsigned *seed)
{
	static const struct option_numbers numbers = OPTION_NUMBERS_DEFAULT;
	const struct option_def *def = mutator_option(seed);
	uint8_t len = mutator_len(def, seed);
	size_t n = def->shapes[0].align_n;
	size_t pad = (n + def->shapes[0].align_m - at % n) % n;
	size_t more = pad + 2u + len;

	if (size + more > max_size)
		return size;
	memmove(data + at + more, data + at, size - at);
	memset(data + at, OPTION_PAD1, pad);
	at += pad;
	data[at] = option_def_wire(&numbers, def);
	data[at + 1] = len;
	for (unsigned i = 0; i < len; i++)
		data[at + 2 + i] = (uint8_t)mutator_random(seed, 256);
	return size + more;
}

/* The offset of an option of the message, or of its end. */
static size_t mutator_place(const uint8_t *data, size_t size, size_t at, unsigned *seed)
{
	size_t places[64], count = 0;

	while (at < size && count < 64) {
		places[count++] = at;
		at += data[at] == OPTION_PAD1 ? 1 : at + 1 < size ? 2u + data[at + 1] : 2;
	}
	return count && mutator_random(seed, 4) ? places[mutator_random(seed, (uint32_t)count)]
						: size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	const struct mh_def *def = size > MH_AT_TYPE ? mh_def_find(data[MH_AT_TYPE]) : NULL;

	if (!def || size < def->options_at || mutator_random(&seed, 3) == 0)
		size = LLVMFuzzerMutate(data, size, max_size);
	else
		size = mutator_insert(data, size, max_size,
			mutator_place(data, size, def->options_at, &seed), &seed);
	/* A whole number of eight octets, and a Header Len that says so; not always. */
	if (size < 8 || mutator_random(&seed, 8) == 0)
		return size;
	while (size % 8 && size < max_size)
		data[size++] = OPTION_PAD1;
	if (size / 8 <= 256)
		data[1] = (uint8_t)(size / 8 - 1);
	return size;
}
