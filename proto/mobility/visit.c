#include "proto/mobility/visit.h"

#include "proto/mobility/flags.h"
#include "proto/mobility/names.h"

static int give(const struct visitor *v, const struct visit_value *value)
{
	return v->fn(v->context, value);
}

int visit_number(const struct visitor *v, const char *name, uint64_t number, const char *unit)
{
	return give(v, &(struct visit_value){
			       .kind = VISIT_NUMBER, .name = name, .number = number, .unit = unit});
}

int visit_bool(const struct visitor *v, const char *name, bool value)
{
	return give(v, &(struct visit_value){.kind = VISIT_BOOL, .name = name, .number = value});
}

int visit_named(
	const struct visitor *v, const char *name, uint64_t number, const struct names *names)
{
	return give(v, &(struct visit_value){.kind = VISIT_NAMED,
			       .name = name,
			       .number = number,
			       .text = names_find(names, (unsigned)number)});
}

/* Octets of the UTF-8 sequence that starts at AT (RFC 3629, 4), 0 when it is none or a control
 * character. */
static size_t sequence(const uint8_t *at, size_t left)
{
	uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = *at < 0x80 ? 1 : *at >> 5 == 6 ? 2 : *at >> 4 == 14 ? 3 : *at >> 3 == 30 ? 4 : 0;
	uint32_t code = *at & (n == 1 ? 0x7f : 0x7fu >> n);

	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0xd800 && code < 0xe000))
		return 0;
	return code < least[n] || code > 0x10ffff ? 0 : n;
}

static bool is_printable(const uint8_t *octets, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = sequence(octets + at, len - at);
		if (!n)
			return false;
	}
	return true;
}

int visit_octets(const struct visitor *v, const char *name, enum visit_kind kind,
	const void *octets, size_t len)
{
	if (kind == VISIT_TEXT && !is_printable(octets, len))
		kind = VISIT_OCTETS;
	return give(
		v, &(struct visit_value){.kind = kind, .name = name, .octets = octets, .len = len});
}

int visit_string(const struct visitor *v, const char *name, const char *text)
{
	return give(v, &(struct visit_value){.kind = VISIT_STRING, .name = name, .text = text});
}

int visit_begin(const struct visitor *v, const char *name, enum visit_kind kind, const char *clause)
{
	return give(v, &(struct visit_value){.kind = kind, .name = name, .clause = clause});
}

int visit_end(const struct visitor *v)
{
	return give(v, &(struct visit_value){.kind = VISIT_END});
}

static int visit_flags(const struct field *f, uint64_t number, const struct visitor *v)
{
	char letters[40];

	return give(v,
		&(struct visit_value){.kind = VISIT_FLAGS,
			.name = f->name,
			.number = number,
			.size = f->size,
			.text = flags_print(f->flags, (unsigned)number, letters, sizeof(letters))});
}

static int visit_list16(const struct visitor *v, const char *name, const struct field_bytes *list)
{
	int rc = visit_begin(v, name, VISIT_LIST, NULL);

	for (unsigned i = 0; !rc && i < list->len / 2u; i++)
		rc = visit_number(v, NULL, field_list16(list, i), NULL);
	return rc ? rc : visit_end(v);
}

static int visit_addr(const struct visitor *v, const char *name, const struct field_addr *addr)
{
	if (!addr->len)
		return 0;
	return visit_octets(
		v, name, addr->len == 4 ? VISIT_ADDR4 : VISIT_ADDR6, &addr->ip6, addr->len);
}

static int visit_maybe(
	const struct visitor *v, const struct field *f, const struct field_optional *number)
{
	return number->present ? visit_number(v, f->name, number->value, f->unit) : 0;
}

static int visit_field(const struct field *f, const void *base, const struct visitor *v)
{
	const void *member = (const uint8_t *)base + f->member;
	const struct field_bytes *rest = member;

	switch ((enum field_kind)f->kind) {
	case FIELD_END:
		break;
	case FIELD_UINT:
		return visit_number(v, f->name, field_value(f, base), f->unit);
	case FIELD_BOOL:
		return visit_bool(v, f->name, field_value(f, base));
	case FIELD_FLAGS:
		return visit_flags(f, field_value(f, base), v);
	case FIELD_STATUS:
		return visit_named(v, f->name, field_value(f, base), f->names);
	case FIELD_ADDR6:
		return visit_octets(v, f->name, VISIT_ADDR6, member, sizeof(struct in6_addr));
	case FIELD_ADDR4:
		return visit_octets(v, f->name, VISIT_ADDR4, member, sizeof(struct in_addr));
	case FIELD_REST:
		return f->visit ? f->visit(f, base, v)
				: visit_octets(v, f->name, VISIT_OCTETS, rest->at, rest->len);
	case FIELD_TEXT:
		return visit_octets(v, f->name, VISIT_TEXT, rest->at, rest->len);
	case FIELD_LIST16:
		return visit_list16(v, f->name, rest);
	case FIELD_ADDR:
		return visit_addr(v, f->name, member);
	case FIELD_MAYBE:
		return visit_maybe(v, f, member);
	}
	return 0;
}

int visit_fields(const struct field *list, const void *base, const struct visitor *v)
{
	int rc = 0;

	for (const struct field *f = list; !rc && f->kind != FIELD_END; f++)
		if (field_holds(list, f, base))
			rc = visit_field(f, base, v);
	return rc;
}

int visit_message(const struct mh *mh, const struct visitor *v)
{
	const struct mh_def *def = mh_def_find(mh->type);

	return def ? visit_fields(def->fields, mh, v) : 0;
}

int visit_option(const struct mh_option *option, const struct visitor *v)
{
	const struct option_def *def = option_def_find(option->type);

	if (option->state != OPTION_KNOWN || !def)
		return visit_octets(v, "data", VISIT_OCTETS, option->raw.at, option->raw.len);
	return visit_fields(def->fields, option, v);
}

static int visit_option_object(const struct mh_option *option, const struct visitor *v)
{
	static const char *const states[] = {[OPTION_KNOWN] = "known",
		[OPTION_UNKNOWN] = "unknown",
		[OPTION_MISPLACED] = "misplaced",
		[OPTION_MALFORMED] = "malformed"};
	const struct option_def *def = option_def_find(option->type);
	int rc = visit_begin(v, NULL, VISIT_OBJECT, def ? def->clause : NULL);

	if (!rc)
		rc = visit_number(v, "type", option->number, NULL);
	if (!rc)
		rc = visit_string(v, "name", option_name(option->type));
	if (!rc)
		rc = visit_number(v, "length", option->raw.len, NULL);
	if (!rc)
		rc = visit_number(v, "offset", option->offset, NULL);
	if (!rc)
		rc = visit_string(v, "state", states[option->state]);
	if (!rc)
		rc = visit_option(option, v);
	return rc ? rc : visit_end(v);
}

int visit_options(const struct mh *mh, const struct visitor *v)
{
	int rc = visit_begin(v, "options", VISIT_LIST, NULL);

	for (unsigned i = 0; !rc && i < mh->option_count; i++)
		rc = visit_option_object(&mh->options[i], v);
	return rc ? rc : visit_end(v);
}
