#include "ctrl/api/figures.h"

#include <stdio.h>

#include "common/counter.h"
#include "common/histogram.h"
#include "common/json.h"
#include "ctrl/binding/attachment.h"
#include "ctrl/binding/session_cache.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/commit.h"
#include "ctrl/ctrl.h"
#include "ctrl/intake.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"
#include "ctrl/rates.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/mag/mag.h"
#include "ctrl/signalling/signalling.h"

#define NS_PER_US 1000

/* Bounds that a count is told for, microseconds. */
static const unsigned bounds_us[] = {100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000,
	200000, 500000, 1000000, 2000000, 5000000, 10000000};

json_t *figures_rates(const struct ctrl *ctrl)
{
	json_t *all = json_object();

	for (size_t i = 0; i < rates_count(ctrl->rates); i++) {
		json_t *one = json_object();

		for (unsigned span = 0; span < RATES_SPANS; span++) {
			char key[16];

			snprintf(key, sizeof(key), "s%u", rates_spans[span]);
			json_object_set_new(
				one, key, json_real(rates_per_second(ctrl->rates, i, span)));
		}
		json_object_set_new(all, rates_name(ctrl->rates, i), one);
	}
	return all;
}

static json_t *time_json(const char *name, const char *help, const struct histogram *h)
{
	static const struct {
		const char *key;
		double percent;
	} percentiles[] = {{"p50_us", 50}, {"p90_us", 90}, {"p99_us", 99}, {"max_us", 100}};
	json_t *obj = json_object(), *buckets = json_array();

	json_put_str(obj, "name", name);
	json_put_str(obj, "help", help);
	json_put_uint(obj, "count", h->count);
	json_put_uint(obj, "sum_us", h->sum / NS_PER_US);
	for (size_t i = 0; i < sizeof(percentiles) / sizeof(*percentiles); i++)
		json_put_uint(obj, percentiles[i].key,
			histogram_percentile(h, percentiles[i].percent) / NS_PER_US);
	for (size_t i = 0; i < sizeof(bounds_us) / sizeof(*bounds_us); i++)
		json_array_append_new(
			buckets, json_pack("{s:I,s:I}", "le_us", (json_int_t)bounds_us[i], "count",
					 (json_int_t)histogram_up_to(
						 h, (uint64_t)bounds_us[i] * NS_PER_US)));
	json_object_set_new(obj, "buckets", buckets);
	return obj;
}

json_t *figures_times(const struct ctrl *ctrl)
{
	const struct {
		const char *name, *help;
		const struct histogram *times;
	} all[] = {
		{"intake_wait", "packets waited for their turn", intake_waits(ctrl->intake)},
		{"answer", "from a Binding Update to its acknowledgement",
			signalling_answers(ctrl->signalling)},
		{"store_commit", "to make a transaction durable", commit_store_times(ctrl->commit)},
		{"data_plane_ack", "from a delta to the acknowledgement of the data plane",
			commit_ack_times(ctrl->commit)},
		{"loop_round", "in which nobody else was heard", loop_rounds(ctrl->loop)},
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		json_array_append_new(list, time_json(all[i].name, all[i].help, all[i].times));
	return list;
}

/* What there is now, in the order of figures_gauges(); behind them the classes of the intake. */
static const struct counter_def gauges[] = {
	{"subscribers", "subscribers, bound or not"},
	{"bindings", "home addresses and further bindings of them that are bound"},
	{"sessions", "live mobility sessions of the local mobility anchor"},
	{"attachments", "nodes that the mobile access gateway serves or is about to"},
	{"changes_under_way", "changes that the store or a data plane has not yet taken"},
	{"published", "bundles of objects that data planes are to have"},
};

enum { GAUGES = sizeof(gauges) / sizeof(gauges[0]) };

json_t *figures_gauges(const struct ctrl *ctrl)
{
	const uint64_t values[GAUGES] = {subscriber_db_count(ctrl->subscribers),
		signalling_live(ctrl->signalling), ctrl->lma ? lma_live(ctrl->lma) : 0,
		figures_attachments(ctrl).entries, commit_count(ctrl->commit),
		publish_count(ctrl->publish)};
	json_t *obj = counter_json(gauges, values, GAUGES);

	for (int i = 0; i < INTAKE_CLASSES; i++) {
		char key[32];

		snprintf(key, sizeof(key), "waiting_%s", intake_class_names[i]);
		json_put_uint(obj, key, intake_waiting(ctrl->intake, (enum intake_class)i));
	}
	return obj;
}

json_t *figures_gauges_help(void)
{
	json_t *obj = counter_json_help(gauges, GAUGES);

	for (int i = 0; i < INTAKE_CLASSES; i++) {
		char key[32], text[64];

		snprintf(key, sizeof(key), "waiting_%s", intake_class_names[i]);
		snprintf(text, sizeof(text), "packets of the class \"%s\" that wait for their turn",
			intake_class_names[i]);
		json_put_str(obj, key, text);
	}
	return obj;
}

struct figures_proxy figures_sessions(const struct ctrl *ctrl)
{
	struct session_cache *cache = ctrl->lma ? lma_cache(ctrl->lma) : NULL;
	struct figures_proxy sum = {0};
	struct session *s = NULL;

	while (cache && (s = session_cache_next(cache, s))) {
		if (s->now.life != SESSION_LIVE)
			continue;
		sum.entries++;
		sum.paths += s->now.path_count ? s->now.path_count : 1;
	}
	return sum;
}

struct figures_proxy figures_attachments(const struct ctrl *ctrl)
{
	const struct mag_attachment *a = NULL;
	struct figures_proxy sum = {0};

	while (ctrl->mag && (a = mag_next(ctrl->mag, a))) {
		sum.entries++;
		if (a->now.lifetime)
			sum.paths += a->now.path_count ? a->now.path_count : 1;
	}
	return sum;
}
