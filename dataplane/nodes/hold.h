/*
 * Packets for subscribers that are between two links (PATH_HELD, tables/path_hold.h): they wait in
 * the worker that they came to, and go on in their order as soon as there is a path.
 *
 * The newest packet is the one that goes when as many wait as may: what goes on is a row without a
 * gap. Those that have waited too long are dropped before others.
 *
 * Packets of others pay nothing for it: a held path is to express one that is on a link, which it
 * hands to encap. Of those that come out of a tunnel for a subscriber on a link, decap asks whether
 * any in its worker wait.
 */
#pragma once

#include "dataplane/nodes/node.h"
#include "dataplane/tables/hold.h"

enum {
	HOLD_MOST = 4096, /* packets of one worker that wait, of all subscribers */
	HOLD_RESERVE = 4, /* none waits when no more than a fourth of all buffers is free */
	HOLD_LOOKS = 64,  /* queues that are looked at in one walk */
	HOLD_BURST =
		128, /* packets that go on at once; the rest follows at a rate that ports take */
	HOLD_PER_SECOND = 500000,
	HOLD_OPENED = UINT32_MAX - 1, /* meta.subscriber of one that hold gives to decap */
};

/* Whether packets that came out of a tunnel, for nobody, wait for this one's inner destination: it
 * goes to the node "hold_tunnel", behind them. */
bool hold_waits_for(const struct worker *w, struct rte_mbuf *m);

/* Whether a packet that is still in its tunnel, and for nobody, waits: it goes to that node, too.
 */
bool hold_wants(const struct worker *w, struct rte_mbuf *m);
