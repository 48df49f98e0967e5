#include "proto/mobility/metrics.h"

#include <errno.h>
#include <stdbool.h>

#define FIELD_OF struct metrics_way
#include "common/cursor.h"
#include "proto/mobility/field_rows.h"

enum { BID_LAST = 254 };

const struct field metrics_fields[] = {UINT("bid", 0, 1, bid), TIME("loss", 2, 2, loss, "1/1000"),
	TIME("delay", 4, 4, delay_us, "1 us"), END};

static bool is_valid(const struct metrics_way *way)
{
	return way->bid && way->bid <= BID_LAST && way->loss <= METRICS_LOSS_ALL;
}

ssize_t metrics_encode(const struct metrics_list *list, uint8_t *data, size_t size)
{
	struct writer w;

	if (!list->count || list->count > METRICS_WAYS_MAX)
		return -EINVAL;
	writer_init(&w, data, size);
	for (size_t i = 0; i < list->count; i++) {
		uint8_t entry[METRICS_WAY_SIZE];

		if (!is_valid(&list->ways[i]))
			return -EINVAL;
		field_encode(metrics_fields, &list->ways[i], entry, sizeof(entry));
		writer_bytes(&w, entry, sizeof(entry));
	}
	return writer_ok(&w) ? (ssize_t)writer_len(&w) : -ENOSPC;
}

int metrics_decode(const uint8_t *data, size_t len, struct metrics_list *out)
{
	struct cursor c;

	cursor_init(&c, data, len);
	for (out->count = 0; cursor_left(&c) && out->count < METRICS_WAYS_MAX; out->count++) {
		struct metrics_way *way = &out->ways[out->count];
		const uint8_t *entry = cursor_bytes(&c, METRICS_WAY_SIZE);

		if (!cursor_ok(&c) ||
			field_decode(metrics_fields, entry, METRICS_WAY_SIZE, way) < 0 ||
			!is_valid(way))
			return -EBADMSG;
	}
	return out->count && !cursor_left(&c) ? 0 : -EBADMSG;
}
