#include "tools/pktgen/warm_up.h"

#include "common/log.h"
#include "tools/pktgen/command.h"

enum {
	RATE = 200,
	/* A neighbour that is looked for is asked each second, three times (RFC 4861, 10). */
	PATIENCE_MS = 3500,
};

/* Whether of each stream that was sent something came back, by whatever way. */
static bool is_warm(const struct traffic_result *result)
{
	for (unsigned stream = 0; stream < PACKET_STREAMS; stream++)
		if (result->sent[stream].packets && !result->received[stream].packets &&
			!result->received[stream].astray)
			return false;
	return true;
}

int warm_up(
	struct traffic *traffic, const struct pktgen_config *config, struct traffic_result *result)
{
	const struct traffic_trial trial = {
		.rate = RATE, .duration_ms = config->traffic.warm_up_ms, .settle_ms = 0};
	uint32_t taken = 0;
	int error = 0;

	if (trial.duration_ms == 0)
		return 0;
	LOG_INFO("traffic", "warming-up", "rate=%d ms=%u", RATE, trial.duration_ms);
	do {
		error = traffic_run(traffic, &trial, NULL, NULL, &command_stopped, result);
		taken += trial.duration_ms;
	} while (!error && !command_stopped && taken < PATIENCE_MS && !is_warm(result));
	return error;
}
