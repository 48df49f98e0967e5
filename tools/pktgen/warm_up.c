#include "tools/pktgen/warm_up.h"

#include "common/log.h"
#include "tools/pktgen/command.h"

enum { RATE = 200 };

int warm_up(
	struct traffic *traffic, const struct pktgen_config *config, struct traffic_result *result)
{
	const struct traffic_trial trial = {
		.rate = RATE, .duration_ms = config->traffic.warm_up_ms, .settle_ms = 0};

	if (trial.duration_ms == 0)
		return 0;
	LOG_INFO("traffic", "warming-up", "rate=%d ms=%u", RATE, trial.duration_ms);
	return traffic_run(traffic, &trial, NULL, NULL, &command_stopped, result);
}
