/* Options of distributed mobility management: RFC 8885 and those without a registered number. */
#include "proto/mobility/mcast.h"
#include "proto/mobility/option_rows.h"

static const struct field anchored_prefix_fields[] = {PREFIX_FIELDS, END};
static const struct field local_prefix_fields[] = {PREFIX_FIELDS, END};
static const struct field previous_maar_fields[] = {
	UINT("prefix_length", 3, 1, previous_maar.prefix_len),
	ADDR6("previous_maar", 4, previous_maar.maar),
	ADDR6("home_network_prefix", 20, previous_maar.prefix), END};
static const struct field serving_maar_fields[] = {ADDR6("serving_maar", 2, ip6.address), END};
static const struct field dlif_link_local_fields[] = {ADDR6("address", 2, ip6.address), END};
static const struct field dlif_link_address_fields[] = {
	REST("link_layer_address", 4, octets.octets), END};

#define ROW_DMM(id, type, name, clause, times, ...)                                                \
	ROW_F(id, type, name, clause, BINDING, times, OPTION_F_DMM, NULL, __VA_ARGS__)

ROW_DMM(anchored_prefix, OPTION_ANCHORED_PREFIX, "Anchored Prefix", "RFC 8885, 4.3", 0,
	LEN(18, 8, 4))
ROW_DMM(local_prefix, OPTION_LOCAL_PREFIX, "Local Prefix", "RFC 8885, 4.4", 0, LEN(18, 8, 4))
ROW_DMM(previous_maar, OPTION_PREVIOUS_MAAR, "Previous MAAR", "RFC 8885, 4.5", 0, LEN(34, 8, 4))
ROW_DMM(serving_maar, OPTION_SERVING_MAAR, "Serving MAAR", "RFC 8885, 4.6", 1, LEN(16, 8, 6))
ROW_DMM(dlif_link_local, OPTION_DLIF_LINK_LOCAL, "DLIF Link-Local Address", "RFC 8885, 4.7", 0,
	LEN(16, 8, 6))
ROW_DMM(dlif_link_address, OPTION_DLIF_LINK_ADDRESS, "DLIF Link-Layer Address", "RFC 8885, 4.8", 0,
	LINK_SHAPES)

/* The draft states no alignment: 8n+2 puts the addresses of an MLDv2 report on their boundary. */
static const struct field multicast_state_fields[] = {
	FIELD_ROW(FIELD_REST, "report", 2, 0, multicast_state.report, .visit = mcast_visit), END};
/* Its layout is that of the Alternate Care-of Address: the draft that described it is lost. */
static const struct field ha_tunnel_fields[] = {ADDR6("address", 2, ip6.address), END};

ROW_F(multicast_state, OPTION_MULTICAST_STATE, "Multicast State",
	"draft-sarikaya-mext-multicastdmm-04, 4.1", BINDING | UPDATES, 0, OPTION_F_ANSWERED, NULL,
	LENS(8, 255, 8, 2))
ROW_F(ha_tunnel, OPTION_HA_TUNNEL, "Alternate Home Agent Tunnel Address",
	"draft-perkins-mext-hatunaddr", IN(MH_BA) | UPDATES, 1, OPTION_F_PER_BID, NULL,
	LEN(16, 8, 6))
