/*
 * The signalling of the home agent (RFC 6275, 9 and 10; RFC 4285): packets in, changes of bindings
 * and packets out. This is all that the rest of dmm-ctrl sees of it.
 *
 *   punted packet -> signalling_receive -> checks -> [duplicate address detection] -> commit
 *   -> (store, publish, acknowledgement of the data plane) -> Binding Acknowledgement -> inject
 *
 * What it needs from others it calls through `struct signalling_ops`. Everything runs in the
 * control thread, nothing blocks.
 */
#pragma once

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wheel.h"
#include "ctrl/binding/binding.h"
#include "ctrl/binding/binding_cache.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/events.h"
#include "proto/channel/packet.h"

struct ctrl;
struct signalling;

/* A Binding Update that was answered with a refusal. */
struct signalling_refusal {
	const struct subscriber *subscriber;
	struct in6_addr home;
	struct in6_addr care_of;
	uint8_t status; /* enum status_ba */
};

/* What signalling asks of the rest; `context` is the first argument of each. */
struct signalling_ops {
	void *context;

	/* commit_submit(). */
	int (*commit)(void *context, const struct binding *from, const struct binding *to,
		void (*done)(void *arg, int error), void *arg);

	/* packet_inject(). */
	int (*inject)(void *context, unsigned dp, const struct packet_inject *inject);

	/* Index of the data plane that serves, or -ENOTCONN. */
	int (*serving)(void *context);

	/* MAC of a port of a data plane: 0, -ENOTCONN, -ENOENT. */
	int (*port_mac)(void *context, unsigned dp, const char *port, struct mac *mac);

	/* Timers and clocks: loop_arm_at(), loop_cancel(), loop_now_ns(), loop_real_ns(). */
	void (*arm)(void *context, struct wheel_timer *timer, uint64_t at_ns);
	void (*cancel)(void *context, struct wheel_timer *timer);
	uint64_t (*now_ns)(void *context);
	uint64_t (*real_ns)(void *context);

	/* Told of what happens to bindings; may not change any. */
	void (*event)(void *context, enum events_binding_kind kind, const struct binding *binding);
	void (*refused)(void *context, const struct signalling_refusal *refusal);
};

/* Copies ops; the others outlive it. NULL with errno set. */
struct signalling *signalling_new(const struct ctrl_config *config,
	const struct signalling_ops *ops, struct subscribers *subscribers,
	struct binding_cache *cache);

/* Frees it, after taking its timers out of the wheel and all entries out of the cache; store and
 * data planes are not touched. No completion of a commit may come any more. NULL is allowed. */
void signalling_free(struct signalling *s);

/*
 * At start, after the subscribers are loaded: takes a record of the store into the cache. What
 * ended meanwhile or is no longer served (its prefix or its subscriber's home address is gone) is
 * ended as soon as the loop turns. Returns 0; -EEXIST for a second record of one key; -ENOMEM.
 */
int signalling_restore(struct signalling *s, const struct binding *binding);

/* A packet that a data plane punted. The punt is not kept. */
void signalling_receive(struct signalling *s, unsigned dp, const struct packet_punt *punt);

/*
 * Ends the bindings of a home address as if their lifetime had run out. `done` (may be NULL) is
 * called once, later, when all have ended (0) or could not (-errno). Returns the number of bindings
 * that it ends; 0: there is none, and done is not called. -EBUSY: it is being cleared already.
 */
int signalling_clear(struct signalling *s, const struct in6_addr *home,
	void (*done)(void *arg, int error), void *arg);

/* Bindings that are live. */
size_t signalling_live(const struct signalling *s);

/* A new JSON object of all counters, {name: value}; the caller owns it. NULL: no memory. */
json_t *signalling_counters(const struct signalling *s);

/*
 * Makes the signalling of dmm-ctrl from its parts: config, loop, subscribers, bindings, publish,
 * commit, packet and events must be there. Registers as handler of punted packets. NULL with errno
 * set.
 */
struct signalling *signalling_open(struct ctrl *ctrl);
