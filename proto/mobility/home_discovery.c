#include "proto/mobility/home_discovery.h"

#include <errno.h>

#include "common/cursor.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/nd_option.h"
#include "proto/mobility/visit.h"

enum {
	ADDRESS_BITS = 128,
	IDENTIFIER_AT = 64,  /* bits before an interface identifier in EUI-64 form */
	UNIVERSAL = 0x02,    /* bit of its first octet */
	ANYCAST_MASK = 0x7f, /* of the last octet */
	HOME_AGENTS = 0x7e,  /* RFC 2526, 3 */
};

static const struct flags_def router_table[] = {
	{HOME_DISCOVERY_R, 0, 0, 'R', "mobile router support", "RFC 3963"},
};

static const struct flags_def advertisement_table[] = {
	{HOME_DISCOVERY_M, 0, 0, 'M', "managed address configuration", "RFC 6275"},
	{HOME_DISCOVERY_O, 0, 0, 'O', "other configuration", "RFC 6275"},
};

/* A row for each message. */
static const struct row {
	const char *clause;
	struct flags_set flags;
	bool addresses; /* else Neighbour Discovery options */
} rows[] = {
	{"RFC 6275, 6.5", {router_table, 1}, false},
	{"RFC 6275, 6.6", {router_table, 1}, true},
	{"RFC 6275, 6.7", {NULL, 0}, false},
	{"RFC 6275, 6.8", {advertisement_table, 2}, false},
};

static const struct row *row_of(uint8_t type)
{
	if (type < ICMP6_TYPE_HOME_AGENT_REQUEST || type > ICMP6_TYPE_PREFIX_ADVERTISEMENT)
		return NULL;
	return &rows[type - ICMP6_TYPE_HOME_AGENT_REQUEST];
}

const char *home_discovery_fault_name(enum home_discovery_fault fault)
{
	static const char *const names[HOME_DISCOVERY_FAULT_COUNT] = {
		[HOME_DISCOVERY_FAULT_NONE] = "none",
		[HOME_DISCOVERY_FAULT_TYPE] = "type",
		[HOME_DISCOVERY_FAULT_CODE] = "code",
		[HOME_DISCOVERY_FAULT_LENGTH] = "length",
		[HOME_DISCOVERY_FAULT_OPTION] = "option",
	};

	return fault < HOME_DISCOVERY_FAULT_COUNT ? names[fault] : "unknown";
}

const char *home_discovery_clause(uint8_t type)
{
	const struct row *row = row_of(type);

	return row ? row->clause : NULL;
}

static enum home_discovery_fault check_body(const struct row *row, const uint8_t *body, size_t len)
{
	struct nd_option option;
	struct cursor c;

	if (row->addresses)
		return len % sizeof(struct in6_addr) ? HOME_DISCOVERY_FAULT_LENGTH
						     : HOME_DISCOVERY_FAULT_NONE;
	cursor_init(&c, body, len);
	while (nd_option_next(&c, &option))
		;
	return cursor_ok(&c) ? HOME_DISCOVERY_FAULT_NONE : HOME_DISCOVERY_FAULT_OPTION;
}

enum home_discovery_fault home_discovery_decode(
	const struct icmp6_message *message, struct home_discovery *out)
{
	const struct row *row = row_of(message->type);

	if (!row)
		return HOME_DISCOVERY_FAULT_TYPE;
	if (message->code)
		return HOME_DISCOVERY_FAULT_CODE;
	*out = (struct home_discovery){
		.type = message->type,
		.identifier = (uint16_t)(message->value >> 16),
		.flags = row->flags.count ? (uint16_t)message->value : 0,
		.body = message->body,
		.body_len = message->body_len,
	};
	return check_body(row, out->body, out->body_len);
}

int home_discovery_message(const struct home_discovery *in, struct icmp6_message *out)
{
	const struct row *row = row_of(in->type);

	if (!row || check_body(row, in->body, in->body_len) || (in->flags && !row->flags.count))
		return -EINVAL;
	*out = (struct icmp6_message){
		.type = in->type,
		.value = (uint32_t)in->identifier << 16 | in->flags,
		.body = in->body,
		.body_len = in->body_len,
	};
	return 0;
}

struct in6_addr home_discovery_anycast(const struct prefix6 *prefix)
{
	struct in6_addr addr = prefix->addr;

	for (unsigned bit = prefix->len; bit < ADDRESS_BITS; bit++)
		addr.s6_addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	if (prefix->len <= IDENTIFIER_AT)
		addr.s6_addr[IDENTIFIER_AT / 8] &= (uint8_t)~UNIVERSAL;
	addr.s6_addr[15] = (uint8_t)((addr.s6_addr[15] & ~ANYCAST_MASK) | HOME_AGENTS);
	return addr;
}

size_t home_discovery_addresses(const struct home_discovery *message)
{
	const struct row *row = row_of(message->type);

	return row && row->addresses ? message->body_len / sizeof(struct in6_addr) : 0;
}

struct in6_addr home_discovery_address(const struct home_discovery *message, size_t index)
{
	struct cursor c;

	cursor_init(&c, message->body, message->body_len);
	cursor_skip(&c, index * sizeof(struct in6_addr));
	return cursor_addr6(&c);
}

static int visit_addresses(const struct home_discovery *message, const struct visitor *v)
{
	int rc = visit_begin(v, "home_agents", VISIT_LIST, NULL);

	for (size_t i = 0; !rc && i < home_discovery_addresses(message); i++) {
		struct in6_addr address = home_discovery_address(message, i);

		rc = visit_octets(v, NULL, VISIT_ADDR6, &address, sizeof(address));
	}
	return rc ? rc : visit_end(v);
}

static int visit_nd_options(const struct home_discovery *message, const struct visitor *v)
{
	int rc = visit_begin(v, "options", VISIT_LIST, NULL);
	struct nd_option option;
	struct cursor c;

	cursor_init(&c, message->body, message->body_len);
	while (!rc && nd_option_next(&c, &option))
		rc = nd_option_visit(&option, v);
	return rc ? rc : visit_end(v);
}

int home_discovery_visit(const struct home_discovery *message, const struct visitor *v)
{
	const struct row *row = row_of(message->type);
	const struct field flags = {.name = "flags",
		.kind = FIELD_FLAGS,
		.size = 2,
		.width = 2,
		.member = offsetof(struct home_discovery, flags),
		.flags = row ? &row->flags : NULL};
	const struct field list[] = {flags, {.kind = FIELD_END}};
	int rc;

	if (!row)
		return 0;
	rc = visit_number(v, "identifier", message->identifier, NULL);
	if (!rc && row->flags.count)
		rc = visit_fields(list, message, v);
	if (rc)
		return rc;
	return row->addresses ? visit_addresses(message, v) : visit_nd_options(message, v);
}
