/*
 * The mobile node: ties links, Binding Update List, tunnel and host together.
 *
 *	link says where we are --> mn, home decide --> bul asks the home agent,
 *	                                               hostnet and tunnel follow
 *
 * One thread, one poll loop.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "common/hmac.h"
#include "common/wheel.h"
#include "tools/mn/bul.h"
#include "tools/mn/config.h"
#include "tools/mn/hostnet.h"
#include "tools/mn/link.h"
#include "tools/mn/multicast.h"
#include "tools/mn/paths.h"
#include "tools/mn/rtnl.h"
#include "tools/mn/signal.h"
#include "tools/mn/state.h"
#include "tools/mn/tunnel.h"
#include "tools/mn/wire.h"

enum { MN_HISTORY = 16 };

/* One move, from the new attachment to the home agent's answer. */
struct mn_move {
	enum link_place from, to;
	struct in6_addr care_of; /* :: at home */
	uint64_t at_real_ns;     /* when the new attachment could be used */
	uint64_t attached_ns;    /* the same, monotonic */
	uint64_t answered_ns;    /* 0: not yet */
	uint8_t status;
};

struct mn {
	struct mn_config config;
	struct wheel wheel;
	struct state state;
	struct hmac *hmac;
	struct rtnl *rtnl;
	struct link_watch *link;
	struct wire *wire;
	struct tunnel *tunnel;
	struct hostnet hostnet;
	struct bul_entry bul;
	struct multicast multicast;
	struct in6_addr tunnel_address; /* the other end of the tunnel, as the home agent told */
	struct mn_paths paths;          /* while away */
	uint64_t told;                  /* time stamp of the last acknowledgement not asked for */
	struct link_attachment at;      /* as acted upon */
	enum link_place last_place;     /* the last that was not LINK_NOWHERE */
	/* of home.c: */
	unsigned home_ifindex; /* interface that has the home address on the home link, 0: none */
	struct wheel_timer unanswered, announce;
	uint8_t announcements;
	bool defended; /* the home agent held the addresses until the node came home */
	int signal_fd, status_fd;
	uint64_t moves;
	struct mn_move history[MN_HISTORY]; /* move n is at n % MN_HISTORY */
	uint64_t signals[SIGNAL_KINDS];
	uint64_t updates_sent;
};

/* Opens everything and starts to watch the links; config has been loaded. Errors are logged.
 * mn_close() also after an error. */
int mn_open(struct mn *mn);

/* Runs until SIGINT or SIGTERM, then gives the binding back if so configured. Returns 0, or a
 * negative errno (logged) when it cannot go on. */
int mn_run(struct mn *mn);

/* Undoes everything in the host and closes everything; also after mn_open() has failed. */
void mn_close(struct mn *mn);

/* The other end of the tunnel that the node's packets go into is this one from now on. */
void mn_tunnel_end(struct mn *mn, const struct in6_addr *end);

/* The whole state as one JSON object; the caller owns it. */
json_t *mn_report(const struct mn *mn);
