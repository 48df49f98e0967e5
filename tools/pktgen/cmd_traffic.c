#include <stdlib.h>

#include "tools/pktgen/command.h"
#include "tools/pktgen/report.h"
#include "tools/pktgen/site.h"
#include "tools/pktgen/traffic.h"
#include "tools/pktgen/warm_up.h"

static void show(void *context, uint32_t number, const struct traffic_row *row)
{
	(void)context;
	report_row(stdout, number, row);
}

static int finish(
	const struct pktgen_config *config, const struct traffic_result *result, const char *file)
{
	json_t *document = command_json(command_traffic.name);

	report_result(stdout, config, result);
	json_object_set_new(document, "traffic", report_json_traffic(config));
	json_object_set_new(document, "result", report_json(config, result));
	return command_write_json(document, file);
}

static int run(struct pktgen_config *config, const char *const *texts)
{
	const struct traffic_trial trial = {.rate = config->traffic.rate,
		.duration_ms = config->traffic.duration_ms,
		.settle_ms = config->traffic.settle_ms};
	struct traffic_result *result = malloc(sizeof(*result));
	struct traffic *traffic = NULL;
	struct ports ports;
	int code = COMMAND_FAILED;

	if (site_open(&ports, config) == 0 && result)
		traffic = traffic_open(config, &ports);
	if (traffic && warm_up(traffic, config, result) == 0) {
		report_head(stdout);
		if (traffic_run(traffic, &trial, show, NULL, &command_stopped, result) == 0)
			code = finish(config, result, texts[COMMAND_JSON]);
	}
	traffic_close(traffic);
	site_close(&ports);
	free(result);
	return code;
}

const struct command command_traffic = {
	.name = "traffic",
	.summary = "Sends user traffic at a rate, and tells what came back.",
	.options = COMMAND_TAKES(COMMAND_CONFIG) | COMMAND_TAKES(COMMAND_JSON) |
		   COMMAND_TAKES(COMMAND_RATE) | COMMAND_TAKES(COMMAND_SECONDS) |
		   COMMAND_TAKES(COMMAND_SUBSCRIBERS) | COMMAND_TAKES(COMMAND_STREAMS) |
		   COMMAND_TAKES(COMMAND_SIZES) | COMMAND_TAKES(COMMAND_DISTRIBUTION),
	.run = run,
};
