/*
 * What `stats` tells of control beside its counters: rates, times and what there is now.
 */
#pragma once

#include <jansson.h>

struct ctrl;

/* {NAME: {"s1": N, "s10": N, "s60": N}}: how often a second things happen. NULL: no memory. */
json_t *figures_rates(const struct ctrl *ctrl);

/* [{"name", "help", "count", "sum_us", "p50_us", ..., "buckets": [{"le_us", "count"}]}]: how long
 * things take. NULL: no memory. */
json_t *figures_times(const struct ctrl *ctrl);

/* {NAME: N}: what there is now. NULL: no memory. */
json_t *figures_gauges(const struct ctrl *ctrl);
