#include "tools/wiredoc/page.h"

#include <stdbool.h>

#include "proto/mobility/flags.h"
#include "proto/mobility/flow.h"
#include "proto/mobility/home_discovery.h"
#include "proto/mobility/metrics.h"
#include "proto/mobility/mh.h"
#include "proto/mobility/names.h"
#include "proto/mobility/nd_option.h"
#include "proto/mobility/status.h"
#include "proto/mobility/traffic_selector.h"

#define LISTS_MAX 32

/* Lists of names that fields refer to, in the order in which they came. */
struct lists {
	const struct names *names[LISTS_MAX];
	size_t count;
};

static void remember(struct lists *lists, const struct names *names)
{
	for (size_t i = 0; i < lists->count; i++)
		if (lists->names[i] == names)
			return;
	if (lists->count < LISTS_MAX)
		lists->names[lists->count++] = names;
}

static const char *kind_text(const struct field *f)
{
	switch ((enum field_kind)f->kind) {
	case FIELD_BOOL:
		return "flag";
	case FIELD_FLAGS:
		return "flags, see below";
	case FIELD_ADDR6:
		return "IPv6 address";
	case FIELD_ADDR4:
		return "IPv4 address";
	case FIELD_REST:
		return "octets";
	case FIELD_TEXT:
		return "text";
	case FIELD_LIST16:
		return "numbers of 16 bits";
	case FIELD_ADDR:
		return "nothing, an IPv4 or an IPv6 address";
	case FIELD_MAYBE:
		return "nothing or a number of 32 bits";
	default:
		return "number";
	}
}

static void write_field(
	FILE *out, const struct field *list, const struct field *f, struct lists *lists)
{
	fprintf(out, "| %u | ", f->at);
	if (f->size)
		fprintf(out, "%u | ", f->size);
	else
		fprintf(out, "rest | ");
	if (f->mask)
		fprintf(out, "0x%0*x", f->size * 2, f->mask);
	fprintf(out, " | %s | ", f->name);
	if (f->kind == FIELD_STATUS) {
		fprintf(out, "%s", f->names->title);
		remember(lists, f->names);
	} else {
		fprintf(out, "%s", kind_text(f));
	}
	if (f->unit)
		fprintf(out, ", in units of %s", f->unit);
	if (f->when != FIELD_ALWAYS)
		fprintf(out, ", %s %s is %u", f->when == FIELD_WHEN ? "if" : "unless",
			list[f->when_row].name, f->when_value);
	fprintf(out, " |\n");
}

static void write_fields(FILE *out, const struct field *list, struct lists *lists)
{
	if (list->kind == FIELD_END) {
		fprintf(out, "No fields.\n\n");
		return;
	}
	fprintf(out, "| octet | size | bits | field | holds |\n| --- | --- | --- | --- | --- |\n");
	for (const struct field *f = list; f->kind != FIELD_END; f++)
		write_field(out, list, f, lists);
	fprintf(out, "\n");
}

static void write_flags(FILE *out, const struct flags_set *set)
{
	fprintf(out, "| bit | flag | meaning | source |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < set->count; i++) {
		const struct flags_def *def = &set->rows[i];
		char letters[32] = "";

		if (def->with || def->without)
			flags_print(set, def->with | def->without, letters, sizeof(letters));
		fprintf(out, "| 0x%04x | %c | %s%s%s | %s |\n", def->mask, def->letter,
			def->meaning,
			def->with      ? ", with "
			: def->without ? ", without "
				       : "",
			letters, def->rfc);
	}
	fprintf(out, "\n");
}

static void write_messages(FILE *out, struct lists *lists)
{
	fprintf(out,
		"## Messages\n\n"
		"Octets count from the first one of the Mobility Header (Payload Proto). Every "
		"message starts with Payload Proto (59), Header Len, MH Type, a reserved octet "
		"and the checksum.\n\n"
		"| type | message | short | shortest | options from | source |\n"
		"| --- | --- | --- | --- | --- | --- |\n");
	for (unsigned type = 0; type < 256; type++) {
		const struct mh_def *def = mh_def_find((uint8_t)type);

		if (def)
			fprintf(out, "| %u | %s | %s | %u | %u | %s |\n", type, def->name,
				def->abbreviation, def->minimum, def->options_at, def->clause);
	}
	fprintf(out, "\n");
	for (unsigned type = 0; type < 256; type++) {
		const struct mh_def *def = mh_def_find((uint8_t)type);

		if (!def)
			continue;
		fprintf(out, "### Type %u: %s\n\n", type, def->name);
		write_fields(out, def->fields, lists);
		for (const struct field *f = def->fields; f->kind != FIELD_END; f++)
			if (f->kind == FIELD_FLAGS)
				write_flags(out, f->flags);
	}
}

static void write_align(FILE *out, const struct option_shape *shape)
{
	if (shape->align_n == 1)
		fprintf(out, "none");
	else if (shape->align_m)
		fprintf(out, "%un+%u", shape->align_n, shape->align_m);
	else
		fprintf(out, "%un", shape->align_n);
}

/* Whether all lengths have the same alignment: then it is said once. */
static bool one_alignment(const struct option_def *def)
{
	for (unsigned i = 1; i < OPTION_SHAPES_MAX && def->shapes[i].align_n; i++)
		if (def->shapes[i].align_n != def->shapes[0].align_n ||
			def->shapes[i].align_m != def->shapes[0].align_m)
			return false;
	return true;
}

static void write_shapes(FILE *out, const struct option_def *def)
{
	for (unsigned i = 0; i < OPTION_SHAPES_MAX && def->shapes[i].align_n; i++) {
		const struct option_shape *shape = &def->shapes[i];

		fprintf(out, "%s%u", i ? ", " : "", shape->min);
		if (shape->max != shape->min)
			fprintf(out, " to %u", shape->max);
		if (shape->step)
			fprintf(out, " by %u", shape->step);
	}
	fprintf(out, " | ");
	write_align(out, &def->shapes[0]);
	for (unsigned i = 1; !one_alignment(def) && i < OPTION_SHAPES_MAX; i++) {
		if (!def->shapes[i].align_n)
			break;
		fprintf(out, ", ");
		write_align(out, &def->shapes[i]);
	}
}

static void write_places(FILE *out, const struct option_def *def)
{
	const char *comma = "";

	if (def->messages == UINT32_MAX) {
		fprintf(out, "all");
		return;
	}
	for (unsigned type = 0; type < 32; type++) {
		const struct mh_def *message = mh_def_find((uint8_t)type);

		if (!message || !(def->messages >> type & 1))
			continue;
		fprintf(out, "%s%s", comma, message->abbreviation);
		comma = ", ";
	}
}

static void write_rules(FILE *out, const struct option_def *def)
{
	static const struct {
		enum option_flag flag;
		const char *text;
	} rules[] = {
		{OPTION_F_PAD, "padding"},
		{OPTION_F_AUTHENTICATES, "authenticates"},
		{OPTION_F_PROTECTED, "before what authenticates"},
		{OPTION_F_LAST, "last, nothing behind it"},
		{OPTION_F_DMM, "with D only"},
		{OPTION_F_ANSWERED, "a wrong length in a Binding Update is answered"},
		{OPTION_F_PER_BID, "in a Binding Acknowledgement one for each BID"},
	};
	const char *comma = "";

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!(def->flags & rules[i].flag))
			continue;
		fprintf(out, "%s%s", comma, rules[i].text);
		comma = ", ";
	}
}

/* The number of an option as the page calls it. */
static void write_number(FILE *out, const struct option_def *def)
{
	static const struct option_numbers numbers = OPTION_NUMBERS_DEFAULT;

	if (def->type < 256)
		fprintf(out, "%u", def->type);
	else
		fprintf(out, "%u*", option_def_wire(&numbers, def));
}

static void write_options(FILE *out, struct lists *lists)
{
	fprintf(out,
		"## Options\n\n"
		"Octets count from the Type of the option; its second octet is the length of "
		"what follows. `8n+6` says where the Type stands from the start of the "
		"message. An option in a message that is not named here is skipped, as an "
		"unknown one is. A number with an asterisk is not of the registry: it is a "
		"default, and both sides of a network must agree on it.\n\n"
		"| number | option | length | alignment | messages | times | rules | source |\n"
		"| --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (uint16_t type = 0; type < OPTION_TYPE_COUNT; type++) {
		const struct option_def *def = option_def_find(type);

		if (!def)
			continue;
		fprintf(out, "| ");
		write_number(out, def);
		fprintf(out, " | %s | ", def->name);
		write_shapes(out, def);
		fprintf(out, " | ");
		write_places(out, def);
		fprintf(out, " | ");
		if (def->times)
			fprintf(out, "%u", def->times);
		else
			fprintf(out, "any");
		fprintf(out, " | ");
		write_rules(out, def);
		fprintf(out, " | %s |\n", def->clause);
	}
	fprintf(out, "\n");
	for (uint16_t type = 0; type < OPTION_TYPE_COUNT; type++) {
		const struct option_def *def = option_def_find(type);

		if (!def || def->flags & OPTION_F_PAD)
			continue;
		fprintf(out, "### Option ");
		write_number(out, def);
		fprintf(out, ": %s\n\n", def->name);
		write_fields(out, def->fields, lists);
	}
}

static void write_selector(FILE *out, uint8_t format, const char *title)
{
	fprintf(out, "### Traffic selector format %u: %s\n\n", format, title);
	fprintf(out, "| start | end | field | size |\n| --- | --- | --- | --- |\n");
	for (unsigned field = 0; field < TRAFFIC_FIELD_COUNT; field++) {
		const struct traffic_def *def = traffic_def_find(format, (enum traffic_field)field);

		if (def)
			fprintf(out, "| 0x%08x | 0x%08x | %s | %u |\n", def->flag, def->flag >> 1,
				def->name, def->size);
	}
	fprintf(out, "\n");
}

static void write_flows(FILE *out)
{
	fprintf(out,
		"## Sub-options of a flow\n\n"
		"Inside option %d (RFC 6089, 4.2.1). %d and %d are padding, %d is the Binding "
		"Reference (BIDs of 16 bits), %d the Traffic Selector: its format, a reserved "
		"octet, then 32 flags and the fields whose flag is set, in the order of this "
		"table, a start before its end.\n\n",
		OPTION_FLOW_ID, FLOW_SUB_PAD1, FLOW_SUB_PADN, FLOW_SUB_BINDING_REFERENCE,
		FLOW_SUB_TRAFFIC_SELECTOR);
	write_selector(out, TRAFFIC_FORMAT_IP4, "IPv4 (RFC 6088, 3.1)");
	write_selector(out, TRAFFIC_FORMAT_IP6, "IPv6 (RFC 6088, 3.2)");
}

static void write_metrics(FILE *out, struct lists *lists)
{
	fprintf(out,
		"## Metrics of ways\n\n"
		"The data of option %d with the vendor of the configuration (`metrics_vendor`) and "
		"sub-type %d, in Proxy Binding Updates with option %d: one entry of %d octets for "
		"each "
		"way to the anchor that is measured, at most %d. Octets count from the first of "
		"the "
		"entry; those that no field has are 0 and ignored.\n\n",
		OPTION_VENDOR, METRICS_SUBTYPE, OPTION_MAG_MULTIPATH, METRICS_WAY_SIZE,
		METRICS_WAYS_MAX);
	write_fields(out, metrics_fields, lists);
}

static void write_icmp6(FILE *out, struct lists *lists)
{
	fprintf(out, "## ICMPv6\n\n| type | message | source |\n| --- | --- | --- |\n");
	for (unsigned type = 0; type < 256; type++)
		if (home_discovery_clause((uint8_t)type))
			fprintf(out, "| %u | %s | %s |\n", type, icmp6_type_name((uint8_t)type),
				home_discovery_clause((uint8_t)type));
	fprintf(out,
		"\n## Options of Neighbour Discovery\n\n"
		"Octets count from the Type of the option; its second octet is its length in "
		"units of %d octets.\n\n",
		ND_OPTION_UNIT);
	for (unsigned type = 0; type < 256; type++) {
		const struct nd_option_def *def = nd_option_find((uint8_t)type);

		if (!def)
			continue;
		fprintf(out, "### Option %u: %s (%s)\n\n", type, def->name, def->clause);
		write_fields(out, def->fields, lists);
		for (const struct field *f = def->fields; f->kind != FIELD_END; f++)
			if (f->kind == FIELD_FLAGS)
				write_flags(out, f->flags);
	}
}

static void write_lists(FILE *out, const struct lists *lists)
{
	fprintf(out, "## Numbers with names\n");
	for (size_t i = 0; i < lists->count; i++) {
		const struct names *names = lists->names[i];

		fprintf(out, "\n### %s\n\n| code | name | source |\n| --- | --- | --- |\n",
			names->title);
		for (size_t row = 0; row < names->count; row++)
			fprintf(out, "| %u | %s | %s |\n", names->rows[row].code,
				names->rows[row].name, names->rows[row].source);
	}
}

void page_write(FILE *out)
{
	struct lists lists = {.count = 0};

	fprintf(out,
		"# Wire formats\n\n"
		"What the gateway understands of Mobile IPv6 on the wire, printed from the tables "
		"in `proto/mobility` that its decoder and encoder walk. This page is made by "
		"`wire-doc > docs/wire.md` (`tools/wiredoc`); a test fails when it is not what "
		"the tables say.\n\n"
		"All numbers are big endian. Sizes and lengths are octets; \"rest\" is up to the "
		"end. \"bits\" are those of the field, the others of its octets are reserved or "
		"other fields.\n\n");
	write_messages(out, &lists);
	write_options(out, &lists);
	write_flows(out);
	write_metrics(out, &lists);
	write_icmp6(out, &lists);
	write_lists(out, &lists);
}
