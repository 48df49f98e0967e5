/* How rows of the table of options are written. The rows stand by family in option_*.c; the table
 * in option_table.c lists them by number. Inside this folder only.
 *
 * A new option is a number in option.h, a struct in option_body.h unless one fits, a list of fields
 * and a ROW in its family, a line in OPTION_ROWS, golden octets in its test; then wire-doc writes
 * docs/wire.md again. */
#pragma once

#include "proto/mobility/field_rows.h"
#include "proto/mobility/field_walk.h"
#include "proto/mobility/mh.h"

/* Fields: `at` counts from the Type octet. */
#define FIELD_OF struct mh_option

#define PREFIX_FIELDS UINT("prefix_length", 3, 1, prefix.len), ADDR6("prefix", 4, prefix.prefix)
/* A subtype, which must be the first row, and at octet AT an identifier: a name or octets. */
#define IDENTIFIER_FIELDS(at)                                                                      \
	NAMED("subtype", 2, 1, mn_id.subtype, &codes_mn_id),                                       \
		FIELD_ROW(FIELD_TEXT, "identifier", at, 0, mn_id.id, .when = FIELD_WHEN,           \
			.when_value = CODES_MN_ID_NAI),                                            \
		FIELD_ROW(FIELD_REST, "identifier", at, 0, mn_id.id, .when = FIELD_UNLESS,         \
			.when_value = CODES_MN_ID_NAI)

/* Messages. Any option may stand in an Update Notification and its acknowledgement (RFC 7077, 4.1
 * and 4.2). */
#define IN(type)     (UINT32_C(1) << (type))
#define UPDATES      (IN(MH_UPN) | IN(MH_UPA))
#define BINDING      (IN(MH_BU) | IN(MH_BA))
#define ALL_MESSAGES UINT32_MAX

/* Shapes: lengths with the alignment n * k + m that goes with them. */
#define LEN(len, n, m)                                                                             \
	{                                                                                          \
		len, len, n, m, 0                                                                  \
	}
#define LENS(min, max, n, m)                                                                       \
	{                                                                                          \
		min, max, n, m, 0                                                                  \
	}
#define STEPS(min, max, step, n, m)                                                                \
	{                                                                                          \
		min, max, n, m, step                                                               \
	}
#define ANY(min, max) LENS(min, max, 1, 0)
/* Octets that hold an identifier of a link: by its size (RFC 6275, 6.2.1). */
#define LINK_SHAPES LEN(6, 4, 0), LEN(10, 8, 4), LENS(2, 255, 2, 0)

/* ROW(id, number, name, clause, messages, times, shapes...), ROW_F with flags and agrees. */
#define ROW_F(id_, type_, name_, clause_, messages_, times_, flags_, agrees_, ...)                 \
	FIELD_WALKS(id_, id_##_fields)                                                             \
	const struct option_def option_def_##id_ = {.type = (type_),                               \
		.name = (name_),                                                                   \
		.clause = (clause_),                                                               \
		.messages = (messages_),                                                           \
		.times = (times_),                                                                 \
		.flags = (flags_),                                                                 \
		.agrees = (agrees_),                                                               \
		.fields = id_##_fields,                                                            \
		.walks = {id_##_decode, id_##_encode, id_##_size},                                 \
		.shapes = {__VA_ARGS__}};
#define ROW(id, type, name, clause, messages, times, ...)                                          \
	ROW_F(id, type, name, clause, messages, times, 0, NULL, __VA_ARGS__)

/* X(id, number): every row. */
#define OPTION_ROWS(X)                                                                             \
	X(pad1, OPTION_PAD1)                                                                       \
	X(padn, OPTION_PADN)                                                                       \
	X(refresh_advice, OPTION_REFRESH_ADVICE)                                                   \
	X(alternate_coa, OPTION_ALTERNATE_COA)                                                     \
	X(nonce_indices, OPTION_NONCE_INDICES)                                                     \
	X(authorization_data, OPTION_AUTHORIZATION_DATA)                                           \
	X(mobile_network_prefix, OPTION_MOBILE_NETWORK_PREFIX)                                     \
	X(link_address, OPTION_LINK_ADDRESS)                                                       \
	X(mn_id, OPTION_MN_ID)                                                                     \
	X(auth, OPTION_AUTH)                                                                       \
	X(mesg_id, OPTION_MESG_ID)                                                                 \
	X(dns_update, OPTION_DNS_UPDATE)                                                           \
	X(experimental, OPTION_EXPERIMENTAL)                                                       \
	X(vendor, OPTION_VENDOR)                                                                   \
	X(service_selection, OPTION_SERVICE_SELECTION)                                             \
	X(home_network_prefix, OPTION_HOME_NETWORK_PREFIX)                                         \
	X(handoff, OPTION_HANDOFF)                                                                 \
	X(access_technology, OPTION_ACCESS_TECHNOLOGY)                                             \
	X(mn_link_id, OPTION_MN_LINK_ID)                                                           \
	X(link_local, OPTION_LINK_LOCAL)                                                           \
	X(timestamp, OPTION_TIMESTAMP)                                                             \
	X(restart_counter, OPTION_RESTART_COUNTER)                                                 \
	X(ip4_home, OPTION_IP4_HOME)                                                               \
	X(ip4_ack, OPTION_IP4_ACK)                                                                 \
	X(nat_detection, OPTION_NAT_DETECTION)                                                     \
	X(ip4_coa, OPTION_IP4_COA)                                                                 \
	X(gre_key, OPTION_GRE_KEY)                                                                 \
	X(bid, OPTION_BID)                                                                         \
	X(ip4_request, OPTION_IP4_REQUEST)                                                         \
	X(ip4_reply, OPTION_IP4_REPLY)                                                             \
	X(ip4_router, OPTION_IP4_ROUTER)                                                           \
	X(dhcp_mode, OPTION_DHCP_MODE)                                                             \
	X(flow_summary, OPTION_FLOW_SUMMARY)                                                       \
	X(flow_id, OPTION_FLOW_ID)                                                                 \
	X(delegated_prefix, OPTION_DELEGATED_PREFIX)                                               \
	X(lma_address, OPTION_LMA_ADDRESS)                                                         \
	X(mag_multipath, OPTION_MAG_MULTIPATH)                                                     \
	X(mag_id, OPTION_MAG_ID)                                                                   \
	X(anchored_prefix, OPTION_ANCHORED_PREFIX)                                                 \
	X(local_prefix, OPTION_LOCAL_PREFIX)                                                       \
	X(previous_maar, OPTION_PREVIOUS_MAAR)                                                     \
	X(serving_maar, OPTION_SERVING_MAAR)                                                       \
	X(dlif_link_local, OPTION_DLIF_LINK_LOCAL)                                                 \
	X(dlif_link_address, OPTION_DLIF_LINK_ADDRESS)                                             \
	X(multicast_state, OPTION_MULTICAST_STATE)                                                 \
	X(ha_tunnel, OPTION_HA_TUNNEL)

#define OPTION_ROW_DECLARE(id, number) extern const struct option_def option_def_##id;
OPTION_ROWS(OPTION_ROW_DECLARE)
#undef OPTION_ROW_DECLARE

/* The row of a type stands at its index; a hole is NULL. */
extern const struct option_def *const option_rows[OPTION_TYPE_COUNT];
