/* Small number spaces of messages and options: triggers, reasons, statuses, subtypes. The codes of
 * the Binding Acknowledgement are in status.h. Constant tables: any thread.
 *
 * X(enumerator, code, name, source). */
#pragma once

#include "proto/mobility/names.h"

/* DNS Update status: RFC 5026, 8.1. */
#define CODES_DNS_LIST(X)                                                                          \
	X(PERFORMED, 0, "DNS update performed", "RFC 5026")                                        \
	X(UNSPECIFIED, 128, "reason unspecified", "RFC 5026")                                      \
	X(PROHIBITED, 129, "administratively prohibited", "RFC 5026")                              \
	X(FAILED, 130, "DNS update failed", "RFC 5026")

/* IPv4 Address Acknowledgement status: RFC 5555, 3.2.1; RFC 5844, 3.3.2, without 133. */
#define CODES_IPV4_LIST(X)                                                                         \
	X(SUCCESS, 0, "success", "RFC 5555")                                                       \
	X(UNSPECIFIED, 128, "failure, reason unspecified", "RFC 5555")                             \
	X(PROHIBITED, 129, "administratively prohibited", "RFC 5555")                              \
	X(INCORRECT, 130, "incorrect IPv4 home address", "RFC 5555")                               \
	X(INVALID, 131, "invalid IPv4 address", "RFC 5555")                                        \
	X(NO_DYNAMIC, 132, "dynamic IPv4 home address assignment not available", "RFC 5555")       \
	X(NO_PREFIX, 133, "prefix allocation unauthorized", "RFC 5555")

/* Flow Identification status: RFC 6089, 4.2. */
#define CODES_FLOW_LIST(X)                                                                         \
	X(SUCCESS, 0, "flow binding successful", "RFC 6089")                                       \
	X(PROHIBITED, 128, "administratively prohibited", "RFC 6089")                              \
	X(REJECTED, 129, "flow binding rejected, reason unspecified", "RFC 6089")                  \
	X(MALFORMED, 130, "flow identification mobility option malformed", "RFC 6089")             \
	X(NO_BID, 131, "BID not found", "RFC 6089")                                                \
	X(NO_FID, 132, "FID not found", "RFC 6089")                                                \
	X(FORMAT, 133, "traffic selector format not supported", "RFC 6089")

/* Binding Revocation trigger: RFC 5846, 5.1; from 128 on with G set. */
#define CODES_BRI_LIST(X)                                                                          \
	X(UNSPECIFIED, 0, "unspecified", "RFC 5846")                                               \
	X(ADMINISTRATIVE, 1, "administrative reason", "RFC 5846")                                  \
	X(HANDOVER_SAME, 2, "inter-MAG handover, same access type", "RFC 5846")                    \
	X(HANDOVER_OTHER, 3, "inter-MAG handover, different access type", "RFC 5846")              \
	X(HANDOVER_UNKNOWN, 4, "inter-MAG handover, unknown", "RFC 5846")                          \
	X(USER, 5, "user-initiated session termination", "RFC 5846")                               \
	X(NETWORK, 6, "access network session termination", "RFC 5846")                            \
	X(OUT_OF_SYNC, 7, "possible out-of-sync BCE state", "RFC 5846")                            \
	X(PER_PEER, 128, "per-peer policy", "RFC 5846")                                            \
	X(LOCAL_POLICY, 129, "revoking mobility node local policy", "RFC 5846")

/* Binding Revocation Acknowledgement status: RFC 5846, 5.2. */
#define CODES_BRA_LIST(X)                                                                          \
	X(SUCCESS, 0, "success", "RFC 5846")                                                       \
	X(PARTIAL, 1, "partial success", "RFC 5846")                                               \
	X(NO_BINDING, 128, "binding does not exist", "RFC 5846")                                   \
	X(IPV4_REQUIRED, 129, "IPv4 home address option required", "RFC 5846")                     \
	X(GLOBAL_NOT_AUTHORIZED, 130, "global revocation not authorized", "RFC 5846")              \
	X(IDENTITY_REQUIRED, 131, "revoked mobile nodes identity required", "RFC 5846")            \
	X(ATTACHED, 132, "revocation failed, MN is attached", "RFC 5846")                          \
	X(TRIGGER, 133, "revocation trigger not supported", "RFC 5846")                            \
	X(FUNCTION, 134, "revocation function not supported", "RFC 5846")                          \
	X(PROXY, 135, "proxy binding revocation not supported", "RFC 5846")

/* Update Notification reason: RFC 7077, 4.1. */
#define CODES_UPN_LIST(X)                                                                          \
	X(REREGISTER, 1, "FORCE-REREGISTRATION", "RFC 7077")                                       \
	X(SESSION, 2, "UPDATE-SESSION-PARAMETERS", "RFC 7077")                                     \
	X(VENDOR, 3, "VENDOR-SPECIFIC-REASON", "RFC 7077")                                         \
	X(ANI, 4, "ANI-PARAMS-REQUESTED", "RFC 7077")                                              \
	X(QOS, 5, "QOS_SERVICE_REQUEST", "RFC 7222")                                               \
	X(FLOW_MOBILITY, 8, "FLOW-MOBILITY", "RFC 7864")

/* Update Notification Acknowledgement status: RFC 7077, 4.2. */
#define CODES_UPA_LIST(X)                                                                          \
	X(SUCCESS, 0, "success", "RFC 7077")                                                       \
	X(SESSION, 128, "FAILED-TO-UPDATE-SESSION-PARAMETERS", "RFC 7077")                         \
	X(VENDOR, 129, "MISSING-VENDOR-SPECIFIC-OPTION", "RFC 7077")                               \
	X(QOS, 130, "CANNOT_MEET_QOS_SERVICE_REQUEST", "RFC 7222")                                 \
	X(UNSPECIFIED, 131, "reason unspecified", "RFC 7864")                                      \
	X(NOT_ATTACHED, 132, "MN not attached", "RFC 7864")

/* Binding Revocation type: RFC 5846, 5. */
#define CODES_REVOCATION_LIST(X)                                                                   \
	X(INDICATION, 1, "indication", "RFC 5846")                                                 \
	X(ACKNOWLEDGEMENT, 2, "acknowledgement", "RFC 5846")

/* Mobile Node Identifier subtype: RFC 4283, 3; RFC 8371, 4. */
#define CODES_MN_ID_LIST(X)                                                                        \
	X(NAI, 1, "NAI", "RFC 4283")                                                               \
	X(IPV6, 2, "IPv6 address", "RFC 8371")                                                     \
	X(IMSI, 3, "IMSI", "RFC 8371")                                                             \
	X(P_TMSI, 4, "P-TMSI", "RFC 8371")                                                         \
	X(EUI48, 5, "EUI-48", "RFC 8371")                                                          \
	X(EUI64, 6, "EUI-64", "RFC 8371")                                                          \
	X(GUTI, 7, "GUTI", "RFC 8371")                                                             \
	X(DUID, 8, "DUID", "RFC 8371")

/* Mobility Message Authentication subtype: RFC 4285, 5. */
#define CODES_AUTH_LIST(X)                                                                         \
	X(MN_HA, 1, "MN-HA", "RFC 4285")                                                           \
	X(MN_AAA, 2, "MN-AAA", "RFC 4285")

/* Link-Layer Address option code: RFC 5568, 6.4.4. */
#define CODES_LINK_LIST(X) X(MN, 2, "mobile node", "RFC 5568")

/* Handoff Indicator: RFC 5213, 8.4; RFC 7864, 7. */
#define CODES_HANDOFF_LIST(X)                                                                      \
	X(NEW_INTERFACE, 1, "attachment over a new interface", "RFC 5213")                         \
	X(OTHER_INTERFACE, 2, "handoff between two interfaces", "RFC 5213")                        \
	X(OTHER_MAG, 3, "handoff between mobile access gateways for the same interface",           \
		"RFC 5213")                                                                        \
	X(UNKNOWN, 4, "handoff state unknown", "RFC 5213")                                         \
	X(NOT_CHANGED, 5, "handoff state not changed (re-registration)", "RFC 5213")               \
	X(SHARED_PREFIXES, 6, "attachment over a new interface sharing prefixes", "RFC 7864")

/* Access Technology Type: RFC 5213, 8.5; from 6 on 3GPP TS 29.275. */
#define CODES_ACCESS_LIST(X)                                                                       \
	X(VIRTUAL, 1, "virtual", "RFC 5213")                                                       \
	X(PPP, 2, "PPP", "RFC 5213")                                                               \
	X(IEEE_802_3, 3, "IEEE 802.3", "RFC 5213")                                                 \
	X(IEEE_802_11, 4, "IEEE 802.11a/b/g", "RFC 5213")                                          \
	X(IEEE_802_16E, 5, "IEEE 802.16e", "RFC 5213")                                             \
	X(GERAN, 6, "3GPP GERAN", "3GPP TS 29.275")                                                \
	X(UTRAN, 7, "3GPP UTRAN", "3GPP TS 29.275")                                                \
	X(E_UTRAN, 8, "3GPP E-UTRAN", "3GPP TS 29.275")                                            \
	X(EHRPD, 9, "3GPP2 eHRPD", "3GPP TS 29.275")                                               \
	X(HRPD, 10, "3GPP2 HRPD", "3GPP TS 29.275")                                                \
	X(X1RTT, 11, "3GPP2 1xRTT", "3GPP TS 29.275")                                              \
	X(UMB, 12, "3GPP2 UMB", "3GPP TS 29.275")                                                  \
	X(NB_IOT, 13, "3GPP NB-IoT", "3GPP TS 29.275")

enum codes_dns {
#define X(id, code, name, source) CODES_DNS_##id = code,
	CODES_DNS_LIST(X)
#undef X
};

enum codes_ipv4 {
#define X(id, code, name, source) CODES_IPV4_##id = code,
	CODES_IPV4_LIST(X)
#undef X
};

enum codes_flow {
#define X(id, code, name, source) CODES_FLOW_##id = code,
	CODES_FLOW_LIST(X)
#undef X
};

enum codes_bri {
#define X(id, code, name, source) CODES_BRI_##id = code,
	CODES_BRI_LIST(X)
#undef X
};

enum codes_bra {
#define X(id, code, name, source) CODES_BRA_##id = code,
	CODES_BRA_LIST(X)
#undef X
};

enum codes_upn {
#define X(id, code, name, source) CODES_UPN_##id = code,
	CODES_UPN_LIST(X)
#undef X
};

enum codes_upa {
#define X(id, code, name, source) CODES_UPA_##id = code,
	CODES_UPA_LIST(X)
#undef X
};

enum codes_revocation {
#define X(id, code, name, source) CODES_REVOCATION_##id = code,
	CODES_REVOCATION_LIST(X)
#undef X
};

enum codes_mn_id {
#define X(id, code, name, source) CODES_MN_ID_##id = code,
	CODES_MN_ID_LIST(X)
#undef X
};

enum codes_auth {
#define X(id, code, name, source) CODES_AUTH_##id = code,
	CODES_AUTH_LIST(X)
#undef X
};

enum codes_link {
#define X(id, code, name, source) CODES_LINK_##id = code,
	CODES_LINK_LIST(X)
#undef X
};

enum codes_handoff {
#define X(id, code, name, source) CODES_HANDOFF_##id = code,
	CODES_HANDOFF_LIST(X)
#undef X
};

enum codes_access {
#define X(id, code, name, source) CODES_ACCESS_##id = code,
	CODES_ACCESS_LIST(X)
#undef X
};

/* The lists above for printers. */
extern const struct names codes_dns;
extern const struct names codes_ipv4;
extern const struct names codes_flow;
extern const struct names codes_bri;
extern const struct names codes_bra;
extern const struct names codes_upn;
extern const struct names codes_upa;
extern const struct names codes_revocation;
extern const struct names codes_mn_id;
extern const struct names codes_auth;
extern const struct names codes_link;
extern const struct names codes_handoff;
extern const struct names codes_access;
