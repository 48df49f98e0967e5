#include "proto/mobility/traffic_selector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cursor.h"
#include "proto/mobility/visit.h"

#define FLAGS_SIZE 4

static const struct traffic_def ip4_rows[TRAFFIC_FIELD_COUNT] = {
	[TRAFFIC_SOURCE] = {"source_address", 0x80000000, 0, 4},
	[TRAFFIC_DESTINATION] = {"destination_address", 0x20000000, 0, 4},
	[TRAFFIC_SPI] = {"spi", 0x08000000, 0xffffffff, 4},
	[TRAFFIC_SOURCE_PORT] = {"source_port", 0x02000000, 0xffff, 2},
	[TRAFFIC_DESTINATION_PORT] = {"destination_port", 0x00800000, 0xffff, 2},
	[TRAFFIC_CLASS] = {"traffic_class", 0x00200000, 0xfc, 1},
	[TRAFFIC_PROTOCOL] = {"protocol", 0x00080000, 0xff, 1},
};

static const struct traffic_def ip6_rows[TRAFFIC_FIELD_COUNT] = {
	[TRAFFIC_SOURCE] = {"source_address", 0x80000000, 0, 16},
	[TRAFFIC_DESTINATION] = {"destination_address", 0x20000000, 0, 16},
	[TRAFFIC_SPI] = {"spi", 0x08000000, 0xffffffff, 4},
	[TRAFFIC_FLOW_LABEL] = {"flow_label", 0x02000000, 0xfffff, 4},
	[TRAFFIC_SOURCE_PORT] = {"source_port", 0x00800000, 0xffff, 2},
	[TRAFFIC_DESTINATION_PORT] = {"destination_port", 0x00200000, 0xffff, 2},
	[TRAFFIC_CLASS] = {"traffic_class", 0x00080000, 0xfc, 1},
	[TRAFFIC_PROTOCOL] = {"protocol", 0x00020000, 0xff, 1},
};

static const struct traffic_def *rows_of(uint8_t format)
{
	return format == TRAFFIC_FORMAT_IP4   ? ip4_rows
	       : format == TRAFFIC_FORMAT_IP6 ? ip6_rows
					      : NULL;
}

const struct traffic_def *traffic_def_find(uint8_t format, enum traffic_field field)
{
	const struct traffic_def *rows = rows_of(format);

	return rows && field < TRAFFIC_FIELD_COUNT && rows[field].size ? &rows[field] : NULL;
}

const char *traffic_fault_name(enum traffic_fault fault)
{
	static const char *const faults[TRAFFIC_FAULT_COUNT] = {
		[TRAFFIC_FAULT_NONE] = "none",
		[TRAFFIC_FAULT_FORMAT] = "format",
		[TRAFFIC_FAULT_TRUNCATED] = "truncated",
		[TRAFFIC_FAULT_END] = "end-without-start",
		[TRAFFIC_FAULT_TRAILING] = "trailing-octets",
	};

	return fault < TRAFFIC_FAULT_COUNT ? faults[fault] : "unknown";
}

static void read_value(struct cursor *c, const struct traffic_def *row, union traffic_value *value)
{
	if (!row->mask)
		cursor_copy(c, value, row->size);
	else if (row->size == 4)
		value->number = cursor_u32(c) & row->mask;
	else if (row->size == 2)
		value->number = cursor_u16(c);
	else
		value->number = cursor_u8(c) & row->mask;
}

/* A field that the format does not have has no flag. */
static enum traffic_fault decode_fields(
	const struct traffic_def *rows, struct cursor *c, struct traffic_selector *out)
{
	uint32_t flags = cursor_u32(c);

	for (unsigned i = 0; i < TRAFFIC_FIELD_COUNT && cursor_ok(c); i++) {
		struct traffic_range *range = &out->ranges[i];

		range->has_start = flags & rows[i].flag;
		range->has_end = flags & rows[i].flag >> 1;
		if (range->has_end && !range->has_start)
			return TRAFFIC_FAULT_END;
		if (range->has_start)
			read_value(c, &rows[i], &range->start);
		if (range->has_end)
			read_value(c, &rows[i], &range->end);
	}
	if (!cursor_ok(c))
		return TRAFFIC_FAULT_TRUNCATED;
	return cursor_left(c) ? TRAFFIC_FAULT_TRAILING : TRAFFIC_FAULT_NONE;
}

enum traffic_fault traffic_selector_decode(uint8_t format, const uint8_t *wire, size_t len,
	struct traffic_selector *out, size_t *offset)
{
	const struct traffic_def *rows = rows_of(format);
	enum traffic_fault fault = TRAFFIC_FAULT_FORMAT;
	struct cursor c;

	cursor_init(&c, wire, len);
	if (rows) {
		*out = (struct traffic_selector){.format = format};
		fault = decode_fields(rows, &c, out);
	}
	if (offset)
		*offset = cursor_offset(&c);
	return fault;
}

static bool fits(const struct traffic_def *row, const union traffic_value *value)
{
	return !row->mask || !(value->number & ~row->mask);
}

static bool is_sound(const struct traffic_def *row, const struct traffic_range *range)
{
	if (!range->has_start)
		return !range->has_end;
	return row->size && fits(row, &range->start) && (!range->has_end || fits(row, &range->end));
}

static void write_value(
	struct writer *w, const struct traffic_def *row, const union traffic_value *value)
{
	if (!row->mask)
		writer_bytes(w, value, row->size);
	else if (row->size == 4)
		writer_u32(w, value->number);
	else if (row->size == 2)
		writer_u16(w, (uint16_t)value->number);
	else
		writer_u8(w, (uint8_t)value->number);
}

ssize_t traffic_selector_encode(const struct traffic_selector *selector, uint8_t *buf, size_t size)
{
	const struct traffic_def *rows = rows_of(selector->format);
	uint32_t flags = 0;
	struct writer w;

	if (!rows)
		return -EINVAL;
	for (unsigned i = 0; i < TRAFFIC_FIELD_COUNT; i++) {
		const struct traffic_range *range = &selector->ranges[i];

		if (!is_sound(&rows[i], range))
			return -EINVAL;
		flags |= range->has_start ? rows[i].flag : 0;
		flags |= range->has_end ? rows[i].flag >> 1 : 0;
	}
	writer_init(&w, buf, size);
	writer_u32(&w, flags);
	for (unsigned i = 0; i < TRAFFIC_FIELD_COUNT; i++) {
		if (selector->ranges[i].has_start)
			write_value(&w, &rows[i], &selector->ranges[i].start);
		if (selector->ranges[i].has_end)
			write_value(&w, &rows[i], &selector->ranges[i].end);
	}
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}

size_t traffic_selector_align(const struct traffic_selector *selector)
{
	const struct traffic_def *rows = rows_of(selector->format);
	size_t align = 1;

	for (unsigned i = 0; rows && i < TRAFFIC_FIELD_COUNT; i++)
		if (selector->ranges[i].has_start && rows[i].size > align)
			align = rows[i].size > 8 ? 8 : rows[i].size;
	return align;
}

static int visit_value(const struct visitor *v, const struct traffic_def *row, const char *which,
	const union traffic_value *value)
{
	char name[40];

	snprintf(name, sizeof(name), "%s_%s", row->name, which);
	if (row->mask)
		return visit_number(v, name, value->number, NULL);
	return visit_octets(v, name, row->size == 4 ? VISIT_ADDR4 : VISIT_ADDR6, value, row->size);
}

int traffic_selector_visit(const struct traffic_selector *selector, const struct visitor *v)
{
	const struct traffic_def *rows = rows_of(selector->format);
	int rc = 0;

	for (unsigned i = 0; rows && !rc && i < TRAFFIC_FIELD_COUNT; i++) {
		const struct traffic_range *range = &selector->ranges[i];

		if (range->has_start)
			rc = visit_value(v, &rows[i], "start", &range->start);
		if (!rc && range->has_end)
			rc = visit_value(v, &rows[i], "end", &range->end);
	}
	return rc;
}
