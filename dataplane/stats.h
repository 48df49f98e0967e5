/*
 * Statistics: what workers, nodes and tables have counted, as records of the update channel.
 *
 * Counters have one writer each and are read without stopping it; a set of records is therefore
 * not of one instant, but each value is right.
 */
#pragma once

#include "dataplane/tables/tables.h"
#include "dataplane/worker.h"
#include "proto/channel/update.h"

/* Takes one record; false ends the collection. */
typedef bool (*stats_take)(const struct update_stat *stat, void *context);

/*
 * Hands over, summed over the workers: UPDATE_STAT_COUNTER (all of worker.h), UPDATE_STAT_DROP
 * (all of nodes/drop.h), UPDATE_STAT_NODE (nodes of the graph that were ever called in a walk of
 * which the time was taken: under load one in 64) and UPDATE_STAT_TABLE. Agent thread. Returns
 * false when take() did.
 */
bool stats_collect(struct worker *const workers[], unsigned count, const struct tables *tables,
	stats_take take, void *context);

/* Fills a record; values are taken in the number that the group says. */
void stats_record(struct update_stat *stat, enum update_stat_group group, const char *name,
	const uint64_t values[]);
