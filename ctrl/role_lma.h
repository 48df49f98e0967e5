/*
 * The role `lma`: gives the local mobility anchor what it asks for (struct lma_ops) from the other
 * parts, and what it knows to them.
 */
#pragma once

#include "ctrl/ctrl.h"

#include <stddef.h>

struct role_lma;

/*
 * Makes the anchor (ctrl->lma) from the configuration, loads the sessions of the store into it and
 * into what is published, and lets the signalling hand it its messages. The other parts of ctrl are
 * there, the signalling too, and outlive the role. Returns 0, or a negative errno with one line for
 * people in why.
 */
int role_lma_open(struct role_lma **role, struct ctrl *ctrl, char *why, size_t why_size);

/* Frees it and the anchor. NULL is allowed. */
void role_lma_close(struct role_lma *role);
