/*
 * What `stats` tells of control beside its counters: rates, times and what there is now.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct ctrl;

/* How many sessions, or attachments, there are, and how many ways they have to the other end. */
struct figures_proxy {
	size_t entries, paths;
};

/* Of the local mobility anchor: live sessions; O(n). None without the role. */
struct figures_proxy figures_sessions(const struct ctrl *ctrl);

/* Of the mobile access gateway: attachments, and the registered ways of those; O(n). */
struct figures_proxy figures_attachments(const struct ctrl *ctrl);

/* {NAME: {"s1": N, "s10": N, "s60": N}}: how often a second things happen. NULL: no memory. */
json_t *figures_rates(const struct ctrl *ctrl);

/* [{"name", "help", "count", "sum_us", "p50_us", ..., "buckets": [{"le_us", "count"}]}]: how long
 * things take. NULL: no memory. */
json_t *figures_times(const struct ctrl *ctrl);

/* {NAME: N}: what there is now. NULL: no memory. */
json_t *figures_gauges(const struct ctrl *ctrl);

/* {NAME: TEXT}: what these mean. NULL: no memory. */
json_t *figures_gauges_help(void);
