#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "tools/pktgen/command.h"
#include "tools/pktgen/report.h"
#include "tools/pktgen/search.h"
#include "tools/pktgen/site.h"
#include "tools/pktgen/traffic.h"
#include "tools/pktgen/warm_up.h"

enum verdict { VERDICT_PASSED, VERDICT_LOSS, VERDICT_GENERATOR };
static const char *const verdict_names[] = {"passed", "loss", "generator"};

struct hunt {
	const struct pktgen_config *config;
	struct traffic *traffic;
	struct search search;
	struct traffic_result *result;
	json_t *trials, *best;   /* best: of the highest rate that passed; NULL: none */
	enum verdict limited_by; /* of the lowest rate that failed */
};

static enum verdict judge(const struct pktgen_config *config, const struct traffic_result *r)
{
	const double wanted = (double)r->trial.rate * r->seconds;

	if (report_loss(config, r).percent > config->search.loss)
		return VERDICT_LOSS;
	return (double)r->skipped * 100 > config->search.skipped * wanted ? VERDICT_GENERATOR
									  : VERDICT_PASSED;
}

static void note(struct hunt *h, enum verdict verdict)
{
	const struct report_loss loss = report_loss(h->config, h->result);

	printf("%12ju %12ju %12ju %12.5f  %s\n", (uintmax_t)h->result->trial.rate,
		(uintmax_t)loss.offered, (uintmax_t)loss.lost, loss.percent,
		verdict_names[verdict]);
	fflush(stdout);
	json_array_append_new(h->trials,
		json_pack("{s:I,s:I,s:I,s:f,s:I,s:s}", "rate", (json_int_t)h->result->trial.rate,
			"offered", (json_int_t)loss.offered, "lost", (json_int_t)loss.lost,
			"loss_percent", loss.percent, "skipped", (json_int_t)h->result->skipped,
			"verdict", verdict_names[verdict]));
	if (verdict == VERDICT_PASSED) {
		json_decref(h->best);
		h->best = report_json(h->config, h->result);
	}
}

/* Tries a rate, again if need be; the verdict, or a negative errno. */
static int try_rate(struct hunt *h, uint64_t rate)
{
	const struct pktgen_config_search *s = &h->config->search;
	const struct traffic_trial trial = {.rate = rate,
		.duration_ms = s->trial_ms,
		.settle_ms = h->config->traffic.settle_ms};
	enum verdict verdict = VERDICT_LOSS;

	for (uint32_t i = 0; i < s->attempts && verdict != VERDICT_PASSED; i++) {
		LOG_INFO("search", "trying", "rate=%ju ms=%u attempt=%u", (uintmax_t)rate,
			s->trial_ms, i + 1);
		const int rc =
			traffic_run(h->traffic, &trial, NULL, NULL, &command_stopped, h->result);

		if (rc < 0 || command_stopped)
			return rc < 0 ? rc : -EINTR;
		verdict = judge(h->config, h->result);
		note(h, verdict);
	}
	return (int)verdict;
}

static int hunt(struct hunt *h)
{
	const struct pktgen_config_search *s = &h->config->search;

	search_begin(&h->search, (double)s->min_rate, (double)s->max_rate, s->resolution);
	printf("%12s %12s %12s %12s\n", "packets/s", "offered", "lost", "%");
	while (!h->search.done) {
		const int verdict = try_rate(h, (uint64_t)h->search.rate);

		if (verdict < 0)
			return COMMAND_FAILED;
		if (verdict != VERDICT_PASSED)
			h->limited_by = (enum verdict)verdict;
		search_next(&h->search, verdict == VERDICT_PASSED);
	}
	return COMMAND_DONE;
}

static int finish(struct hunt *h, const char *file)
{
	const double rate = search_result(&h->search);
	json_t *document = command_json(command_search.name);

	printf("no-drop rate: %.0f packets/s, limited by %s\n", rate,
		h->limited_by ? verdict_names[h->limited_by] : "max_rate");
	json_object_set_new(document, "traffic", report_json_traffic(h->config));
	json_object_set_new(document, "no_drop_pps", json_real(rate));
	json_object_set_new(document, "limited_by",
		json_string(h->limited_by ? verdict_names[h->limited_by] : "max_rate"));
	json_object_set_new(document, "loss_accepted_percent", json_real(h->config->search.loss));
	json_object_set(document, "trials", h->trials);
	json_object_set_new(document, "result", h->best ? json_incref(h->best) : json_null());
	return command_write_json(document, file);
}

static int run(struct pktgen_config *config, const char *const *texts)
{
	struct hunt h = {
		.config = config, .result = malloc(sizeof(*h.result)), .trials = json_array()};
	struct ports ports;
	int code = COMMAND_FAILED;

	if (site_open(&ports, config) == 0 && h.result && h.trials)
		h.traffic = traffic_open(config, &ports);
	if (h.traffic && warm_up(h.traffic, config, h.result) == 0)
		code = hunt(&h);
	if (code == COMMAND_DONE)
		code = finish(&h, texts[COMMAND_JSON]);
	traffic_close(h.traffic);
	site_close(&ports);
	json_decref(h.best);
	json_decref(h.trials);
	free(h.result);
	return code;
}

const struct command command_search = {
	.name = "search",
	.summary =
		"Finds the highest rate at which no more than the accepted loss occurs, by binary\n"
		"search (RFC 2544, 26.1), and the latency there.",
	.options = COMMAND_TAKES(COMMAND_CONFIG) | COMMAND_TAKES(COMMAND_JSON) |
		   COMMAND_TAKES(COMMAND_SECONDS) | COMMAND_TAKES(COMMAND_SUBSCRIBERS) |
		   COMMAND_TAKES(COMMAND_STREAMS) | COMMAND_TAKES(COMMAND_SIZES) |
		   COMMAND_TAKES(COMMAND_DISTRIBUTION) | COMMAND_TAKES(COMMAND_LOSS),
	.run = run,
};
