#include "proto/mobility/flow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cursor.h"
#include "proto/mobility/visit.h"

#define SELECTOR_HEAD 2 /* TS Format and Reserved */

/* One sub-option as it stands on the wire. */
struct sub {
	uint8_t type;
	uint16_t offset; /* from the first sub-option */
	struct field_bytes body;
};

const char *flow_fault_name(enum flow_fault fault)
{
	static const char *const faults[FLOW_FAULT_COUNT] = {
		[FLOW_FAULT_NONE] = "none",
		[FLOW_FAULT_TRUNCATED] = "truncated",
		[FLOW_FAULT_LENGTH] = "length",
		[FLOW_FAULT_REPEATED] = "repeated",
		[FLOW_FAULT_SELECTOR] = "traffic-selector",
	};

	return fault < FLOW_FAULT_COUNT ? faults[fault] : "unknown";
}

const char *flow_error_print(const struct flow_error *error, char *buf, size_t size)
{
	bool selector = error->fault == FLOW_FAULT_SELECTOR;

	snprintf(buf, size, "sub-option %u at offset %u: %s%s%s (length %u)", error->type,
		error->offset, flow_fault_name(error->fault), selector ? ": " : "",
		selector ? traffic_fault_name(error->selector) : "", error->len);
	return buf;
}

bool flow_is_supported_format(uint8_t format)
{
	return format == TRAFFIC_FORMAT_IP4 || format == TRAFFIC_FORMAT_IP6;
}

/* The next sub-option that is no padding; false at the end or when it is truncated. */
static bool next_sub(struct cursor *c, struct sub *sub)
{
	while (cursor_left(c)) {
		sub->offset = (uint16_t)cursor_offset(c);
		sub->type = cursor_u8(c);
		sub->body = (struct field_bytes){0};
		if (sub->type == FLOW_SUB_PAD1)
			continue;
		sub->body.len = cursor_u8(c);
		sub->body.at = cursor_bytes(c, sub->body.len);
		if (!cursor_ok(c) || sub->type != FLOW_SUB_PADN)
			return cursor_ok(c);
	}
	return false;
}

static enum flow_fault decode_bids(const struct sub *sub, struct flow *out)
{
	if (out->has_bids)
		return FLOW_FAULT_REPEATED;
	if (!sub->body.len || sub->body.len % 2)
		return FLOW_FAULT_LENGTH;
	out->has_bids = true;
	out->bids = sub->body;
	return FLOW_FAULT_NONE;
}

static enum flow_fault decode_selector(
	const struct sub *sub, struct flow *out, struct flow_error *err)
{
	size_t offset = 0;

	if (out->has_selector)
		return FLOW_FAULT_REPEATED;
	if (sub->body.len < SELECTOR_HEAD)
		return FLOW_FAULT_LENGTH;
	out->has_selector = true;
	out->format = sub->body.at[0];
	out->opaque.at = sub->body.at + SELECTOR_HEAD;
	out->opaque.len = sub->body.len - SELECTOR_HEAD;
	if (!flow_is_supported_format(out->format))
		return FLOW_FAULT_NONE;
	err->selector = traffic_selector_decode(
		out->format, out->opaque.at, out->opaque.len, &out->selector, &offset);
	out->opaque = (struct field_bytes){0};
	err->offset = (uint16_t)(2 + SELECTOR_HEAD + offset);
	return err->selector ? FLOW_FAULT_SELECTOR : FLOW_FAULT_NONE;
}

static enum flow_fault decode_sub(const struct sub *sub, struct flow *out, struct flow_error *err)
{
	switch (sub->type) {
	case FLOW_SUB_BINDING_REFERENCE:
		return decode_bids(sub, out);
	case FLOW_SUB_TRAFFIC_SELECTOR:
		return decode_selector(sub, out, err);
	default:
		out->unknown++;
		return FLOW_FAULT_NONE;
	}
}

int flow_decode(const struct field_bytes *subs, struct flow *out, struct flow_error *err)
{
	struct flow_error error = {0};
	struct sub sub = {0};
	struct cursor c;

	memset(out, 0, offsetof(struct flow, selector));
	out->selector.format = 0;
	cursor_init(&c, subs->at, subs->len);
	while (!error.fault && next_sub(&c, &sub)) {
		error.offset = 0;
		error.fault = decode_sub(&sub, out, &error);
	}
	if (!cursor_ok(&c))
		error = (struct flow_error){.fault = FLOW_FAULT_TRUNCATED};
	if (error.fault) {
		error.offset = (uint16_t)(FLOW_AT_SUBS + sub.offset + error.offset);
		error.type = sub.type;
		error.len = sub.body.len;
	} else {
		error = (struct flow_error){0};
	}
	if (err)
		*err = error;
	return error.fault ? -EBADMSG : 0;
}

/* Pad1 or PadN up to a multiple of ALIGN. */
static void pad_to(struct writer *w, size_t align)
{
	size_t n = (align - writer_offset(w) % align) % align;

	if (n == 1) {
		writer_u8(w, FLOW_SUB_PAD1);
	} else if (n) {
		writer_u8(w, FLOW_SUB_PADN);
		writer_u8(w, (uint8_t)(n - 2));
		writer_zero(w, n - 2);
	}
}

static int encode_selector(const struct flow *flow, struct writer *w)
{
	bool supported = flow_is_supported_format(flow->format);
	uint8_t body[FLOW_SUBS_MAX];
	ssize_t n;

	if (supported && flow->selector.format != flow->format)
		return -EINVAL;
	pad_to(w, supported ? traffic_selector_align(&flow->selector) : 1);
	n = supported ? traffic_selector_encode(&flow->selector, body, sizeof(body))
		      : flow->opaque.len;
	if (n < 0 || n > UINT8_MAX - SELECTOR_HEAD)
		return n == -EINVAL ? -EINVAL : -ENOSPC;
	writer_u8(w, FLOW_SUB_TRAFFIC_SELECTOR);
	writer_u8(w, (uint8_t)(n + SELECTOR_HEAD));
	writer_u8(w, flow->format);
	writer_u8(w, 0);
	writer_bytes(w, supported ? body : flow->opaque.at, (size_t)n);
	return 0;
}

ssize_t flow_encode(const struct flow *flow, uint8_t *buf, size_t size)
{
	struct writer w;
	int rc = 0;

	writer_init(&w, buf, size < FLOW_SUBS_MAX ? size : FLOW_SUBS_MAX);
	if (flow->has_bids) {
		if (!flow->bids.len || flow->bids.len % 2)
			return -EINVAL;
		writer_u8(&w, FLOW_SUB_BINDING_REFERENCE);
		writer_u8(&w, flow->bids.len);
		writer_bytes(&w, flow->bids.at, flow->bids.len);
	}
	if (flow->has_selector)
		rc = encode_selector(flow, &w);
	if (rc)
		return rc;
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}

static int visit_bids(const struct field_bytes *bids, const struct visitor *v)
{
	int rc = visit_begin(v, "bids", VISIT_LIST, NULL);

	for (unsigned i = 0; !rc && i < bids->len / 2u; i++)
		rc = visit_number(v, NULL, field_list16(bids, i), NULL);
	return rc ? rc : visit_end(v);
}

static int visit_selector(const struct flow *flow, const struct visitor *v)
{
	int rc = visit_number(v, "format", flow->format, NULL);

	if (rc)
		return rc;
	if (flow_is_supported_format(flow->format))
		return traffic_selector_visit(&flow->selector, v);
	return visit_octets(v, "selector", VISIT_OCTETS, flow->opaque.at, flow->opaque.len);
}

static int visit_body(const struct flow *flow, const struct sub *sub, const struct visitor *v)
{
	switch (sub->type) {
	case FLOW_SUB_BINDING_REFERENCE:
		return visit_bids(&flow->bids, v);
	case FLOW_SUB_TRAFFIC_SELECTOR:
		return visit_selector(flow, v);
	default:
		return visit_octets(v, "data", VISIT_OCTETS, sub->body.at, sub->body.len);
	}
}

static int visit_sub(const struct flow *flow, const struct sub *sub, const struct visitor *v)
{
	bool bids = sub->type == FLOW_SUB_BINDING_REFERENCE;
	bool selector = sub->type == FLOW_SUB_TRAFFIC_SELECTOR;
	int rc = visit_begin(v, NULL, VISIT_OBJECT,
		bids       ? "RFC 6089, 4.2.1.3"
		: selector ? "RFC 6089, 4.2.1.4"
			   : NULL);

	if (!rc)
		rc = visit_number(v, "type", sub->type, NULL);
	if (!rc)
		rc = visit_string(v, "name",
			bids       ? "Binding Reference"
			: selector ? "Traffic Selector"
				   : "unknown");
	if (!rc)
		rc = visit_number(v, "length", sub->body.len, NULL);
	if (!rc)
		rc = visit_body(flow, sub, v);
	return rc ? rc : visit_end(v);
}

int flow_visit(const struct field *field, const void *base, const struct visitor *v)
{
	const struct field_bytes *subs = (const void *)((const uint8_t *)base + field->member);
	struct flow_error error;
	struct sub sub = {0};
	struct flow flow;
	struct cursor c;
	char text[120];
	int rc;

	if (flow_decode(subs, &flow, &error)) {
		rc = visit_string(
			v, "sub_options_error", flow_error_print(&error, text, sizeof(text)));
		return rc ? rc : visit_octets(v, field->name, VISIT_OCTETS, subs->at, subs->len);
	}
	rc = visit_begin(v, field->name, VISIT_LIST, NULL);
	cursor_init(&c, subs->at, subs->len);
	while (!rc && next_sub(&c, &sub))
		rc = visit_sub(&flow, &sub, v);
	return rc ? rc : visit_end(v);
}
