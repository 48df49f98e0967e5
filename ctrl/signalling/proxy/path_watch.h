/*
 * Supervision of the tunnels between an anchor and a gateway that has several (RFC 8278): each end
 * probes those that it sends by (proto/channel/probe.h), and does not use one that nothing comes
 * back from. It needs nothing of the other end but that it answers an echo, and tells it nothing.
 *
 *   UNKNOWN   used; nothing has been heard yet
 *   UP        used
 *   DOWN      not used
 *
 * A probe is lost when it is not answered within the interval, or, where answers take longer, twice
 * the usual delay. So many lost ones in a row, and the tunnel is down; so many answered in a row,
 * and it is up again. One from which nothing was ever heard is used, since its peer may not answer
 * at all, unless another tunnel of the same peer is up. While its data plane cannot send, and while
 * this process was held up itself, nothing is lost.
 *
 * A tunnel is probed as long as a registration by it lasts. For the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/addr.h"
#include "common/counter.h"
#include "common/wheel.h"

struct path_watch;

enum path_watch_state { PATH_WATCH_UNKNOWN, PATH_WATCH_UP, PATH_WATCH_DOWN, PATH_WATCH_STATES };
extern const char *const path_watch_state_names[PATH_WATCH_STATES + 1];

enum path_watch_counter {
	PATH_WATCH_SENT,
	PATH_WATCH_ANSWERED,
	PATH_WATCH_LOST,
	PATH_WATCH_NOT_SENT,
	PATH_WATCH_STRAY,
	PATH_WATCH_WENT_DOWN,
	PATH_WATCH_CAME_UP,
	PATH_WATCH_FULL,
	PATH_WATCH_COUNTERS
};
extern const struct counter_def path_watch_counter_defs[PATH_WATCH_COUNTERS];

enum {
	PATH_WATCH_TUNNELS_MAX = 1024, /* those beyond are used and not probed */
	PATH_WATCH_OUTSTANDING = 64,   /* probes that are waited for, at most */
	PATH_WATCH_HISTORY = 64,       /* probes that the loss is told of */
	PATH_WATCH_MEASURED = 8,       /* probes after which a tunnel is measured */
	PATH_WATCH_LOSS_ALL = 1000,    /* thousandths */
};

/* What a tunnel is judged by. */
struct path_watch_figures {
	uint64_t delay_ns; /* there and back */
	unsigned loss;     /* thousandths */
};

struct path_watch_config {
	uint32_t interval_ms; /* at least 1 */
	uint32_t missed;      /* lost in a row: down */
	uint32_t answered;    /* in a row: up again */
};

/* Whose tunnel it is, and by what registration. */
struct path_watch_use {
	struct in6_addr local, remote;
	const char *peer; /* its name, which outlives the watch */
	uint8_t bid, label;
	bool gre;            /* what the registration that came last is tunnelled in */
	uint64_t data_plane; /* id of the one whose address `local` is; 0: of any */
};

/* A tunnel, for reading. */
struct path_watch_tunnel {
	struct path_watch_use use;
	enum path_watch_state state;
	uint64_t since_ns;                        /* of the state, monotonic */
	uint64_t until_real_ns;                   /* end of the last registration */
	uint64_t delay_ns;                        /* smoothed, there and back; 0: not known */
	uint64_t sent, answers;                   /* probes */
	uint64_t history;                         /* a bit for each of the last: 1 lost */
	uint8_t history_count;                    /* how many these are */
	uint16_t sequence;                        /* of the last probe */
	uint16_t judged;                          /* probes up to this one are answered or lost */
	uint32_t lost_row, good_row;              /* at the end of these */
	struct path_watch_figures told;           /* by the peer */
	uint64_t told_until_ns;                   /* monotonic: so long that counts */
	uint64_t sent_ns[PATH_WATCH_OUTSTANDING]; /* by sequence; 0: answered */
	struct wheel_timer timer;
	struct path_watch *watch;
};

struct path_watch_ops {
	void *context; /* first argument of each */
	/* Has an IPv6 packet sent by this data plane, 0: by any. 0 or a negative errno. */
	int (*send)(void *context, uint64_t data_plane, const uint8_t *packet, size_t len);
	/* A tunnel went down or came up; NULL: one that was down is probed no more. */
	void (*changed)(void *context, const struct path_watch_tunnel *tunnel);
	/* loop_now_ns() and loop_real_ns(). */
	uint64_t (*now_ns)(void *context);
	uint64_t (*real_ns)(void *context);
};

/* No tunnels yet. cookie: a random number. NULL: no memory. */
struct path_watch *path_watch_new(
	const struct path_watch_config *config, const struct path_watch_ops *ops, uint64_t cookie);

/* NULL is allowed. */
void path_watch_free(struct path_watch *watch);

/* Its timers, for loop_add_wheel(). */
struct wheel *path_watch_wheel(struct path_watch *watch);

/* A registration by a tunnel lasts until then. 0, -ENOSPC (there are too many) or -ENOMEM. */
int path_watch_use(
	struct path_watch *watch, const struct path_watch_use *use, uint64_t until_real_ns);

/* An Echo Reply, an IPv6 packet from its header on. False: it is no answer to one of our probes. */
bool path_watch_receive(struct path_watch *watch, const uint8_t *packet, size_t len);

/* The tunnel with these ends, or NULL. */
const struct path_watch_tunnel *path_watch_find(const struct path_watch *watch,
	const struct in6_addr *local, const struct in6_addr *remote);

/* The tunnel after prev, the first for NULL, in the order of struct down_tunnel; NULL at the end.
 */
const struct path_watch_tunnel *path_watch_next(
	const struct path_watch *watch, const struct path_watch_tunnel *prev);

/* Lost ones of the last probes, in thousandths. */
unsigned path_watch_loss(const struct path_watch_tunnel *tunnel);

/* What is measured of a tunnel here: all is lost of one that is down. False: not enough is. */
bool path_watch_measured(
	const struct path_watch_tunnel *tunnel, struct path_watch_figures *figures);

/* Makes of figures the worse of both, in each respect. */
void path_watch_worsen(struct path_watch_figures *figures, const struct path_watch_figures *by);

/* The same, or what the peer has told, whichever is worse. */
bool path_watch_figures(const struct path_watch_tunnel *tunnel, struct path_watch_figures *figures);

/* A peer has told this of its tunnels with an identifier; it counts for so long. */
void path_watch_tell(struct path_watch *watch, const char *peer, uint8_t bid,
	const struct path_watch_figures *figures, uint64_t lasts_ns);

/* Whether what the peer has told still counts. */
bool path_watch_is_told(const struct path_watch_tunnel *tunnel);

/* PATH_WATCH_COUNTERS of them. */
const uint64_t *path_watch_counters(const struct path_watch *watch);
