/*
 * What data planes could not take of multicast (ctrl/mcast/uninstalled.h): heard of before anybody
 * is told that a change is done, or found out soon after (ctrl/multicast_missing.h), logged, and
 * tried again every few seconds, at once as long as it succeeds. For the control thread.
 */
#pragma once

#include <stdint.h>

#include "ctrl/mcast/uninstalled.h"

struct ctrl_config;
struct loop;
struct multicast_failures;
struct publish;

/* Milliseconds until what could not be taken is tried again, or who does not answer is asked. */
enum { MULTICAST_FAILURES_RETRY_MS = 5000 };

/* Before the commit, whose answers depend on it, adds its handlers. All outlive it. NULL with errno
 * set. */
struct multicast_failures *multicast_failures_new(const struct ctrl_config *config,
	struct publish *publish, struct loop *loop, uint32_t retry_ms);

/* While the loop is there. NULL is allowed. */
void multicast_failures_free(struct multicast_failures *failures);

/* It is published anew, or withdrawn. */
void multicast_failures_forget(struct multicast_failures *failures, uint64_t id);

/* As uninstalled_at(). */
uint64_t multicast_failures_at(const struct multicast_failures *failures, uint64_t id, int *error);

/* For what there is to count. */
const struct uninstalled *multicast_failures_all(const struct multicast_failures *failures);
