/* Options of mobile nodes with several care-of addresses, flows and IPv4. */
#include "proto/mobility/codes.h"
#include "proto/mobility/flow.h"
#include "proto/mobility/option_rows.h"
#include "proto/mobility/status.h"

/* RFC 5555 */
static const struct field ip4_home_fields[] = {
	BITS("prefix_length", 2, 2, 0xfc00, ip4_home.prefix_len),
	BOOL("request_prefix", 2, 2, 0x0200, ip4_home.request_prefix),
	ADDR4("home_address", 4, ip4_home.address), END};
static const struct field ip4_ack_fields[] = {NAMED("status", 2, 1, ip4_reply.status, &codes_ipv4),
	BITS("prefix_length", 3, 1, 0xfc, ip4_reply.prefix_len),
	ADDR4("home_address", 4, ip4_reply.address), END};
static const struct field nat_detection_fields[] = {
	BOOL("force_udp", 2, 2, 0x8000, nat_detection.force),
	TIME("refresh_time", 4, 4, nat_detection.refresh, "s"), END};
static const struct field ip4_coa_fields[] = {ADDR4("care_of_address", 4, ip4.address), END};

ROW(ip4_home, OPTION_IP4_HOME, "IPv4 Home Address", "RFC 5555, 3.1.1",
	IN(MH_BU) | IN(MH_REVOCATION) | UPDATES, 0, LEN(6, 4, 0))
ROW(ip4_ack, OPTION_IP4_ACK, "IPv4 Address Acknowledgement", "RFC 5555, 3.2.1", IN(MH_BA) | UPDATES,
	0, LEN(6, 4, 0))
ROW(nat_detection, OPTION_NAT_DETECTION, "NAT Detection", "RFC 5555, 3.2.2", IN(MH_BA) | UPDATES, 1,
	LEN(6, 4, 0))
ROW(ip4_coa, OPTION_IP4_COA, "IPv4 Care-of Address", "RFC 5555, 3.1.2", IN(MH_BU) | UPDATES, 1,
	LEN(6, 4, 0))

/* RFC 5648; BID-PRI: RFC 6089, 4.1 */
static const struct field bid_fields[] = {UINT("bid", 2, 2, bid.bid),
	NAMED("status", 4, 1, bid.status, &status_ba_names), BOOL("home", 5, 1, 0x80, bid.home),
	BITS("priority", 5, 1, 0x7f, bid.priority), ADDR("care_of_address", 6, bid.coa), END};

/* Also in a Binding Revocation (RFC 5846, 5.1 and 5.2). */
ROW_F(bid, OPTION_BID, "Binding Identifier", "RFC 5648, 4.3",
	BINDING | IN(MH_BRR) | IN(MH_COTI) | IN(MH_COT) | IN(MH_REVOCATION) | UPDATES, 0,
	OPTION_F_ANSWERED, NULL, LEN(4, 2, 0), LEN(8, 8, 2), LEN(20, 8, 2))

/* RFC 6089 */
static const struct field flow_summary_fields[] = {LIST16("fids", 2, flow_summary.fids), END};
static const struct field flow_id_fields[] = {UINT("fid", 2, 2, flow_id.fid),
	UINT("priority", 4, 2, flow_id.priority),
	NAMED("status", 7, 1, flow_id.status, &codes_flow),
	FIELD_ROW(FIELD_REST, "sub_options", 8, 0, flow_id.subs, .visit = flow_visit), END};

ROW(flow_summary, OPTION_FLOW_SUMMARY, "Flow Summary", "RFC 6089, 4.2.2", IN(MH_BU) | UPDATES, 0,
	STEPS(2, 254, 2, 2, 0))
/* 2n is what the RFC asks for; with sub-options 8n keeps the alignment of theirs. */
ROW(flow_id, OPTION_FLOW_ID, "Flow Identification", "RFC 6089, 4.2", BINDING | UPDATES, 0,
	LEN(6, 2, 0), LENS(7, 255, 8, 0))
