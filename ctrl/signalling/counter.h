/*
 * Counters of the signalling: one for each thing that can happen to a packet, and for each reason
 * to drop or refuse one. The table is the only list; `dmmctl stats` prints it.
 */
#pragma once

#include "common/counter.h"

/* X(enumerator, name, help) */
#define SIGNALLING_COUNTER_LIST(X)                                                                 \
	X(PUNTED, "punted", "packets taken from data planes")                                      \
	X(FRAME, "drop_frame", "dropped: not an IPv6 packet behind an Ethernet header")            \
	X(HEADERS, "drop_ip6_headers", "dropped: IPv6 header chain at fault")                      \
	X(FRAGMENT, "drop_fragment", "dropped: mobility message in fragments")                     \
	X(NO_MH, "drop_no_mobility_header", "dropped: punted for a Mobility Header, has none")     \
	X(MH_TRANSIT, "mh_transit", "mobility messages between others, passed on")                 \
	X(MH_CHECKSUM, "drop_mh_checksum", "dropped: Mobility Header checksum (RFC 6275, 9.2)")    \
	X(MH_TYPE, "drop_mh_type", "dropped: unknown MH Type (RFC 6275, 9.2)")                     \
	X(MH_PROTO, "drop_mh_payload_proto", "dropped: Payload Proto is not 59 (RFC 6275, 9.2)")   \
	X(MH_LENGTH, "drop_mh_header_len", "dropped: Header Len too small (RFC 6275, 9.2)")        \
	X(MH_TRUNCATED, "drop_mh_truncated", "dropped: less octets than Header Len says")          \
	X(MH_OPTION, "drop_mh_option", "dropped: mobility option at fault")                        \
	X(MH_HOTI, "drop_hoti", "dropped: Home Test Init, route optimization is off")              \
	X(MH_COTI, "drop_coti", "dropped: Care-of Test Init, route optimization is off")           \
	X(MH_HOT, "drop_hot", "dropped: Home Test, route optimization is off")                     \
	X(MH_COT, "drop_cot", "dropped: Care-of Test, route optimization is off")                  \
	X(MH_UNEXPECTED, "drop_mh_unexpected", "dropped: message that a home agent does not get")  \
	X(ICMP_MALFORMED, "drop_icmp_malformed",                                                   \
		"dropped: home agent or prefix discovery at fault")                                \
	X(ICMP_UNEXPECTED, "drop_icmp_unexpected",                                                 \
		"dropped: home agent or prefix discovery that is not for us to answer")            \
	X(HA_REPLY, "home_agent_replies", "Home Agent Address Discovery Replies sent")             \
	X(MPA_SENT, "prefix_advertisements", "Mobile Prefix Advertisements sent")                  \
	X(MPA_LIMITED, "drop_prefix_solicitation_rate",                                            \
		"dropped: Mobile Prefix Solicitations, more than one a second (RFC 6275, 6.8)")    \
	X(RA_HOME_AGENT, "home_agent_advertisements",                                              \
		"Router Advertisements of other home agents (RFC 6275, 10.5.1)")                   \
	X(HOA_BOUND, "drop_home_address_bound",                                                    \
		"dropped: Home Address option of a bound node, which should use its tunnel")       \
	X(HOA_UNBOUND, "drop_home_address_unbound",                                                \
		"dropped: Home Address option without binding (RFC 6275, 9.3.1)")                  \
	X(HOA_PROTECTED, "drop_home_address_protected",                                            \
		"dropped: Home Address option before ESP or AH, no security association")          \
	X(BU, "bu_received", "Binding Updates received")                                           \
	X(BU_SOURCE, "drop_bu_source", "dropped: source is not unicast routable (9.5.4)")          \
	X(BU_CARE_OF, "drop_bu_care_of",                                                           \
		"dropped: care-of address is not unicast routable "                                \
		"(6.1.7)")                                                                         \
	X(BU_CORRESPONDENT, "drop_bu_correspondent",                                               \
		"dropped: correspondent registration, route optimization is off (9.5.1)")          \
	X(BU_NONCE, "drop_bu_nonce_indices",                                                       \
		"dropped: Nonce Indices in a home registration "                                   \
		"(9.5.1)")                                                                         \
	X(BU_UNKNOWN, "drop_bu_unknown_node", "dropped: no such subscriber")                       \
	X(BU_AUTH_ABSENT, "drop_bu_auth_absent",                                                   \
		"dropped: no MN-HA authentication option "                                         \
		"(RFC 4285, 5)")                                                                   \
	X(BU_AUTH_ORDER, "drop_bu_auth_order",                                                     \
		"dropped: authentication options misplaced "                                       \
		"(RFC 4285, 5)")                                                                   \
	X(BU_SPI, "drop_bu_spi", "dropped: no security association for the SPI (RFC 4285, 5.1.1)") \
	X(BU_FORGED, "drop_bu_forged",                                                             \
		"dropped: wrong authenticator, and as many were refused as may be")                \
	X(BU_REPEATED, "drop_bu_repeated", "dropped: copy of one that is being worked on")         \
	X(BU_NO_HOME_ADDRESS, "drop_bu_no_home_address",                                           \
		"dropped: registration without a Home Address option (10.3.1)")                    \
	X(BU_BUSY, "drop_bu_busy", "dropped: the binding is about to be cleared")                  \
	X(BU_SUPERSEDED, "bu_superseded", "waiting Binding Updates replaced by newer ones")        \
	X(BU_GONE, "bu_subscriber_gone", "not answered: the subscriber was deleted meanwhile")     \
	X(ACCEPTED, "ba_accepted", "Binding Acknowledgements sent with status 0")                  \
	X(REFUSED_UNSPECIFIED, "ba_refused_128", "refused: reason unspecified")                    \
	X(REFUSED_PROHIBITED, "ba_refused_129", "refused: administratively prohibited")            \
	X(REFUSED_RESOURCES, "ba_refused_130", "refused: insufficient resources")                  \
	X(REFUSED_NO_HOME, "ba_refused_131", "refused: home registration not supported")           \
	X(REFUSED_SUBNET, "ba_refused_132", "refused: not home subnet")                            \
	X(REFUSED_AGENT, "ba_refused_133", "refused: not home agent for this mobile node")         \
	X(REFUSED_DAD, "ba_refused_134", "refused: Duplicate Address Detection failed")            \
	X(REFUSED_BIDS, "ba_refused_4", "refused: every BID for a reason of its own (RFC 5648)")   \
	X(REFUSED_SEQUENCE, "ba_refused_135", "refused: sequence number out of window")            \
	X(REFUSED_TYPE, "ba_refused_139", "refused: registration type change disallowed")          \
	X(REFUSED_ROUTER, "ba_refused_140", "refused: mobile router operation not permitted")      \
	X(REFUSED_TIMESTAMP, "ba_refused_144", "refused: timestamp (MIPV6-ID-MISMATCH)")           \
	X(REFUSED_NO_STAMP, "ba_refused_145", "refused: no timestamp (MIPV6-MESG-ID-REQD)")        \
	X(REFUSED_AUTH, "ba_refused_146", "refused: wrong authenticator (MIPV6-AUTH-FAIL)")        \
	X(REFUSED_MALFORMED, "ba_refused_164", "refused: MCOA MALFORMED (RFC 5648)")               \
	X(REFUSED_NON_MCOA, "ba_refused_165", "refused: MCOA NON-MCOA BINDING EXISTS")             \
	X(REFUSED_MCOA, "ba_refused_166", "refused: MCOA PROHIBITED")                              \
	X(REFUSED_UNKNOWN_COA, "ba_refused_167", "refused: MCOA UNKNOWN COA")                      \
	X(REFUSED_BULK, "ba_refused_168", "refused: MCOA BULK REGISTRATION PROHIBITED")            \
	X(REFUSED_AT_HOME, "ba_refused_169", "refused: MCOA SIMULTANEOUS HOME AND FOREIGN")        \
	X(PARTIAL, "ba_partial", "of ba_accepted: some BIDs were refused, status 4 (RFC 5648)")    \
	X(FLOW_128, "flow_refused_128",                                                            \
		"flow bindings refused: prohibited, or too many (RFC 6089)")                       \
	X(FLOW_129, "flow_refused_129", "flow bindings refused: FID or priority twice, or failed") \
	X(FLOW_130, "flow_refused_130", "flow bindings refused: malformed")                        \
	X(FLOW_131, "flow_refused_131", "flow bindings refused: BID not found")                    \
	X(FLOW_132, "flow_refused_132", "flow bindings not refreshed: FID not found")              \
	X(FLOW_133, "flow_refused_133", "flow bindings refused: format of the selector")           \
	X(FLOW_FAILED, "flow_failed", "changes of flow bindings that store or data plane refused") \
	X(BID_ZERO, "bid_zero", "BIDs refused: 0 is reserved (RFC 5648, 4.3)")                     \
	X(BID_REPEATED, "bid_repeated", "BIDs refused: twice in one Binding Update")               \
	X(BID_ADDRESS, "bid_address",                                                              \
		"BIDs refused: care-of address is not unicast routable (RFC 5648, 6.2)")           \
	X(BID_IP4, "bid_ip4", "BIDs refused: IPv4 care-of address, not supported")                 \
	X(BID_TAKEN, "bid_taken", "BIDs refused: care-of address is a home address, or our own")   \
	X(BID_OF_ANOTHER, "bid_of_another",                                                        \
		"BIDs refused: another node is bound from the care-of address")                    \
	X(BID_UNKNOWN, "bid_unknown", "BIDs refused: no binding to refresh or to end")             \
	X(BID_LIMIT, "bid_limit", "BIDs refused: more than configured of one home address")        \
	X(BID_AT_HOME, "bid_at_home", "BIDs refused: home and foreign at the same time")           \
	X(BID_NO_LINK, "bid_no_link_address",                                                      \
		"home bindings refused: no link-layer address of the node is known")               \
	X(BID_UNVERIFIED, "bid_unverified",                                                        \
		"refused: new care-of address that is not the source (RFC 5648, 10)")              \
	X(BID_ALTERNATE, "bid_alternate_care_of",                                                  \
		"alternate care-of addresses ignored beside a BID (RFC 5648, 5.2)")                \
	X(REFUSED_CARE_OF, "ba_refused_174", "refused: care-of address at home or our own")        \
	X(REGISTERED, "registered", "bindings made")                                               \
	X(REFRESHED, "refreshed", "bindings refreshed")                                            \
	X(MOVED, "moved", "bindings moved to another care-of address")                             \
	X(REDIRECTED, "redirected", "bindings moved to another data plane")                        \
	X(MULTICAST, "multicast_states", "registrations that said what a node listens to")         \
	X(MULTICAST_REFUSED, "multicast_refused", "of them, some groups are not allowed")          \
	X(MULTICAST_MALFORMED, "multicast_malformed", "updates with a multicast state at fault")   \
	X(MULTICAST_IP4, "multicast_ip4", "updates with IPv4 groups, which are not served")        \
	X(MULTICAST_CHECKSUM, "multicast_checksum",                                                \
		"updates with a checksum of multicast state, which is not looked at")              \
	X(MULTICAST_NO_GROUP, "multicast_no_group",                                                \
		"updates that call an address a group which is not multicast")                     \
	X(MULTICAST_SCOPE, "multicast_scope", "updates with groups that stay on their link")       \
	X(MULTICAST_SOURCE, "multicast_source",                                                    \
		"updates with sources that are no unicast addresses, or stay on their link")       \
	X(MULTICAST_FULL, "multicast_full", "updates with more than a state has room for")         \
	X(MLD_IGNORED, "mld_ignored", "messages of listeners in tunnels that are not heeded")      \
	X(NEXT_DP, "next_data_plane", "changes given to the next data plane after one failed")     \
	X(DEREGISTERED, "deregistered", "bindings ended by their nodes")                           \
	X(EXPIRED, "expired", "bindings ended by their lifetime")                                  \
	X(CLEARED, "cleared", "bindings ended by the operator")                                    \
	X(RESTORED, "restored", "bindings taken from the store at start")                          \
	X(FULL, "resources_bindings", "refused: as many bindings as configured")                   \
	X(NO_MEMORY, "resources_memory", "refused: no memory")                                     \
	X(COMMIT_STORE, "commit_store", "changes that the store refused")                          \
	X(COMMIT_NO_DP, "commit_no_data_plane", "changes without a data plane to serve them")      \
	X(COMMIT_TABLE, "commit_table_full", "changes for which the data plane had no room")       \
	X(COMMIT_TIMEOUT, "commit_timeout", "changes not acknowledged in time")                    \
	X(COMMIT_OTHER, "commit_other", "changes that failed otherwise")                           \
	X(DAD_STARTED, "dad_started", "duplicate address detections begun")                        \
	X(DAD_PASSED, "dad_passed", "duplicate address detections that found nobody")              \
	X(DAD_CONFLICT, "dad_conflict", "duplicate address detections that found a rival")         \
	X(DAD_CLAIMED, "dad_link_local_claimed",                                                   \
		"refused: the link-local address is defended for another node, or our own")        \
	X(DAD_UNSENT, "dad_unsent", "duplicate address detections impossible: no home link")       \
	X(DAD_LOST, "dad_lost", "duplicate address detections without result: home link lost")     \
	X(ND_MALFORMED, "drop_nd_malformed", "dropped: Neighbour Discovery at fault (RFC 4861)")   \
	X(ND_RIVAL, "nd_rival", "advertisements of others for an address that we defend")          \
	X(ND_OTHER, "drop_nd_other", "dropped: Neighbour Discovery about other addresses")         \
	X(NA_SENT, "na_sent", "unsolicited Neighbour Advertisements for bound nodes")              \
	X(TELL_SENT, "tell_sent", "messages that told a node of another data plane")               \
	X(BRR_SENT, "brr_sent", "Binding Refresh Requests sent")                                   \
	X(BRI_SENT, "bri_sent", "Binding Revocation Indications sent (RFC 5846)")                  \
	X(BRI_RESENT, "bri_resent", "of them, sent again for want of an acknowledgement")          \
	X(BRI_UNANSWERED, "bri_unanswered", "revocations that were never acknowledged")            \
	X(REVOCATION, "revocation_received", "Binding Revocation messages received")               \
	X(BRA, "bra_received", "of them, acknowledgements of ours")                                \
	X(BRA_UNEXPECTED, "drop_bra_unexpected",                                                   \
		"dropped: Binding Revocation Acknowledgement of nothing, or not authentic")        \
	X(BE_SENT, "be_sent", "Binding Errors sent")                                               \
	X(ICMP_SENT, "icmp_sent", "ICMPv6 Parameter Problems sent")                                \
	X(ERROR_LIMITED, "errors_limited", "errors not sent: rate limit")                          \
	X(ERROR_FORBIDDEN, "errors_forbidden", "errors not sent: nobody may be told")              \
	X(SEND_FAILED, "send_failed", "packets of ours that no data plane took")

enum signalling_counter {
#define SIGNALLING_COUNTER_ENUM(id, name, help) SIGNALLING_N_##id,
	SIGNALLING_COUNTER_LIST(SIGNALLING_COUNTER_ENUM)
#undef SIGNALLING_COUNTER_ENUM
		SIGNALLING_COUNTERS
};

/* Names and explanations, SIGNALLING_COUNTERS of them. */
extern const struct counter_def signalling_counter_defs[SIGNALLING_COUNTERS];
