/*
 * What the store has of bindings, at start: into the binding cache, and into what data planes are
 * to have.
 *
 * A million bindings are a million places in each of five tables, none of them near the last one.
 * So records are read some dozens ahead of their use, and what they need of the tables is fetched
 * from memory meanwhile; a home address is compiled and published when its last record was read,
 * while all of it is at hand. For the control thread, before anybody can have connected.
 */
#pragma once

#include "ctrl/ctrl.h"

#include <stddef.h>

/* Restores all bindings and flow bindings. Flow bindings whose home address is not bound any more
 * are deleted from the store. 0, or a negative errno with why for people. */
int restore_bindings(struct ctrl *ctrl, char *why, size_t why_size);
