/*
 * The answer to a request for statistics: what workers, nodes and tables counted, and the ports,
 * the mirror and the agent beside them; or what the paths of some subscribers carried. Agent
 * thread.
 */
#pragma once

#include "dataplane/agent/upstream.h"
#include "dataplane/tables/tables.h"
#include "dataplane/worker.h"
#include "proto/channel/update.h"

struct answer {
	struct update_head head;
	const struct update_stats_request *request;
	const struct tables *tables;
	struct worker *const *workers;
	unsigned worker_count;
	const uint64_t *session_values; /* SESSION_COUNTERS */
	uint64_t events_lost;
	const struct upstream *upstream; /* NULL: none */
};

/* Writes the whole message. 0, or -ENOSPC. */
int answer_encode(const struct answer *answer, struct writer *w);
