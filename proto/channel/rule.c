#include "proto/channel/rule.h"

#include <string.h>

#include "common/addr.h"
#include "proto/channel/digest.h"

/* One row a field. */
static const struct {
	const char *name;
	uint32_t mask; /* bits that count; 0: an address */
	uint8_t size;  /* octets on the wire */
} fields[RULE_FIELDS] = {
	[RULE_SOURCE] = {"source", 0, 16},
	[RULE_DESTINATION] = {"destination", 0, 16},
	[RULE_SPI] = {"spi", UINT32_MAX, 4},
	[RULE_FLOW_LABEL] = {"flow-label", 0xfffff, 4},
	[RULE_SOURCE_PORT] = {"source-port", UINT16_MAX, 2},
	[RULE_DESTINATION_PORT] = {"destination-port", UINT16_MAX, 2},
	[RULE_CLASS] = {"class", 0xfc, 1},
	[RULE_PROTOCOL] = {"protocol", UINT8_MAX, 1},
};

static const char *const action_names[] = {
	[RULE_TO_PATHS] = "paths",
	[RULE_DROP] = "drop",
	[RULE_TO_FIRST] = "first",
};

const char *rule_field_name(enum rule_field field)
{
	return field < RULE_FIELDS ? fields[field].name : "unknown";
}

const char *rule_action_name(enum rule_action action)
{
	size_t i = (size_t)action;

	if (i >= sizeof(action_names) / sizeof(action_names[0]) || !action_names[i])
		return "unknown";
	return action_names[i];
}

uint32_t rule_field_max(enum rule_field field)
{
	return field < RULE_FIELDS ? fields[field].mask : 0;
}

static bool is_compared(const struct rule_selector *selector, unsigned field)
{
	return selector->fields >> field & 1;
}

static bool addresses_ok(const struct rule_selector *s, unsigned field)
{
	const struct rule_addresses *range = &s->addresses[field];

	if (!is_compared(s, field))
		return addr_is_unspecified(&range->first) && addr_is_unspecified(&range->last);
	if (addr_compare(&range->first, &range->last) > 0)
		return false;
	return s->version != 4 ||
	       (IN6_IS_ADDR_V4MAPPED(&range->first) && IN6_IS_ADDR_V4MAPPED(&range->last));
}

static bool numbers_ok(const struct rule_selector *s, unsigned field)
{
	const struct rule_range *range = &s->numbers[field];

	if (!is_compared(s, field) || fields[field].mask == 0)
		return range->first == 0 && range->last == 0;
	return range->first <= range->last && (range->last & ~fields[field].mask) == 0 &&
	       (range->first & ~fields[field].mask) == 0;
}

bool rule_selector_ok(const struct rule_selector *s)
{
	if (s->version != RULE_VERSION_ANY && s->version != 4 && s->version != 6)
		return false;
	for (unsigned i = 0; i < RULE_FIELDS; i++)
		if ((i < RULE_ADDRESS_FIELDS && !addresses_ok(s, i)) || !numbers_ok(s, i))
			return false;
	return true;
}

bool rule_matches(const struct rule_selector *s, const struct rule_packet *p)
{
	if ((s->version != RULE_VERSION_ANY && s->version != p->version) || s->fields & ~p->has)
		return false;
	for (unsigned i = 0; i < RULE_ADDRESS_FIELDS; i++)
		if (is_compared(s, i) &&
			(addr_compare(&p->addresses[i], &s->addresses[i].first) < 0 ||
				addr_compare(&p->addresses[i], &s->addresses[i].last) > 0))
			return false;
	for (unsigned i = RULE_ADDRESS_FIELDS; i < RULE_FIELDS; i++) {
		uint32_t value = p->numbers[i] & fields[i].mask;

		if (is_compared(s, i) &&
			(value < s->numbers[i].first || value > s->numbers[i].last))
			return false;
	}
	return true;
}

static bool action_ok(const struct object_rule *rule)
{
	if (rule->action == RULE_DROP)
		return rule->path_count == 0;
	return (rule->action == RULE_TO_PATHS || rule->action == RULE_TO_FIRST) &&
	       rule->path_count >= 1 && rule->path_count <= RULE_PATHS_MAX;
}

bool rule_ok(const struct object_rule *rule)
{
	if (rule->subscriber == 0 || !action_ok(rule))
		return false;
	for (unsigned i = 0; i < rule->path_count; i++)
		if (rule->paths[i] == 0)
			return false;
	return rule_selector_ok(&rule->selector);
}

static void number_encode(struct writer *w, uint8_t size, uint32_t value)
{
	switch (size) {
	case 1:
		writer_u8(w, (uint8_t)value);
		break;
	case 2:
		writer_u16(w, (uint16_t)value);
		break;
	default:
		writer_u32(w, value);
		break;
	}
}

static uint32_t number_decode(struct cursor *c, uint8_t size)
{
	switch (size) {
	case 1:
		return cursor_u8(c);
	case 2:
		return cursor_u16(c);
	default:
		return cursor_u32(c);
	}
}

void rule_encode(struct writer *w, const struct object_rule *rule)
{
	const struct rule_selector *s = &rule->selector;

	writer_u64(w, rule->subscriber);
	writer_u16(w, rule->priority);
	writer_u8(w, (uint8_t)rule->action);
	writer_u8(w, rule->path_count);
	for (unsigned i = 0; i < rule->path_count; i++)
		writer_u64(w, rule->paths[i]);
	writer_u8(w, s->version);
	writer_u8(w, s->fields);
	for (unsigned i = 0; i < RULE_FIELDS; i++) {
		if (!is_compared(s, i))
			continue;
		if (i < RULE_ADDRESS_FIELDS) {
			writer_addr6(w, &s->addresses[i].first);
			writer_addr6(w, &s->addresses[i].last);
			continue;
		}
		number_encode(w, fields[i].size, s->numbers[i].first);
		number_encode(w, fields[i].size, s->numbers[i].last);
	}
}

static void selector_decode(struct cursor *c, struct rule_selector *s)
{
	s->version = cursor_u8(c);
	s->fields = cursor_u8(c);
	for (unsigned i = 0; i < RULE_FIELDS; i++) {
		if (!is_compared(s, i))
			continue;
		if (i < RULE_ADDRESS_FIELDS) {
			s->addresses[i].first = cursor_addr6(c);
			s->addresses[i].last = cursor_addr6(c);
			continue;
		}
		s->numbers[i].first = number_decode(c, fields[i].size);
		s->numbers[i].last = number_decode(c, fields[i].size);
	}
}

void rule_decode(struct cursor *c, struct object_rule *rule)
{
	*rule = (struct object_rule){.id = rule->id};
	rule->subscriber = cursor_u64(c);
	rule->priority = cursor_u16(c);
	rule->action = cursor_u8(c);
	rule->path_count = cursor_u8(c);
	if (!action_ok(rule)) {
		cursor_fail(c);
		return;
	}
	for (unsigned i = 0; i < rule->path_count; i++)
		rule->paths[i] = cursor_u64(c);
	selector_decode(c, &rule->selector);
	if (!rule_ok(rule))
		cursor_fail(c);
}

uint64_t rule_digest(uint64_t h, const struct object_rule *rule)
{
	const struct rule_selector *s = &rule->selector;

	h = digest_mix(h, rule->subscriber,
		(uint64_t)rule->priority << 32 | (uint64_t)rule->action << 24 |
			(uint64_t)rule->path_count << 16 | (uint64_t)s->version << 8 | s->fields);
	for (unsigned i = 0; i < rule->path_count; i++)
		h = digest_mix(h, rule->paths[i], 4);
	for (unsigned i = 0; i < RULE_ADDRESS_FIELDS; i++)
		h = digest_addr(digest_addr(h, &s->addresses[i].first), &s->addresses[i].last);
	for (unsigned i = RULE_ADDRESS_FIELDS; i < RULE_FIELDS; i++)
		h = digest_mix(h, (uint64_t)s->numbers[i].first << 32 | s->numbers[i].last, i);
	return h;
}
