/*
 * The nodes and the data plane that they signal through, in one thread: operations at a rate, their
 * latencies, and what control published, to compare with what was acknowledged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/pktgen/binding.h"
#include "tools/pktgen/channel.h"
#include "tools/pktgen/fleet.h"

#include "rig.h"

struct player;

/* A part of a run. */
struct player_phase {
	uint32_t weight[PKTGEN_OPS];
	uint64_t rate;        /* operations a second; 0: as many as outstanding allows */
	uint32_t outstanding; /* operations under way at most */
	double seconds;       /* at most */
	uint32_t bound;       /* ends when so many are bound; 0: not by that */
	uint64_t strangers;   /* Binding Updates a second that fail their authentication */
	bool deaf;            /* nodes do not refresh when control asks them to */
	bool drain;           /* wait for the answers that are missing at the end */
};

struct player_result {
	double seconds; /* without the wait for the last */
	uint64_t asked, accepted, rejected, lost, repeated;
	uint64_t strangers, unsent; /* offered by strangers; packets that control did not take */
	struct histogram latency;
	struct rig_time used; /* processor time of dmm-ctrl */
};

/* Connects the played data plane to the rig's endpoints. */
struct player *player_open(struct rig *rig);
void player_close(struct player *p);

/* Control was killed: what it published is void, and it is asked anew when it is back. */
void player_lost(struct player *p);

/* Plays until the data plane has everything; seconds since since_ns (clock_mono_ns()). */
double player_sync(struct player *p, uint64_t since_ns);

/* Asks for everything anew; seconds until it is there. */
double player_resync(struct player *p);

/* Plays a phase. */
void player_run(struct player *p, const struct player_phase *phase, struct player_result *result);

/* Seconds from since_ns until a node's update is answered. */
double player_until_served(struct player *p, uint64_t since_ns);

/* What the last snapshot and all that came after it say, against what was acknowledged. */
struct player_verdict {
	uint64_t known;    /* bindings that were acknowledged and not touched since */
	uint64_t missing;  /* of them not there, or elsewhere */
	uint64_t invented; /* there, without an acknowledgement or an operation under way */
};
struct player_verdict player_compare(struct player *p);

/* What is known of the nodes. */
const struct fleet *player_fleet(const struct player *p);
