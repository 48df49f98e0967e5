/*
 * What a gateway tells its anchors of the paths to them (RFC 8278, 1; RFC 5094): the figures of the
 * supervision go with each registration, and where they have changed much since the anchor was told
 * last, some registration is extended to tell it. For the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctrl/ctrl.h"
#include "proto/mobility/metrics.h"

struct mag_anchor;
struct path_metrics;

/* Begins to look at the figures of ctrl->path_watch, as often as the configuration says. The
 * anchors must outlive it. 0 or -ENOMEM. */
int path_metrics_open(struct path_metrics **out, struct ctrl *ctrl,
	const struct mag_anchor *anchors, size_t count);

/* NULL is allowed. */
void path_metrics_free(struct path_metrics *metrics);

/* What an anchor is told now. */
void path_metrics_told(
	struct path_metrics *metrics, const struct mag_anchor *anchor, struct metrics_list *out);

/* Whether figures have changed so much that it matters. */
bool path_metrics_differ(const struct metrics_list *a, const struct metrics_list *b);
