#include "proto/mobility/router.h"

#include <errno.h>

#include "common/cursor.h"
#include "proto/mobility/icmp6.h"

#define FLAGS        (ROUTER_MANAGED | ROUTER_OTHER | ROUTER_HOME_AGENT)
#define PREFIX_FLAGS (ROUTER_PREFIX_ON_LINK | ROUTER_PREFIX_AUTONOMOUS | ROUTER_PREFIX_ADDRESS)
#define SERVES       0x8000
#define UNIT         8
#define PREFIX_UNITS 4

enum option {
	OPTION_LINK_ADDRESS = 1,
	OPTION_PREFIX = 3,
	OPTION_MTU = 5,
	OPTION_INTERVAL = 7,
	OPTION_HOME_AGENT = 8,
};

const char *router_fault_name(enum router_fault fault)
{
	static const char *const names[ROUTER_FAULT_COUNT] = {
		[ROUTER_FAULT_NONE] = "none",
		[ROUTER_FAULT_TRUNCATED] = "truncated",
		[ROUTER_FAULT_TYPE] = "type",
		[ROUTER_FAULT_CODE] = "code",
		[ROUTER_FAULT_OPTION_LENGTH] = "option-length",
	};

	return fault < ROUTER_FAULT_COUNT ? names[fault] : "unknown";
}

static void read_prefix(struct cursor *c, struct router *out)
{
	struct router_prefix p = {.len = cursor_u8(c)};

	p.flags = cursor_u8(c) & PREFIX_FLAGS;
	p.valid_s = cursor_u32(c);
	p.preferred_s = cursor_u32(c);
	cursor_skip(c, 4);
	p.address = cursor_addr6(c);
	if (p.len > 128)
		return;
	if (out->prefix_count < ROUTER_PREFIXES_MAX)
		out->prefixes[out->prefix_count++] = p;
	else if (out->prefixes_left_out < UINT8_MAX)
		out->prefixes_left_out++;
}

static void read_home_agent(struct cursor *c, struct router *out)
{
	bool serves = cursor_u16(c) & SERVES;
	uint16_t preference = cursor_u16(c);
	uint16_t lifetime = cursor_u16(c);

	if (!(out->flags & ROUTER_HOME_AGENT) || !lifetime)
		return;
	out->has_home_agent = true;
	out->serves_routers = serves;
	out->preference = preference;
	out->home_agent_lifetime_s = lifetime;
}

/* A known option that has its length; others are passed over (RFC 4861, 4.6). */
static void read_option(uint8_t type, uint8_t units, struct cursor *c, struct router *out)
{
	if (units != (type == OPTION_PREFIX ? PREFIX_UNITS : 1))
		return;
	switch ((enum option)type) {
	case OPTION_LINK_ADDRESS:
		out->has_link_address = true;
		cursor_copy(c, out->link_address.b, sizeof(out->link_address.b));
		break;
	case OPTION_PREFIX:
		read_prefix(c, out);
		break;
	case OPTION_MTU:
		cursor_skip(c, 2);
		out->mtu = cursor_u32(c);
		break;
	case OPTION_INTERVAL:
		cursor_skip(c, 2);
		out->interval_ms = cursor_u32(c);
		break;
	case OPTION_HOME_AGENT:
		read_home_agent(c, out);
		break;
	}
}

static enum router_fault read_head(struct cursor *c, struct router *out)
{
	uint8_t type = cursor_u8(c), code = cursor_u8(c);

	cursor_skip(c, 2);
	out->hop_limit = cursor_u8(c);
	out->flags = cursor_u8(c) & FLAGS;
	out->lifetime_s = cursor_u16(c);
	out->reachable_ms = cursor_u32(c);
	out->retransmit_ms = cursor_u32(c);
	if (!cursor_ok(c))
		return ROUTER_FAULT_TRUNCATED;
	if (type != ICMP6_TYPE_ROUTER_ADVERTISEMENT)
		return ROUTER_FAULT_TYPE;
	return code ? ROUTER_FAULT_CODE : ROUTER_FAULT_NONE;
}

enum router_fault router_decode(const uint8_t *msg, size_t len, struct router *out)
{
	enum router_fault fault;
	struct cursor c;

	*out = (struct router){0};
	cursor_init(&c, msg, len);
	fault = read_head(&c, out);
	if (fault)
		return fault;
	while (cursor_left(&c)) {
		uint8_t type = cursor_u8(&c), units = cursor_u8(&c);
		struct cursor body;

		if (!units)
			return ROUTER_FAULT_OPTION_LENGTH;
		cursor_sub(&c, (size_t)units * UNIT - 2, &body);
		if (!cursor_ok(&c))
			return ROUTER_FAULT_OPTION_LENGTH;
		read_option(type, units, &body, out);
	}
	if (out->flags & ROUTER_HOME_AGENT && !out->has_home_agent)
		out->home_agent_lifetime_s = out->lifetime_s;
	return ROUTER_FAULT_NONE;
}

static void put_head(struct writer *w, enum option type, uint8_t units)
{
	writer_u8(w, (uint8_t)type);
	writer_u8(w, units);
}

static void put_number(struct writer *w, enum option type, uint32_t number)
{
	if (!number)
		return;
	put_head(w, type, 1);
	writer_u16(w, 0);
	writer_u32(w, number);
}

static void put_prefix(struct writer *w, const struct router_prefix *p)
{
	put_head(w, OPTION_PREFIX, PREFIX_UNITS);
	writer_u8(w, p->len);
	writer_u8(w, p->flags);
	writer_u32(w, p->valid_s);
	writer_u32(w, p->preferred_s);
	writer_u32(w, 0);
	writer_addr6(w, &p->address);
}

static bool is_valid(const struct router *r)
{
	if (r->flags & ~FLAGS || r->prefix_count > ROUTER_PREFIXES_MAX)
		return false;
	for (unsigned i = 0; i < r->prefix_count; i++)
		if (r->prefixes[i].len > 128 || r->prefixes[i].flags & ~PREFIX_FLAGS)
			return false;
	return !r->has_home_agent ||
	       (r->flags & ROUTER_HOME_AGENT && r->home_agent_lifetime_s != 0);
}

ssize_t router_encode(const struct router *router, uint8_t *buf, size_t size)
{
	struct writer w;

	if (!is_valid(router))
		return -EINVAL;
	writer_init(&w, buf, size);
	writer_u8(&w, ICMP6_TYPE_ROUTER_ADVERTISEMENT);
	writer_zero(&w, 3);
	writer_u8(&w, router->hop_limit);
	writer_u8(&w, router->flags);
	writer_u16(&w, router->lifetime_s);
	writer_u32(&w, router->reachable_ms);
	writer_u32(&w, router->retransmit_ms);
	if (router->has_link_address) {
		put_head(&w, OPTION_LINK_ADDRESS, 1);
		writer_bytes(&w, router->link_address.b, sizeof(router->link_address.b));
	}
	put_number(&w, OPTION_MTU, router->mtu);
	for (unsigned i = 0; i < router->prefix_count; i++)
		put_prefix(&w, &router->prefixes[i]);
	put_number(&w, OPTION_INTERVAL, router->interval_ms);
	if (router->has_home_agent) {
		put_head(&w, OPTION_HOME_AGENT, 1);
		writer_u16(&w, router->serves_routers ? SERVES : 0);
		writer_u16(&w, router->preference);
		writer_u16(&w, router->home_agent_lifetime_s);
	}
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}

const struct in6_addr *router_address(const struct router *router)
{
	for (unsigned i = 0; i < router->prefix_count; i++)
		if (router->prefixes[i].flags & ROUTER_PREFIX_ADDRESS)
			return &router->prefixes[i].address;
	return NULL;
}
