/*
 * A local mobility anchor on a bench: the real one, and doubles of everything around it. The clock
 * stands still unless the test moves it; commits wait until the test ends them.
 */
#pragma once

#include "ctrl/signalling/lma/lma.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/status.h"

#define LMA_RIG_REAL_START 1790000000000000000ull /* nanoseconds since 1970 */
#define LMA_RIG_ANCHOR     "2001:db8:1::1"
#define LMA_RIG_MAG1       "2001:db8:a::1"      /* with a key */
#define LMA_RIG_MAG1_OTHER "2001:db8:a::2"      /* another address of the same */
#define LMA_RIG_MAG2       "2001:db8:b::1"      /* without */
#define LMA_RIG_NODE       "host@example.org"   /* two prefixes from the pool, at most 40 s */
#define LMA_RIG_FIXED      "fixed@example.org"  /* 2001:db8:f::/64 and no pool; one binding */
#define LMA_RIG_ROUTER     "router@example.org" /* as fixed, but 2001:db8:f1::/64 */
#define LMA_RIG_DISABLED   "off@example.org"
#define LMA_RIG_ANY        "anybody@example.net" /* by its realm: one from the small pool */

/* For data_plane of the rig: none of them is there. */
#define LMA_RIG_NOBODY UINT64_MAX

/* A Proxy Binding Update to be built; options that are not there: false, NULL, 0. */
struct lma_rig_pbu {
	const char *src;
	const char *alternate;
	const char *mn_id;
	const char *prefixes[4]; /* "::/0" asks for some */
	int handoff, access;     /* -1: no option */
	const char *link_id;     /* text whose octets are used */
	const char *link_local;
	uint16_t sequence, lifetime, flags;
	bool stamped;
	int64_t stamp_offset_ms; /* of the timestamp, from the clock of the anchor */
	bool unsigned_, wrong_key;
	uint32_t spi;
	bool has_multipath; /* the option of RFC 8278, 4.1 */
	struct option_mag_multipath multipath;
	const char *mag_id;
	uint32_t vendor; /* of the option of RFC 5094; 0: no option */
	uint8_t subtype, data_len;
	const uint8_t *data; /* of it */
	bool has_gre;        /* the option of RFC 5845, 6.1 */
	struct field_optional downlink_key;
	const char *delegated[4]; /* of options of RFC 7148, 4.1; "::/0" asks for some */
	bool delegated_ip4;       /* and one for IPv4 */
	int user_plane; /* octets of the address in the option of RFC 7389; -1: no option */
};

struct lma_rig_answer {
	struct in6_addr src, dst;
	uint8_t status, flags;
	uint16_t sequence, lifetime;
	bool authentic; /* signed by the key of the first gateway, for its care-of address */
	char mn_id[256];
	struct prefix6 prefixes[4];
	size_t prefix_count;
	struct prefix6 delegated[8];
	size_t delegated_count;
	int handoff, access; /* -1: no option */
	bool has_timestamp, has_link_id, has_link_local;
	uint64_t timestamp;
	struct in6_addr link_local;
	bool has_multipath, has_mag_id;
	struct option_mag_multipath multipath;
	struct in6_addr user_plane; /* ::: no option */
	bool has_gre;
	struct field_optional uplink_key;
};

/* A change that waits in the commit. */
struct lma_rig_commit {
	struct session_record good, to;
	lma_done *done;
	void *context;
};

struct lma_rig {
	struct lma *lma;
	struct lma_config config;
	uint64_t now, real;
	int commit_refusal;
	struct lma_rig_commit commits[16];
	size_t commit_count;
	struct lma_rig_answer answers[16];
	size_t answer_count;
	struct lma_event events[64]; /* pointers in them are gone */
	size_t event_count;
	unsigned metrics_told; /* how often */
	struct metrics_list metrics;
	const char *teller;               /* name of the gateway that did last */
	unsigned notifications;           /* that were sent (RFC 7077), and what RFC 5846 has */
	unsigned heartbeats;              /* requests that were sent (RFC 5847) */
	struct in6_addr said_to, beat_to; /* where the last of each went */
	uint16_t said_sequence;
	uint8_t said_status; /* of a Binding Revocation Acknowledgement */
	uint32_t beat_sequence;
	uint64_t data_plane; /* that is to serve what registers now; 0: none has an address */
	const char *care_of; /* that the next answers are to be signed for */
};

/* The bench of the test that runs: cmocka setup and teardown of each. */
extern struct lma_rig *rig;
int lma_rig_setup(void **state);
int lma_rig_teardown(void **state);

/* Frees the anchor and makes a new one, as a restart does; its store is gone. */
void lma_rig_restart(struct lma_rig *rig);

/* A good registration of LMA_RIG_NODE by the first gateway: new interface, with a link-layer
 * identifier, stamped, 40 s. */
struct lma_rig_pbu lma_rig_pbu(void);

/* It arrives. A timestamp is that of the moment; the clock goes on by a millisecond before. */
void lma_rig_send(struct lma_rig *rig, const struct lma_rig_pbu *pbu);

/* Ends the oldest waiting commit, which must be there. Returns what it was. */
struct lma_rig_commit lma_rig_commit(struct lma_rig *rig, int error);

/* The first gateway says something else, authenticated, from one of its addresses. */
void lma_rig_say(struct lma_rig *rig, const char *from, struct mh *mh);

/* The answer that was sent, which must be the only one not yet taken. */
struct lma_rig_answer lma_rig_answer(struct lma_rig *rig);

/* Sends it, ends its commit if it gets that far; returns the status. */
uint8_t lma_rig_status(struct lma_rig *rig, const struct lma_rig_pbu *pbu);

/* The same, accepted; returns the first prefix. */
struct prefix6 lma_rig_bound(struct lma_rig *rig, const struct lma_rig_pbu *pbu);

/* Nothing was sent and nothing is under way. */
void lma_rig_silent(const struct lma_rig *rig);

void lma_rig_wait_ms(struct lma_rig *rig, uint64_t ms);
uint64_t lma_rig_counter(const struct lma_rig *rig, const char *name);
struct in6_addr lma_rig_addr(const char *text);
struct prefix6 lma_rig_prefix(const char *text);

/* Of a data plane. */
struct in6_addr lma_rig_user_plane(uint64_t data_plane);
