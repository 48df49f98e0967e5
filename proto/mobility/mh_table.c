#include "proto/mobility/codes.h"
#include "proto/mobility/field_rows.h"
#include "proto/mobility/field_walk.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh.h"
#include "proto/mobility/status.h"

#define FIELD_OF             struct mh
#define LIFETIME(at, member) TIME("lifetime", at, 2, member, "4 s")

static const struct field brr_fields[] = {END};

static const struct field init_fields[] = {UINT("cookie", 8, 8, init.cookie), END};

static const struct field test_fields[] = {UINT("nonce_index", 6, 2, test.nonce_index),
	UINT("cookie", 8, 8, test.cookie), UINT("token", 16, 8, test.token), END};

static const struct field bu_fields[] = {UINT("sequence", 6, 2, bu.sequence),
	FLAGS(8, 2, bu.flags, &flags_bu_set), LIFETIME(10, bu.lifetime), END};

static const struct field ba_fields[] = {NAMED("status", 6, 1, ba.status, &status_ba_names),
	FLAGS(7, 1, ba.flags, &flags_ba_set), UINT("sequence", 8, 2, ba.sequence),
	LIFETIME(10, ba.lifetime), END};

static const struct field be_fields[] = {NAMED("status", 6, 1, be.status, &status_be_names),
	ADDR6("home_address", 8, be.home_address), END};

static const struct field heartbeat_fields[] = {FLAGS(6, 2, heartbeat.flags, &flags_heartbeat_set),
	UINT("sequence", 8, 4, heartbeat.sequence), END};

/* Octet 7 is the trigger of an indication and the status of what answers it. */
static const struct field revocation_fields[] = {
	NAMED("revocation_type", 6, 1, revocation.type, &codes_revocation),
	FIELD_ROW(FIELD_STATUS, "trigger", 7, 1, revocation.trigger, .names = &codes_bri,
		.when = FIELD_WHEN, .when_value = CODES_REVOCATION_INDICATION),
	FIELD_ROW(FIELD_STATUS, "status", 7, 1, revocation.status, .names = &codes_bra,
		.when = FIELD_UNLESS, .when_value = CODES_REVOCATION_INDICATION),
	UINT("sequence", 8, 2, revocation.sequence),
	FLAGS(10, 2, revocation.flags, &flags_revocation_set), END};

static const struct field upn_fields[] = {UINT("sequence", 6, 2, upn.sequence),
	NAMED("reason", 8, 2, upn.reason, &codes_upn), FLAGS(10, 2, upn.flags, &flags_upn_set),
	END};

static const struct field upa_fields[] = {
	UINT("sequence", 6, 2, upa.sequence), NAMED("status", 8, 1, upa.status, &codes_upa), END};

FIELD_WALKS(brr, brr_fields)
FIELD_WALKS(init, init_fields)
FIELD_WALKS(test, test_fields)
FIELD_WALKS(bu, bu_fields)
FIELD_WALKS(ba, ba_fields)
FIELD_WALKS(be, be_fields)
FIELD_WALKS(heartbeat, heartbeat_fields)
FIELD_WALKS(revocation, revocation_fields)
FIELD_WALKS(upn, upn_fields)
FIELD_WALKS(upa, upa_fields)

#define ROW(type_, name_, abbreviation_, clause_, options_at_, minimum_, id_)                      \
	[type_] = {.name = (name_),                                                                \
		.abbreviation = (abbreviation_),                                                   \
		.clause = (clause_),                                                               \
		.type = (type_),                                                                   \
		.options_at = (options_at_),                                                       \
		.minimum = (minimum_),                                                             \
		.fields = id_##_fields,                                                            \
		.walks = {id_##_decode, id_##_encode, id_##_size}}

/* The row of a type stands at its index; a hole has no name. */
static const struct mh_def table[] = {
	ROW(MH_BRR, "Binding Refresh Request", "BRR", "RFC 6275, 6.1.2", 8, 8, brr),
	ROW(MH_HOTI, "Home Test Init", "HoTI", "RFC 6275, 6.1.3", 16, 16, init),
	ROW(MH_COTI, "Care-of Test Init", "CoTI", "RFC 6275, 6.1.4", 16, 16, init),
	ROW(MH_HOT, "Home Test", "HoT", "RFC 6275, 6.1.5", 24, 24, test),
	ROW(MH_COT, "Care-of Test", "CoT", "RFC 6275, 6.1.6", 24, 24, test),
	ROW(MH_BU, "Binding Update", "BU", "RFC 6275, 6.1.7", 12, 16, bu),
	ROW(MH_BA, "Binding Acknowledgement", "BA", "RFC 6275, 6.1.8", 12, 16, ba),
	ROW(MH_BE, "Binding Error", "BE", "RFC 6275, 6.1.9", 24, 24, be),
	ROW(MH_HEARTBEAT, "Heartbeat", "HB", "RFC 5847, 3.3", 12, 16, heartbeat),
	ROW(MH_REVOCATION, "Binding Revocation", "BR", "RFC 5846, 5", 12, 16, revocation),
	ROW(MH_UPN, "Update Notification", "UPN", "RFC 7077, 4.1", 12, 16, upn),
	ROW(MH_UPA, "Update Notification Acknowledgement", "UPA", "RFC 7077, 4.2", 12, 16, upa),
};

const struct mh_def *mh_def_find(uint8_t type)
{
	if (type >= sizeof(table) / sizeof(table[0]) || !table[type].name)
		return NULL;
	return &table[type];
}

const char *mh_type_name(uint8_t type)
{
	const struct mh_def *def = mh_def_find(type);

	return def ? def->name : "unknown";
}

const char *mh_name(const struct mh *mh)
{
	if (mh->type == MH_BU && mh->bu.flags & FLAGS_BU_P)
		return "Proxy Binding Update";
	if (mh->type == MH_BA && mh->ba.flags & FLAGS_BA_P)
		return "Proxy Binding Acknowledgement";
	if (mh->type == MH_REVOCATION && mh->revocation.type == CODES_REVOCATION_INDICATION)
		return "Binding Revocation Indication";
	if (mh->type == MH_REVOCATION && mh->revocation.type == CODES_REVOCATION_ACKNOWLEDGEMENT)
		return "Binding Revocation Acknowledgement";
	return mh_type_name(mh->type);
}
