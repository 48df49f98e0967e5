/*
 * The mirror's own state and the parts of its thread; private to dataplane/mirror/.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "dataplane/mirror/mirror.h"
#include "dataplane/mirror/netlink.h"
#include "dataplane/mirror/packets.h"
#include "dataplane/mirror/resolve.h"
#include "dataplane/mirror/sync.h"
#include "dataplane/mirror/twin.h"
#include "dataplane/port.h"

struct mirror {
	unsigned workers;
	struct tables *tables;
	struct twin twins[PORT_MAX];
	struct netlink netlink;
	struct sync sync;
	struct resolve resolve;
	struct packets packets;
	pthread_t thread;
	bool running;
	_Atomic bool stop;
	uint64_t link_ms, stale_ms, dump_ms; /* when each was last done */
};

/* The one of this process: the mirror thread's, and the main thread's while that does not run. */
extern struct mirror mirror;

/* Takes all that Linux knows, again. 0 or a negative errno after a log line. */
int mirror_dump(void);

/* Gives a packet to the worker that is to have it, by its tag; a resolve_fn for what waited. */
void mirror_down(void *context, struct rte_mbuf *m);
void mirror_down_resolved(void *context, struct rte_mbuf *m, bool reachable);

/* The thread: serves everything until mirror.stop. */
void *mirror_serve(void *unused);
