#include "proto/mobility/codes.h"

#define ROW(id, code, name, source) {code, name, source},
#define NAMES(names_, title_, LIST)                                                                \
	static const struct name names_##_rows[] = {LIST(ROW)};                                    \
	const struct names codes_##names_ = {                                                      \
		title_, names_##_rows, sizeof(names_##_rows) / sizeof(names_##_rows[0])};

NAMES(dns, "DNS Update status", CODES_DNS_LIST)
NAMES(ipv4, "IPv4 Address Acknowledgement status", CODES_IPV4_LIST)
NAMES(flow, "Flow Identification status", CODES_FLOW_LIST)
NAMES(bri, "Binding Revocation trigger", CODES_BRI_LIST)
NAMES(bra, "Binding Revocation Acknowledgement status", CODES_BRA_LIST)
NAMES(upn, "Update Notification reason", CODES_UPN_LIST)
NAMES(upa, "Update Notification Acknowledgement status", CODES_UPA_LIST)
NAMES(revocation, "Binding Revocation type", CODES_REVOCATION_LIST)
NAMES(mn_id, "Mobile Node Identifier subtype", CODES_MN_ID_LIST)
NAMES(auth, "Mobility Message Authentication subtype", CODES_AUTH_LIST)
NAMES(link, "Link-Layer Address option code", CODES_LINK_LIST)
NAMES(handoff, "Handoff Indicator", CODES_HANDOFF_LIST)
NAMES(access, "Access Technology Type", CODES_ACCESS_LIST)
