/*
 * A data plane that is played: it follows the update channel and acknowledges at once, and carries
 * mobility messages over the packet channel, so that control can be loaded without ports, packets
 * and tables. It never says that it has anything: each control that it meets sends a snapshot. One
 * thread; no DPDK.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/channel/update.h"

struct channel;

/* The order in which messages leave, as the data plane's rings to its mirror have it. */
enum channel_class { CHANNEL_KNOWN, CHANNEL_NEW, CHANNEL_CLASSES };

/* What is told; any may be NULL. Pointers live during the call. */
struct channel_fns {
	void *context;
	/* A packet that control injects, from its IPv6 header on. */
	void (*packet)(void *context, const uint8_t *ip, size_t len);
	/* A snapshot begins (what was known is void), and ends. */
	void (*begin)(void *context);
	void (*end)(void *context);
	/* An object of a snapshot or of a delta. */
	void (*object)(void *context, const struct object *object);
};

/*
 * Connects as the data plane of this name, which both endpoints (ipc) must be configured for;
 * nobody need be there yet. Returns 0 or a negative errno.
 */
int channel_open(struct channel **channel, const char *update, const char *packet, const char *name,
	const struct channel_fns *fns);

/* Closes it. NULL is allowed. */
void channel_close(struct channel *channel);

/*
 * Hands on an IPv6 packet as if a port had received it; copied. Many leave in one message. -EAGAIN:
 * control does not take them quickly enough, and this one is dropped.
 */
int channel_put(struct channel *channel, enum channel_class which, const uint8_t *ip, size_t len);

/* Whether control is behind: what is put now may not find room. */
bool channel_full(const struct channel *channel, enum channel_class which);

/* Sends what was put, as far as control takes it, lower classes first. */
void channel_flush(struct channel *channel);

/* Takes what has arrived, and says what a data plane says from time to time. Returns whether there
 * was anything. now_ns: clock_mono_ns(). */
bool channel_work(struct channel *channel, uint64_t now_ns);

/* Waits until something arrives, at most so long. */
void channel_wait(struct channel *channel, uint64_t ns);

/* Asks for everything again. */
void channel_resync(struct channel *channel);

/* Whether it has everything that control wanted when it said hello. */
bool channel_synced(const struct channel *channel);
