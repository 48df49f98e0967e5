#include "dataplane/agent/count.h"

#include <assert.h>
#include <errno.h>

static_assert(
	UPDATE_HEAD_LEN + 4 +
			UPDATE_COUNT_IDS_MAX * (1 + 8 + UPDATE_COUNT_VALUES * sizeof(uint64_t)) <=
		UPDATE_MESSAGE_MAX,
	"an answer is one message");

/* Those of the wire for those of upstream.h. */
static const enum update_upstream states[] = {[UPSTREAM_UNWANTED] = UPDATE_UPSTREAM_NONE,
	[UPSTREAM_MEMBER] = UPDATE_UPSTREAM_JOINED,
	[UPSTREAM_REFUSED] = UPDATE_UPSTREAM_REFUSED};

static bool count_group(const struct count_of *of, struct update_count *count)
{
	const struct tables *t = of->tables;
	const uint32_t number = group_table_by_id(&t->groups, count->id);
	struct group_counters sum;

	if (number == POOL_NONE)
		return false;
	sum = group_counts_sum(&t->groups.counts, number);
	count->values[UPDATE_COUNT_PACKETS] = sum.packets;
	count->values[UPDATE_COUNT_OCTETS] = sum.octets;
	count->values[UPDATE_COUNT_COPIES] = sum.copies;
	count->values[UPDATE_COUNT_COPIES_MISSED] = sum.lost;
	count->values[UPDATE_COUNT_LIMITED] = sum.limited;
	count->values[UPDATE_COUNT_UPSTREAM] = states[upstream_state(of->upstream, number)];
	return true;
}

static bool count_member(const struct tables *t, struct update_count *count)
{
	const uint32_t number = group_table_member_by_id(&t->groups, count->id);
	struct member_counters sum;

	if (number == POOL_NONE)
		return false;
	sum = group_counts_member_sum(&t->groups.counts, number);
	count->values[UPDATE_COUNT_PACKETS] = sum.packets;
	count->values[UPDATE_COUNT_OCTETS] = sum.octets;
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
static bool count_object(const struct count_of *of, struct update_count *count)
{
	switch (count->kind) {
	case OBJECT_GROUP:
		return count_group(of, count);
	case OBJECT_MEMBER:
		return count_member(of->tables, count);
	case OBJECT_PATH:
		return count_path(of->tables, count);
	default:
		return false;
	}
}

int count_answer(const struct count_of *of, const struct update_head *head, struct cursor *request,
	struct writer *w)
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

		if (count_object(of, &count))
			err = update_count_encode(w, &count);
	}
	return err;
}
