/*
 * The multicast groups of the mobile node as its home agent is told of them: the Multicast State
 * option of Binding Updates and Acknowledgements (draft-sarikaya-mext-multicastdmm-04, 3, 4.1 and
 * 7). Away from home the groups of groups.h are in every registration, and a change of them is
 * registered at once; at home nobody is told, the kernel joins them on the link.
 *
 * Single thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/wheel.h"
#include "proto/mobility/mcast_state.h"
#include "tools/mn/groups.h"

struct bul_answer;
struct mn;

struct multicast {
	bool used; /* the option has a number */
	struct groups groups;
	bool held;                   /* the home agent may hold groups of ours */
	struct mcast_state told;     /* by the last registration */
	bool answered;               /* ... which was accepted, with the option */
	struct mcast_state accepted; /* what the home agent said then */
	struct wheel_timer renew;    /* when the home agent is told of a change */
};

/* Begins to listen on the tunnel's interface, unless the option is not used. */
void multicast_open(struct mn *mn);
void multicast_close(struct mn *mn);

/* The node is somewhere else. */
void multicast_moved(struct mn *mn);

/* What the Binding Update that is about to be sent has to tell; NULL: nothing. */
const struct mcast_state *multicast_tell(struct mn *mn, bool registers);

/* An update was accepted. */
void multicast_answered(struct mn *mn, const struct bul_answer *answer);

/* For the status; the caller owns it. NULL: the option is not used. */
json_t *multicast_report(const struct mn *mn);
