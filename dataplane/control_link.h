/*
 * A connection to control, on ipc or, with CURVE, on tcp. On tcp it is made anew when the keys have
 * changed and when control refused it, for libzmq gives up then; with several keys of control it
 * tries them in turn. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/zsock.h"

struct control_link {
	struct zsock sock; /* the caller's to send and receive */
	struct zsock watch;
	struct zsock_options options;
	const char *endpoint;
	bool secured;
	uint32_t generation; /* of the keys that it was made with */
	unsigned attempt;
	uint64_t again_ms; /* when it is made anew; 0: not yet */
};

enum { CONTROL_LINK_AGAIN_MS = 500 };

/*
 * Connects, whether control is there or not; the name of this data plane is the routing id on ipc.
 * What options and endpoint point to lives as long as the link. 0 or a negative errno.
 */
int control_link_open(struct control_link *link, const struct zsock_options *options,
	const char *name, const char *endpoint);
void control_link_close(struct control_link *link);

/* Ends the connection, with what was not yet sent or received, and makes it anew: control has said
 * nothing for long. As control_link_tick(). */
bool control_link_renew(struct control_link *link, uint64_t now_ms);

/* Looks after the connection, a few times a second. True: it was made anew, and whatever had been
 * asked of its descriptor must be asked again. */
bool control_link_tick(struct control_link *link, uint64_t now_ms);
