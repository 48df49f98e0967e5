#include "proto/mobility/flags.h"

#include <stdio.h>

#define P FLAGS_BU_P

static const struct flags_def bu_table[] = {
	{FLAGS_BU_A, 0, 0, 'A', "acknowledge", "RFC 6275"},
	{FLAGS_BU_H, 0, 0, 'H', "home registration", "RFC 6275"},
	{FLAGS_BU_L, 0, 0, 'L', "link-local address compatibility", "RFC 6275"},
	{FLAGS_BU_K, 0, 0, 'K', "key management mobility capability", "RFC 6275"},
	{FLAGS_BU_M, 0, 0, 'M', "MAP registration", "RFC 5380"},
	{FLAGS_BU_R, 0, 0, 'R', "mobile router", "RFC 3963"},
	{FLAGS_BU_P, 0, 0, 'P', "proxy registration", "RFC 5213"},
	{FLAGS_BU_F, 0, 0, 'F', "force UDP encapsulation", "RFC 5555"},
	{FLAGS_BU_T, 0, 0, 'T', "TLV-header format", "RFC 5845"},
	{FLAGS_BU_O, 0, P, 'O', "overwrite all bindings", "RFC 5648"},
	{FLAGS_BU_B, P, 0, 'B', "bulk binding update", "RFC 6602"},
	{FLAGS_BU_S, 0, 0, 'S', "multicast signalling", "RFC 7161"},
	{FLAGS_BU_D, 0, 0, 'D', "distributed mobility management", "RFC 8885"},
};

static const struct flags_def ba_table[] = {
	{FLAGS_BA_K, 0, 0, 'K', "key management mobility capability", "RFC 6275"},
	{FLAGS_BA_R, 0, 0, 'R', "mobile router", "RFC 3963"},
	{FLAGS_BA_P, 0, 0, 'P', "proxy registration", "RFC 5213"},
	{FLAGS_BA_T, 0, 0, 'T', "TLV-header format", "RFC 5845"},
	{FLAGS_BA_B, 0, 0, 'B', "bulk binding update", "RFC 6602"},
	{FLAGS_BA_S, 0, 0, 'S', "multicast signalling", "RFC 7161"},
	{FLAGS_BA_D, 0, 0, 'D', "distributed mobility management", "RFC 8885"},
};

static const struct flags_def heartbeat_table[] = {
	{FLAGS_HEARTBEAT_U, 0, 0, 'U', "unsolicited response", "RFC 5847"},
	{FLAGS_HEARTBEAT_R, 0, 0, 'R', "response", "RFC 5847"},
};

static const struct flags_def revocation_table[] = {
	{FLAGS_REVOCATION_P, 0, 0, 'P', "proxy binding", "RFC 5846"},
	{FLAGS_REVOCATION_V, 0, 0, 'V', "IPv4 home address binding only", "RFC 5846"},
	{FLAGS_REVOCATION_G, 0, 0, 'G', "global", "RFC 5846"},
};

static const struct flags_def upn_table[] = {
	{FLAGS_UPN_A, 0, 0, 'A', "acknowledge", "RFC 7077"},
	{FLAGS_UPN_D, 0, 0, 'D', "retransmission", "RFC 7077"},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const struct flags_set flags_bu_set = {bu_table, COUNT(bu_table)};
const struct flags_set flags_ba_set = {ba_table, COUNT(ba_table)};
const struct flags_set flags_heartbeat_set = {heartbeat_table, COUNT(heartbeat_table)};
const struct flags_set flags_revocation_set = {revocation_table, COUNT(revocation_table)};
const struct flags_set flags_upn_set = {upn_table, COUNT(upn_table)};

const struct flags_def *flags_bu_table(size_t *count)
{
	*count = COUNT(bu_table);
	return bu_table;
}

const struct flags_def *flags_ba_table(size_t *count)
{
	*count = COUNT(ba_table);
	return ba_table;
}

const char *flags_print(const struct flags_set *set, unsigned flags, char *buf, size_t size)
{
	char letters[16 + 1];
	unsigned rest = flags;
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct flags_def *def = &set->rows[i];

		if (!(flags & def->mask) || (flags & def->with) != def->with ||
			flags & def->without || n + 1 >= sizeof(letters))
			continue;
		letters[n++] = def->letter;
		rest &= ~(unsigned)def->mask;
	}
	letters[n] = 0;
	if (rest)
		snprintf(buf, size, "%s+0x%x", letters, rest);
	else
		snprintf(buf, size, "%s", letters);
	return buf;
}

const char *flags_bu_print(uint16_t flags, char *buf, size_t size)
{
	return flags_print(&flags_bu_set, flags, buf, size);
}

const char *flags_ba_print(uint8_t flags, char *buf, size_t size)
{
	return flags_print(&flags_ba_set, flags, buf, size);
}
