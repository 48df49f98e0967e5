#include "proto/mobility/field.h"

#include <errno.h>
#include <string.h>

static inline uint64_t read_uint(struct cursor *c, unsigned size)
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

static void write_uint(struct writer *w, unsigned size, uint64_t value)
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

static inline void store(void *member, unsigned width, uint64_t value)
{
	switch (width) {
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

static inline uint64_t load(const struct field *field, const void *base)
{
	const uint8_t *member = (const uint8_t *)base + field->member;

	switch (field->width) {
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

uint64_t field_value(const struct field *field, const void *base)
{
	return load(field, base);
}

/* Most rows hold always: that test alone belongs into the loops below. */
static inline bool holds(const struct field *list, const struct field *field, const void *base)
{
	return __builtin_expect(field->when == FIELD_ALWAYS, 1) ||
	       (load(&list[field->when_row], base) == field->when_value) ==
		       (field->when == FIELD_WHEN);
}

bool field_holds(const struct field *list, const struct field *field, const void *base)
{
	return holds(list, field, base);
}

static inline bool is_number(const struct field *f)
{
	return f->kind <= FIELD_STATUS;
}

static inline bool is_rest(const struct field *f)
{
	return f->kind >= FIELD_REST;
}

static bool is_addr_len(size_t len)
{
	return len == 0 || len == sizeof(struct in_addr) || len == sizeof(struct in6_addr);
}

static void decode_addr(struct cursor *c, struct field_addr *addr)
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

static void decode_maybe(struct cursor *c, struct field_optional *number)
{
	number->present = cursor_left(c) > 0;
	number->value = number->present ? cursor_u32(c) : 0;
	if (cursor_left(c))
		cursor_fail(c);
}

static void decode_rest(const struct field *f, struct cursor *c, void *member)
{
	struct field_bytes *rest = member;

	if (f->kind == FIELD_ADDR) {
		decode_addr(c, member);
		return;
	}
	if (f->kind == FIELD_MAYBE) {
		decode_maybe(c, member);
		return;
	}
	if (cursor_left(c) > UINT8_MAX || (f->kind == FIELD_LIST16 && cursor_left(c) % 2))
		cursor_fail(c);
	rest->len = (uint8_t)cursor_left(c);
	rest->at = cursor_bytes(c, rest->len);
}

static inline void decode_number(const struct field *f, struct cursor *c, void *member)
{
	uint64_t value = read_uint(c, f->size);

	if (f->mask)
		value = (value & f->mask) >> __builtin_ctz(f->mask);
	store(member, f->width, value);
}

int field_decode(const struct field *list, const uint8_t *wire, size_t len, void *base)
{
	for (const struct field *f = list; f->kind != FIELD_END; f++) {
		uint8_t *member = (uint8_t *)base + f->member;
		struct cursor c;

		if (!holds(list, f, base))
			continue;
		cursor_init(&c, wire, len);
		cursor_skip(&c, f->at);
		if (is_number(f))
			decode_number(f, &c, member);
		else if (is_rest(f))
			decode_rest(f, &c, member);
		else if (f->kind == FIELD_ADDR6)
			cursor_copy(&c, member, sizeof(struct in6_addr));
		else
			cursor_copy(&c, member, sizeof(struct in_addr));
		if (!cursor_ok(&c))
			return -EBADMSG;
	}
	return 0;
}

static inline int encode_uint(const struct field *f, const void *base, uint8_t *wire, size_t len)
{
	uint64_t value = load(f, base);
	uint64_t most = f->size == 8 ? UINT64_MAX : (UINT64_C(1) << f->size * 8) - 1;
	struct writer w;

	if (f->mask)
		most = f->mask >> __builtin_ctz(f->mask);
	if (value > most)
		return -EINVAL;
	writer_init(&w, wire, len);
	writer_reserve(&w, f->at);
	if (f->mask) {
		struct cursor c;

		/* Fields of one octet share it: keep what the others wrote. */
		cursor_init(&c, wire, len);
		cursor_skip(&c, f->at);
		value = value << __builtin_ctz(f->mask) | read_uint(&c, f->size);
	}
	write_uint(&w, f->size, value);
	return writer_ok(&w) ? 0 : -ENOSPC;
}

static int encode_octets(const struct field *f, const void *base, uint8_t *wire, size_t len)
{
	const uint8_t *member = (const uint8_t *)base + f->member;
	const struct field_bytes *rest = (const void *)member;
	const struct field_addr *addr = (const void *)member;
	const struct field_optional *number = (const void *)member;
	struct writer w;

	writer_init(&w, wire, len);
	writer_reserve(&w, f->at);
	if (f->kind == FIELD_ADDR && !is_addr_len(addr->len))
		return -EINVAL;
	if (f->kind == FIELD_LIST16 && rest->len % 2)
		return -EINVAL;
	if (f->kind == FIELD_ADDR)
		writer_bytes(&w, &addr->ip6, addr->len);
	else if (f->kind == FIELD_MAYBE && number->present)
		writer_u32(&w, number->value);
	else if (f->kind == FIELD_MAYBE)
		writer_reserve(&w, 0);
	else if (!is_rest(f))
		writer_bytes(&w, member, f->size);
	else if (rest->at)
		writer_bytes(&w, rest->at, rest->len);
	else
		writer_zero(&w, rest->len);
	return writer_ok(&w) ? 0 : -ENOSPC;
}

int field_encode(const struct field *list, const void *base, uint8_t *wire, size_t len)
{
	for (const struct field *f = list; f->kind != FIELD_END; f++) {
		int rc;

		if (!holds(list, f, base))
			continue;
		rc = is_number(f) ? encode_uint(f, base, wire, len)
				  : encode_octets(f, base, wire, len);
		if (rc)
			return rc;
	}
	return 0;
}

size_t field_size(const struct field *list, const void *base, size_t least)
{
	size_t size = least;

	for (const struct field *f = list; f->kind != FIELD_END; f++) {
		const void *member = (const uint8_t *)base + f->member;
		size_t end = f->at + (size_t)f->size;

		if (!holds(list, f, base))
			continue;
		if (f->kind == FIELD_ADDR)
			end += ((const struct field_addr *)member)->len;
		else if (f->kind == FIELD_MAYBE)
			end += ((const struct field_optional *)member)->present ? 4 : 0;
		else if (is_rest(f))
			end += ((const struct field_bytes *)member)->len;
		size = end > size ? end : size;
	}
	return size;
}
