/*
 * The control interface: JSON requests of dmmctl, as docs/api.md describes them.
 *
 * One file a group of methods; api.c knows them by one table. A request may be answered at once,
 * later (when a commit or a data plane has answered) or without end (watching).
 */
#pragma once

#include "ctrl/ctrl.h"
#include "ctrl/signalling/signalling.h"

struct api;

/*
 * Binds the endpoint and adds itself to the loop. ctrl is complete and outlives it. Returns 0,
 * -EADDRINUSE when another process serves the endpoint, or another negative errno.
 */
int api_open(struct api **api, struct ctrl *ctrl);

/* Closes it; requests under way get no answer. NULL is allowed. */
void api_close(struct api *api);

/* Tells who watches bindings of an event of the signalling. */
void api_binding_event(struct api *api, const struct signalling_event *event);

/* Tells who traces the node of it: a tracer_fn. */
void api_traced(void *api, const struct tracer_item *item);

/* The loop's hook: sends more of the lists that are being sent. */
void api_flush(struct api *api);
