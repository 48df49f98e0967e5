/* Status codes of the Binding Acknowledgement and the Binding Error, with their names.
 * Constant tables: any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/mobility/names.h"

#define STATUS_BA_REJECTED 128 /* from here on the update was rejected (RFC 6275, 6.1.8) */

/* X(enumerator, code, name, RFC). The whole registry "Status Codes" of Mobile IPv6. */
#define STATUS_BA_LIST(X)                                                                          \
	X(ACCEPTED, 0, "accepted", 6275)                                                           \
	X(PREFIX_DISCOVERY, 1, "accepted but prefix discovery necessary", 6275)                    \
	X(GRE_KEY_NOT_REQUIRED, 2, "GRE_KEY_OPTION_NOT_REQUIRED", 5845)                            \
	X(TLV_NOT_SUPPORTED, 3, "GRE_TUNNELING_BUT_TLV_HEADER_NOT_SUPPORTED", 5845)                \
	X(MCOA_NOTCOMPLETE, 4, "MCOA NOTCOMPLETE", 5648)                                           \
	X(MCOA_RETURNHOME, 5, "MCOA RETURNHOME WO/NDP", 5648)                                      \
	X(TB_IGNORED, 6, "PBU_ACCEPTED_TB_IGNORED_SETTINGSMISMATCH", 6058)                         \
	X(UNSPECIFIED, 128, "reason unspecified", 6275)                                            \
	X(PROHIBITED, 129, "administratively prohibited", 6275)                                    \
	X(RESOURCES, 130, "insufficient resources", 6275)                                          \
	X(NO_HOME_REGISTRATION, 131, "home registration not supported", 6275)                      \
	X(NOT_HOME_SUBNET, 132, "not home subnet", 6275)                                           \
	X(NOT_HOME_AGENT, 133, "not home agent for this mobile node", 6275)                        \
	X(DAD_FAILED, 134, "Duplicate Address Detection failed", 6275)                             \
	X(SEQUENCE, 135, "sequence number out of window", 6275)                                    \
	X(HOME_NONCE, 136, "expired home nonce index", 6275)                                       \
	X(CAREOF_NONCE, 137, "expired care-of nonce index", 6275)                                  \
	X(NONCES, 138, "expired nonces", 6275)                                                     \
	X(TYPE_CHANGE, 139, "registration type change disallowed", 6275)                           \
	X(MOBILE_ROUTER, 140, "mobile router operation not permitted", 3963)                       \
	X(INVALID_PREFIX, 141, "invalid prefix", 3963)                                             \
	X(PREFIX_NOT_AUTHORIZED, 142, "not authorized for prefix", 3963)                           \
	X(FORWARDING_SETUP, 143, "forwarding setup failed", 3963)                                  \
	X(ID_MISMATCH, 144, "MIPV6-ID-MISMATCH", 4285)                                             \
	X(MESG_ID_REQUIRED, 145, "MIPV6-MESG-ID-REQD", 4285)                                       \
	X(AUTH_FAIL, 146, "MIPV6-AUTH-FAIL", 4285)                                                 \
	X(TOKEN_UNAVAILABLE, 147, "permanent home keygen token unavailable", 4866)                 \
	X(CGA_FAILED, 148, "CGA and signature verification failed", 4866)                          \
	X(TOKEN_EXISTS, 149, "permanent home keygen token exists", 4866)                           \
	X(NONCE_EXPECTED, 150, "non-null home nonce index expected", 4866)                         \
	X(SERVICE_AUTHORIZATION, 151, "SERVICE_AUTHORIZATION_FAILED", 5149)                        \
	X(PROXY_NOT_ENABLED, 152, "PROXY_REG_NOT_ENABLED", 5213)                                   \
	X(NOT_LMA, 153, "NOT_LMA_FOR_THIS_MOBILE_NODE", 5213)                                      \
	X(MAG_NOT_AUTHORIZED, 154, "MAG_NOT_AUTHORIZED_FOR_PROXY_REG", 5213)                       \
	X(HNP_NOT_AUTHORIZED, 155, "NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX", 5213)                 \
	X(TIMESTAMP_MISMATCH, 156, "TIMESTAMP_MISMATCH", 5213)                                     \
	X(TIMESTAMP_LOWER, 157, "TIMESTAMP_LOWER_THAN_PREV_ACCEPTED", 5213)                        \
	X(MISSING_HNP, 158, "MISSING_HOME_NETWORK_PREFIX_OPTION", 5213)                            \
	X(PREFIX_SET, 159, "BCE_PBU_PREFIX_SET_DO_NOT_MATCH", 5213)                                \
	X(MISSING_MN_ID, 160, "MISSING_MN_IDENTIFIER_OPTION", 5213)                                \
	X(MISSING_HANDOFF, 161, "MISSING_HANDOFF_INDICATOR_OPTION", 5213)                          \
	X(MISSING_ACCESS_TECH, 162, "MISSING_ACCESS_TECH_TYPE_OPTION", 5213)                       \
	X(GRE_KEY_REQUIRED, 163, "GRE_KEY_OPTION_REQUIRED", 5845)                                  \
	X(MCOA_MALFORMED, 164, "MCOA MALFORMED", 5648)                                             \
	X(MCOA_NON_MCOA, 165, "MCOA NON-MCOA BINDING EXISTS", 5648)                                \
	X(MCOA_PROHIBITED, 166, "MCOA PROHIBITED", 5648)                                           \
	X(MCOA_UNKNOWN_COA, 167, "MCOA UNKNOWN COA", 5648)                                         \
	X(MCOA_BULK_PROHIBITED, 168, "MCOA BULK REGISTRATION PROHIBITED", 5648)                    \
	X(MCOA_SIMULTANEOUS, 169, "MCOA SIMULTANEOUS HOME AND FOREIGN PROHIBITED", 5648)           \
	X(NO_IPV4_SERVICE, 170, "NOT_AUTHORIZED_FOR_IPV4_MOBILITY_SERVICE", 5844)                  \
	X(NO_IPV4_HOA, 171, "NOT_AUTHORIZED_FOR_IPV4_HOME_ADDRESS", 5844)                          \
	X(NO_IPV6_SERVICE, 172, "NOT_AUTHORIZED_FOR_IPV6_MOBILITY_SERVICE", 5844)                  \
	X(MULTIPLE_IPV4_HOA, 173, "MULTIPLE_IPV4_HOME_ADDRESS_ASSIGNMENT_NOT_SUPPORTED", 5844)     \
	X(INVALID_COA, 174, "invalid care-of address", 6275)                                       \
	X(INVALID_GROUP, 175, "INVALID_MOBILE_NODE_GROUP_IDENTIFIER", 6602)                        \
	X(REINIT_SA, 176, "REINIT_SA_WITH_HAC", 6618)                                              \
	X(DMNP_NOT_AUTHORIZED, 177, "NOT_AUTHORIZED_FOR_DELEGATED_MNP", 7148)                      \
	X(DMNP_IN_USE, 178, "REQUESTED_DMNP_IN_USE", 7148)                                         \
	X(QOS, 179, "CANNOT_MEET_QOS_SERVICE_REQUEST", 7222)                                       \
	X(MULTIPATH, 180, "CANNOT_SUPPORT_MULTIPATH_BINDING", 8278)

enum status_ba {
#define STATUS_BA_ENUM(id, code, name, rfc) STATUS_BA_##id = code,
	STATUS_BA_LIST(STATUS_BA_ENUM)
#undef STATUS_BA_ENUM
};

/* Binding Error (RFC 6275, 6.1.9). */
enum status_be {
	STATUS_BE_UNKNOWN_BINDING = 1, /* for the home address option of the packet */
	STATUS_BE_UNKNOWN_TYPE = 2,    /* MH Type not recognised */
};

/* The same lists for printers; that of the binding acknowledgement is also that of the Binding
 * Identifier option (RFC 5648, 4.3). */
extern const struct names status_ba_names;
extern const struct names status_be_names;

/* status_ba_name: the registry's name, "unassigned" for a code without one. */
const char *status_ba_name(uint8_t code);

/* status_ba_rfc: number of the RFC that defines the code, 0 when unassigned. */
unsigned status_ba_rfc(uint8_t code);

/* status_ba_accepted: true when the code says that the update was accepted (RFC 6275, 6.1.8). */
static inline bool status_ba_accepted(uint8_t code)
{
	return code < STATUS_BA_REJECTED;
}

/* status_be_name: "unassigned" for a code without a name. */
const char *status_be_name(uint8_t code);
