/*
 * The role `mag`: gives the mobile access gateway what it asks for (struct mag_ops) from the other
 * parts, and what it knows to them.
 */
#pragma once

#include "ctrl/ctrl.h"

#include <stddef.h>

struct role_mag;

/*
 * Makes the gateway (ctrl->mag) from the configuration, loads the attachments of the store into it
 * and into what is published, and lets the signalling hand it its messages. The other parts of ctrl
 * are there, the signalling too, and outlive the role. Returns 0, or a negative errno with one line
 * for people in why.
 */
int role_mag_open(struct role_mag **role, struct ctrl *ctrl, char *why, size_t why_size);

/* Frees it and the gateway. NULL is allowed. */
void role_mag_close(struct role_mag *role);
