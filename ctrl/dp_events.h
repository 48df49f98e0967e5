/*
 * What data planes tell, as events for people.
 */
#pragma once

#include "ctrl/ctrl.h"

/* Has the publisher tell the events of data planes to ctrl->events. Returns 0 or -ENOSPC. */
int dp_events_start(struct ctrl *ctrl);
