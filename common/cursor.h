/*
 * Bounds-checked reading and writing of octet buffers: the only way that a decoder or an encoder
 * of this project touches the wire.
 *
 * The first access that does not fit latches an error; from then on every read yields zero (or
 * NULL) and every write does nothing, so callers do their work straight on and ask once, at the
 * end, with cursor_ok() or writer_ok(). All integers are in network byte order in the buffer and
 * in host byte order in the interface. Nothing here allocates; a cursor borrows its buffer.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Reader over [base, end); pos is the next octet. 32 octets, copied freely. */
struct cursor {
	const uint8_t *base;
	const uint8_t *pos;
	const uint8_t *end;
	bool error; /* latched: something was read that is not there */
};

/* Writer over [base, end); pos is where the next octet goes. */
struct writer {
	uint8_t *base;
	uint8_t *pos;
	uint8_t *end;
	bool overflow; /* latched: something did not fit */
};

/* Starts reading len octets at buf. A buf of NULL is empty, whatever len says. */
static inline void cursor_init(struct cursor *c, const void *buf, size_t len)
{
	c->base = c->pos = buf;
	c->end = buf ? (const uint8_t *)buf + len : NULL;
	c->error = false;
}

/* True while every read so far was inside the buffer. */
static inline bool cursor_ok(const struct cursor *c)
{
	return !c->error;
}

/* Latches the error: for a decoder that finds a length field it cannot believe. */
static inline void cursor_fail(struct cursor *c)
{
	c->error = true;
	c->pos = c->end;
}

/* Octets not yet read; 0 after an error. */
static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->pos);
}

/* Octets read so far, from the start of the buffer. After an error: the buffer's length. */
static inline size_t cursor_offset(const struct cursor *c)
{
	return (size_t)(c->pos - c->base);
}

/* The next n octets in place, or NULL and an error when there are fewer. With n = 0: the current
 * position (NULL for an empty buffer that was NULL, which is no error). */
static inline const uint8_t *cursor_bytes(struct cursor *c, size_t n)
{
	const uint8_t *at = c->pos;

	if (c->error || cursor_left(c) < n) {
		cursor_fail(c);
		return NULL;
	}
	c->pos = n ? at + n : at;
	return at;
}

/* Copies the next n octets to dst; fills dst with zeros when there are fewer. */
static inline void cursor_copy(struct cursor *c, void *dst, size_t n)
{
	const uint8_t *at = cursor_bytes(c, n);

	if (n == 0)
		return;
	if (at)
		memcpy(dst, at, n);
	else
		memset(dst, 0, n);
}

/* Passes over n octets. */
static inline void cursor_skip(struct cursor *c, size_t n)
{
	cursor_bytes(c, n);
}

/* Makes sub a reader of the next n octets and passes over them. When there are fewer, c has the
 * error and sub is empty and has it too. */
static inline void cursor_sub(struct cursor *c, size_t n, struct cursor *sub)
{
	const uint8_t *at = cursor_bytes(c, n);

	cursor_init(sub, at, c->error ? 0 : n);
	sub->error = c->error;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *at = cursor_bytes(c, 1);

	return at ? at[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *at = cursor_bytes(c, 2);

	return at ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *at = cursor_bytes(c, 4);

	return at ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]
		  : 0;
}

static inline uint64_t cursor_u64(struct cursor *c)
{
	uint64_t value = 0;

	for (const uint8_t *at = cursor_bytes(c, 8), *stop = at ? at + 8 : at; at != stop; at++)
		value = value << 8 | *at;
	return value;
}

/* An IPv6 address; the unspecified address when it is not there. */
static inline struct in6_addr cursor_addr6(struct cursor *c)
{
	struct in6_addr a;

	cursor_copy(c, &a, sizeof(a));
	return a;
}

/* Starts writing into size octets at buf. */
static inline void writer_init(struct writer *w, void *buf, size_t size)
{
	w->base = w->pos = buf;
	w->end = buf ? (uint8_t *)buf + size : NULL;
	w->overflow = false;
}

/* True while everything written so far did fit. */
static inline bool writer_ok(const struct writer *w)
{
	return !w->overflow;
}

/* Octets written so far, which is also the offset of the next one. */
static inline size_t writer_len(const struct writer *w)
{
	return (size_t)(w->pos - w->base);
}

/* The same as writer_len(): the name to use where a position is remembered for a later
 * writer_put_u8_at() or writer_put_u16_at(). */
static inline size_t writer_offset(const struct writer *w)
{
	return writer_len(w);
}

/* Octets that still fit. */
static inline size_t writer_left(const struct writer *w)
{
	return w->overflow ? 0 : (size_t)(w->end - w->pos);
}

/* Room for n octets, to be filled by the caller, or NULL when they do not fit. */
static inline uint8_t *writer_reserve(struct writer *w, size_t n)
{
	uint8_t *at = w->pos;

	if (w->overflow || (size_t)(w->end - w->pos) < n) {
		w->overflow = true;
		return NULL;
	}
	w->pos = n ? at + n : at;
	return at;
}

static inline void writer_bytes(struct writer *w, const void *src, size_t n)
{
	uint8_t *at = writer_reserve(w, n);

	if (at && n)
		memcpy(at, src, n);
}

/* Writes n octets of zero. */
static inline void writer_zero(struct writer *w, size_t n)
{
	uint8_t *at = writer_reserve(w, n);

	if (at && n)
		memset(at, 0, n);
}

static inline void writer_u8(struct writer *w, uint8_t v)
{
	writer_bytes(w, &v, 1);
}

static inline void writer_u16(struct writer *w, uint16_t v)
{
	const uint8_t b[2] = {v >> 8, v & 0xff};

	writer_bytes(w, b, sizeof(b));
}

static inline void writer_u32(struct writer *w, uint32_t v)
{
	const uint8_t b[4] = {v >> 24, v >> 16 & 0xff, v >> 8 & 0xff, v & 0xff};

	writer_bytes(w, b, sizeof(b));
}

static inline void writer_u64(struct writer *w, uint64_t v)
{
	writer_u32(w, v >> 32);
	writer_u32(w, (uint32_t)v);
}

static inline void writer_addr6(struct writer *w, const struct in6_addr *a)
{
	writer_bytes(w, a, sizeof(*a));
}

/* Overwrites one octet that was written before, at offset off. An offset outside of what was
 * written latches the overflow. */
static inline void writer_put_u8_at(struct writer *w, size_t off, uint8_t v)
{
	if (w->overflow || off >= writer_len(w))
		w->overflow = true;
	else
		w->base[off] = v;
}

/* Overwrites two octets that were written before: lengths and checksums that are known late. */
static inline void writer_put_u16_at(struct writer *w, size_t off, uint16_t v)
{
	writer_put_u8_at(w, off + 1, v & 0xff);
	writer_put_u8_at(w, off, v >> 8);
}
