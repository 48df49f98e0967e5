/*
 * The update channel: how forwarding objects reach a data plane, and what it answers.
 *
 * ZeroMQ DEALER (data plane) to ROUTER (control). On ipc the routing id is the data plane's name;
 * on tcp its CURVE key says who it is. Every message is one frame: a head of 20 octets, then the
 * body.
 *
 *   0 magic 0x444d   2 version   3 type   4-11 epoch   12-19 sequence
 *
 * The epoch is a random number that control draws at each start: a sequence number means
 * something only within its epoch, so a message left over from an earlier process on either
 * side is recognised and ignored. Deltas are numbered 1, 2, 3 ... without gaps.
 *
 *   data plane                              control
 *   HELLO (last epoch and sequence) ------>
 *                                   <------ DELTA seq+1 ... if it still has them all, else
 *                                   <------ BEGIN n, OBJECTS n ..., END n   a snapshot as of n
 *   ACK n -------------------------------->
 *                                   <------ DELTA n+1
 *   ACK n+1 ------------------------------>
 *   HEARTBEAT <--------------------------->  both ways; control's carries its newest sequence
 *
 * A snapshot is applied by mark and sweep: what END finds unmarked is removed, nothing that
 * stays is touched, so forwarding never stops. A data plane that sees a gap, a foreign epoch or
 * an undecodable message says HELLO again. ACK n means: everything up to n is visible to every
 * reader of that data plane; the objects that could not be applied are listed in it.
 *
 * A control that has just started wants nearly always what the last one wanted, but cannot know it
 * from an epoch that is not its own. It compares digests, and sends what differs:
 *
 *   HELLO (epoch e, sequence s) ---------->
 *                                   <------ DIGEST_REQUEST
 *   DIGEST (of e and s) ------------------>
 *                                   <------ ADOPT n (of e and s, no bucket)
 *   ACK n -------------------------------->                      or
 *                                   <------ ADOPT n (of e and s, some buckets), OBJECTS n ..., END
 * n ACK n -------------------------------->
 *
 * ADOPT n means: what you had at e and s is what I want at n, but for the objects in these buckets.
 * A data plane that is still at exactly e and s takes over the new epoch and number, at once or
 * with an END that sweeps these buckets alone; another one says HELLO again. Without a DIGEST in
 * time, or with one that has little in common with what is wanted, control sends a snapshot.
 */
#pragma once

#include <stdint.h>

#include "proto/channel/object.h"

enum {
	UPDATE_VERSION = 11,
	UPDATE_HEAD_LEN = 20,
	UPDATE_NAME_MAX = OBJECT_NAME_MAX,
	UPDATE_PORTS_MAX = 16,           /* ports of a data plane */
	UPDATE_FAILURES_MAX = 256,       /* failures told in one ACK; more are only counted */
	UPDATE_MESSAGE_MAX = 256 * 1024, /* no message is longer; a snapshot uses several */
	UPDATE_REASON_MAX = 127,
	UPDATE_STAT_NAME_MAX = 63,
	UPDATE_STAT_VALUES_MAX = 8,
	UPDATE_ASKED_MAX = 8,        /* subscribers that one question is about */
	UPDATE_COUNT_IDS_MAX = 4096, /* objects that one COUNT_REQUEST asks for */
	UPDATE_COUNT_VALUES = 6,
};

enum update_type {
	UPDATE_HELLO = 1,           /* dp -> control */
	UPDATE_ACK = 2,             /* dp -> control */
	UPDATE_HEARTBEAT = 3,       /* both; no body */
	UPDATE_STATS = 4,           /* dp -> control: answer to UPDATE_STATS_REQUEST */
	UPDATE_EVENT = 5,           /* dp -> control */
	UPDATE_DIGEST = 6,          /* dp -> control: answer to UPDATE_DIGEST_REQUEST */
	UPDATE_TRACED = 7,          /* dp -> control: records of traced packets (trace.h) */
	UPDATE_COUNTS = 8,          /* dp -> control: answer to UPDATE_COUNT_REQUEST */
	UPDATE_BEGIN = 16,          /* control -> dp; no body */
	UPDATE_OBJECTS = 17,        /* control -> dp: objects of a snapshot */
	UPDATE_END = 18,            /* control -> dp; no body */
	UPDATE_DELTA = 19,          /* control -> dp: objects, applied as one */
	UPDATE_STATS_REQUEST = 20,  /* control -> dp: of itself, or of some subscribers */
	UPDATE_REFUSE = 21,         /* control -> dp: reason; the data plane keeps what it has */
	UPDATE_DIGEST_REQUEST = 22, /* control -> dp; no body: what do your tables hold? */
	UPDATE_ADOPT = 23,          /* control -> dp: they hold what I want, but for some buckets */
	UPDATE_TRACE = 24,          /* control -> dp: whose packets to trace (trace.h) */
	UPDATE_COUNT_REQUEST = 25,  /* control -> dp: what have you counted of these objects? */
	UPDATE_DOWN = 26,           /* control -> dp: tunnels that carry nothing now (down.h) */
};

struct update_head {
	enum update_type type;
	uint8_t version;
	uint64_t epoch;
	uint64_t sequence;
};

/* A port as its data plane has it: control needs the MAC to speak on a link. */
struct update_port {
	char name[OBJECT_PORT_NAME_MAX + 1];
	struct mac mac;
	uint16_t mtu;
	bool up;
};

struct update_hello {
	char name[UPDATE_NAME_MAX + 1];
	uint32_t subscribers_max; /* room in its tables */
	uint8_t port_count;
	struct update_port ports[UPDATE_PORTS_MAX];
};

struct update_failure {
	enum object_kind kind;
	uint64_t id;
	uint16_t error; /* positive errno: ENOSPC the table is full, ENOENT an unknown path or port
			 */
};

struct update_ack {
	uint32_t failure_total;
	uint16_t failure_count; /* of these are told, at most UPDATE_FAILURES_MAX */
	struct update_failure failures[UPDATE_FAILURES_MAX];
};

/*
 * What a data plane holds, computed from the tables that its readers use, when everything up to the
 * sequence number of the message's head was applied. Index: enum object_kind.
 */
enum { UPDATE_DIGEST_KINDS = 16 };

struct update_digest {
	struct {
		uint32_t count;
		uint64_t sum;         /* of object_digest() */
	} kinds[UPDATE_DIGEST_KINDS]; /* kinds that do not exist: 0 */
};

/* The body of DIGEST. */
struct update_digest_answer {
	uint64_t asked; /* epoch in the head of the request: whose question this answers */
	struct update_digest digest;
	uint64_t buckets[OBJECT_BUCKETS]; /* the same sums, of all kinds, by object_bucket() */
};

/* The body of ADOPT. */
struct update_adopt {
	uint64_t epoch, sequence; /* what the tables were when the digest was told */
	struct object_buckets buckets;
};

/* What one number of the statistics is about, and what its values are. */
enum update_stat_group {
	UPDATE_STAT_COUNTER = 1, /* value */
	UPDATE_STAT_DROP = 2,    /* packets */
	UPDATE_STAT_NODE = 3,    /* calls, packets, cycles */
	UPDATE_STAT_PORT =
		4, /* rx packets, rx octets, tx packets, tx octets, rx missed, tx errors */
	UPDATE_STAT_TABLE = 5, /* entries, capacity, octets of memory */
	/* What a path of a subscriber has carried; the name is the path's id, see enum
	 * update_path_value.
	 */
	UPDATE_STAT_PATH = 6,
	/* What became of the order of a subscriber's packets, if it has one; the name is its id,
	 * see enum update_order_value. */
	UPDATE_STAT_ORDER = 7,
};

/* Values of UPDATE_STAT_PATH. Octets are those of inner packets; what a data plane relays to
 * another is counted by that. */
enum update_path_value {
	UPDATE_PATH_IN_PACKETS, /* from the subscriber */
	UPDATE_PATH_IN_OCTETS,
	UPDATE_PATH_OUT_PACKETS, /* to it */
	UPDATE_PATH_OUT_OCTETS,
	UPDATE_PATH_IN_MS, /* since the last; UINT64_MAX: never */
	UPDATE_PATH_OUT_MS,
	UPDATE_PATH_PREFERRED, /* 1: takes what no rule matches, unless that is shared out */
	UPDATE_PATH_VALUES
};

/* Values of UPDATE_STAT_ORDER: packets. */
enum update_order_value {
	UPDATE_ORDER_SENT,      /* with a number */
	UPDATE_ORDER_IN_ORDER,  /* came as the next one */
	UPDATE_ORDER_HELD,      /* had to wait for earlier ones */
	UPDATE_ORDER_REORDERED, /* came after a later one (RFC 4737, 3.3) */
	UPDATE_ORDER_RESTORED,  /* of these, went on in their place */
	UPDATE_ORDER_LATE, /* the others, and those that came twice: dropped, unless none wait */
	UPDATE_ORDER_TIMED_OUT, /* went on without those before them: these did not come in time */
	UPDATE_ORDER_NO_ROOM,   /* likewise, since no more could wait */
	UPDATE_ORDER_VALUES
};

struct update_stat {
	enum update_stat_group group;
	char name[UPDATE_STAT_NAME_MAX + 1];
	uint8_t value_count; /* fixed by the group */
	uint64_t values[UPDATE_STAT_VALUES_MAX];
};

/* What a data plane has counted of one object, by value, since it has it. Of a member, only packets
 * and octets: those copied for it. */
enum update_count_of_group {
	UPDATE_COUNT_PACKETS,       /* taken to be copied */
	UPDATE_COUNT_OCTETS,        /* of these, IP headers included */
	UPDATE_COUNT_COPIES,        /* made */
	UPDATE_COUNT_COPIES_MISSED, /* not made: no buffer, or the member's target is not there */
	UPDATE_COUNT_LIMITED,  /* packets that were not taken, beyond the rate of their group */
	UPDATE_COUNT_UPSTREAM, /* enum update_upstream */
};

/* Whether a data plane has asked the network behind its upstream port for a group. */
enum update_upstream {
	UPDATE_UPSTREAM_NONE, /* it has no such port, nobody listens, or it comes out of a tunnel */
	UPDATE_UPSTREAM_JOINED,
	UPDATE_UPSTREAM_REFUSED, /* by Linux; tried again every second */
	UPDATE_UPSTREAM_STATES
};

/* The same of a path; octets are those of inner packets. All are 0 when its subscriber has no
 * other. */
enum update_count_of_path {
	UPDATE_COUNT_IN_PACKETS, /* out of the tunnel: from the subscriber, or for it if it is here
				  */
	UPDATE_COUNT_IN_OCTETS,
	UPDATE_COUNT_OUT_PACKETS, /* into it */
	UPDATE_COUNT_OUT_OCTETS,
};

struct update_count {
	enum object_kind kind; /* OBJECT_GROUP, OBJECT_MEMBER or OBJECT_PATH */
	uint64_t id;
	uint64_t values[UPDATE_COUNT_VALUES];
};

enum update_event_kind {
	UPDATE_EVENT_WRONG_SOURCE = 1, /* uplink from an address that is not a care-of address */
	UPDATE_EVENT_TUNNEL_ERROR = 2, /* ICMPv6 error came back from inside a tunnel */
	UPDATE_EVENT_PORT = 3,         /* a port went up or down */
};

struct update_event {
	enum update_event_kind kind;
	uint64_t subscriber;   /* 0: none */
	struct in6_addr inner; /* home address (1, 2) */
	struct in6_addr outer; /* outer source (1), reporter of the error (2) */
	uint8_t icmp_type;     /* (2) */
	uint8_t icmp_code;     /* (2) */
	uint32_t value;        /* (1) times since last told; (2) MTU or pointer; (3) 1 up, 0 down */
	char port[OBJECT_PORT_NAME_MAX + 1]; /* (3), else empty */
};

/* Names for logs and JSON; "unknown" for values that are none. */
const char *update_type_name(enum update_type type);
const char *update_event_name(enum update_event_kind kind);
const char *update_stat_group_name(enum update_stat_group group);

/* Values that records of this group carry; 0 for an unknown group. */
uint8_t update_stat_values(enum update_stat_group group);

/*
 * Starts a message: writes the head, always with UPDATE_VERSION (head->version is not read).
 * Objects, statistics or one body then follow in the same writer, and the caller sends writer_len()
 * octets. -EINVAL for an unknown type, -ENOSPC if there is no room.
 */
int update_head_encode(struct writer *w, const struct update_head *head);

/*
 * Reads the head and leaves the cursor at the body. -EBADMSG: truncated, wrong magic or unknown
 * type. -EPROTO: a version other than UPDATE_VERSION; *head is then filled as far as possible
 * (its type may be one that this version does not know), so that it can be refused by name. After
 * an error the cursor is failed.
 */
int update_head_decode(struct cursor *c, struct update_head *head);

/*
 * Bodies. Encoders append to a writer after the head: 0, or -EINVAL or -ENOSPC with nothing
 * written. Texts are printable ASCII, names without spaces, and not empty. Decoders read all
 * that the cursor holds: 0 or -EBADMSG, also when octets are left over.
 */
int update_hello_encode(struct writer *w, const struct update_hello *hello);
int update_hello_decode(struct cursor *c, struct update_hello *hello);
int update_ack_encode(struct writer *w, const struct update_ack *ack);
int update_ack_decode(struct cursor *c, struct update_ack *ack);
int update_event_encode(struct writer *w, const struct update_event *event);
int update_event_decode(struct cursor *c, struct update_event *event);
int update_digest_encode(struct writer *w, const struct update_digest_answer *answer);
int update_digest_decode(struct cursor *c, struct update_digest_answer *answer);
int update_adopt_encode(struct writer *w, const struct update_adopt *adopt);
int update_adopt_decode(struct cursor *c, struct update_adopt *adopt);
int update_reason_encode(struct writer *w, const char *reason);
int update_reason_decode(struct cursor *c, char reason[UPDATE_REASON_MAX + 1]);

/* The body of STATS_REQUEST. */
struct update_stats_request {
	uint32_t id;   /* matches the answer to it */
	uint8_t count; /* of subscribers; 0: statistics of the data plane itself are wanted */
	uint64_t subscribers[UPDATE_ASKED_MAX]; /* ids: those of their paths are */
};
int update_stats_request_encode(struct writer *w, const struct update_stats_request *request);
int update_stats_request_decode(struct cursor *c, struct update_stats_request *request);

/* The first field of STATS: the number of the request. The decoder leaves the cursor behind it. */
int update_stats_id_encode(struct writer *w, uint32_t request_id);
int update_stats_id_decode(struct cursor *c, uint32_t *request_id);

/* One statistics record after another, until the cursor is empty (cursor_left() == 0). */
int update_stat_encode(struct writer *w, const struct update_stat *stat);
int update_stat_decode(struct cursor *c, struct update_stat *stat);

/*
 * COUNT_REQUEST: a number that matches answer to question, as STATS_REQUEST has it, the kind of the
 * objects and their ids, at most UPDATE_COUNT_IDS_MAX. Encoding: -EINVAL for too many. The decoder
 * checks all and leaves the cursor at the ids, one cursor_u64() each until it is empty.
 *
 * COUNTS begins with that number (update_stats_id_encode()); then one record after another, of
 * those objects that the data plane has and counts.
 */
int update_count_request_encode(struct writer *w, uint32_t request_id, enum object_kind kind,
	const uint64_t ids[], size_t count);
int update_count_request_decode(struct cursor *c, uint32_t *request_id, enum object_kind *kind);
int update_count_encode(struct writer *w, const struct update_count *count);
int update_count_decode(struct cursor *c, struct update_count *count);
