#include "proto/channel/trace.h"

#include <errno.h>

#include "proto/channel/record.h"

static const char *const how_names[] = {
	[TRACE_SENT] = "sent",
	[TRACE_DROPPED] = "dropped",
	[TRACE_TO_CONTROL] = "to-control",
	[TRACE_TO_KERNEL] = "to-kernel",
	[TRACE_WAITS] = "waits",
	[TRACE_ANSWERED] = "answered",
	[TRACE_KEPT] = "kept",
};

static const char *how_find(unsigned how)
{
	return how < sizeof(how_names) / sizeof(how_names[0]) ? how_names[how] : NULL;
}

const char *trace_how_name(enum trace_how how)
{
	const char *name = how_find((unsigned)how);

	return name ? name : "unknown";
}

static bool prefix_ok(const struct prefix6 *p)
{
	struct prefix6 canonical;

	if (p->len < 1 || p->len > 128)
		return false;
	canonical = prefix6_of(&p->addr, p->len);
	return prefix6_compare(&canonical, p) == 0;
}

static void prefix_encode(struct writer *w, const struct prefix6 *p)
{
	writer_addr6(w, &p->addr);
	writer_u8(w, p->len);
}

static struct prefix6 prefix_decode(struct cursor *c)
{
	struct prefix6 p = {.addr = cursor_addr6(c)};

	p.len = cursor_u8(c);
	if (!prefix_ok(&p))
		cursor_fail(c);
	return p;
}

/* count (8), then each: address (16 octets), length (8) */
int trace_wanted_encode(struct writer *w, const struct trace_wanted *wanted)
{
	struct record_mark mark = record_begin(w);

	if (wanted->count > TRACE_PREFIXES_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < wanted->count; i++)
		if (!prefix_ok(&wanted->prefixes[i]))
			return -EINVAL;
	writer_u8(w, wanted->count);
	for (unsigned i = 0; i < wanted->count; i++)
		prefix_encode(w, &wanted->prefixes[i]);
	return record_end(w, mark);
}

int trace_wanted_decode(struct cursor *c, struct trace_wanted *wanted)
{
	*wanted = (struct trace_wanted){.count = cursor_u8(c)};
	if (wanted->count > TRACE_PREFIXES_MAX)
		cursor_fail(c);
	for (unsigned i = 0; cursor_ok(c) && i < wanted->count; i++)
		wanted->prefixes[i] = prefix_decode(c);
	return cursor_ok(c) && cursor_left(c) == 0 ? 0 : -EBADMSG;
}

/* Says all that its kind has, and nothing else. */
static bool packet_ok(const struct trace_packet *p)
{
	const bool sent = p->how == TRACE_SENT, dropped = p->how == TRACE_DROPPED;

	return how_find((unsigned)p->how) && prefix_ok(&p->prefix) && p->octets &&
	       p->captured >= 1 && p->captured <= TRACE_OCTETS_MAX && p->captured <= p->length &&
	       record_text_ok(p->reason, dropped, dropped ? TRACE_REASON_MAX : 0, false) &&
	       record_text_ok(p->from, 0, OBJECT_PORT_NAME_MAX, false) &&
	       record_text_ok(p->by, sent, sent ? OBJECT_PORT_NAME_MAX : 0, false) &&
	       (sent || addr_equal(&p->to, &in6addr_any));
}

/* prefix, time (64), how (8), reason, from, by (texts), to (16 octets), missed (32), length (16),
 * captured (16), octets */
int trace_packet_encode(struct writer *w, const struct trace_packet *p)
{
	struct record_mark mark = record_begin(w);

	if (!packet_ok(p))
		return -EINVAL;
	prefix_encode(w, &p->prefix);
	writer_u64(w, p->real_ns);
	writer_u8(w, (uint8_t)p->how);
	record_text_encode(w, p->reason);
	record_text_encode(w, p->from);
	record_text_encode(w, p->by);
	writer_addr6(w, &p->to);
	writer_u32(w, p->missed);
	writer_u16(w, p->length);
	writer_u16(w, p->captured);
	writer_bytes(w, p->octets, p->captured);
	return record_end(w, mark);
}

int trace_packet_decode(struct cursor *c, struct trace_packet *p)
{
	*p = (struct trace_packet){.prefix = prefix_decode(c)};
	p->real_ns = cursor_u64(c);
	p->how = cursor_u8(c);
	record_text_decode(c, p->reason, 0, TRACE_REASON_MAX, false);
	record_text_decode(c, p->from, 0, OBJECT_PORT_NAME_MAX, false);
	record_text_decode(c, p->by, 0, OBJECT_PORT_NAME_MAX, false);
	p->to = cursor_addr6(c);
	p->missed = cursor_u32(c);
	p->length = cursor_u16(c);
	p->captured = cursor_u16(c);
	p->octets = cursor_bytes(c, p->captured);
	if (!cursor_ok(c) || !packet_ok(p)) {
		cursor_fail(c);
		return -EBADMSG;
	}
	return 0;
}
