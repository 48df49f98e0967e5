#include "proto/mobility/field.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static uint64_t read_uint(struct cursor *c, unsigned size)
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

static void store(void *member, unsigned width, uint64_t value)
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

uint64_t field_value(const struct field *field, const void *base)
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

int field_decode(const struct field *list, const uint8_t *wire, size_t len, void *base)
{
	for (const struct field *f = list; f->kind != FIELD_END; f++) {
		uint8_t *member = (uint8_t *)base + f->member;
		struct cursor c;

		cursor_init(&c, wire, len);
		cursor_skip(&c, f->at);
		if (f->kind == FIELD_ADDR6) {
			cursor_copy(&c, member, sizeof(struct in6_addr));
		} else if (f->kind == FIELD_REST) {
			struct field_bytes *rest = (void *)member;

			rest->len = (uint8_t)cursor_left(&c);
			rest->at = cursor_bytes(&c, rest->len);
		} else {
			uint64_t value = read_uint(&c, f->size);

			if (f->mask)
				value = (value & f->mask) >> __builtin_ctz(f->mask);
			store(member, f->width, value);
		}
		if (!cursor_ok(&c))
			return -EBADMSG;
	}
	return 0;
}

static int encode_uint(const struct field *f, const void *base, uint8_t *wire, size_t len)
{
	uint64_t value = field_value(f, base);
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
	struct writer w;

	writer_init(&w, wire, len);
	writer_reserve(&w, f->at);
	if (f->kind == FIELD_REST) {
		const struct field_bytes *rest = (const void *)member;

		if (rest->at)
			writer_bytes(&w, rest->at, rest->len);
		else
			writer_zero(&w, rest->len);
	} else {
		writer_bytes(&w, member, sizeof(struct in6_addr));
	}
	return writer_ok(&w) ? 0 : -ENOSPC;
}

int field_encode(const struct field *list, const void *base, uint8_t *wire, size_t len)
{
	for (const struct field *f = list; f->kind != FIELD_END; f++) {
		bool octets = f->kind == FIELD_REST || f->kind == FIELD_ADDR6;
		int rc = octets ? encode_octets(f, base, wire, len)
				: encode_uint(f, base, wire, len);

		if (rc)
			return rc;
	}
	return 0;
}
