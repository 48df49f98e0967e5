/*
 * The event loop of the one thread that owns the state.
 *
 * One round: wait for sockets, descriptors and timers; read what is there; then run the flush
 * hooks in the order in which they were added. Everything that arrived in one round is one batch:
 * the hooks commit it to the store once, publish it once and send the answers (group commit).
 */
#pragma once

#include "common/histogram.h"
#include "common/wheel.h"
#include "common/zsock.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

typedef void loop_fn(void *arg);

/* A new loop. NULL with errno set. */
struct loop *loop_new(void);

/* Frees the loop. Sockets, descriptors and timers stay the callers'. NULL is allowed. */
void loop_free(struct loop *loop);

/*
 * Calls fn in every round in which the socket can be read. fn reads at most a bounded number of
 * messages and returns; what is left is seen in the next round. Returns 0 or -ENOSPC.
 */
int loop_add_socket(struct loop *loop, struct zsock *socket, loop_fn *fn, void *arg);

/* The same for a descriptor that polls readable. */
int loop_add_fd(struct loop *loop, int fd, loop_fn *fn, void *arg);

/*
 * Adds a wheel whose timers are to be served, besides the loop's own one: wheels differ in the
 * context that their callbacks get. Returns 0 or -ENOSPC.
 */
int loop_add_wheel(struct loop *loop, struct wheel *wheel);

/* Adds a hook that runs at the end of every round, after those added before. 0 or -ENOSPC. */
int loop_add_flush(struct loop *loop, loop_fn *fn, void *arg);

/*
 * Time of the current round, CLOCK_MONOTONIC in nanoseconds: read once a round, so that all of a
 * batch has one time.
 */
uint64_t loop_now_ns(const struct loop *loop);

/* CLOCK_REALTIME of the current round in nanoseconds since 1970: what is written to the store. */
uint64_t loop_real_ns(const struct loop *loop);

/* Arms a timer of the loop's own wheel (context: the loop) to expire delay_ms from now. */
void loop_arm_ms(struct loop *loop, struct wheel_timer *timer, uint64_t delay_ms);

/* Arms a timer for a time of loop_now_ns()'s clock. */
void loop_arm_at(struct loop *loop, struct wheel_timer *timer, uint64_t at_ns);

/* Cancels a timer; nothing happens when it is not armed. */
void loop_cancel(struct loop *loop, struct wheel_timer *timer);

/* Lets the next round begin without waiting: work is left that no socket or timer tells of. */
void loop_hurry(struct loop *loop);

/* How long rounds took, without the wait for something to do: nobody is heard meanwhile. */
const struct histogram *loop_rounds(const struct loop *loop);

/* One round, waiting at most wait_ms (-1: until something happens). Returns 0 or -errno. */
int loop_round(struct loop *loop, int wait_ms);

/* Rounds until loop_stop() is called. Returns 0 or -errno. */
int loop_run(struct loop *loop);

/* Makes loop_run() return at the end of this round. */
void loop_stop(struct loop *loop);
