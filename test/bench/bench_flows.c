/*
 * bench_flows: what rules for flows cost a packet to a subscriber.
 *
 * As bench_dataplane: the real graph between a source of packets and a null port. Each subscriber
 * has two paths and the same number of rules; sources and ports of packets are drawn so that half
 * of them match a rule, any rule as often as another, and half match none. As many subscribers have
 * no rules; windows with packets to these and to the others take turns, and the ratio is of these
 * two.
 */
#include <errno.h>
#include <jansson.h>
#include <rte_common.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/args.h"
#include "dataplane/measure.h"
#include "dataplane/rig.h"

enum {
	WINDOWS = 400,
	WINDOWS_QUICK = 150,
	RULES_ROOM = 10, /* octets of tables that a rule takes, in those of a subscriber */
	PER_SUBSCRIBER = 256,
	BURST = 256,
};

/* Of a row: nothing done to packets; packets to subscribers without rules; and with. */
enum { FLOOR, NONE, RULES, CASES };

/* How the rules of a row tell packets apart. */
enum kind { BY_PORT, BY_ADDRESS, BY_PREFIX, BY_BOTH, BY_SHARE, KINDS };

static const char *const kind_names[KINDS] = {
	[BY_PORT] = "ports", /* protocol and source port */
	[BY_ADDRESS] = "addresses",
	[BY_PREFIX] = "prefixes", /* of two addresses */
	[BY_BOTH] = "both",
	[BY_SHARE] = "flow-hash", /* no rules: flows shared out */
};

struct row {
	enum kind kind;
	uint32_t rules, subscribers;
};

static const struct row rows[] = {
	{BY_PORT, 0, 1000},
	{BY_PORT, 1, 1000},
	{BY_PORT, 16, 1000},
	{BY_PORT, 64, 1000},
	{BY_PORT, 256, 1000},
	{BY_ADDRESS, 1, 1000},
	{BY_ADDRESS, 16, 1000},
	{BY_ADDRESS, 256, 1000},
	{BY_PREFIX, 1, 1000},
	{BY_PREFIX, 16, 1000},
	{BY_PREFIX, 256, 1000},
	{BY_BOTH, 16, 1000},
	{BY_BOTH, 256, 1000},
	{BY_SHARE, 0, 1000},
};

/* Flows that the traffic is drawn from, numbered from 1 on: half of them are those of rules. */
static uint16_t flows_of(const struct row *row)
{
	return (uint16_t)((row->kind == BY_PREFIX ? 4 : 2) * RTE_MAX(row->rules, 1u));
}

static void put_flow(struct in6_addr *source, uint16_t flow)
{
	source->s6_addr[14] = (uint8_t)(flow >> 8);
	source->s6_addr[15] = (uint8_t)flow;
}

/* Each other flow, or each other two. */
static struct rule_addresses sources_of(const struct row *row, uint32_t i)
{
	struct rule_addresses range = {traffic_addr(TRAFFIC_SOURCE), traffic_addr(TRAFFIC_SOURCE)};

	put_flow(&range.first, (uint16_t)(row->kind == BY_PREFIX ? 2 + 4 * i : 1 + 2 * i));
	put_flow(&range.last, (uint16_t)(row->kind == BY_PREFIX ? 3 + 4 * i : 1 + 2 * i));
	return range;
}

static void apply(struct tables *tables, const struct object *object)
{
	int err = tables_apply(tables, object);

	if (err < 0)
		rig_die("tables", err);
}

/* One rule: the packets of one of the flows that the traffic draws from. */
static struct object make_rule(const struct row *row, uint32_t subscriber, uint32_t i)
{
	const uint16_t value = (uint16_t)(1 + 2 * i);
	struct object o = {.kind = OBJECT_RULE, .op = OBJECT_SET};
	struct rule_selector *s = &o.rule.selector;

	o.id = (uint64_t)subscriber * PER_SUBSCRIBER + i + 1;
	o.rule = (struct object_rule){.id = o.id,
		.subscriber = subscriber + 1ull,
		.priority = (uint16_t)(i + 1),
		.action = RULE_TO_PATHS,
		.path_count = 1,
		.paths = {(subscriber ^ 1) + 1ull}};
	s->version = 6;
	if (row->kind == BY_PORT || row->kind == BY_BOTH) {
		s->fields = 1 << RULE_PROTOCOL | 1 << RULE_SOURCE_PORT;
		s->numbers[RULE_PROTOCOL] = (struct rule_range){IPPROTO_UDP, IPPROTO_UDP};
		s->numbers[RULE_SOURCE_PORT] = (struct rule_range){value, value};
	}
	if (row->kind != BY_PORT) {
		s->fields |= 1 << RULE_SOURCE;
		s->addresses[RULE_SOURCE] = sources_of(row, i);
	}
	return o;
}

/* Each of the second half of the subscribers has its own path and its neighbour's. */
static void fill(struct tables *tables, const struct row *row)
{
	for (uint32_t i = row->subscribers; i < 2 * row->subscribers; i++) {
		struct object o = rig_subscriber(i);

		if (row->rules == 0 && row->kind != BY_SHARE)
			break;
		o.subscriber.path_count = 2;
		o.subscriber.paths[1] = (i ^ 1) + 1ull;
		if (row->kind == BY_SHARE) {
			o.subscriber.steering = STEERING_FLOW;
			o.subscriber.weights[0] = o.subscriber.weights[1] = 1;
		}
		apply(tables, &o);
		for (uint32_t k = 0; k < row->rules; k++) {
			o = make_rule(row, i, k);
			apply(tables, &o);
		}
		tables_settle(tables);
	}
}

static void report(const struct row *row, const struct figure figures[CASES], json_t *out)
{
	const struct figure *rules = &figures[RULES];
	double none = figures[NONE].cycles;

	printf("%-10s %5u %9u %7.1f %7.1f %7.1f %6.1f %6.2f\n", kind_names[row->kind], row->rules,
		row->subscribers, rules->cycles, none, rules->median, rules->floor,
		rules->cycles / none);
	fflush(stdout);
	json_array_append_new(out,
		json_pack("{s:s,s:i,s:i,s:f,s:f,s:f,s:f,s:f}", "kind", kind_names[row->kind],
			"rules", (int)row->rules, "subscribers", (int)row->subscribers, "cycles",
			rules->cycles, "cycles_without", none, "median_cycles", rules->median,
			"floor_cycles", rules->floor, "ratio", rules->cycles / none));
}

static void measure_row(const struct row *row, unsigned windows, json_t *out)
{
	struct figure *figures = calloc(CASES, sizeof(*figures));
	struct tables *tables = rig_tables_for(2 * row->subscribers, row->subscribers * row->rules);
	struct worker *worker = rig_worker(tables, 0);

	if (!figures)
		rig_die("figures", ENOMEM);
	fill(tables, row);
	for (unsigned i = 0; i < CASES; i++)
		figures[i].traffic = (struct traffic){i == FLOOR ? WORK_FLOOR : WORK_ENCAP,
			row->subscribers, TRAFFIC_OCTETS_MIN, BURST, flows_of(row),
			i == RULES ? row->subscribers : 0};
	worker_enter(worker);
	measure(worker, figures, CASES, windows);
	worker_leave(worker);
	report(row, figures, out);
	worker_destroy(worker);
	tables_destroy(tables);
	free(figures);
}

struct options {
	const char *json, *core;
	bool quick;
};

static void parse_options(struct options *o, int argc, char **argv)
{
	static const struct args_option table[] = {
		{'q', "quick", NULL, "fewer windows, in less than a minute"},
		{'l', "core", "N", "core to run on (the last)"},
		{'j', "json", "FILE", "write the figures there, too"}, {0}};
	static const struct args_program program = {.name = "tools/bench flows",
		.usage = "[OPTION]...",
		.summary = "Cycles a packet to a subscriber by the number of its rules.",
		.options = table};
	struct args a;

	args_begin(&a, &program, argc, argv);
	while (args_next(&a)) {
		if (a.index == 0)
			o->quick = true;
		else
			*(a.index == 1 ? &o->core : &o->json) = a.value;
	}
	if (a.done)
		exit(a.exit_code);
	if (a.first < argc)
		exit(args_fail(&a, "'%s': no arguments but options", argv[a.first]));
}

int main(int argc, char **argv)
{
	static char last[24];
	struct options o = {.core = last};
	json_t *out = json_array();
	uint32_t room = 0;

	snprintf(last, sizeof(last), "%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	parse_options(&o, argc, argv);
	setpriority(PRIO_PROCESS, 0, -20);
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		room = RTE_MAX(room, rows[i].subscribers * (2 + RULES_ROOM * rows[i].rules));
	rig_start(rig_has_pages("2M", room) ? "2M" : "4K", o.core);
	printf("%-10s %5s %9s %7s %7s %7s %6s %6s\n", "rules by", "rules", "subscr.", "cycles",
		"without", "median", "floor", "ratio");
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		measure_row(&rows[i], o.quick ? WINDOWS_QUICK : WINDOWS, out);
	if (o.json && json_dump_file(out, o.json, JSON_INDENT(2)) < 0)
		rig_die(o.json, errno ? errno : EIO);
	json_decref(out);
	return 0;
}
