/*
 * The router side of Multicast Listener Discovery on one link (RFC 3810, 6 and 7): asks who listens
 * to what, keeps what is reported by group, with source filters and timers, and says what has to be
 * brought to the link. Of several queriers on a link the one with the lowest address asks (7.6.2);
 * the others keep the same state.
 *
 * Reports of MLDv1 are taken as section 8.3 says: while an older listener is there, nothing is
 * blocked. Further groups or sources than there is room for are not taken, and counted.
 *
 * Costs 2.2 KiB a group. For the control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"
#include "common/wheel.h"
#include "proto/mobility/mcast_state.h"

enum { QUERIER_SOURCES_MAX = 40 }; /* of one group: an mcast_state holds so many */

/* RFC 3810, 9. */
struct querier_config {
	uint8_t robustness;   /* 2 to 7 */
	uint32_t interval_ms; /* Query Interval */
	uint32_t response_ms; /* Query Response Interval, shorter than it */
	uint32_t last_ms;     /* Last Listener Query Interval */
	uint32_t max_groups;  /* with listeners */
	/* The response interval of the first queries (RFC 3810, 9.3), and the time between them;
	 * 0: as of all others, a quarter of the interval apart (9.6). */
	uint32_t first_response_ms, first_ms;
	bool old; /* MLDv1 is spoken, for a link with routers that know nothing else (8.3.1) */
};

enum querier_counter {
	QUERIER_QUERIES,      /* sent */
	QUERIER_UNSENT,       /* no data plane has the link */
	QUERIER_REPORTS,      /* taken */
	QUERIER_HEARD,        /* queries of others */
	QUERIER_HEARD_OTHER,  /* of them of another version than is spoken here */
	QUERIER_YIELDED,      /* times that another one was found to be the querier */
	QUERIER_MALFORMED,    /* messages that do not decode */
	QUERIER_NO_GROUP,     /* records of addresses that are not multicast */
	QUERIER_FORBIDDEN,    /* records of groups that are not allowed */
	QUERIER_GROUPS_FULL,  /* records of groups for which there was no room */
	QUERIER_SOURCES_FULL, /* sources for which there was no room */
	QUERIER_COUNTERS
};
extern const struct counter_def querier_counter_defs[QUERIER_COUNTERS];

struct querier_ops {
	/* Sends the message to an address on the link: it stands behind MLD_PACKET_HEAD octets of
	 * room, its checksum is not yet in it. 0 or a negative errno. */
	int (*send)(void *context, const struct in6_addr *dst, uint8_t *buf, size_t mld_len);
	/* Whether the group may be brought to the link. */
	bool (*allows)(void *context, const struct in6_addr *group);
	/* What is listened to of a group from now on: a state with one record, or none. */
	void (*changed)(
		void *context, const struct in6_addr *group, const struct mcast_state *state);
};

struct querier;

/* Begins with the first query. The wheel outlives it; its context is not used. counters,
 * QUERIER_COUNTERS of them, may be those of several. NULL: no memory. */
struct querier *querier_new(const struct querier_config *config, const struct querier_ops *ops,
	void *context, struct wheel *wheel, uint64_t now_ns, uint64_t *counters);

/* Forgets all groups and tells nobody. NULL is allowed. */
void querier_free(struct querier *q);

/*
 * A sound message (mld_packet_decode) from the link; own is the querier's address there, which
 * decides who asks.
 */
void querier_receive(struct querier *q, const struct in6_addr *own, const struct in6_addr *src,
	const uint8_t *mld, size_t len, uint64_t now_ns);

/* Asks all anew, as at first: who listens may have changed unheard. Nothing when that is under way
 * or another one asks. */
void querier_ask_all(struct querier *q, uint64_t now_ns);

/* The link can be reached again: a general query that could not be sent is sent at this time. */
void querier_retry(struct querier *q, uint64_t at_ns);

/* Whether this one asks; *other (may be NULL) is who does, if not. */
bool querier_asks(const struct querier *q, struct in6_addr *other);

/* Whether its last general query could be sent. */
bool querier_reaches(const struct querier *q);

/* What is listened to of a group; false: nothing. */
bool querier_listens(const struct querier *q, const struct in6_addr *group);

/* Groups that there is state of. */
size_t querier_groups(const struct querier *q);
