#include "proto/mobility/mcast.h"

#include <netinet/in.h>
#include <string.h>

#include "common/cursor.h"
#include "proto/mobility/checksum.h"
#include "proto/mobility/field.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/names.h"
#include "proto/mobility/visit.h"

#define AT_CHECKSUM 2
#define AUX_UNIT    4 /* octets */

static const struct name record_rows[] = {
	{MCAST_IS_INCLUDE, "MODE_IS_INCLUDE", "RFC 3810"},
	{MCAST_IS_EXCLUDE, "MODE_IS_EXCLUDE", "RFC 3810"},
	{MCAST_TO_INCLUDE, "CHANGE_TO_INCLUDE_MODE", "RFC 3810"},
	{MCAST_TO_EXCLUDE, "CHANGE_TO_EXCLUDE_MODE", "RFC 3810"},
	{MCAST_ALLOW_NEW, "ALLOW_NEW_SOURCES", "RFC 3810"},
	{MCAST_BLOCK_OLD, "BLOCK_OLD_SOURCES", "RFC 3810"},
};

const struct names mcast_record_names = {
	"Multicast Address Record type", record_rows, sizeof(record_rows) / sizeof(record_rows[0])};

const char *mcast_fault_name(enum mcast_fault fault)
{
	static const char *const names[MCAST_FAULT_COUNT] = {
		[MCAST_FAULT_NONE] = "none",
		[MCAST_FAULT_TRUNCATED] = "truncated",
		[MCAST_FAULT_TYPE] = "type",
		[MCAST_FAULT_RECORDS] = "records",
		[MCAST_FAULT_SOURCES] = "sources",
	};

	return fault < MCAST_FAULT_COUNT ? names[fault] : "unknown";
}

size_t mcast_address_size(uint8_t type)
{
	switch (type) {
	case MCAST_MLD_QUERY:
	case MCAST_MLD1_REPORT:
	case MCAST_MLD1_DONE:
	case MCAST_MLD2_REPORT:
		return sizeof(struct in6_addr);
	case MCAST_IGMP_QUERY:
	case MCAST_IGMP1_REPORT:
	case MCAST_IGMP2_REPORT:
	case MCAST_IGMP2_LEAVE:
	case MCAST_IGMP3_REPORT:
		return sizeof(struct in_addr);
	default:
		return 0;
	}
}

static void read_record(struct cursor *c, size_t address_size, struct mcast_record *out)
{
	size_t aux;

	out->type = cursor_u8(c);
	aux = (size_t)cursor_u8(c) * AUX_UNIT;
	out->source_count = cursor_u16(c);
	out->group = cursor_bytes(c, address_size);
	out->sources = cursor_bytes(c, out->source_count * address_size);
	cursor_skip(c, aux);
}

enum mcast_fault mcast_report_decode(
	const uint8_t *body, size_t len, struct mcast_report *out, size_t *at)
{
	size_t size, ignored = 0;
	struct cursor c;

	at = at ? at : &ignored;
	*at = 0;
	cursor_init(&c, body, len);
	out->type = cursor_u8(&c);
	cursor_skip(&c, 5);
	out->record_count = cursor_u16(&c);
	if (!cursor_ok(&c))
		return MCAST_FAULT_TRUNCATED;
	size = mcast_address_size(out->type);
	if (out->type != MCAST_MLD2_REPORT && out->type != MCAST_IGMP3_REPORT)
		return MCAST_FAULT_TYPE;
	for (unsigned i = 0; i < out->record_count; i++) {
		struct mcast_record record;

		*at = cursor_offset(&c);
		read_record(&c, size, &record);
		if (!cursor_ok(&c))
			return MCAST_FAULT_RECORDS;
	}
	out->records = body + MCAST_REPORT_HEAD;
	out->len = cursor_offset(&c) - MCAST_REPORT_HEAD;
	return MCAST_FAULT_NONE;
}

bool mcast_record_has(const struct mcast_record *record, const void *source)
{
	for (unsigned i = 0; i < record->source_count; i++)
		if (memcmp(record->sources + (size_t)i * sizeof(struct in6_addr), source,
			    sizeof(struct in6_addr)) == 0)
			return true;
	return false;
}

bool mcast_report_next(const struct mcast_report *report, size_t *at, struct mcast_record *out)
{
	struct cursor c;

	if (*at >= report->len)
		return false;
	cursor_init(&c, report->records, report->len);
	cursor_skip(&c, *at);
	read_record(&c, mcast_address_size(report->type), out);
	*at = cursor_offset(&c);
	return cursor_ok(&c);
}

static int visit_address(
	const struct visitor *v, const char *name, const uint8_t *octets, size_t size)
{
	return visit_octets(v, name, size == 4 ? VISIT_ADDR4 : VISIT_ADDR6, octets, size);
}

static int visit_record(const struct mcast_record *record, size_t size, const struct visitor *v)
{
	int rc = visit_begin(v, NULL, VISIT_OBJECT, NULL);

	if (!rc)
		rc = visit_named(v, "record_type", record->type, &mcast_record_names);
	if (!rc)
		rc = visit_address(v, "group", record->group, size);
	if (!rc)
		rc = visit_begin(v, "sources", VISIT_LIST, NULL);
	for (unsigned i = 0; !rc && i < record->source_count; i++)
		rc = visit_address(v, NULL, record->sources + i * size, size);
	if (!rc)
		rc = visit_end(v);
	return rc ? rc : visit_end(v);
}

static int visit_report(
	const struct mcast_report *report, const char *name, const struct visitor *v)
{
	bool is_mld = report->type == MCAST_MLD2_REPORT;
	struct mcast_record record;
	size_t at = 0;
	int rc = visit_begin(v, name, VISIT_OBJECT, is_mld ? "RFC 3810, 5.2" : "RFC 3376, 4.2");

	if (!rc)
		rc = visit_string(v, "protocol", is_mld ? "MLDv2" : "IGMPv3");
	if (!rc)
		rc = visit_begin(v, "records", VISIT_LIST, NULL);
	while (!rc && mcast_report_next(report, &at, &record))
		rc = visit_record(&record, mcast_address_size(report->type), v);
	if (!rc)
		rc = visit_end(v);
	return rc ? rc : visit_end(v);
}

int mcast_visit(const struct field *field, const void *base, const struct visitor *v)
{
	const struct field_bytes *body = (const void *)((const uint8_t *)base + field->member);
	struct mcast_report report;
	enum mcast_fault fault = mcast_report_decode(body->at, body->len, &report, NULL);
	int rc;

	if (!fault)
		return visit_report(&report, field->name, v);
	rc = visit_string(v, "report_error", mcast_fault_name(fault));
	return rc ? rc : visit_octets(v, field->name, VISIT_OCTETS, body->at, body->len);
}

static void put_checksum(uint8_t *message, size_t len, uint16_t sum)
{
	struct writer w;

	writer_init(&w, message, len);
	writer_reserve(&w, len);
	writer_put_u16_at(&w, AT_CHECKSUM, sum);
}

void mcast_igmp_checksum_set(uint8_t *igmp, size_t len)
{
	put_checksum(igmp, len, checksum_plain(igmp, len, AT_CHECKSUM));
}

bool mcast_igmp_checksum_ok(const uint8_t *igmp, size_t len)
{
	return checksum_plain_ok(igmp, len);
}

void mcast_mld_checksum_set(
	const struct in6_addr *src, const struct in6_addr *dst, uint8_t *mld, size_t len)
{
	put_checksum(mld, len, icmp6_checksum(src, dst, mld, len));
}
