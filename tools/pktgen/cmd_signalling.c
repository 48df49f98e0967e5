#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/zsock.h"
#include "tools/pktgen/command.h"
#include "tools/pktgen/report.h"
#include "tools/pktgen/signalling.h"
#include "tools/pktgen/site.h"

#define NS_PER_US 1000.0

static int fail(const char *what, int err)
{
	fprintf(stderr, "dmm-pktgen: %s: %s\n", what, strerror(err));
	return COMMAND_FAILED;
}

static void show(void *context, uint32_t number, const struct signalling_row *row)
{
	(void)context;
	printf("%6u %10ju %10ju %10ju %8ju %8ju %9.1f %9.1f %9.1f\n", number, (uintmax_t)row->asked,
		(uintmax_t)row->accepted, (uintmax_t)row->rejected, (uintmax_t)row->repeated,
		(uintmax_t)row->lost, (double)row->p50 / NS_PER_US, (double)row->p99 / NS_PER_US,
		(double)row->max / NS_PER_US);
	fflush(stdout);
}

static json_t *json_op(const struct fleet_count *c)
{
	json_t *rejected = json_object();
	char status[4];

	for (unsigned i = 0; i < FLEET_STATUSES; i++) {
		if (c->rejected[i] == 0)
			continue;
		snprintf(status, sizeof(status), "%u", i);
		json_object_set_new(rejected, status, json_integer((json_int_t)c->rejected[i]));
	}
	return json_pack("{s:I,s:I,s:I,s:I,s:o,s:o}", "asked", (json_int_t)c->asked, "accepted",
		(json_int_t)c->accepted, "lost", (json_int_t)c->lost, "repeated",
		(json_int_t)c->repeated, "rejected", rejected, "latency_us",
		report_json_latency(&c->latency));
}

static json_t *json_rows(const struct signalling_result *r)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < r->row_count; i++) {
		const struct signalling_row *row = &r->rows[i];

		json_array_append_new(rows,
			json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:f}", "second", (int)i + 1,
				"asked", (json_int_t)row->asked, "accepted",
				(json_int_t)row->accepted, "rejected", (json_int_t)row->rejected,
				"repeated", (json_int_t)row->repeated, "lost",
				(json_int_t)row->lost, "p50_us", (double)row->p50 / NS_PER_US,
				"p99_us", (double)row->p99 / NS_PER_US, "max_us",
				(double)row->max / NS_PER_US));
	}
	return rows;
}

static json_t *json_result(const struct fleet *fleet, const struct signalling_result *r)
{
	json_t *operations = json_object(), *messages = json_object();
	uint64_t accepted = 0;

	for (enum pktgen_op op = 0; op < PKTGEN_OPS; op++) {
		accepted += fleet_count(fleet, op)->accepted;
		json_object_set_new(
			operations, pktgen_op_names[op], json_op(fleet_count(fleet, op)));
	}
	for (unsigned i = 0; i < BINDING_KINDS; i++)
		json_object_set_new(
			messages, binding_kind_names[i], json_integer((json_int_t)r->messages[i]));
	return json_pack("{s:f,s:I,s:f,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "seconds", r->seconds,
		"accepted", (json_int_t)accepted, "accepted_per_s",
		r->seconds > 0 ? (double)accepted / r->seconds : 0.0, "bound",
		(json_int_t)fleet_bound(fleet), "skipped", (json_int_t)r->skipped, "unsent",
		(json_int_t)r->unsent, "unexpected", (json_int_t)r->unexpected, "refreshed",
		(json_int_t)r->refreshed, "operations", operations, "messages", messages, "others",
		report_json_others(r->others), "rows", json_rows(r));
}

static void print_result(const struct fleet *fleet, const struct signalling_result *r)
{
	for (enum pktgen_op op = 0; op < PKTGEN_OPS; op++) {
		const struct fleet_count *c = fleet_count(fleet, op);

		if (c->asked == 0)
			continue;
		printf("%-10s asked %ju, accepted %ju, lost %ju, repeated %ju", pktgen_op_names[op],
			(uintmax_t)c->asked, (uintmax_t)c->accepted, (uintmax_t)c->lost,
			(uintmax_t)c->repeated);
		for (unsigned i = 0; i < FLEET_STATUSES; i++)
			if (c->rejected[i])
				printf(", status %u %ju times", i, (uintmax_t)c->rejected[i]);
		printf("\n%-10s latency us: p50 %.1f, p90 %.1f, p99 %.1f, max %.1f\n", "",
			(double)histogram_percentile(&c->latency, 50) / NS_PER_US,
			(double)histogram_percentile(&c->latency, 90) / NS_PER_US,
			(double)histogram_percentile(&c->latency, 99) / NS_PER_US,
			(double)c->latency.max / NS_PER_US);
	}
	printf("%u nodes are bound; it took %.2f s\n", fleet_bound(fleet), r->seconds);
	if (r->skipped || r->unsent)
		printf("operations left out %ju, updates not taken by the device %ju\n",
			(uintmax_t)r->skipped, (uintmax_t)r->unsent);
}

/* One line of the list: what is acknowledged, and what was asked for in vain after it. */
static void write_node(
	FILE *to, const struct pktgen_config *config, uint32_t i, const struct fleet_node *n)
{
	const struct population *p = &config->subscribers;
	const struct in6_addr home = population_home(p, i);
	const struct in6_addr bound = population_care_of(p, i, n->place);
	const struct in6_addr asked = population_care_of(p, i, n->wish);
	char mn_id[POPULATION_MN_ID_MAX];
	json_t *line;

	population_mn_id(p, i, mn_id);
	line = json_pack("{s:s,s:s,s:s?,s:b}", "mn_id", mn_id, "home_address", ADDR_TEXT(&home),
		"care_of_address", n->bound ? ADDR_TEXT(&bound) : NULL, "sure",
		n->sure && !n->asking);
	if (!n->sure || n->asking)
		json_object_set_new(line, "asked",
			n->op == PKTGEN_DEREGISTER ? json_null() : json_string(ADDR_TEXT(&asked)));
	json_dumpf(line, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(line);
}

static int write_bindings(
	const struct pktgen_config *config, const struct fleet *fleet, const char *path)
{
	FILE *to = path ? fopen(path, "we") : NULL;

	if (!path)
		return COMMAND_DONE;
	if (!to)
		return fail(path, errno);
	for (uint32_t i = 0; i < config->subscribers.count; i++) {
		const struct fleet_node *n = fleet_node(fleet, i);

		if (n->tries > 0) /* others were never played */
			write_node(to, config, i, n);
	}
	const bool bad = ferror(to);

	return fclose(to) || bad ? fail(path, errno ? errno : EIO) : COMMAND_DONE;
}

static int play(struct signalling *s, const struct pktgen_config *config, const char *const *texts)
{
	const struct fleet *fleet = signalling_fleet(s);
	json_t *document = command_json(command_signalling.name);
	struct signalling_result result;
	int code;

	printf("%6s %10s %10s %10s %8s %8s %9s %9s %9s\n", "second", "asked", "accepted",
		"rejected", "repeated", "lost", "p50 us", "p99 us", "max us");
	if (signalling_run(s, show, NULL, &command_stopped, &result) < 0) {
		json_decref(document);
		return COMMAND_FAILED;
	}
	print_result(fleet, &result);
	json_object_set_new(document, "subscribers", json_integer(config->subscribers.count));
	json_object_set_new(document, "rate", json_integer((json_int_t)config->signalling.rate));
	json_object_set_new(document, "result", json_result(fleet, &result));
	code = write_bindings(config, fleet, texts[COMMAND_BINDINGS]);
	return command_write_json(document, texts[COMMAND_JSON]) ? COMMAND_FAILED : code;
}

/* Straight to control, as a data plane. */
static int run_channel(
	struct pktgen_config *config, const char *const *texts, const char *data_plane)
{
	struct signalling *s = NULL;
	int code = COMMAND_FAILED;

	if (zsock_is_tcp(config->signalling.update) || zsock_is_tcp(config->signalling.packet))
		return fail("signalling.update and signalling.packet must be on this host", EINVAL);
	if (zsock_context())
		s = signalling_open_channel(config, data_plane);
	if (s)
		code = play(s, config, texts);
	signalling_close(s);
	zsock_context_end();
	return code;
}

static int run(struct pktgen_config *config, const char *const *texts)
{
	struct signalling *s = NULL;
	struct ports ports;
	int code = COMMAND_FAILED;

	if (!config->subscribers.key_seed)
		return fail("subscribers.key_seed is not in the configuration", EINVAL);
	if (texts[COMMAND_DATA_PLANE])
		return run_channel(config, texts, texts[COMMAND_DATA_PLANE]);
	if (site_open(&ports, config) == 0)
		s = signalling_open(config, &ports);
	if (s)
		code = play(s, config, texts);
	signalling_close(s);
	site_close(&ports);
	return code;
}

const struct command command_signalling = {
	.name = "signalling",
	.summary = "Lets mobile nodes register, refresh, move and deregister (RFC 6275, RFC 4285).",
	.options = COMMAND_TAKES(COMMAND_CONFIG) | COMMAND_TAKES(COMMAND_JSON) |
		   COMMAND_TAKES(COMMAND_RATE) | COMMAND_TAKES(COMMAND_SECONDS) |
		   COMMAND_TAKES(COMMAND_SUBSCRIBERS) | COMMAND_TAKES(COMMAND_MIX) |
		   COMMAND_TAKES(COMMAND_BINDINGS) | COMMAND_TAKES(COMMAND_DATA_PLANE),
	.run = run,
};
