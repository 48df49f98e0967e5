/*
 * A mobile access gateway on a bench: the real one, and doubles of its anchor, the commit and the
 * access link. The clock stands still unless the test moves it; a commit waits until the test ends
 * it.
 */
#pragma once

#include "ctrl/signalling/mag/mag.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/router.h"
#include "proto/mobility/status.h"

#define MAG_RIG_OWN    "2001:db8:a::1"
#define MAG_RIG_OTHER  "2001:db8:b::1" /* of the second path */
#define MAG_RIG_ANCHOR "2001:db8:1::1"
#define MAG_RIG_BEFORE "2001:db8:2::1" /* another anchor, which is no profile's */
#define MAG_RIG_NODE   "host@example.org"
#define MAG_RIG_HOST   "fe80::ff:fe00:101"

extern const struct mac mag_rig_host, mag_rig_port;

/* What the gateway has done. */
extern struct mag_rig {
	struct mag *mag;
	uint64_t now, real;
	struct attachment_record committed;
	mag_done *done;
	void *context;
	unsigned commits, updates, advertisements, solicitations, messages;
	struct mh update;               /* the last one; its views are in `octets` */
	struct in6_addr source, anchor; /* of the last message: where it is from and goes to */
	const char *said_to;            /* what the anchor says goes there; NULL: MAG_RIG_OWN */
	bool unreached;                 /* the data plane is away */
	uint8_t second_access;          /* of the link "second", if it is another: set it before
					 * mag_rig_start() */
	bool paths;                     /* the gateway has two: set it before mag_rig_start() */
	bool numbered;                  /* likewise: their packets may have sequence numbers */
	bool one_by_one;                /* and registers them so */
	uint32_t metrics_vendor;        /* likewise */
	struct metrics_list metrics;    /* that the anchor is to be told */
	enum mag_gre gre;               /* what it asks of anchors, likewise */
	uint32_t domain;                /* of the link "access" and of the host, likewise */
	bool delegates, always_on;      /* the host's profile says so, likewise */
	const char *delegated[2];       /* of it, likewise */
	uint8_t octets[MH_SIZE_MAX];
	struct mh message; /* the last one that was no update; its views are in `said` */
	uint8_t said[MH_SIZE_MAX];
	struct router advertised;
	char advertised_on[16];
} mag_rig;

/* How the anchor answers the last update. */
struct mag_rig_answer {
	uint8_t status;
	const char *prefix;
	uint16_t lifetime;
	bool other_sequence, other_handoff, wrong_key, no_link_id;
	bool echo;              /* of the option of RFC 8278, 4.1 */
	const char *user_plane; /* of RFC 7389; NULL: no option */
	bool gre;               /* the option of RFC 5845, 6.1 */
	struct field_optional uplink_key;
	const char *delegated[5]; /* of options of RFC 7148, 4.1 */
	int64_t ahead_s; /* its time of day is so much later, which it tells; 0: does not */
};
extern const struct mag_rig_answer mag_rig_good;

/* cmocka setup and teardown of each test. */
int mag_rig_setup(void **state);
int mag_rig_teardown(void **state);

/* Makes a new gateway, as a restart does. */
void mag_rig_start(void);

/* Ends the commit that waits; it must be there. */
void mag_rig_commit(int error);

/* Moves both clocks and runs the timers that are due, a millisecond at a time. */
void mag_rig_wait_ms(uint64_t ms);

/* The host speaks on a link: solicits its own address, as duplicate address detection does, or a
 * router. */
void mag_rig_speak(const char *port, uint8_t type);

/* Its anchor answers the last update. */
void mag_rig_answer(const struct mag_rig_answer *a);

/* Its anchor says something else, authenticated. */
void mag_rig_say(struct mh *mh);

/* Solicits, is accepted, and served. */
void mag_rig_register_host(void);

/* The host's attachment, or NULL. */
struct mag_attachment *mag_rig_attached(void);

struct in6_addr mag_rig_address(const char *text);
