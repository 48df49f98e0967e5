/*
 * Who serves: which data plane a binding is to have, or a session of the anchor, and moving them
 * when data planes come and go.
 *
 *   WAITED    not synchronised since the start; what was bound to it waits for it for a while
 *   UP        serves what the configuration gives it
 *   HOLDING   back, but was lost not long ago: serves only what no other can, until it was there
 *             for the hold-down time
 *   DOWN      lost; what it served goes to the next
 *
 * Bindings of one that is DOWN move as fast as the commit takes them. Those that have a better one
 * again move at a pace that leaves room for everything else.
 */
#pragma once

#include "ctrl/ctrl.h"

#include <netinet/in.h>
#include <stdint.h>

struct serving;

enum serving_state { SERVING_WAITED, SERVING_UP, SERVING_HOLDING, SERVING_DOWN, SERVING_STATES };
extern const char *const serving_state_names[SERVING_STATES + 1];

/*
 * Starts to follow ctrl->publish and, once serving_start() was called, to move the bindings of
 * ctrl->signalling. NULL with errno set.
 */
struct serving *serving_new(struct ctrl *ctrl);
void serving_start(struct serving *serving);

/* Frees it; no event of the publisher may come any more. NULL is allowed. */
void serving_free(struct serving *serving);

/*
 * The data plane that is to serve a care-of address: its index, and its id for the record (0 when
 * data planes have no addresses). `tried` are not taken (bit: index). Those that are UP come first,
 * among them longest prefix, then order; then any that is synchronised. -ENOTCONN: none is left.
 */
int serving_choose(const struct serving *serving, const struct in6_addr *care_of, uint64_t tried,
	uint64_t *data_plane);

/* The same for the home binding of a home address: the data plane that is on its home link.
 * -ENOTCONN, and the id 0: it is lost, or was tried, or there is no such link. */
int serving_choose_home(const struct serving *serving, const struct in6_addr *home, uint64_t tried,
	uint64_t *data_plane);

/* Where a data plane stands. */
enum serving_state serving_state(const struct serving *serving, unsigned dp);
