/* MLD and IGMP: whatever arrives is refused, or can be walked and written again, and a state that
 * is spread over small reports holds all records and sources that RFC 3810, 5.2.15 does not drop.
 * The first octet is the size of the reports. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mobility/mcast.h"
#include "proto/mobility/mcast_state.h"
#include "proto/mobility/mh.h"
#include "proto/mobility/mld.h"
#include "proto/mobility/option.h"

#define RECORDS_MAX 64
#define REPORT_MIN  64 /* octets: head, record and one source of MLD, and some more */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool is_defined(const struct mcast_record *r)
{
	return r->type >= MCAST_IS_INCLUDE && r->type <= MCAST_BLOCK_OLD;
}

static bool excludes(const struct mcast_record *r)
{
	return r->type == MCAST_IS_EXCLUDE || r->type == MCAST_TO_EXCLUDE;
}

/* How many of the SOURCES octets of a record were found in reports so far. */
struct progress {
	size_t record, octets;
};

/* RECORD continues what was written of RECORDS. */
static void follow(struct progress *p, const struct mcast_record *records, size_t count,
	const struct mcast_record *record, size_t address)
{
	const struct mcast_record *from = &records[p->record];
	size_t octets = record->source_count * address;

	require(p->record < count && record->type == from->type);
	require(memcmp(record->group, from->group, address) == 0);
	require(p->octets + octets <= from->source_count * address);
	require(octets == 0 || memcmp(record->sources, from->sources + p->octets, octets) == 0);
	p->octets += octets;
	if (excludes(record) || p->octets == from->source_count * address)
		*p = (struct progress){p->record + 1, 0};
}

static void check_split(
	uint8_t type, const struct mcast_record *records, size_t count, size_t limit)
{
	static uint8_t buf[UINT16_MAX];
	struct mcast_record record;
	struct mcast_report report;
	struct progress p = {0};
	struct mcast_writer w;
	ssize_t n;

	mcast_writer_init(&w, type, records, count);
	while ((n = mcast_writer_next(&w, buf, limit)) != 0) {
		size_t at = 0;

		require(n > 0 && (size_t)n <= limit);
		require(mcast_report_decode(buf, (size_t)n, &report, NULL) == MCAST_FAULT_NONE);
		require(report.record_count > 0 && report.len + MCAST_REPORT_HEAD == (size_t)n);
		while (mcast_report_next(&report, &at, &record))
			follow(&p, records, count, &record, mcast_address_size(type));
	}
	require(p.record == count && p.octets == 0);
}

static void check_report(const uint8_t *data, size_t size, size_t limit)
{
	struct mcast_record records[RECORDS_MAX], record;
	size_t count = 0, seen = 0, at = 0, offset;
	struct mcast_report report;
	enum mcast_fault fault = mcast_report_decode(data, size, &report, &offset);

	require(fault < MCAST_FAULT_COUNT && mcast_fault_name(fault) && offset <= size);
	if (fault)
		return;
	for (; mcast_report_next(&report, &at, &record); seen++)
		if (is_defined(&record) && count < RECORDS_MAX)
			records[count++] = record;
	require(seen == report.record_count);
	check_split(report.type, records, count, limit);
}

/* What a node would be taken to listen to, and that it would hear the same by options. */
static void check_state(const uint8_t *data, size_t size)
{
	struct mcast_state state, again;
	struct mcast_state_faults faults;
	struct mcast_state_bodies bodies;
	struct mcast_record record;
	struct mcast_report report;
	struct mh mh = {.type = MH_BU};
	size_t at = 0, seen = 0;

	mcast_state_clear(&state);
	if (mcast_report_decode(data, size, &report, NULL) || report.type != MCAST_MLD2_REPORT)
		return;
	while (mcast_report_next(&report, &at, &record))
		mcast_state_apply(&state, &record);
	for (at = 0; mcast_state_next(&state, &at, &record); seen++)
		if (excludes(&record) && record.source_count > MCAST_STATE_BODY / 16 - 1)
			return; /* cannot be split */
	require(seen == state.count && at == state.len && at <= MCAST_STATE_SPACE);
	require(mcast_state_add(&state, &mh, &bodies) == 0);
	require(mcast_state_read(&mh, &again, &faults) && mcast_state_equal(&state, &again));
	require(!faults.malformed && !faults.no_group && !faults.scope && !faults.source &&
		!faults.full && !faults.unsupported);
}

static void check_packet(const uint8_t *data, size_t size)
{
	const uint8_t *mld;
	size_t len;

	if (mld_packet_decode(data, size, &mld, &len) == MLD_FAULT_NONE)
		require(mld > data && mld + len <= data + size);
}

static void check_query(const uint8_t *data, size_t size)
{
	static uint8_t buf[UINT16_MAX + 64];
	struct mcast_query q, again;
	size_t offset;
	enum mcast_fault fault = mcast_query_decode(data, size, &q, &offset);
	ssize_t n;

	require(fault < MCAST_FAULT_COUNT && offset <= size);
	if (fault || size > UINT16_MAX)
		return;
	n = mcast_query_encode(&q, buf, sizeof(buf));
	require(n > 0 && (size_t)n <= size);
	require(mcast_query_decode(buf, (size_t)n, &again, NULL) == MCAST_FAULT_NONE);
	require(again.response_ms == q.response_ms && again.interval_s == q.interval_s &&
		again.is_old == q.is_old && again.suppress == q.suppress &&
		again.robustness == q.robustness && again.source_count == q.source_count);
}

static void check_old(const uint8_t *data, size_t size)
{
	uint8_t buf[32];
	struct mcast_record record, again;
	ssize_t n;

	if (mcast_old_decode(data, size, &record))
		return;
	require(is_defined(&record) && record.source_count == 0);
	n = mcast_old_encode(data[0], record.group, buf, sizeof(buf));
	require(n > 0 && (size_t)n <= size);
	require(mcast_old_decode(buf, (size_t)n, &again) == MCAST_FAULT_NONE);
	require(again.type == record.type);
	require(memcmp(again.group, record.group, mcast_address_size(data[0])) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = size > 1 ? malloc(size - 1) : NULL;

	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	check_report(copy, size - 1, (size_t)REPORT_MIN + data[0]);
	check_state(copy, size - 1);
	check_packet(copy, size - 1);
	check_query(copy, size - 1);
	check_old(copy, size - 1);
	free(copy);
	return 0;
}
