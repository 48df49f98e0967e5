#include "proto/mobility/mh.h"

#define ALL_MESSAGES UINT32_MAX
#define IN(type)     (UINT32_C(1) << (type))
#define ANY(min, max)                                                                              \
	{                                                                                          \
		min, max, 1, 0                                                                     \
	}

#define UINT(name_, at_, size_, member_)                                                           \
	{                                                                                          \
		.name = (name_), .kind = FIELD_UINT, .at = (at_), .size = (size_),                 \
		.width = sizeof(((struct mh_option *)0)->member_),                                 \
		.member = offsetof(struct mh_option, member_)                                      \
	}
#define ADDR6(name_, at_, member_)                                                                 \
	{                                                                                          \
		.name = (name_), .kind = FIELD_ADDR6, .at = (at_), .size = 16,                     \
		.member = offsetof(struct mh_option, member_)                                      \
	}
#define REST(name_, at_, member_)                                                                  \
	{                                                                                          \
		.name = (name_), .kind = FIELD_REST, .at = (at_),                                  \
		.member = offsetof(struct mh_option, member_)                                      \
	}
#define END                                                                                        \
	{                                                                                          \
		.kind = FIELD_END                                                                  \
	}

static const struct field no_fields[] = {END};

static const struct field refresh_advice_fields[] = {
	UINT("interval", 2, 2, refresh_advice.interval), END};

static const struct field alternate_coa_fields[] = {
	ADDR6("care_of_address", 2, alternate_coa.coa), END};

static const struct field nonce_indices_fields[] = {
	UINT("home", 2, 2, nonce_indices.home), UINT("care_of", 4, 2, nonce_indices.careof), END};

static const struct field authorization_data_fields[] = {
	REST("authenticator", 2, authorization_data.authenticator), END};

static const struct field mn_id_fields[] = {
	UINT("subtype", 2, 1, mn_id.subtype), REST("identifier", 3, mn_id.id), END};

static const struct field auth_fields[] = {UINT("subtype", 2, 1, auth.subtype),
	UINT("spi", 3, 4, auth.spi), REST("authenticator", 7, auth.data), END};

static const struct field mesg_id_fields[] = {UINT("timestamp", 2, 8, mesg_id.timestamp), END};

/* The row of a type stands at its index; a hole has no name. */
static const struct option_def table[] = {
	[OPTION_PAD1] = {.type = OPTION_PAD1,
		.name = "Pad1",
		.clause = "RFC 6275, 6.2.2",
		.shapes = {ANY(0, 0)},
		.messages = ALL_MESSAGES,
		.flags = OPTION_F_PAD,
		.fields = no_fields},
	[OPTION_PADN] = {.type = OPTION_PADN,
		.name = "PadN",
		.clause = "RFC 6275, 6.2.3",
		.shapes = {ANY(0, 255)},
		.messages = ALL_MESSAGES,
		.flags = OPTION_F_PAD,
		.fields = no_fields},
	[OPTION_REFRESH_ADVICE] = {.type = OPTION_REFRESH_ADVICE,
		.name = "Binding Refresh Advice",
		.clause = "RFC 6275, 6.2.4",
		.shapes = {{2, 2, 2, 0}},
		.messages = IN(MH_BA),
		.times = 1,
		.fields = refresh_advice_fields},
	[OPTION_ALTERNATE_COA] = {.type = OPTION_ALTERNATE_COA,
		.name = "Alternate Care-of Address",
		.clause = "RFC 6275, 6.2.5",
		.shapes = {{16, 16, 8, 6}},
		.messages = IN(MH_BU),
		.times = 1,
		.fields = alternate_coa_fields},
	[OPTION_NONCE_INDICES] = {.type = OPTION_NONCE_INDICES,
		.name = "Nonce Indices",
		.clause = "RFC 6275, 6.2.6",
		.shapes = {{4, 4, 2, 0}},
		.messages = IN(MH_BU),
		.times = 1,
		.fields = nonce_indices_fields},
	[OPTION_AUTHORIZATION_DATA] = {.type = OPTION_AUTHORIZATION_DATA,
		.name = "Binding Authorization Data",
		.clause = "RFC 6275, 6.2.7",
		.shapes = {{12, 12, 8, 2}},
		.messages = IN(MH_BU) | IN(MH_BA),
		.times = 1,
		.flags = OPTION_F_AUTHENTICATES | OPTION_F_LAST,
		.fields = authorization_data_fields},
	[OPTION_MN_ID] = {.type = OPTION_MN_ID,
		.name = "Mobile Node Identifier",
		.clause = "RFC 4283, 3",
		.shapes = {ANY(1, 255)},
		.messages = ALL_MESSAGES,
		.flags = OPTION_F_PROTECTED,
		.fields = mn_id_fields},
	[OPTION_AUTH] = {.type = OPTION_AUTH,
		.name = "Mobility Message Authentication",
		.clause = "RFC 4285, 5",
		.shapes = {{5, 255, 4, 1}},
		.messages = IN(MH_BU) | IN(MH_BA),
		.flags = OPTION_F_AUTHENTICATES,
		.fields = auth_fields},
	[OPTION_MESG_ID] = {.type = OPTION_MESG_ID,
		.name = "Mobility Message Replay Protection",
		.clause = "RFC 4285, 6",
		.shapes = {{8, 8, 8, 2}},
		.messages = IN(MH_BU) | IN(MH_BA),
		.times = 1,
		.flags = OPTION_F_PROTECTED,
		.fields = mesg_id_fields},
};

const struct option_def *option_def_find(uint16_t type)
{
	if (type >= sizeof(table) / sizeof(table[0]) || !table[type].name)
		return NULL;
	return &table[type];
}
