#include "ctrl/path_metrics.h"

#include "common/clock.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/signalling/mag/mag.h"
#include "ctrl/signalling/proxy/path_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Changes that matter. */
enum {
	LOSS_STEP = 20,       /* thousandths */
	DELAY_STEP_US = 2000, /* and ... */
	DELAY_SHARE = 4,      /* ... one part of so many of what it was */
};

/* What an anchor knows. */
struct told {
	struct metrics_list list;
	uint64_t ns; /* since then; 0: it was not told yet */
};

struct path_metrics {
	struct ctrl *ctrl;
	const struct mag_anchor *anchors;
	size_t count;
	struct wheel_timer timer;
	struct told told[]; /* count of them */
};

static const struct metrics_way *way_of(const struct metrics_list *list, uint8_t bid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->ways[i].bid == bid)
			return &list->ways[i];
	return NULL;
}

/* Of several tunnels with one identifier the worst counts. */
static void add(struct metrics_list *list, uint8_t bid, const struct path_watch_figures *figures)
{
	const uint64_t us = figures->delay_ns / CLOCK_NS_PER_US;
	const uint32_t delay_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
	const uint16_t loss = (uint16_t)figures->loss;
	struct metrics_way *way = (struct metrics_way *)way_of(list, bid);

	if (!way && list->count < METRICS_WAYS_MAX) {
		way = &list->ways[list->count++];
		*way = (struct metrics_way){.bid = bid};
	}
	if (!way)
		return;
	if (loss > way->loss)
		way->loss = loss;
	if (delay_us > way->delay_us)
		way->delay_us = delay_us;
}

static void collect(const struct path_metrics *m, const char *peer, struct metrics_list *list)
{
	const struct path_watch_tunnel *t = NULL;
	struct path_watch_figures figures;

	list->count = 0;
	while ((t = path_watch_next(m->ctrl->path_watch, t)))
		if (strcmp(t->use.peer, peer) == 0 && path_watch_measured(t, &figures))
			add(list, t->use.bid, &figures);
}

static bool way_differs(const struct metrics_way *a, const struct metrics_way *b)
{
	const uint32_t loss = a->loss > b->loss ? a->loss - b->loss : b->loss - a->loss;
	const uint32_t delay =
		a->delay_us > b->delay_us ? a->delay_us - b->delay_us : b->delay_us - a->delay_us;

	return loss >= LOSS_STEP || (delay >= DELAY_STEP_US && delay >= a->delay_us / DELAY_SHARE);
}

bool path_metrics_differ(const struct metrics_list *a, const struct metrics_list *b)
{
	if (a->count != b->count)
		return true;
	for (size_t i = 0; i < b->count; i++) {
		const struct metrics_way *way = way_of(a, b->ways[i].bid);

		if (!way || way_differs(way, &b->ways[i]))
			return true;
	}
	return false;
}

void path_metrics_told(
	struct path_metrics *m, const struct mag_anchor *anchor, struct metrics_list *out)
{
	struct told *told = m ? &m->told[anchor - m->anchors] : NULL;

	out->count = 0;
	if (!told)
		return;
	collect(m, anchor->name, out);
	told->list = *out;
	told->ns = loop_now_ns(m->ctrl->loop);
}

static void turn(struct wheel_timer *timer, void *context)
{
	struct path_metrics *m = wheel_entry(timer, struct path_metrics, timer);
	const uint64_t now = loop_now_ns(m->ctrl->loop);
	struct metrics_list list;

	(void)context;
	for (size_t i = 0; i < m->count; i++) {
		const struct told *told = &m->told[i];

		collect(m, m->anchors[i].name, &list);
		if (list.count && (path_metrics_differ(&told->list, &list) ||
					  now - told->ns > METRICS_AGAIN_S * CLOCK_NS_PER_S))
			mag_tell_metrics(m->ctrl->mag, &m->anchors[i]);
	}
	loop_arm_ms(m->ctrl->loop, timer, m->ctrl->config->mag.metrics_interval_ms);
}

int path_metrics_open(struct path_metrics **out, struct ctrl *ctrl,
	const struct mag_anchor *anchors, size_t count)
{
	struct path_metrics *m = calloc(1, sizeof(*m) + count * sizeof(m->told[0]));

	*out = m;
	if (!m)
		return -ENOMEM;
	m->ctrl = ctrl;
	m->anchors = anchors;
	m->count = count;
	wheel_timer_init(&m->timer, turn);
	loop_arm_ms(ctrl->loop, &m->timer, ctrl->config->mag.metrics_interval_ms);
	return 0;
}

void path_metrics_free(struct path_metrics *m)
{
	if (!m)
		return;
	loop_cancel(m->ctrl->loop, &m->timer);
	free(m);
}
