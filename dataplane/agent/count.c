#include "dataplane/agent/count.h"

#include <assert.h>
#include <errno.h>

static_assert(
	UPDATE_HEAD_LEN + 4 +
			UPDATE_COUNT_IDS_MAX * (1 + 8 + UPDATE_COUNT_VALUES * sizeof(uint64_t)) <=
		UPDATE_MESSAGE_MAX,
	"an answer is one message");

static bool count_group(const struct tables *t, struct update_count *count)
{
	const uint32_t number = group_table_by_id(&t->groups, count->id);
	struct group_counters sum;

	if (number == POOL_NONE)
		return false;
	sum = group_table_counted(&t->groups, number);
	count->values[UPDATE_COUNT_PACKETS] = sum.packets;
	count->values[UPDATE_COUNT_OCTETS] = sum.octets;
	count->values[UPDATE_COUNT_COPIES] = sum.copies;
	count->values[UPDATE_COUNT_COPIES_MISSED] = sum.lost;
	count->values[UPDATE_COUNT_LIMITED] = sum.limited;
	return true;
}

static bool count_path(const struct tables *t, struct update_count *count)
{
	const uint32_t number = path_table_find(&t->paths, count->id);
	struct path_traffic sum;

	if (number == POOL_NONE)
		return false;
	sum = path_traffic_of(&t->paths.traffic, number);
	count->values[UPDATE_COUNT_IN_PACKETS] = sum.packets[PATH_IN];
	count->values[UPDATE_COUNT_IN_OCTETS] = sum.octets[PATH_IN];
	count->values[UPDATE_COUNT_OUT_PACKETS] = sum.packets[PATH_OUT];
	count->values[UPDATE_COUNT_OUT_OCTETS] = sum.octets[PATH_OUT];
	return true;
}

/* Whether there is such an object that is counted. */
static bool count_object(const struct tables *t, struct update_count *count)
{
	switch (count->kind) {
	case OBJECT_GROUP:
		return count_group(t, count);
	case OBJECT_PATH:
		return count_path(t, count);
	default:
		return false;
	}
}

int count_answer(const struct tables *tables, const struct update_head *head,
	struct cursor *request, struct writer *w)
{
	enum object_kind kind;
	uint32_t id;
	int err = update_count_request_decode(request, &id, &kind);

	if (err < 0)
		return err;
	update_head_encode(w, head);
	update_stats_id_encode(w, id);
	while (err == 0 && cursor_left(request)) {
		struct update_count count = {.kind = kind, .id = cursor_u64(request)};

		if (count_object(tables, &count))
			err = update_count_encode(w, &count);
	}
	return err;
}
