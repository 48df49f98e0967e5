#include "proto/mobility/router.h"

#include <errno.h>
#include <string.h>

#include "common/cursor.h"
#include "proto/mobility/icmp6.h"

#define FLAGS        (ROUTER_MANAGED | ROUTER_OTHER | ROUTER_HOME_AGENT)
#define PREFIX_FLAGS (ND_OPTION_ON_LINK | ND_OPTION_AUTONOMOUS | ND_OPTION_ROUTER_ADDRESS)

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

static void take_prefix(const struct nd_option_prefix *prefix, struct router *out)
{
	if (prefix->len > 128)
		return;
	if (out->prefix_count == ROUTER_PREFIXES_MAX) {
		out->prefixes_left_out += out->prefixes_left_out < UINT8_MAX;
		return;
	}
	out->prefixes[out->prefix_count] = *prefix;
	out->prefixes[out->prefix_count++].flags &= PREFIX_FLAGS;
}

static void take_home_agent(const struct nd_option_home_agent *agent, struct router *out)
{
	if (!(out->flags & ROUTER_HOME_AGENT) || !agent->lifetime_s)
		return;
	out->has_home_agent = true;
	out->serves_routers = agent->flags & ND_OPTION_SERVES_ROUTERS;
	out->preference = agent->preference;
	out->home_agent_lifetime_s = agent->lifetime_s;
}

static void take_option(const struct nd_option *option, struct router *out)
{
	switch (option->type) {
	case ND_OPTION_SOURCE:
		/* Longer ones hold addresses of other link types (RFC 2464, 6). */
		out->has_link_address |= option->units == 1;
		if (option->units == 1)
			memcpy(out->link_address.b, option->link_address.at,
				sizeof(out->link_address.b));
		break;
	case ND_OPTION_PREFIX:
		take_prefix(&option->prefix, out);
		break;
	case ND_OPTION_MTU:
		out->mtu = option->mtu;
		break;
	case ND_OPTION_INTERVAL:
		out->interval_ms = option->interval_ms;
		break;
	case ND_OPTION_HOME_AGENT:
		take_home_agent(&option->home_agent, out);
		break;
	default:
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
	struct nd_option option;
	enum router_fault fault;
	struct cursor c;

	*out = (struct router){0};
	cursor_init(&c, msg, len);
	fault = read_head(&c, out);
	if (fault)
		return fault;
	while (nd_option_next(&c, &option))
		if (option.is_known)
			take_option(&option, out);
	if (!cursor_ok(&c))
		return ROUTER_FAULT_OPTION_LENGTH;
	if (out->flags & ROUTER_HOME_AGENT && !out->has_home_agent)
		out->home_agent_lifetime_s = out->lifetime_s;
	return ROUTER_FAULT_NONE;
}

static void put_head(struct writer *w, enum nd_option_type type, uint8_t units)
{
	writer_u8(w, (uint8_t)type);
	writer_u8(w, units);
}

static void put_number(struct writer *w, enum nd_option_type type, uint32_t number)
{
	if (!number)
		return;
	put_head(w, type, 1);
	writer_u16(w, 0);
	writer_u32(w, number);
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
		put_head(&w, ND_OPTION_SOURCE, 1);
		writer_bytes(&w, router->link_address.b, sizeof(router->link_address.b));
	}
	put_number(&w, ND_OPTION_MTU, router->mtu);
	for (unsigned i = 0; i < router->prefix_count; i++)
		nd_option_prefix_encode(&w, &router->prefixes[i]);
	put_number(&w, ND_OPTION_INTERVAL, router->interval_ms);
	if (router->has_home_agent) {
		put_head(&w, ND_OPTION_HOME_AGENT, 1);
		writer_u16(&w, router->serves_routers ? ND_OPTION_SERVES_ROUTERS : 0);
		writer_u16(&w, router->preference);
		writer_u16(&w, router->home_agent_lifetime_s);
	}
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}

const struct in6_addr *router_address(const struct router *router)
{
	for (unsigned i = 0; i < router->prefix_count; i++)
		if (router->prefixes[i].flags & ND_OPTION_ROUTER_ADDRESS)
			return &router->prefixes[i].address;
	return NULL;
}
