/*
 * The Binding Update List entry of the home registration (RFC 6275, 11.1, 11.7.1, 11.7.3, 11.8):
 * what was asked, what was answered, when to send again.
 *
 * A state machine without I/O: it is told of moves, answers and time, and sends through the
 * caller. Every transmission has a new sequence number and, with RFC 4285 timestamps, a new time
 * stamp; an answer to any transmission of the present request counts. Whatever a home agent
 * answers, no more than three updates leave in a second, and refusals in a row make the node wait
 * longer and longer.
 *
 *	             register                    accepted
 *	IDLE ------------------> REGISTERING --------------> BOUND
 *	  ^                         ^  |                      |  refresh due, moved
 *	  |                         |  | refused              +--------> REGISTERING
 *	  | accepted                |  v
 *	DEREGISTERING <-------   REFUSED (tries again later)
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/wheel.h"
#include "proto/mobility/mcast_state.h"

enum bul_state {
	BUL_IDLE,
	BUL_REGISTERING,
	BUL_BOUND,
	BUL_DEREGISTERING,
	BUL_REFUSED,
};

enum {
	BUL_INITIAL_TIMEOUT_MS = 1000, /* INITIAL_BINDACK_TIMEOUT */
	BUL_FIRST_TIMEOUT_MS = 1500,   /* InitialBindackTimeoutFirstReg: room for DAD */
	BUL_MAX_TIMEOUT_MS = 32000,    /* MAX_BINDACK_TIMEOUT */
	BUL_MAX_UPDATE_RATE = 3,       /* Binding Updates a second */
	BUL_OUTSTANDING_MAX = 8,       /* transmissions of one request that are remembered */
	BUL_REMEDIES_MAX = 3,          /* refusals in a row that are answered at once */
	BUL_RETRY_FIRST_S = 5,    /* then, and when waiting may help: wait, twice as long ... */
	BUL_RETRY_MAX_S = 300,    /* ... each time; at once so long when it hardly helps */
	BUL_SEND_RETRY_MS = 100,  /* after a transmission that did not leave, doubled */
	BUL_REFRESH_PERCENT = 80, /* of the granted lifetime */
	BUL_BIDS_MAX = 8,         /* care-of addresses at once */
	BUL_FLOWS_MAX = 16,
};

/* A care-of address of several (RFC 5648). */
struct bul_bid {
	uint16_t bid;
	uint8_t priority; /* BID-PRI, lower is preferred (RFC 6089, 4.1) */
	struct in6_addr care_of;
	bool home;      /* H flag: care_of is the home address (RFC 5648, 5.6.3) */
	struct mac mac; /* then: where the node is on the home link */
};

/* A flow that is to come by a care-of address (RFC 6089). */
struct bul_flow {
	uint16_t fid, priority, bid;
	uint8_t protocol;       /* 0: any */
	bool held;              /* the home agent has it so: its FID is enough (RFC 6089, 5.2.3) */
	uint16_t remote, local; /* ports, 0: any */
};

/* One Binding Update to be sent. */
struct bul_update {
	uint16_t sequence;
	uint64_t timestamp;  /* NTP format */
	uint32_t lifetime_s; /* multiple of 4; 0: deregistration */
	bool at_home;        /* from the home address itself, without home address option */
	bool link_local;     /* L flag; not looked at here, for who sends it to fill in */
	const struct mcast_state *multicast; /* the same; NULL: none */
	struct in6_addr care_of;             /* its source; the home address when at_home */
	bool overwrite;                      /* O flag: all other bindings end */
	uint8_t bid_count;                   /* 0: it is about the only care-of address, care_of */
	struct bul_bid bids[BUL_BIDS_MAX];
	uint8_t flow_count; /* of the flows, all that the home agent is to know */
	struct bul_flow flows[BUL_FLOWS_MAX];
};

/* What an answer says about one BID. */
struct bul_bid_answer {
	uint16_t bid;
	uint8_t status; /* 0: that of the whole (RFC 5648, 4.3) */
	bool has_tunnel;
	struct in6_addr tunnel;
};

/* An answer that has passed authentication. */
struct bul_answer {
	uint8_t status;
	uint16_t sequence;
	uint32_t lifetime_s;
	uint32_t refresh_s; /* Binding Refresh Advice, 0: none */
	bool has_timestamp;
	uint64_t timestamp;
	bool has_tunnel;        /* it says where the tunnel ends */
	struct in6_addr tunnel; /* of all BIDs that do not tell their own */
	uint8_t bid_count;
	struct bul_bid_answer bids[BUL_BIDS_MAX];
	bool has_multicast; /* it says which multicast state was accepted */
	struct mcast_state multicast;
	uint8_t flow_count;
	struct {
		uint16_t fid;
		uint8_t status; /* enum codes_flow */
	} flows[BUL_FLOWS_MAX];
	uint16_t flags;   /* of a revocation: enum flags_revocation */
	uint32_t pointer; /* not an acknowledgement: see signal_input() */
};

struct bul_entry;

struct bul_ops {
	/* Sends it; 0 or a negative errno (logged, and tried again soon). */
	int (*send)(const struct bul_update *update, void *context);
	/* The state, or whether the node is bound, has changed. */
	void (*changed)(const struct bul_entry *entry, void *context);
	/* The clock that the wheel goes by: clock_mono_ns(). */
	uint64_t (*mono_ns)(void *context);
	/* The time of day as an NTP timestamp: clock_ntp_now(). */
	uint64_t (*ntp)(void *context);
};

struct bul_sent {
	uint16_t sequence;
	uint64_t timestamp;
	uint64_t at_ns; /* monotonic */
};

struct bul_entry {
	const struct bul_ops *ops;
	void *context;
	struct wheel *wheel;
	bool use_timestamps; /* RFC 4285, 6; may be switched on by status 145 */
	uint32_t lifetime_s; /* to ask for */

	enum bul_state state;
	bool bound; /* the home agent forwards to bound_care_of until expires_ns */
	struct in6_addr bound_care_of;
	uint64_t expires_ns;
	uint32_t granted_s;

	struct bul_update request; /* the present or last one */
	uint32_t attempts;         /* transmissions of it */
	uint32_t send_failures;    /* of them in a row that did not leave */
	uint32_t timeout_ms;       /* the next one */
	uint16_t sequence;         /* last one used */
	uint64_t clock_offset;   /* to the home agent's clock, NTP units modulo 2^64 (status 144) */
	uint64_t last_timestamp; /* 0: none yet */
	uint64_t good_timestamp; /* of the last accepted update, 0: none yet */
	uint8_t sent_count, sent_next;
	struct bul_sent sent[BUL_OUTSTANDING_MAX];
	uint64_t rate[BUL_MAX_UPDATE_RATE]; /* when the last ones were sent, 0: not yet */
	uint8_t rate_next;

	bool revoked;      /* by the home agent, and not registered since */
	uint8_t status;    /* of the last answer, 255: none yet */
	uint64_t rtt_ns;   /* of the last accepted request: its transmission to the answer */
	uint32_t refusals; /* in a row */

	struct wheel_timer timer;  /* retransmit, refresh or try again, by state */
	struct wheel_timer expiry; /* of the binding */
};

/* Starts idle with the given last sequence number (random when nothing is known). */
void bul_init(struct bul_entry *e, const struct bul_ops *ops, void *context, struct wheel *wheel,
	uint32_t lifetime_s, bool use_timestamps, uint16_t sequence);

/* Registers this care-of address; replaces a request that is under way. */
void bul_register(struct bul_entry *e, const struct in6_addr *care_of);

/* The same with BIDs: care_of, overwrite and bids of `what` are used. */
void bul_register_bids(struct bul_entry *e, const struct bul_update *what);

/* What the next refresh asks for is this, unless something else is registered before. */
void bul_refresh_with(struct bul_entry *e, const struct bul_update *what);

/* Deregisters: from home (home_address is the source) or from a foreign link. */
void bul_deregister(struct bul_entry *e, const struct in6_addr *care_of, bool at_home);

/* Sends the registration again at once: a Binding Refresh Request or Binding Error asked for it.
 * Nothing happens unless the node is bound, nor in the second after an update: those messages are
 * not authenticated, and must not use up the updates that a move needs. */
void bul_refresh(struct bul_entry *e);

/*
 * What updates tell has changed: registers again at once, unless the node is not registered or
 * has just sent an update, as updates must be left for a move. Returns 0, or when (monotonic) to
 * call it again.
 */
uint64_t bul_renew(struct bul_entry *e);

/* Forgets requests and timers; what the home agent has stays as it is. */
void bul_stop(struct bul_entry *e);

/* The transmission that has this sequence number, NULL: none outstanding (the answer is then to
 * be ignored; RFC 6275, 11.7.3). */
const struct bul_sent *bul_outstanding(const struct bul_entry *e, uint16_t sequence);

/*
 * Takes an authenticated answer (RFC 6275, 11.7.3; RFC 4285, 6). Returns 0, or -ENOENT when it
 * answers nothing that was sent (ignored): no such sequence number, or another time stamp than was
 * sent with it. Status 135 carries the home agent's sequence number, status 144 only the low half
 * of our time stamp.
 */
int bul_answered(struct bul_entry *e, const struct bul_answer *answer);

/*
 * The host of the home agent does not know Mobility Headers (RFC 6275, 11.3.5): the update with
 * this sequence number is not repeated for a while, as after a refusal that waiting may help.
 * Returns 0, or -ENOENT when no such update is outstanding (ignored).
 */
int bul_unserved(struct bul_entry *e, uint16_t sequence);

/* The home agent has ended the binding by itself (RFC 5846, 10): it is not asked for another for a
 * while. Returns 0, or -ENOENT when there was none (ignored). */
int bul_revoked(struct bul_entry *e);

/* Seconds that the binding is still valid, 0 when not bound. */
uint32_t bul_remaining_s(const struct bul_entry *e);

/* "idle", "registering", "bound", "deregistering", "refused" */
const char *bul_state_name(enum bul_state state);
