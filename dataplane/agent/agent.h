/*
 * The agent: the main thread's work while the data plane runs. It keeps the tables as control
 * publishes them (of which it is the only writer), acknowledges what readers see, answers for
 * statistics, and tells events. It never ends because control is away.
 */
#pragma once

#include "dataplane/config.h"
#include "dataplane/tables/tables.h"
#include "dataplane/worker.h"

struct agent;

/* What the agent serves; all of it outlives the agent. */
struct agent_config {
	const struct dp_config *config;
	struct tables *tables;
	struct worker *const *workers;
	unsigned worker_count;
};

/*
 * Connects to control, whether it is there or not, after zsock_context() and events_open(). NULL:
 * *error has the negative errno, after a log line. Main thread.
 */
struct agent *agent_open(const struct agent_config *config, int *error);

/* Works until a signal to end arrives on signals (daemon_signals()); returns the signal. */
int agent_run(struct agent *agent, int signals);

/* NULL is allowed. */
void agent_close(struct agent *agent);
