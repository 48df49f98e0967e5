/*
 * Publishing: what the data planes shall know, and bringing each of them to know it.
 *
 * The desired state is a set of bundles, each a few forwarding objects that belong together (the
 * paths and the subscriber of one home address). A change is numbered and logged as a delta; every
 * data plane has a cursor of its own in that log and follows at its own speed: missing deltas when
 * the log still has them, else a snapshot. See proto/channel/update.h for the protocol.
 *
 *   publish.c   the socket, the list of data planes, deltas
 *   receive.c   what arrives: names, versions, epochs
 *   session.c   one data plane: hello, acks, heartbeats, what is sent to it next
 *   adopt.c     one that comes with tables of another control
 *   snapshot.c  all of the desired state, or some, to one data plane
 *   state.c     the desired state
 *   log.c       recent deltas
 *   compile.c   from a binding to its bundle
 *   stats.c     questions to all data planes
 *   audit.c     do they have what they should?
 */
#pragma once

#include "common/counter.h"
#include "ctrl/publish/path_policy.h"
#include "proto/channel/down.h"
#include "proto/channel/trace.h"
#include "proto/channel/update.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct binding_list;
struct attachment_record;
struct binding_record;
struct session_record;
struct ctrl_config;
struct flow_binding;
struct keyring;
struct loop;
struct publish;

enum publish_counter {
	PUBLISH_HELLOS,          /* hellos accepted */
	PUBLISH_REFUSED_NAME,    /* hellos of a name that is not configured */
	PUBLISH_REFUSED_VERSION, /* messages of another protocol version */
	PUBLISH_BAD_MESSAGE,     /* messages that do not decode */
	PUBLISH_STALE_EPOCH,     /* messages of another epoch */
	PUBLISH_UNEXPECTED,      /* messages that no data plane sends, or not yet */
	PUBLISH_DELTAS,          /* deltas made */
	PUBLISH_SNAPSHOTS,       /* snapshots started */
	PUBLISH_RESYNC_DELTA,    /* hellos answered with deltas alone */
	PUBLISH_ADOPTED,         /* hellos with just what is wanted, of another epoch */
	PUBLISH_PARTIALS,        /* hellos with nearly what is wanted: some buckets are sent */
	PUBLISH_ACKS,            /* acknowledgements taken */
	PUBLISH_FAILED_OBJECTS,  /* objects that a data plane could not apply */
	PUBLISH_LOST,            /* data planes given up for silence */
	PUBLISH_BLOCKED,         /* sends that had to wait for room in a queue */
	PUBLISH_AUDITS,          /* answers to audits that could be compared */
	PUBLISH_AUDIT_DIFFERS,   /* of them, tables that are not what they should be */
	PUBLISH_AUDIT_HEALED,    /* snapshots started for that */
	PUBLISH_COUNTERS
};
extern const struct counter_def publish_counter_defs[PUBLISH_COUNTERS];

/* What dp.show calls the state of a data plane. */
enum publish_session_state {
	PUBLISH_DOWN,      /* never heard of, or silent for too long */
	PUBLISH_COMPARING, /* asked what it has from another control */
	PUBLISH_SNAPSHOT,  /* being sent a snapshot */
	PUBLISH_SYNCED,    /* has acknowledged everything */
	PUBLISH_LAGGING,   /* has not yet acknowledged everything */
	PUBLISH_STATES
};
extern const char *const publish_state_names[PUBLISH_STATES + 1];

/* How a data plane was brought up to date last. */
enum publish_sync {
	PUBLISH_SYNC_NONE,     /* not yet since its last hello */
	PUBLISH_SYNC_DELTA,    /* it had a number of this epoch, and got what was missing */
	PUBLISH_SYNC_ADOPTED,  /* it had just what is wanted, from another control */
	PUBLISH_SYNC_PARTIAL,  /* it had nearly that, and got the buckets that differed */
	PUBLISH_SYNC_SNAPSHOT, /* it got everything */
	PUBLISH_SYNCS
};
extern const char *const publish_sync_names[PUBLISH_SYNCS + 1];

/* What the last audit of a data plane said. */
enum publish_audit {
	PUBLISH_AUDIT_NEVER,   /* none since its last hello */
	PUBLISH_AUDIT_RUNNING, /* asked, or being mended after it differed */
	PUBLISH_AUDIT_EQUAL,
	PUBLISH_AUDIT_DIFFERS_STILL, /* differs after a snapshot for that, in which objects failed
				      */
	PUBLISH_AUDIT_UNKNOWN,       /* no answer that could be compared */
	PUBLISH_AUDIT_STATES
};
extern const char *const publish_audit_names[PUBLISH_AUDIT_STATES + 1];

/* One comparison: what control wants a data plane to have at a number, and what it has. */
struct publish_audit_result {
	bool compared; /* false: no answer in time, or more changed meanwhile than is remembered */
	bool equal;
	bool healing; /* a snapshot is on its way */
	uint64_t sequence;
	struct update_digest wanted, found;
};

/* How a data plane stands, for the control interface. */
struct publish_session_info {
	const char *name;
	enum publish_session_state state;
	enum publish_sync sync;
	uint64_t connected_real_ns; /* of the last hello; 0: never */
	uint64_t heard_ns;          /* loop's clock, of its last message */
	uint64_t sequence_sent, sequence_acked;
	uint64_t snapshots, failures;
	uint64_t fault_real_ns; /* when something last went wrong; 0: never */
	const char *fault;      /* what it was */
	enum publish_audit audit;
	uint64_t audit_real_ns, audit_sequence; /* of the last one that was compared; 0: none */
	struct update_hello hello;              /* valid when connected_real_ns is not 0 */
};

/* Who wants to know what data planes say. Any may be NULL. */
struct publish_handlers {
	void *arg;
	/* A data plane, which need not be ready, has everything up to `sequence`, but for the
	 * failures in the ack (NULL: it has just become ready without one). */
	void (*acked)(void *arg, unsigned dp, uint64_t sequence, const struct update_ack *ack);
	/* A data plane is, or is no longer, ready to serve: synchronised, and heard. */
	void (*ready)(void *arg, unsigned dp, bool ready);
	/* An event from a data plane. */
	void (*event)(void *arg, unsigned dp, const struct update_event *event);
	/* An audit differed. */
	void (*differs)(void *arg, unsigned dp, const struct publish_audit_result *result);
	/* Adds the prefixes whose packets are to be traced now, as far as there is room: asked with
	 * each heartbeat, and data planes cease by themselves. */
	void (*trace)(void *arg, struct trace_wanted *wanted);
	/* What became of such a packet; it lives during the call. */
	void (*traced)(void *arg, unsigned dp, const struct trace_packet *packet);
	/* A data plane came (up) or went. */
	void (*session)(void *arg, unsigned dp, bool up, const char *reason);
};

/*
 * Draws the epoch, puts the gateway's addresses and home links into the desired state, binds the
 * endpoint and adds itself to the loop. keyring may be NULL for an endpoint on this host. Returns
 * 0, -EADDRINUSE when another process serves the endpoint, or another negative errno.
 */
int publish_open(struct publish **publish, const struct ctrl_config *config,
	struct keyring *keyring, struct loop *loop);

/* Closes it. NULL is allowed. */
void publish_close(struct publish *publish);

enum { PUBLISH_HANDLERS_MAX = 6 };

#define PUBLISH_RULE_ID (1ull << 61) /* in ids of rules, whose upper three bits are this */

/* Adds a set of handlers (copied). Returns 0 or -ENOSPC. */
int publish_add_handlers(struct publish *publish, const struct publish_handlers *handlers);

/* A bundle: encoded objects, all to be set, paths before the subscriber that uses them. */
struct bundle {
	uint16_t len; /* 0: nothing is to be published */
	uint8_t octets[1152];
};

/* Id of the object for the link-local address that is defended with a subscriber's home address;
 * ids of subscribers count up from 1. */
static inline uint64_t publish_link_local_id(uint64_t subscriber_id)
{
	return subscriber_id | 1ull << 63;
}

/* Ids of a group and of a member, and of the bundles that have nothing else, from a digest. */
static inline uint64_t publish_group_id(uint64_t digest)
{
	return digest >> 5 | 1ull << 59;
}

static inline uint64_t publish_member_id(uint64_t digest)
{
	return digest >> 4 | 1ull << 60;
}

/* Id of a path that several nodes share, and of its bundle, by a number of less than 2^58: of the
 * tunnel between an anchor and a gateway. */
static inline uint64_t publish_shared_path_id(uint64_t number)
{
	return number | 1ull << 58;
}

/* Id of the held path of a tunnel between a gateway and an anchor, by its index in the
 * configuration. */
static inline uint64_t publish_held_id(size_t index)
{
	return (uint64_t)index | 5ull << 60;
}

/* Whether a bundle is that of a group, which comes before its members. */
static inline bool publish_is_group(uint64_t bundle_id)
{
	return bundle_id >> 59 == 1;
}

static inline bool publish_is_member(uint64_t bundle_id)
{
	return bundle_id >> 60 == 1;
}

/* Id of the bundle, of the path and of the subscriber of a mobility session. */
static inline uint64_t publish_session_id(uint64_t number)
{
	return number | 1ull << 62;
}

/* Id of the bundle and of the rule of a flow binding, by the subscriber that its home address is.
 */
static inline uint64_t publish_rule_id(uint64_t subscriber_id, uint16_t fid)
{
	return subscriber_id << 16 | fid | PUBLISH_RULE_ID;
}

/* Whether an id is that of a rule: rules are told behind the subscribers that they name. */
static inline bool publish_is_rule_id(uint64_t id)
{
	return id >> 61 == PUBLISH_RULE_ID >> 61;
}

/*
 * Compiles a flow binding (RFC 6089, 4.3) of a home address with these bindings: a rule that leads
 * to the paths of those that it names and that are live; without any, an empty bundle. Returns 0 or
 * -EINVAL.
 */
int publish_compile_flow(const struct flow_binding *flow, const struct binding_list *bindings,
	struct bundle *bundle);

/* The rule alone, perhaps without a path. */
int publish_compile_rule(const struct flow_binding *flow, const struct binding_list *bindings,
	struct object_rule *rule);

/* What a traffic selector (RFC 6088) is as that of a rule. 0 or -EINVAL. */
int publish_compile_selector(
	uint8_t format, const uint8_t *octets, size_t len, struct rule_selector *out);

/* Id of the bundle, of the subscriber and of the path on link of an attachment; and of the path to
 * its anchor. */
static inline uint64_t publish_attachment_id(uint64_t number)
{
	return number | 3ull << 61;
}

static inline uint64_t publish_uplink_id(uint64_t number)
{
	return number | 7ull << 60;
}

/* Id of the path of one of the bindings of a session or an attachment, by the id that its only one
 * would have; numbers of them have at most 48 bits. */
static inline uint64_t publish_way_id(uint64_t id, uint8_t bid)
{
	return id | (uint64_t)bid << 48;
}

/* Id of the first rule of the policy for a session or an attachment: there are 256. */
static inline uint64_t publish_policy_rule_id(uint64_t number)
{
	return number << 8 | 3ull << 60;
}

/*
 * Compiles an attachment of the mobile access gateway: a path on link, one to the anchor or one for
 * each registered way there, a subscriber with its prefixes, and the rules of the policy, when it
 * is registered, else an empty bundle. 0, -EINVAL or -ENOSPC.
 */
int publish_compile_attachment(const struct ctrl_config *config,
	const struct attachment_record *record, const struct path_policy *policy,
	struct bundle *bundle);

/*
 * Compiles a mobility session of the local mobility anchor: a path to its gateway, or one for each
 * of its bindings, and a subscriber with its prefixes and the rules of the policy when it is live,
 * an empty bundle when it is not. A path ends at the address of the data plane that serves it, or,
 * without one, at the anchor's address that was asked. 0, -EINVAL or -ENOSPC.
 */
int publish_compile_session(const struct ctrl_config *config, const struct session_record *record,
	const struct path_policy *policy, struct bundle *bundle);

/* Whether the packets of an attachment, or of a session, are kept in order when it has several
 * ways, or why not. */
enum path_policy_order publish_attachment_order(const struct ctrl_config *config,
	const struct attachment_record *record, const struct path_policy *policy);
enum path_policy_order publish_session_order(const struct ctrl_config *config,
	const struct session_record *record, const struct path_policy *policy);

/*
 * Compiles the bindings of a home address: a path for each and the subscriber that has them all,
 * the one to be used first in front: that with the best BID-PRI (RFC 6089, 4.1), among equals the
 * one whose care-of address was registered last. When none is live, an empty bundle. With the L
 * flag on a home link, also a subscriber for the link-local address (RFC 6275, 10.4.1). A path ends
 * at the address of the data plane that serves it, or, without one, at the home agent address.
 * Returns 0 or -EINVAL (ids of 0).
 */
int publish_compile(
	const struct ctrl_config *config, const struct binding_list *list, struct bundle *bundle);

/* Whether one binding of a home address is to be used rather than another, as publish_compile()
 * puts them in order. */
bool publish_prefers(const struct binding_record *a, const struct binding_record *b);

/* Whether it is a home binding whose home link is at a data plane that is lost: of several bindings
 * it is left out. */
bool publish_cut_off(const struct ctrl_config *config, const struct binding_record *record);

/* Whether a bundle sets this object. */
bool publish_bundle_has(const struct bundle *bundle, enum object_kind kind, uint64_t id);

/*
 * Sets (len 0: removes) the bundle with this id. Objects that the old bundle had and the new one
 * has not are deleted. *sequence is the number of the delta that says so; where all is as it was,
 * which is so for a binding that is only refreshed, it is the last there is: who has acknowledged
 * it serves the bundle. Returns 0, -EINVAL or -ENOMEM (nothing was changed).
 */
int publish_set(
	struct publish *publish, uint64_t id, const struct bundle *bundle, uint64_t *sequence);

/* Tells data planes the bundle with this id again, which some of them could not take. *sequence as
 * above. 0; -ENOENT: there is none. */
int publish_again(struct publish *publish, uint64_t id, uint64_t *sequence);

/*
 * Ids of bundles that are groups (or members, if not groups), from place *place (0 at first) on,
 * until there are `most` of them or enough was looked at. Returns how many; *place is then where to
 * go on, SIZE_MAX at the end. Bundles that come and go meanwhile may be left out, others not.
 */
unsigned publish_list(
	const struct publish *publish, bool groups, uint64_t ids[], unsigned most, size_t *place);

/*
 * At start, before anybody can have connected: puts a bundle into the desired state without a
 * delta. Returns 0 or -ENOMEM.
 */
int publish_restore(struct publish *publish, uint64_t id, const struct bundle *bundle);

/* The bundles with these ids are set or restored next: has them fetched from memory. */
void publish_expect(const struct publish *publish, const uint64_t ids[], unsigned count);

/* Makes room for so many bundles at once, if there is memory for it. */
void publish_reserve(struct publish *publish, size_t count);

/* Ends the current delta: publish_send() sends it from now on. */
void publish_flush(struct publish *publish);

/* Whether a data plane may serve: it has had everything once since its last hello, and is heard. */
bool publish_ready(const struct publish *publish, unsigned dp);

/*
 * These tunnels, in order, carry nothing from now on, and no others (copied): data planes are told
 * at once, when they become ready, and with each heartbeat while there are any. Those of who never
 * calls it are told nothing.
 */
void publish_down(struct publish *publish, const struct down_tunnels *down);

/* Whether a data plane is heard. */
bool publish_up(const struct publish *publish, unsigned dp);

/* The first data plane, in the order of the configuration, that is ready; -ENOTCONN: none is. */
int publish_first_ready(const struct publish *publish);

/* A number that no data plane has had before, whenever one comes, comes again, or tells of a change
 * of its ports. */
uint32_t publish_session_number(const struct publish *publish, unsigned dp);

/* Highest sequence that a data plane has acknowledged. */
uint64_t publish_acked(const struct publish *publish, unsigned dp);

/* The epoch of this process. */
uint64_t publish_epoch(const struct publish *publish);

/* Number of the newest delta; 0: none yet. */
uint64_t publish_sequence(const struct publish *publish);

/* Bundles of bindings in the desired state. */
size_t publish_count(const struct publish *publish);

/* The bundle with this id as it is published; len 0: none is. */
void publish_get(const struct publish *publish, uint64_t id, struct bundle *bundle);

/*
 * A port of a data plane as its hello and its events said, valid during the loop's round; NULL when
 * the data plane is down or has no such port.
 */
const struct update_port *publish_port(
	const struct publish *publish, unsigned dp, const char *port);

/* How a data plane stands. */
void publish_session_info(
	const struct publish *publish, unsigned dp, struct publish_session_info *info);

/*
 * Asks every connected data plane for its statistics. `answer` is called for each record and once
 * with NULL when a data plane is done (ok: it answered); `end` once all have answered or a second
 * has passed. Returns 0 or -ENOMEM.
 */
struct publish_stats_fns {
	void *arg;
	void (*record)(void *arg, unsigned dp, const struct update_stat *stat);
	void (*done)(void *arg, unsigned dp, bool answered);
	void (*end)(void *arg);
};
int publish_stats(struct publish *publish, const struct publish_stats_fns *fns);

/* The same, but what the paths of some subscribers have carried, at most UPDATE_ASKED_MAX of them,
 * by the ids that data planes know. */
int publish_stats_of(struct publish *publish, const uint64_t subscribers[], unsigned count,
	const struct publish_stats_fns *fns);

/*
 * The same for what they have counted of some objects of a kind: `record` is called once for each
 * that a data plane has and counts. Returns 0, -EINVAL (no object, or more than
 * UPDATE_COUNT_IDS_MAX) or -ENOMEM.
 */
struct publish_counted_fns {
	void *arg;
	void (*record)(void *arg, unsigned dp, const struct update_count *count);
	void (*done)(void *arg, unsigned dp, bool answered);
	void (*end)(void *arg);
};
int publish_counted(struct publish *publish, enum object_kind kind, const uint64_t ids[],
	size_t count, const struct publish_counted_fns *fns);

/*
 * Compares the tables of the data planes in `set` (bit: index) with what they should be. `done` is
 * called for each once, in the end, never from inside; then `end`. One that differs is mended by a
 * snapshot, unless the last one for that left objects that it cannot apply. Returns 0 or -ENOMEM.
 */
struct publish_audit_fns {
	void *arg;
	void (*done)(void *arg, unsigned dp, const struct publish_audit_result *result);
	void (*end)(void *arg);
};
int publish_audit(struct publish *publish, uint64_t set, const struct publish_audit_fns *fns);

/* Calls fn for each object of the desired state; not 0 ends the walk. */
int publish_each_object(
	struct publish *publish, int (*fn)(void *arg, const struct object *object), void *arg);

/* The keyring has other keys: who was let in by one that is gone is given up at once. */
void publish_keys_changed(struct publish *publish);

/* The loop's hook: sends what can be sent. */
void publish_send(struct publish *publish);

/* Its counters, PUBLISH_COUNTERS of them. */
const uint64_t *publish_counters(const struct publish *publish);
