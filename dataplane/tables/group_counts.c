#include "dataplane/tables/group_counts.h"

#include <errno.h>
#include <stdlib.h>

#include "common/counter.h"

int group_counts_init(struct group_counts *c, const struct group_counts_size *size)
{
	const size_t group = sizeof(struct group_counters), member = sizeof(struct member_counters);

	*c = (struct group_counts){.workers = calloc(size->workers, sizeof(c->workers[0]))};
	if (!c->workers)
		return -ENOMEM;
	for (; c->count < size->workers; c->count++) {
		struct group_count_rooms *rooms = &c->workers[c->count];

		if (room_init(&rooms->groups, size->groups * group, size->most_groups * group) < 0)
			return -ENOMEM;
		if (room_init(&rooms->members, size->members * member,
			    size->most_members * member) < 0) {
			room_destroy(&rooms->groups);
			return -ENOMEM;
		}
	}
	return 0;
}

void group_counts_destroy(struct group_counts *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		room_destroy(&c->workers[i].groups);
		room_destroy(&c->workers[i].members);
	}
	free(c->workers);
	*c = (struct group_counts){.workers = NULL};
}

size_t group_counts_memory(const struct group_counts_size *size)
{
	return size->workers * (room_needed(size->groups * sizeof(struct group_counters)) +
				       room_needed(size->members * sizeof(struct member_counters)));
}

int group_counts_start(struct group_counts *c, uint32_t group)
{
	int err = 0;

	for (unsigned i = 0; i < c->count && err == 0; i++) {
		err = room_grow(&c->workers[i].groups, (group + 1) * sizeof(struct group_counters));
		if (err == 0)
			*group_counts_at(c, i, group) = (struct group_counters){0};
	}
	return err;
}

int group_counts_start_member(struct group_counts *c, uint32_t member)
{
	int err = 0;

	for (unsigned i = 0; i < c->count && err == 0; i++) {
		err = room_grow(
			&c->workers[i].members, (member + 1) * sizeof(struct member_counters));
		if (err == 0)
			*group_counts_member_at(c, i, member) = (struct member_counters){0};
	}
	return err;
}

struct group_counters group_counts_sum(const struct group_counts *c, uint32_t group)
{
	struct group_counters sum = {0};

	for (unsigned worker = 0; worker < c->count; worker++) {
		const struct group_counters *at = group_counts_at(c, worker, group);

		sum.packets += counter_get(&at->packets);
		sum.octets += counter_get(&at->octets);
		sum.copies += counter_get(&at->copies);
		sum.lost += counter_get(&at->lost);
		sum.limited += counter_get(&at->limited);
	}
	return sum;
}

struct member_counters group_counts_member_sum(const struct group_counts *c, uint32_t member)
{
	struct member_counters sum = {0};

	for (unsigned worker = 0; worker < c->count; worker++) {
		const struct member_counters *at = group_counts_member_at(c, worker, member);

		sum.packets += counter_get(&at->packets);
		sum.octets += counter_get(&at->octets);
	}
	return sum;
}
