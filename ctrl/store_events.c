#include "ctrl/store_events.h"

#include "ctrl/events.h"
#include "ctrl/loop.h"
#include "ctrl/store/store.h"

#include <errno.h>
#include <stdlib.h>

struct store_events {
	struct ctrl *ctrl;
	bool ok;
	uint64_t failed_ns;
};

static void watch(void *arg)
{
	struct store_events *e = arg;
	bool ok = store_ok(e->ctrl->store);
	const struct event out = {.severity = ok ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
		.event = ok ? "store-back" : "store-failed"};

	if (ok == e->ok)
		return;
	e->ok = ok;
	if (ok) {
		events_post(e->ctrl->events, &out, "the store in %s takes changes again",
			store_path(e->ctrl->store));
		return;
	}
	e->failed_ns = loop_real_ns(e->ctrl->loop);
	events_post(e->ctrl->events, &out,
		"the disk refuses changes of the store in %s: Binding Updates are refused with "
		"status 130 until it takes them",
		store_path(e->ctrl->store));
}

int store_events_start(struct store_events **events, struct ctrl *ctrl)
{
	struct store_events *e = calloc(1, sizeof(*e));

	*events = e;
	if (!e)
		return -ENOMEM;
	e->ctrl = ctrl;
	e->ok = true;
	return loop_add_flush(ctrl->loop, watch, e);
}

void store_events_stop(struct store_events *events)
{
	free(events);
}

uint64_t store_events_failed_ns(const struct store_events *events)
{
	return events->failed_ns;
}
