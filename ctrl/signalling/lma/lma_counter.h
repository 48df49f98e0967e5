/*
 * Counters of the local mobility anchor: one for each thing that can happen to a Proxy Binding
 * Update. The table is the only list; `dmmctl stats` prints it.
 */
#pragma once

#include "common/counter.h"

/* X(enumerator, name, help) */
#define LMA_COUNTER_LIST(X)                                                                        \
	X(PBU, "lma_pbu_received", "Proxy Binding Updates received")                               \
	X(NOT_PROXY, "lma_drop_not_proxy", "dropped: message that an anchor does not get")         \
	X(SOURCE, "lma_drop_source", "dropped: source is not unicast routable")                    \
	X(STRANGER_LIMITED, "lma_drop_stranger",                                                   \
		"dropped: not of a configured gateway, and as many were refused as may be")        \
	X(AUTH_ABSENT, "lma_drop_auth_absent", "dropped: no authentication option (RFC 4285, 5)")  \
	X(AUTH_ORDER, "lma_drop_auth_order", "dropped: authentication options misplaced")          \
	X(SPI, "lma_drop_spi", "dropped: no security association for the SPI")                     \
	X(REPEATED, "lma_drop_repeated", "dropped: copy of one that is being worked on")           \
	X(NO_SESSION, "lma_ignored_no_session",                                                    \
		"ignored: deregistration of what is not registered (RFC 5213, 5.4.1)")             \
	X(OTHER_GATEWAY, "lma_ignored_other_gateway",                                              \
		"ignored: deregistration by a gateway where the node is no longer (5.3.5)")        \
	X(BUSY, "lma_drop_busy", "dropped: the session is about to be cleared")                    \
	X(PEER_AUTH, "lma_drop_peer_auth",                                                         \
		"dropped: other message with wrong or no authenticator")                           \
	X(REPLAY, "lma_drop_replay",                                                               \
		"dropped: Binding Revocation Indication without a timestamp that is new, or "      \
		"unsolicited Heartbeat without a restart counter that is")                         \
	X(UNMATCHED, "lma_drop_unmatched", "dropped: answers nothing that was asked")              \
	X(HEARTBEAT, "lma_heartbeat_received", "Heartbeats received, of both kinds")               \
	X(PEER_LOST, "lma_gateway_lost", "gateways that no longer answered heartbeats")            \
	X(PEER_BACK, "lma_gateway_back", "gateways that answered again")                           \
	X(PEER_RESTARTED, "lma_gateway_restarted", "gateways that have lost their sessions")       \
	X(BRI, "lma_bri_sent", "Binding Revocation Indications sent, without retransmissions")     \
	X(UPN, "lma_upn_sent", "Update Notifications sent, without retransmissions")               \
	X(ANSWERED, "lma_notices_answered", "acknowledgements of these two received")              \
	X(BRI_RECEIVED, "lma_bri_received", "Binding Revocation Indications received")             \
	X(SUPERSEDED, "lma_superseded", "waiting Proxy Binding Updates replaced by newer ones")    \
	X(PARKED, "lma_parked", "registrations that waited for the end of a session (5.4.1.2)")    \
	X(ACCEPTED, "lma_pba_accepted",                                                            \
		"Proxy Binding Acknowledgements sent with a status of success")                    \
	X(REFUSED_OTHER, "lma_pba_refused_other", "refused: with a status that is not below")      \
	X(REFUSED_UNSPECIFIED, "lma_pba_refused_128", "refused: reason unspecified")               \
	X(REFUSED_PROHIBITED, "lma_pba_refused_129", "refused: administratively prohibited")       \
	X(REFUSED_RESOURCES, "lma_pba_refused_130", "refused: insufficient resources")             \
	X(REFUSED_SEQUENCE, "lma_pba_refused_135", "refused: sequence number out of window")       \
	X(REFUSED_AUTH, "lma_pba_refused_146", "refused: wrong authenticator")                     \
	X(REFUSED_NOT_ENABLED, "lma_pba_refused_152", "refused: no proxy registration for it")     \
	X(REFUSED_NOT_LMA, "lma_pba_refused_153", "refused: not the anchor of this node")          \
	X(REFUSED_GATEWAY, "lma_pba_refused_154", "refused: not a gateway that may register")      \
	X(REFUSED_PREFIX, "lma_pba_refused_155", "refused: home network prefix is not its own")    \
	X(REFUSED_TIMESTAMP, "lma_pba_refused_156", "refused: timestamp out of the window")        \
	X(REFUSED_OLD, "lma_pba_refused_157", "refused: timestamp lower than the last")            \
	X(REFUSED_NO_PREFIX, "lma_pba_refused_158", "refused: no Home Network Prefix option")      \
	X(REFUSED_PREFIX_SET, "lma_pba_refused_159", "refused: other prefixes than the session's") \
	X(REFUSED_NO_MN_ID, "lma_pba_refused_160", "refused: no Mobile Node Identifier option")    \
	X(REFUSED_NO_HANDOFF, "lma_pba_refused_161", "refused: no Handoff Indicator option")       \
	X(REFUSED_NO_ACCESS, "lma_pba_refused_162", "refused: no Access Technology Type option")   \
	X(REFUSED_GRE, "lma_pba_refused_163", "refused: no GRE Key option (RFC 5845)")             \
	X(REFUSED_NOT_DELEGATED, "lma_pba_refused_177",                                            \
		"refused: no prefixes may be delegated to it (RFC 7148)")                          \
	X(REFUSED_DELEGATED, "lma_pba_refused_178",                                                \
		"refused: delegated prefix is in use, or not one that it may have")                \
	X(REFUSED_MULTIPATH, "lma_pba_refused_180", "refused: several bindings (RFC 8278)")        \
	X(REGISTERED, "lma_registered", "sessions made")                                           \
	X(EXTENDED, "lma_extended", "sessions extended by the same gateway")                       \
	X(HANDED_OVER, "lma_handed_over", "sessions moved to another gateway")                     \
	X(DEREGISTERED, "lma_deregistered", "sessions ended by their gateway")                     \
	X(EXPIRED, "lma_expired", "sessions ended by their lifetime")                              \
	X(CLEARED, "lma_cleared", "sessions ended by the operator")                                \
	X(PATH_ADDED, "lma_path_added", "bindings added to sessions that had others")              \
	X(PATH_ENDED, "lma_path_ended", "bindings ended of sessions that have others")             \
	X(LEFT, "lma_left", "sessions that their gateway revoked, or lost")                        \
	X(METRICS, "lma_metrics", "options that tell what a gateway measures of paths")            \
	X(METRICS_BAD, "lma_metrics_bad", "such options that cannot be read, and are ignored")     \
	X(RESTORED, "lma_restored", "sessions taken from the store at start")                      \
	X(FULL, "lma_full", "refused: as many sessions as configured")                             \
	X(POOL_EMPTY, "lma_pool_empty", "refused: no prefix is left in the pool")                  \
	X(NO_MEMORY, "lma_no_memory", "refused: no memory")                                        \
	X(COMMIT_FAILED, "lma_commit_failed", "changes that could not become facts")               \
	X(SEND_FAILED, "lma_send_failed", "packets of ours that no data plane took")

enum lma_counter {
#define LMA_COUNTER_ENUM(id, name, help) LMA_N_##id,
	LMA_COUNTER_LIST(LMA_COUNTER_ENUM)
#undef LMA_COUNTER_ENUM
		LMA_COUNTERS
};

/* Names and explanations, LMA_COUNTERS of them. */
extern const struct counter_def lma_counter_defs[LMA_COUNTERS];
