/* Options of Mobile IPv6 and its first extensions. */
#include "proto/mobility/codes.h"
#include "proto/mobility/option_rows.h"

static const struct field pad1_fields[] = {END};
static const struct field padn_fields[] = {END};
static const struct field refresh_advice_fields[] = {
	TIME("interval", 2, 2, refresh_advice.interval, "4 s"), END};
static const struct field alternate_coa_fields[] = {
	ADDR6("care_of_address", 2, alternate_coa.coa), END};
static const struct field nonce_indices_fields[] = {
	UINT("home", 2, 2, nonce_indices.home), UINT("care_of", 4, 2, nonce_indices.careof), END};
static const struct field authorization_data_fields[] = {
	REST("authenticator", 2, authorization_data.authenticator), END};
static const struct field mobile_network_prefix_fields[] = {
	UINT("prefix_length", 3, 1, prefix.len), ADDR6("prefix", 4, prefix.prefix), END};
static const struct field link_address_fields[] = {
	NAMED("option_code", 2, 1, link_address.code, &codes_link),
	REST("link_layer_address", 3, link_address.address), END};
static const struct field mn_id_fields[] = {IDENTIFIER_FIELDS(3), END};
static const struct field auth_fields[] = {NAMED("subtype", 2, 1, auth.subtype, &codes_auth),
	UINT("spi", 3, 4, auth.spi), REST("authenticator", 7, auth.data), END};
static const struct field mesg_id_fields[] = {UINT("timestamp", 2, 8, mesg_id.timestamp), END};
static const struct field dns_update_fields[] = {
	NAMED("status", 2, 1, dns_update.status, &codes_dns),
	BOOL("remove", 3, 1, 0x80, dns_update.remove), TEXT("fqdn", 4, dns_update.fqdn), END};
static const struct field experimental_fields[] = {REST("data", 2, octets.octets), END};
static const struct field vendor_fields[] = {UINT("vendor", 2, 4, vendor.vendor),
	UINT("subtype", 6, 1, vendor.subtype), REST("data", 7, vendor.data), END};
static const struct field service_selection_fields[] = {TEXT("identifier", 2, octets.octets), END};

ROW_F(pad1, OPTION_PAD1, "Pad1", "RFC 6275, 6.2.2", ALL_MESSAGES, 0, OPTION_F_PAD, NULL, ANY(0, 0))
ROW_F(padn, OPTION_PADN, "PadN", "RFC 6275, 6.2.3", ALL_MESSAGES, 0, OPTION_F_PAD, NULL,
	ANY(0, 255))
ROW(refresh_advice, OPTION_REFRESH_ADVICE, "Binding Refresh Advice", "RFC 6275, 6.2.4",
	IN(MH_BA) | UPDATES, 1, LEN(2, 2, 0))
/* Also in a Binding Revocation (RFC 5846, 5.1), and in a Binding Acknowledgement, where it is the
 * address of the data plane (draft-sarikaya-mext-multicastdmm-04, 9). */
ROW_F(alternate_coa, OPTION_ALTERNATE_COA, "Alternate Care-of Address", "RFC 6275, 6.2.5",
	IN(MH_BU) | IN(MH_BA) | IN(MH_REVOCATION) | UPDATES, 1, OPTION_F_PER_BID, NULL,
	LEN(16, 8, 6))
ROW(nonce_indices, OPTION_NONCE_INDICES, "Nonce Indices", "RFC 6275, 6.2.6", IN(MH_BU), 1,
	LEN(4, 2, 0))
ROW_F(authorization_data, OPTION_AUTHORIZATION_DATA, "Binding Authorization Data",
	"RFC 6275, 6.2.7", BINDING, 1, OPTION_F_AUTHENTICATES | OPTION_F_LAST, NULL, LEN(12, 8, 2))
ROW(mobile_network_prefix, OPTION_MOBILE_NETWORK_PREFIX, "Mobile Network Prefix", "RFC 3963, 4.3",
	IN(MH_BU) | UPDATES, 0, LEN(18, 8, 4))
ROW(link_address, OPTION_LINK_ADDRESS, "Mobility Header Link-Layer Address", "RFC 5568, 6.4.4",
	ALL_MESSAGES, 0, ANY(1, 255))
ROW_F(mn_id, OPTION_MN_ID, "Mobile Node Identifier", "RFC 4283, 3", ALL_MESSAGES, 0,
	OPTION_F_PROTECTED, NULL, ANY(1, 255))
/* Also in the messages that have to be protected as updates are (RFC 5846, 6.1; RFC 5847, 6; RFC
 * 7077, 8). */
ROW_F(auth, OPTION_AUTH, "Mobility Message Authentication", "RFC 4285, 5",
	BINDING | IN(MH_REVOCATION) | IN(MH_HEARTBEAT) | UPDATES, 0, OPTION_F_AUTHENTICATES, NULL,
	LENS(5, 255, 4, 1))
ROW_F(mesg_id, OPTION_MESG_ID, "Mobility Message Replay Protection", "RFC 4285, 6", BINDING, 1,
	OPTION_F_PROTECTED, NULL, LEN(8, 8, 2))
ROW(dns_update, OPTION_DNS_UPDATE, "DNS Update", "RFC 5026, 8.1", BINDING | UPDATES, 1, ANY(2, 255))
ROW(experimental, OPTION_EXPERIMENTAL, "Experimental", "RFC 5096, 4", ALL_MESSAGES, 0, ANY(0, 255))
ROW(vendor, OPTION_VENDOR, "Vendor Specific", "RFC 5094, 3", ALL_MESSAGES, 0, LENS(5, 255, 4, 2))
ROW_F(service_selection, OPTION_SERVICE_SELECTION, "Service Selection", "RFC 5149, 3",
	IN(MH_BU) | UPDATES, 1, OPTION_F_PROTECTED, NULL, ANY(1, 255))
