#include <errno.h>

#include "common/cursor.h"
#include "proto/mobility/mcast.h"

#define AT_COUNT    6
#define RECORD_HEAD 4 /* octets before the group */

void mcast_writer_init(
	struct mcast_writer *w, uint8_t type, const struct mcast_record *records, size_t count)
{
	*w = (struct mcast_writer){.type = type, .records = records, .count = count};
}

static bool excludes(const struct mcast_record *record)
{
	return record->type == MCAST_IS_EXCLUDE || record->type == MCAST_TO_EXCLUDE;
}

static bool is_valid(const struct mcast_record *record)
{
	return record->group && (record->sources || !record->source_count) &&
	       record->type >= MCAST_IS_INCLUDE && record->type <= MCAST_BLOCK_OLD;
}

static void put(struct writer *out, const struct mcast_record *record, uint16_t first,
	uint16_t count, size_t size)
{
	writer_u8(out, record->type);
	writer_u8(out, 0);
	writer_u16(out, count);
	writer_bytes(out, record->group, size);
	if (count)
		writer_bytes(out, record->sources + first * size, count * size);
}

/* Writes of the next record what this report takes, which is EMPTY so far or not. Returns false
 * when the report is full. */
static bool put_next(struct mcast_writer *w, struct writer *out, bool empty)
{
	const struct mcast_record *record = &w->records[w->at];
	size_t size = mcast_address_size(w->type), head = RECORD_HEAD + size;
	uint16_t left = record->source_count - w->source;
	bool whole = head + left * size <= writer_left(out);
	size_t room;

	if (whole) {
		put(out, record, w->source, left, size);
		w->at++;
		w->source = 0;
		return true;
	}
	if (!empty || writer_left(out) < head + size)
		return false;
	room = (writer_left(out) - head) / size;
	put(out, record, w->source, (uint16_t)room, size);
	if (excludes(record))
		w->at++;
	else
		w->source += (uint16_t)room;
	return false;
}

ssize_t mcast_writer_next(struct mcast_writer *w, uint8_t *buf, size_t size)
{
	struct writer out;
	uint16_t count = 0;
	bool more = true;

	if (w->type != MCAST_MLD2_REPORT && w->type != MCAST_IGMP3_REPORT)
		return -EINVAL;
	if (w->at == w->count)
		return 0;
	writer_init(&out, buf, size);
	writer_u8(&out, w->type);
	writer_zero(&out, MCAST_REPORT_HEAD - 1);
	while (writer_ok(&out) && more && w->at < w->count && count < UINT16_MAX) {
		size_t before = writer_len(&out);

		if (!is_valid(&w->records[w->at]))
			return -EINVAL;
		more = put_next(w, &out, count == 0);
		count += writer_len(&out) > before;
	}
	if (!writer_ok(&out) || !count)
		return -ENOSPC;
	writer_put_u16_at(&out, AT_COUNT, count);
	return (ssize_t)writer_len(&out);
}
