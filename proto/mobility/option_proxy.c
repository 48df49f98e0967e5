/* Options of Proxy Mobile IPv6 and its extensions. */
#include "proto/mobility/codes.h"
#include "proto/mobility/option_rows.h"

/* RFC 5213; the L flag: RFC 7864, 4.1 */
static const struct field home_network_prefix_fields[] = {
	BOOL("off_link", 2, 1, 0x80, prefix.offlink), PREFIX_FIELDS, END};
static const struct field handoff_fields[] = {
	NAMED("handoff_indicator", 3, 1, handoff.value, &codes_handoff), END};
static const struct field access_technology_fields[] = {
	NAMED("access_technology", 3, 1, access.value, &codes_access), END};
static const struct field mn_link_id_fields[] = {REST("identifier", 4, octets.octets), END};
static const struct field link_local_fields[] = {ADDR6("address", 2, ip6.address), END};
static const struct field timestamp_fields[] = {
	TIME("timestamp", 2, 8, timestamp.time, "1/65536 s"), END};
static const struct field restart_counter_fields[] = {
	UINT("restart_counter", 2, 4, restart_counter.counter), END};

/* Also in a Binding Revocation (RFC 5846, 5.1 and 5.2). */
ROW(home_network_prefix, OPTION_HOME_NETWORK_PREFIX, "Home Network Prefix", "RFC 5213, 8.3",
	BINDING | IN(MH_REVOCATION) | UPDATES, 0, LEN(18, 8, 4))
ROW(handoff, OPTION_HANDOFF, "Handoff Indicator", "RFC 5213, 8.4", BINDING | UPDATES, 1, ANY(2, 2))
ROW(access_technology, OPTION_ACCESS_TECHNOLOGY, "Access Technology Type", "RFC 5213, 8.5",
	BINDING | UPDATES, 1, ANY(2, 2))
ROW(mn_link_id, OPTION_MN_LINK_ID, "Mobile Node Link-layer Identifier", "RFC 5213, 8.6",
	BINDING | UPDATES, 1, LINK_SHAPES)
ROW(link_local, OPTION_LINK_LOCAL, "Link-local Address", "RFC 5213, 8.7", BINDING | UPDATES, 1,
	LEN(16, 8, 6))
/* In a revocation it says that the message is new: RFC 5846 leaves that to what protects it. */
ROW(timestamp, OPTION_TIMESTAMP, "Timestamp", "RFC 5213, 8.8",
	BINDING | UPDATES | IN(MH_REVOCATION), 1, LEN(8, 8, 2))
ROW(restart_counter, OPTION_RESTART_COUNTER, "Restart Counter", "RFC 5847, 3.4", IN(MH_HEARTBEAT),
	1, LEN(4, 4, 2))

/* RFC 5845, RFC 5844 */
static const struct field gre_key_fields[] = {MAYBE("gre_key", 4, gre_key.key), END};
static const struct field ip4_request_fields[] = {
	BITS("prefix_length", 2, 2, 0xfc00, ip4_home.prefix_len),
	ADDR4("home_address", 4, ip4_home.address), END};
static const struct field ip4_reply_fields[] = {
	NAMED("status", 2, 1, ip4_reply.status, &codes_ipv4),
	BITS("prefix_length", 3, 1, 0xfc, ip4_reply.prefix_len),
	ADDR4("home_address", 4, ip4_reply.address), END};
static const struct field ip4_router_fields[] = {ADDR4("default_router", 4, ip4.address), END};
static const struct field dhcp_mode_fields[] = {
	BOOL("dhcp_server", 2, 2, 0x0001, dhcp_mode.server), END};

ROW(gre_key, OPTION_GRE_KEY, "GRE Key", "RFC 5845, 6.1", BINDING | UPDATES, 1, LEN(2, 4, 0),
	LEN(6, 4, 0))
/* Also in a Binding Revocation (RFC 5846, 5.1). */
ROW(ip4_request, OPTION_IP4_REQUEST, "IPv4 Home Address Request", "RFC 5844, 3.3.1",
	IN(MH_BU) | IN(MH_REVOCATION) | UPDATES, 0, LEN(6, 4, 0))
ROW(ip4_reply, OPTION_IP4_REPLY, "IPv4 Home Address Reply", "RFC 5844, 3.3.2", IN(MH_BA) | UPDATES,
	0, LEN(6, 4, 0))
ROW(ip4_router, OPTION_IP4_ROUTER, "IPv4 Default-Router Address", "RFC 5844, 3.3.3",
	IN(MH_BA) | UPDATES, 1, LEN(6, 4, 0))
ROW(dhcp_mode, OPTION_DHCP_MODE, "IPv4 DHCP Support Mode", "RFC 5844, 3.3.4", IN(MH_BA) | UPDATES,
	1, ANY(2, 2))

/* RFC 7148, RFC 7389, RFC 8278 */
static const struct field delegated_prefix_fields[] = {
	BOOL("ipv4", 2, 1, 0x80, delegated_prefix.is_ip4),
	UINT("prefix_length", 3, 1, delegated_prefix.prefix_len),
	ADDR("prefix", 4, delegated_prefix.prefix), END};
static const struct field lma_address_fields[] = {ADDR("address", 4, lma_address.address), END};
static const struct field mag_multipath_fields[] = {
	NAMED("access_technology", 2, 1, mag_multipath.access, &codes_access),
	UINT("interface_label", 3, 1, mag_multipath.label), UINT("bid", 4, 1, mag_multipath.bid),
	BOOL("bulk", 5, 1, 0x80, mag_multipath.bulk),
	BOOL("overwrite", 5, 1, 0x40, mag_multipath.overwrite), END};
static const struct field mag_id_fields[] = {IDENTIFIER_FIELDS(4), END};

static bool delegated_prefix_agrees(const struct mh_option *option)
{
	const struct option_delegated_prefix *body = &option->delegated_prefix;

	return body->prefix.len ==
	       (body->is_ip4 ? sizeof(struct in_addr) : sizeof(struct in6_addr));
}

ROW_F(delegated_prefix, OPTION_DELEGATED_PREFIX, "Delegated Mobile Network Prefix", "RFC 7148, 4.1",
	BINDING | UPDATES, 0, 0, delegated_prefix_agrees, LEN(6, 8, 2), LEN(18, 8, 2))
/* One for each address family. */
ROW(lma_address, OPTION_LMA_ADDRESS, "LMA User-Plane Address", "RFC 7389, 4", BINDING | UPDATES, 2,
	LEN(2, 8, 2), LEN(6, 8, 2), LEN(18, 8, 2))
ROW(mag_multipath, OPTION_MAG_MULTIPATH, "MAG Multipath Binding", "RFC 8278, 4.1",
	BINDING | UPDATES, 0, ANY(6, 6))
ROW(mag_id, OPTION_MAG_ID, "MAG Identifier", "RFC 8278, 4.2", BINDING | UPDATES, 1, ANY(2, 255))
