/* The walk over a list of fields, inline: where the list is a constant the compiler unrolls it and
 * leaves the few loads and stores that this list needs, so a row of the tables is all that there is
 * to write and costs no more than code written by hand. Inside this folder only. */
#pragma once

#include <errno.h>
#include <string.h>

#include "proto/mobility/field.h"

#define FIELD_INLINE static inline __attribute__((always_inline))

/* clang unrolls such loops unasked, and warns when it is asked where it cannot. */
#ifdef __clang__
#define FIELD_UNROLL
#else
#define FIELD_UNROLL _Pragma("GCC unroll 16")
#endif

FIELD_INLINE bool field_is_number(const struct field *f)
{
	return f->kind <= FIELD_STATUS;
}

FIELD_INLINE bool field_is_rest(const struct field *f)
{
	return f->kind >= FIELD_REST;
}

FIELD_INLINE uint64_t field_load(const struct field *f, const void *base)
{
	const uint8_t *member = (const uint8_t *)base + f->member;

	switch (f->width) {
	case 1:
		return *member;
	case 2:
		return *(const uint16_t *)(const void *)member;
	case 4:
		return *(const uint32_t *)(const void *)member;
	default:
		return *(const uint64_t *)(const void *)member;
	}
}

FIELD_INLINE void field_store(const struct field *f, void *base, uint64_t value)
{
	uint8_t *member = (uint8_t *)base + f->member;

	switch (f->width) {
	case 1:
		*member = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)(void *)member = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)(void *)member = (uint32_t)value;
		break;
	default:
		*(uint64_t *)(void *)member = value;
	}
}

FIELD_INLINE bool field_walk_holds(
	const struct field *list, const struct field *f, const void *base)
{
	return f->when == FIELD_ALWAYS ||
	       (field_load(&list[f->when_row], base) == f->when_value) == (f->when == FIELD_WHEN);
}

/* Octets up to the end of the fixed fields of all rows, or of those that hold always. */
FIELD_INLINE size_t field_walk_fixed(const struct field *list, size_t count, bool conditional)
{
	size_t end = 0;

	FIELD_UNROLL
	for (size_t i = 0; i < count; i++)
		if ((conditional || list[i].when == FIELD_ALWAYS) &&
			(size_t)list[i].at + list[i].size > end)
			end = (size_t)list[i].at + list[i].size;
	return end;
}

FIELD_INLINE uint64_t field_read(struct cursor *c, unsigned size)
{
	switch (size) {
	case 1:
		return cursor_u8(c);
	case 2:
		return cursor_u16(c);
	case 4:
		return cursor_u32(c);
	default:
		return cursor_u64(c);
	}
}

FIELD_INLINE void field_decode_addr(struct cursor *c, struct field_addr *addr)
{
	size_t len = cursor_left(c);

	*addr = (struct field_addr){.len = (uint8_t)len};
	if (len == sizeof(addr->ip6))
		cursor_copy(c, &addr->ip6, sizeof(addr->ip6));
	else if (len == sizeof(addr->ip4))
		cursor_copy(c, &addr->ip4, sizeof(addr->ip4));
	else if (len)
		cursor_fail(c);
}

FIELD_INLINE void field_decode_maybe(struct cursor *c, struct field_optional *number)
{
	number->present = cursor_left(c) > 0;
	number->value = number->present ? cursor_u32(c) : 0;
	if (cursor_left(c))
		cursor_fail(c);
}

FIELD_INLINE void field_decode_bytes(
	const struct field *f, struct cursor *c, struct field_bytes *rest)
{
	if (cursor_left(c) > UINT8_MAX || (f->kind == FIELD_LIST16 && cursor_left(c) % 2))
		cursor_fail(c);
	rest->len = (uint8_t)cursor_left(c);
	rest->at = cursor_bytes(c, rest->len);
}

FIELD_INLINE void field_decode_one(const struct field *f, struct cursor *c, void *base)
{
	void *member = (uint8_t *)base + f->member;

	if (field_is_number(f)) {
		uint64_t value = field_read(c, f->size);

		if (f->mask)
			value = (value & f->mask) >> __builtin_ctz(f->mask);
		field_store(f, base, value);
	} else if (f->kind == FIELD_ADDR6) {
		cursor_copy(c, member, sizeof(struct in6_addr));
	} else if (f->kind == FIELD_ADDR4) {
		cursor_copy(c, member, sizeof(struct in_addr));
	} else if (f->kind == FIELD_ADDR) {
		field_decode_addr(c, member);
	} else if (f->kind == FIELD_MAYBE) {
		field_decode_maybe(c, member);
	} else {
		field_decode_bytes(f, c, member);
	}
}

/* field_walk_decode: field_decode over the first COUNT rows of LIST. */
FIELD_INLINE int field_walk_decode(
	const struct field *list, size_t count, const uint8_t *wire, size_t len, void *base)
{
	struct cursor start;

	/* One comparison answers for all of them. */
	if (len < field_walk_fixed(list, count, false))
		return -EBADMSG;
	cursor_init(&start, wire, len);
	FIELD_UNROLL
	for (size_t i = 0; i < count; i++) {
		struct cursor c = start;

		if (!field_walk_holds(list, &list[i], base))
			continue;
		cursor_skip(&c, list[i].at);
		field_decode_one(&list[i], &c, base);
		if (!cursor_ok(&c))
			return -EBADMSG;
	}
	return 0;
}

FIELD_INLINE void field_write(struct writer *w, unsigned size, uint64_t value)
{
	switch (size) {
	case 1:
		writer_u8(w, (uint8_t)value);
		break;
	case 2:
		writer_u16(w, (uint16_t)value);
		break;
	case 4:
		writer_u32(w, (uint32_t)value);
		break;
	default:
		writer_u64(w, value);
	}
}

/* START is at the first octet of the wire. Fields that share octets keep what the others wrote. */
FIELD_INLINE int field_encode_number(
	const struct field *f, const void *base, const struct writer *start, struct writer *w)
{
	uint64_t most = f->size == 8 ? UINT64_MAX : (UINT64_C(1) << f->size * 8) - 1;
	uint64_t value = field_load(f, base);
	struct cursor c;

	if (f->mask)
		most = f->mask >> __builtin_ctz(f->mask);
	if (value > most)
		return -EINVAL;
	if (f->mask) {
		cursor_init(&c, start->base, (size_t)(start->end - start->base));
		cursor_skip(&c, f->at);
		value = value << __builtin_ctz(f->mask) | field_read(&c, f->size);
	}
	field_write(w, f->size, value);
	return 0;
}

FIELD_INLINE int field_encode_rest(const struct field *f, const void *member, struct writer *w)
{
	const struct field_bytes *rest = member;
	const struct field_addr *addr = member;
	const struct field_optional *number = member;

	if (f->kind == FIELD_ADDR) {
		if (addr->len && addr->len != sizeof(addr->ip4) && addr->len != sizeof(addr->ip6))
			return -EINVAL;
		writer_bytes(w, &addr->ip6, addr->len);
	} else if (f->kind == FIELD_MAYBE) {
		if (number->present)
			writer_u32(w, number->value);
	} else if (f->kind == FIELD_LIST16 && rest->len % 2) {
		return -EINVAL;
	} else if (rest->at) {
		writer_bytes(w, rest->at, rest->len);
	} else {
		writer_zero(w, rest->len);
	}
	return 0;
}

/* field_walk_encode: field_encode over the first COUNT rows of LIST. */
FIELD_INLINE int field_walk_encode(
	const struct field *list, size_t count, const void *base, uint8_t *wire, size_t len)
{
	size_t written = field_walk_fixed(list, count, true);
	struct writer start;

	if (len < written)
		return -ENOSPC;
	memset(wire, 0, written);
	writer_init(&start, wire, len);
	FIELD_UNROLL
	for (size_t i = 0; i < count; i++) {
		const struct field *f = &list[i];
		const void *member = (const uint8_t *)base + f->member;
		struct writer w = start;
		int rc = 0;

		if (!field_walk_holds(list, f, base))
			continue;
		writer_reserve(&w, f->at);
		if (field_is_number(f))
			rc = field_encode_number(f, base, &start, &w);
		else if (field_is_rest(f))
			rc = field_encode_rest(f, member, &w);
		else
			writer_bytes(&w, member, f->size);
		if (rc || !writer_ok(&w))
			return rc ? rc : -ENOSPC;
		written = writer_len(&w) > written ? writer_len(&w) : written;
	}
	if (written < len)
		memset(wire + written, 0, len - written);
	return 0;
}

FIELD_INLINE size_t field_rest_size(const struct field *f, const void *member)
{
	if (f->kind == FIELD_ADDR)
		return ((const struct field_addr *)member)->len;
	if (f->kind == FIELD_MAYBE)
		return ((const struct field_optional *)member)->present ? 4 : 0;
	return ((const struct field_bytes *)member)->len;
}

/* field_walk_size: field_size over the first COUNT rows of LIST. */
FIELD_INLINE size_t field_walk_size(
	const struct field *list, size_t count, const void *base, size_t least)
{
	size_t size = least;

	FIELD_UNROLL
	for (size_t i = 0; i < count; i++) {
		const struct field *f = &list[i];
		size_t end = (size_t)f->at + f->size;

		if (!field_walk_holds(list, f, base))
			continue;
		if (field_is_rest(f))
			end += field_rest_size(f, (const uint8_t *)base + f->member);
		size = end > size ? end : size;
	}
	return size;
}

/* FIELD_WALKS: defines NAME, a struct field_walks whose functions are compiled for LIST, a constant
 * array that FIELD_END ends. */
#define FIELD_WALKS(name_, list_)                                                                  \
	static int name_##_decode(const uint8_t *wire, size_t len, void *base)                     \
	{                                                                                          \
		return field_walk_decode(list_, FIELD_COUNT(list_), wire, len, base);              \
	}                                                                                          \
	static int name_##_encode(const void *base, uint8_t *wire, size_t len)                     \
	{                                                                                          \
		return field_walk_encode(list_, FIELD_COUNT(list_), base, wire, len);              \
	}                                                                                          \
	static size_t name_##_size(const void *base, size_t least)                                 \
	{                                                                                          \
		return field_walk_size(list_, FIELD_COUNT(list_), base, least);                    \
	}
#define FIELD_COUNT(list_) (sizeof(list_) / sizeof((list_)[0]) - 1)
