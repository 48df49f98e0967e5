#include "proto/mobility/nd_option.h"

#include "proto/mobility/field_rows.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/visit.h"

#define FIELD_OF struct nd_option

static const struct flags_def prefix_table[] = {
	{ND_OPTION_ON_LINK, 0, 0, 'L', "on-link", "RFC 4861"},
	{ND_OPTION_AUTONOMOUS, 0, 0, 'A', "autonomous address configuration", "RFC 4861"},
	{ND_OPTION_ROUTER_ADDRESS, 0, 0, 'R', "address of the router", "RFC 6275"},
};
static const struct flags_set prefix_flags = {
	prefix_table, sizeof(prefix_table) / sizeof(prefix_table[0])};

static const struct flags_def home_agent_table[] = {
	{ND_OPTION_SERVES_ROUTERS, 0, 0, 'R', "mobile router support", "RFC 3963"},
};
static const struct flags_set home_agent_flags = {home_agent_table, 1};

static const struct field link_fields[] = {REST("link_layer_address", 2, link_address), END};
static const struct field prefix_fields[] = {UINT("prefix_length", 2, 1, prefix.len),
	FLAGS(3, 1, prefix.flags, &prefix_flags), TIME("valid_lifetime", 4, 4, prefix.valid_s, "s"),
	TIME("preferred_lifetime", 8, 4, prefix.preferred_s, "s"),
	ADDR6("prefix", 16, prefix.address), END};
static const struct field mtu_fields[] = {TIME("mtu", 4, 4, mtu, "octets"), END};
static const struct field interval_fields[] = {TIME("interval", 4, 4, interval_ms, "ms"), END};
static const struct field home_agent_fields[] = {FLAGS(2, 2, home_agent.flags, &home_agent_flags),
	UINT("preference", 4, 2, home_agent.preference),
	TIME("lifetime", 6, 2, home_agent.lifetime_s, "s"), END};

static const struct nd_option_def table[] = {
	{"Source Link-Layer Address", "RFC 4861, 4.6.1", ND_OPTION_SOURCE, 0, link_fields},
	{"Target Link-Layer Address", "RFC 4861, 4.6.1", ND_OPTION_TARGET, 0, link_fields},
	{"Prefix Information", "RFC 6275, 7.2", ND_OPTION_PREFIX, 4, prefix_fields},
	{"MTU", "RFC 4861, 4.6.4", ND_OPTION_MTU, 1, mtu_fields},
	{"Advertisement Interval", "RFC 6275, 7.3", ND_OPTION_INTERVAL, 1, interval_fields},
	{"Home Agent Information", "RFC 6275, 7.4", ND_OPTION_HOME_AGENT, 1, home_agent_fields},
};

const struct nd_option_def *nd_option_find(uint8_t type)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].type == type)
			return &table[i];
	return NULL;
}

bool nd_option_next(struct cursor *c, struct nd_option *out)
{
	const struct nd_option_def *def;
	const uint8_t *wire = c->pos;
	size_t len;

	if (!cursor_left(c))
		return false;
	out->type = cursor_u8(c);
	out->units = cursor_u8(c);
	if (!out->units)
		cursor_fail(c);
	len = (size_t)out->units * ND_OPTION_UNIT;
	out->body.at = cursor_bytes(c, cursor_ok(c) ? len - 2 : 0);
	if (!cursor_ok(c))
		return false;
	out->body.len = len - 2 <= UINT8_MAX ? (uint8_t)(len - 2) : UINT8_MAX;
	def = nd_option_find(out->type);
	out->is_known = def && (!def->units || def->units == out->units) &&
			field_decode(def->fields, wire, len, out) == 0;
	return true;
}

void nd_option_prefix_encode(struct writer *w, const struct nd_option_prefix *prefix)
{
	writer_u8(w, ND_OPTION_PREFIX);
	writer_u8(w, nd_option_find(ND_OPTION_PREFIX)->units);
	writer_u8(w, prefix->len);
	writer_u8(w, prefix->flags);
	writer_u32(w, prefix->valid_s);
	writer_u32(w, prefix->preferred_s);
	writer_u32(w, 0);
	writer_addr6(w, &prefix->address);
}

int nd_option_visit(const struct nd_option *option, const struct visitor *v)
{
	const struct nd_option_def *def = nd_option_find(option->type);
	int rc = visit_begin(v, NULL, VISIT_OBJECT, def ? def->clause : "RFC 4861, 4.6");

	if (!rc)
		rc = visit_number(v, "type", option->type, NULL);
	if (!rc)
		rc = visit_string(v, "name", def ? def->name : "unknown");
	if (!rc)
		rc = visit_number(v, "length", option->units, "8 octets");
	if (rc)
		return rc;
	rc = option->is_known
		     ? visit_fields(def->fields, option, v)
		     : visit_octets(v, "data", VISIT_OCTETS, option->body.at, option->body.len);
	return rc ? rc : visit_end(v);
}
