/* stats */
#include "ctrl/api/figures.h"
#include "ctrl/api/request.h"
#include "ctrl/commit.h"
#include "ctrl/config.h"
#include "ctrl/intake.h"
#include "ctrl/keyring.h"
#include "ctrl/multicast.h"
#include "ctrl/multicast_failures.h"
#include "ctrl/multicast_nodes.h"
#include "ctrl/packet.h"
#include "ctrl/publish/publish.h"
#include "ctrl/signalling/counter.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/lma/lma_counter.h"
#include "ctrl/signalling/mag/mag.h"
#include "ctrl/signalling/mag/mag_counter.h"
#include "ctrl/signalling/proxy/path_watch.h"

#include <errno.h>
#include <stdlib.h>

/* The counters of a part, and what they mean. */
struct part {
	const struct counter_def *defs;
	const uint64_t *values;
	size_t count;
};

enum { PARTS_MAX = 14 };

/* The parts of control, in this order; returns how many there are. */
static size_t control_parts(const struct ctrl *ctrl, struct part parts[PARTS_MAX])
{
	const struct multicast_links *links = multicast_links_of(ctrl->multicast);
	const struct multicast_nodes *nodes = multicast_nodes_of(ctrl->multicast);
	const struct uninstalled *failures =
		ctrl->multicast_failures ? multicast_failures_all(ctrl->multicast_failures) : NULL;
	const struct part all[PARTS_MAX] = {
		{signalling_counter_defs, signalling_values(ctrl->signalling), SIGNALLING_COUNTERS},
		{commit_counter_defs, commit_counters(ctrl->commit), COMMIT_COUNTERS},
		{publish_counter_defs, publish_counters(ctrl->publish), PUBLISH_COUNTERS},
		{packet_counter_defs, packet_counters(ctrl->packet), PACKET_COUNTERS},
		{intake_counter_defs, intake_counters(ctrl->intake), INTAKE_COUNTERS},
		{keyring_counter_defs, keyring_counters(ctrl->keyring), KEYRING_COUNTERS},
		{zap_counter_defs, keyring_zap_counters(ctrl->keyring), ZAP_COUNTERS},
		{multicast_links_counter_defs, links ? multicast_links_counters(links) : NULL,
			MULTICAST_LINKS_COUNTERS},
		{querier_counter_defs, links ? multicast_links_querier_counters(links) : NULL,
			QUERIER_COUNTERS},
		{reporter_counter_defs, nodes ? multicast_nodes_counters(nodes) : NULL,
			REPORTER_COUNTERS},
		{uninstalled_counter_defs, failures ? uninstalled_counters(failures) : NULL,
			UNINSTALLED_COUNTERS},
		{path_watch_counter_defs,
			ctrl->path_watch ? path_watch_counters(ctrl->path_watch) : NULL,
			PATH_WATCH_COUNTERS},
		{lma_counter_defs, ctrl->lma ? lma_values(ctrl->lma) : NULL, LMA_COUNTERS},
		{mag_counter_defs, ctrl->mag ? mag_values(ctrl->mag) : NULL, MAG_COUNTERS},
	};
	size_t count = 0;

	for (size_t i = 0; i < PARTS_MAX; i++)
		if (all[i].values)
			parts[count++] = all[i];
	return count;
}

/* All counters of control in one object, or, for `help`, what they mean. */
static json_t *control_counters(const struct ctrl *ctrl, bool help)
{
	struct part parts[PARTS_MAX];
	size_t count = control_parts(ctrl, parts);
	json_t *all = json_object();

	for (size_t i = 0; i < count; i++) {
		const struct part *p = &parts[i];
		json_t *one = help ? counter_json_help(p->defs, p->count)
				   : counter_json(p->defs, p->values, p->count);

		json_object_update(all, one);
		json_decref(one);
	}
	return all;
}

/* What control counts and what it has now mean, by name. */
static json_t *control_help(const struct ctrl *ctrl)
{
	json_t *all = control_counters(ctrl, true), *gauges = figures_gauges_help();

	json_object_update(all, gauges);
	json_decref(gauges);
	return all;
}

/* What a group of statistics becomes in JSON. */
struct group {
	const char *key;
	const char *values[UPDATE_STAT_VALUES_MAX]; /* none: an object of NAME: value */
};

static const struct group groups[] = {
	[UPDATE_STAT_COUNTER] = {"counters", {NULL}},
	[UPDATE_STAT_DROP] = {"drops", {NULL}},
	[UPDATE_STAT_NODE] = {"nodes", {"calls", "packets", "cycles"}},
	[UPDATE_STAT_PORT] = {"ports",
		{"rx_packets", "rx_octets", "tx_packets", "tx_octets", "rx_missed", "tx_errors"}},
	[UPDATE_STAT_TABLE] = {"tables", {"entries", "capacity", "octets"}},
};

enum { GROUP_COUNT = sizeof(groups) / sizeof(groups[0]) };

/* The answers so far: one object a data plane, NULL for those that were not asked. */
struct answers {
	size_t count;
	json_t *item[];
};

static void answers_release(void *state)
{
	struct answers *answers = state;

	for (size_t i = 0; i < answers->count; i++)
		json_decref(answers->item[i]);
	free(answers);
}

static json_t *answer_of(struct api_request *r, unsigned dp)
{
	struct answers *answers = r->state;
	json_t *item = answers->item[dp];

	if (item)
		return item;
	item = json_object();
	json_put_str(item, "name", ctrl_config_data_plane_name(r->ctrl->config, dp));
	json_put_bool(item, "answered", false);
	for (size_t i = 0; i < GROUP_COUNT; i++)
		if (groups[i].key)
			json_object_set_new(item, groups[i].key,
				groups[i].values[0] ? json_array() : json_object());
	answers->item[dp] = item;
	return item;
}

static void put_record(json_t *to, const struct group *group, const struct update_stat *stat)
{
	json_t *obj = json_object();

	json_put_str(obj, "name", stat->name);
	for (size_t i = 0; i < UPDATE_STAT_VALUES_MAX && group->values[i]; i++)
		json_put_uint(obj, group->values[i], stat->values[i]);
	if (stat->group == UPDATE_STAT_NODE)
		json_object_set_new(obj, "cycles_per_packet",
			stat->values[1]
				? json_real((double)stat->values[2] / (double)stat->values[1])
				: json_null());
	json_array_append_new(to, obj);
}

static void take_record(void *arg, unsigned dp, const struct update_stat *stat)
{
	json_t *item = answer_of(arg, dp), *to;

	if ((size_t)stat->group >= GROUP_COUNT || !groups[stat->group].key)
		return;
	to = json_object_get(item, groups[stat->group].key);
	if (groups[stat->group].values[0])
		put_record(to, &groups[stat->group], stat);
	else
		json_put_uint(to, stat->name, stat->values[0]);
}

static void take_done(void *arg, unsigned dp, bool answered)
{
	json_put_bool(answer_of(arg, dp), "answered", answered);
}

static void take_end(void *arg)
{
	struct api_request *r = arg;
	struct answers *answers = r->state;
	json_t *list = json_array();

	for (size_t i = 0; i < answers->count; i++)
		if (answers->item[i])
			json_array_append(list, answers->item[i]);
	api_result(r, json_pack("{s:{s:o,s:o,s:o,s:o,s:o},s:o}", "control", "counters",
			      control_counters(r->ctrl, false), "rates", figures_rates(r->ctrl),
			      "times", figures_times(r->ctrl), "now", figures_gauges(r->ctrl),
			      "help", control_help(r->ctrl), "data_planes", list));
}

void api_stats(struct api_request *r, const json_t *params)
{
	size_t count = r->ctrl->config->data_planes.count;
	struct answers *answers = calloc(1, sizeof(*answers) + count * sizeof(json_t *));
	const struct publish_stats_fns fns = {
		.arg = r, .record = take_record, .done = take_done, .end = take_end};

	(void)params;
	if (!answers) {
		api_errno(r, -ENOMEM);
		return;
	}
	answers->count = count;
	r->state = answers;
	r->release = answers_release;
	if (publish_stats(r->ctrl->publish, &fns) < 0)
		api_errno(r, -ENOMEM);
}
