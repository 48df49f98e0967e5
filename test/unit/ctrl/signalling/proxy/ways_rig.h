/* Several ways to a peer whose far ends answer, each after a while of its own or not always, and
 * the time that passes meanwhile. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "path_rig.h"

enum {
	INTERVAL_MS = 100,
	TURN_MS = 500,
	HOLD_MS = 5000,
	WAYS = 5,
	WAITING = 64,
	LTE = 1,
	WLAN = 2,
};

/* An answer that is on its way. */
struct waiting {
	uint64_t due_ns;
	uint8_t packet[PATH_RIG_PROBE];
};

static struct {
	struct path_watch *watch;
	uint64_t now;
	/* By identifier; of so many probes one is lost, 0: none. */
	unsigned delay_ms[WAYS], lose_each[WAYS], probes[WAYS];
	struct waiting waiting[WAITING];
} ways;

/* The far end answers after a while, or does not. */
static inline int ways_send(void *context, uint64_t data_plane, const uint8_t *packet, size_t len)
{
	const uint8_t way = packet[23];

	(void)context;
	(void)data_plane;
	assert_int_equal(len, PATH_RIG_PROBE);
	ways.probes[way]++;
	if (ways.lose_each[way] && ways.probes[way] % ways.lose_each[way] == 0)
		return 0;
	for (unsigned i = 0; i < WAITING; i++)
		if (!ways.waiting[i].due_ns) {
			path_rig_answer(packet, ways.waiting[i].packet);
			ways.waiting[i].due_ns = ways.now + ways.delay_ms[way] * CLOCK_NS_PER_MS;
			return 0;
		}
	fail();
	return -1;
}

static inline void ways_changed(void *context, const struct path_watch_tunnel *tunnel)
{
	(void)context;
	(void)tunnel;
}

static inline uint64_t ways_now(void *context)
{
	(void)context;
	return ways.now;
}

static inline void use(uint8_t way, const char *peer)
{
	const struct path_watch_use u = path_rig_use(way, peer);

	assert_int_equal(path_watch_use(ways.watch, &u, UINT64_MAX), 0);
}

/* The watch, or NULL. */
static inline const struct path_watch *ways_open(void)
{
	const struct path_watch_config watch = {INTERVAL_MS, 3, 5};
	const struct path_watch_ops ops = {.send = ways_send,
		.changed = ways_changed,
		.now_ns = ways_now,
		.real_ns = ways_now};

	memset(&ways, 0, sizeof(ways));
	ways.now = 1000 * CLOCK_NS_PER_S;
	ways.watch = path_watch_new(&watch, &ops, 1);
	for (unsigned i = 0; i < WAYS; i++)
		ways.delay_ms[i] = 20;
	return ways.watch;
}

/* turn: what is done twice a second. */
static inline void ways_pass(unsigned ms, void (*turn)(void))
{
	for (unsigned i = 0; i < ms; i++) {
		ways.now += CLOCK_NS_PER_MS;
		wheel_advance(path_watch_wheel(ways.watch), ways.now, 0);
		for (struct waiting *w = ways.waiting; w < ways.waiting + WAITING; w++)
			if (w->due_ns && w->due_ns <= ways.now) {
				w->due_ns = 0;
				path_watch_receive(ways.watch, w->packet, sizeof(w->packet));
			}
		if (ways.now / CLOCK_NS_PER_MS % TURN_MS == 0)
			turn();
	}
}
