/*
 * A home agent on a bench: the real signalling, and doubles of everything around it. The clock
 * stands still unless the test moves it; commits wait until the test ends them.
 */
#pragma once

#include "ctrl/binding/flow.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/signalling.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/status.h"

enum { RIG_DATA_PLANES = 4, RIG_DATA_PLANE_ID = 0x40 };

#define RIG_REAL_START 1790000000000000000ull /* nanoseconds since 1970 */
#define RIG_AGENT      "2001:db8:1::1"
#define RIG_CARE_OF    "2001:db8:a::5"
#define RIG_TUNNEL     "2001:db8:d::"    /* of data plane N: with its id as the last octet */
#define RIG_HOME       "2001:db8:2::100" /* of the first subscriber: its prefix is on no link */
#define RIG_LINK_HOME  "2001:db8:1::100" /* of the second: on the link of port "home0" */

/* A packet that signalling sent. */
struct rig_packet {
	enum packet_inject_how how;
	char data_plane[32];
	char port[16];
	uint64_t subscriber;
	size_t len;
	uint8_t octets[2304];
};

struct rig_list {
	unsigned count;
	uint8_t changed;
	struct binding_record records[BINDING_MAX];
};

/* A change that waits in the commit. */
struct rig_commit {
	struct binding_record good, to; /* the first records */
	struct rig_list good_list, to_list;
	signalling_done *done;
	void *context;
};

/* A change of a flow binding that waits in the commit. */
struct rig_flow_commit {
	struct in6_addr home;
	bool has_good, has_to;
	struct flow_binding good, to;
	signalling_done *done;
	void *context;
};

/* A Flow Identification option: sub-options as on the wire. */
struct rig_flow {
	uint16_t fid, priority;
	const uint8_t *subs;
	uint8_t subs_len;
};

struct rig_event {
	enum signalling_event_kind kind;
	uint8_t status;
	struct in6_addr care_of;
};

/* A Binding Identifier option. */
struct rig_bid {
	uint16_t bid;
	const char *coa; /* NULL: without */
	uint8_t priority;
	bool home;
	uint8_t length; /* not 0: of this wrong length, zeros */
};

/* A Binding Update to be built. */
struct rig_bu {
	const char *src, *dst, *home; /* home NULL: no Home Address option */
	const char *alternate;        /* NULL: none */
	const char *mn_id;            /* NULL: none */
	uint16_t sequence, flags, lifetime;
	bool sign;
	uint32_t spi;
	const uint8_t *key;
	uint64_t timestamp; /* 0: no option */
	bool nonce_indices;
	struct rig_bid bids[30];
	size_t bid_count;
	struct rig_flow flows[10];
	size_t flow_count;
	const uint8_t *summary; /* FIDs of a Flow Summary option, as on the wire */
	uint8_t summary_len;
};

struct rig {
	struct signalling *s;
	struct signalling_config config;
	struct subscriber_db *subscribers;
	uint64_t now, real;
	int commit_refusal;     /* what the next commits return at once, 0: accept */
	int inject_refusal;     /* the same for packets */
	int culprit;            /* data plane that failed the commit that is being ended */
	bool link_down;         /* no data plane has the home link */
	uint32_t link_losses;   /* times that the data plane that has it was lost */
	uint64_t data_planes;   /* those that can serve, bit: index */
	struct in6_addr second; /* a care-of address that the second data plane serves if it can */
	struct mac from;        /* who sends what is punted */
	struct rig_commit commits[64];
	size_t commit_count;
	struct rig_flow_commit flow_commits[16];
	size_t flow_commit_count;
	int flow_refusal; /* what the next changes of flows return at once, 0: accept */
	struct rig_packet packets[64];
	size_t packet_count;
	struct rig_event events[64];
	size_t event_count;
};

/* A home agent with two subscribers: "one@example.org" and "two@example.org", timestamps. */
struct rig *rig_new(void);
void rig_free(struct rig *rig);

/* Frees the signalling and makes a new one, as a restart does; the store's records are gone. */
void rig_restart(struct rig *rig);

/* Subscriber 0 or 1, to be changed. */
struct subscriber *rig_subscriber(struct rig *rig, unsigned i);

/* Removes a subscriber. */
void rig_subscriber_del(struct rig *rig, unsigned i);

/* A good registration of subscriber i, 40 s, its timestamp now. */
struct rig_bu rig_bu(struct rig *rig, unsigned i, uint16_t sequence);

/* Builds the packet; returns its octets (from the IPv6 header). */
size_t rig_bu_packet(const struct rig_bu *bu, uint8_t *buf, size_t size);

/* A data plane punts it, from port "core0" or, `at_home`, from the home link. */
void rig_send(struct rig *rig, const struct rig_bu *bu);
void rig_send_at_home(struct rig *rig, const struct rig_bu *bu);

/* A data plane punts an IPv6 packet from this port. */
void rig_punt(struct rig *rig, enum packet_reason reason, const char *port, const uint8_t *ip,
	size_t len);

/* Ends the oldest waiting commit; it must be there. Returns what it was. */
struct rig_commit rig_commit(struct rig *rig, int error);

/* The same for the oldest change of a flow binding. */
struct rig_flow_commit rig_flow_commit(struct rig *rig, int error);

/* The oldest packet that was sent and not yet taken; it must be there. */
struct rig_packet rig_packet(struct rig *rig);

/* The same, which must be a Binding Acknowledgement, its checksum right: decoded into *mh (views
 * into *packet). */
void rig_ba(struct rig *rig, struct rig_packet *packet, struct ip6_packet *ip6, struct mh *mh);

/* The same: its status. Everything that was sent before must have been taken. */
uint8_t rig_status(struct rig *rig);

/* Sends a registration and ends its commit: it must be accepted. */
void rig_bound(struct rig *rig, unsigned i, uint16_t sequence);

/* Moves both clocks and runs the timers that are due, a millisecond at a time. */
void rig_wait_ms(struct rig *rig, uint64_t ms);

/* The binding of a home address, or NULL. */
struct binding *rig_binding(struct rig *rig, const char *home);

/* The value of a counter by its name; the name must exist. */
uint64_t rig_counter(struct rig *rig, const char *name);

struct in6_addr rig_addr(const char *text);
