/*
 * Counters of the mobile access gateway. The table is the only list; `dmmctl stats` prints it.
 */
#pragma once

#include "common/counter.h"

/* X(enumerator, name, help) */
#define MAG_COUNTER_LIST(X)                                                                        \
	X(HEARD, "mag_neighbours_heard", "packets that nodes showed themselves with")              \
	X(MALFORMED, "mag_drop_neighbour",                                                         \
		"dropped: Neighbour Discovery at fault, or of a router")                           \
	X(STRANGER, "mag_drop_stranger", "dropped: of an interface that no profile knows")         \
	X(OTHER_DOMAIN, "mag_drop_other_domain",                                                   \
		"dropped: of a node on a link of another domain than its own")                     \
	X(NO_KEYS, "mag_no_keys",                                                                  \
		"not served: of a domain, and its anchor agreed on no key (RFC 5845)")             \
	X(PBU, "mag_pbu_sent", "Proxy Binding Updates sent")                                       \
	X(PBU_AGAIN, "mag_pbu_again", "of them, sent again for want of an answer")                 \
	X(NO_MULTIPATH, "mag_no_multipath",                                                        \
		"registrations whose anchor refused several bindings (RFC 8278)")                  \
	X(NO_GRE, "mag_no_gre",                                                                    \
		"registrations whose anchor passed over the GRE Key option (RFC 5845)")            \
	X(NO_DELEGATION, "mag_no_delegation",                                                      \
		"registrations whose anchor passed over the request for delegated prefixes")       \
	X(PBA, "mag_pba_received", "Proxy Binding Acknowledgements received")                      \
	X(NOT_PROXY, "mag_drop_not_proxy", "dropped: message that a gateway does not get")         \
	X(WRONG_ANCHOR, "mag_drop_anchor", "dropped: not from the anchor that was asked")          \
	X(AUTH, "mag_drop_auth", "dropped: wrong or no authenticator")                             \
	X(REPLAY, "mag_drop_replay",                                                               \
		"dropped: Binding Revocation Indication without a timestamp that is new, or "      \
		"unsolicited Heartbeat without a restart counter that is")                         \
	X(UNMATCHED, "mag_drop_unmatched", "dropped: answers nothing that was asked")              \
	X(ECHO, "mag_drop_echo", "dropped: names other values than were asked (6.9.1.2, 6)")       \
	X(ACCEPTED, "mag_accepted", "registrations accepted")                                      \
	X(REFUSED, "mag_refused", "registrations refused")                                         \
	X(CLOCK, "mag_clock_off", "of them, refused as the clocks of both ends are too far apart") \
	X(ATTACHED, "mag_attached", "nodes that got service")                                      \
	X(MOVED, "mag_moved", "nodes that moved to another access link here")                      \
	X(DETACHED, "mag_detached", "nodes that left, or were told to")                            \
	X(LOST, "mag_lost", "nodes that no longer answered")                                       \
	X(EXPIRED, "mag_expired", "registrations that ended unanswered")                           \
	X(REVOKED, "mag_revoked", "registrations that their anchors revoked")                      \
	X(BRI, "mag_bri_received", "Binding Revocation Indications received")                      \
	X(UPN, "mag_upn_received", "Update Notifications received")                                \
	X(HEARTBEAT, "mag_heartbeat_received", "Heartbeats received, of both kinds")               \
	X(PEER_LOST, "mag_anchor_lost", "anchors that no longer answered heartbeats")              \
	X(PEER_BACK, "mag_anchor_back", "anchors that answered again")                             \
	X(PEER_RESTARTED, "mag_anchor_restarted", "anchors that have lost their sessions")         \
	X(RESTORED, "mag_restored", "attachments taken from the store at start")                   \
	X(RA_SENT, "mag_ra_sent", "Router Advertisements sent, each to one node")                  \
	X(NS_SENT, "mag_ns_sent", "Neighbour Solicitations sent to see if a node is there")        \
	X(METRICS, "mag_metrics_told", "updates that told an anchor what is measured of paths")    \
	X(NO_MEMORY, "mag_no_memory", "not served: no memory")                                     \
	X(COMMIT_FAILED, "mag_commit_failed", "changes that could not become facts")               \
	X(SEND_FAILED, "mag_send_failed", "packets of ours that no data plane took")

enum mag_counter {
#define MAG_COUNTER_ENUM(id, name, help) MAG_N_##id,
	MAG_COUNTER_LIST(MAG_COUNTER_ENUM)
#undef MAG_COUNTER_ENUM
		MAG_COUNTERS
};

/* Names and explanations, MAG_COUNTERS of them. */
extern const struct counter_def mag_counter_defs[MAG_COUNTERS];
