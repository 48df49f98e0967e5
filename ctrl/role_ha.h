/*
 * The role `ha`: gives the signalling of the home agent what it asks for (struct signalling_ops)
 * from the other parts, and what it knows to them. It is there in every process, since it receives
 * the packets of all roles; without `ha` in the configuration it has no addresses and no prefixes.
 */
#pragma once

#include "ctrl/ctrl.h"

#include <stddef.h>

struct api;
struct role_ha;

/*
 * Makes the signalling (ctrl->signalling) from the configuration and loads the bindings of the
 * store into it and into what is published. The other parts of ctrl are there and outlive the role.
 * Returns 0, or a negative errno with one line for people in why.
 */
int role_ha_open(struct role_ha **role, struct ctrl *ctrl, char *why, size_t why_size);

/* Frees it and the signalling. NULL is allowed. */
void role_ha_close(struct role_ha *role);

/* Who is told of bindings; NULL: nobody. */
void role_ha_set_api(struct role_ha *role, struct api *api);
