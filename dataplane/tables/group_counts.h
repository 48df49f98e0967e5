/*
 * What workers count of multicast groups and of their members: for each worker arrays that it alone
 * writes, by the numbers of group_table.h, so that no two workers share a cache line of them.
 *
 * Layout and cost, for each worker: a cache line for a group, 16 octets for a member. Members that
 * were set one after the other have their counters one after the other, four in a line.
 *
 * Writer (of what is there, not of what is counted): the agent thread.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/tables/room.h"

/* What one worker has counted of one group. */
struct group_counters {
	uint64_t packets; /* that came in for it and were taken */
	uint64_t octets;  /* of these, IP headers included */
	uint64_t copies;  /* made */
	uint64_t lost;    /* not made: no buffer, or what a member names is not there */
	uint64_t limited; /* packets that were not taken, beyond the rate */
	int64_t tokens;   /* octets that may still come in, less than 0 after the last of them */
	uint64_t filled;  /* TSC up to which they are counted; 0: never */
	uint64_t unused;
};
static_assert(sizeof(struct group_counters) == 64, "one cache line");

/* And of one member. */
struct member_counters {
	uint64_t packets; /* copies made for it */
	uint64_t octets;  /* of the packets that were copied, IP headers included, tunnels not */
};
static_assert(sizeof(struct member_counters) == 16, "a quarter of a cache line");

/* Arrays of one worker. */
struct group_count_rooms {
	struct room groups, members;
};

struct group_counts {
	struct group_count_rooms *workers;
	unsigned count; /* of workers */
};

/* How many groups and members there may be at first, and in the end. */
struct group_counts_size {
	uint32_t groups, members;
	uint32_t most_groups, most_members;
	unsigned workers;
};

/* 0 or -ENOMEM; to be destroyed in either case. */
int group_counts_init(struct group_counts *c, const struct group_counts_size *size);

/* One that is all zero is allowed. */
void group_counts_destroy(struct group_counts *c);

/* Octets in rooms that it asks for at first. */
size_t group_counts_memory(const struct group_counts_size *size);

/* Writer: counters of a group or member that no worker knows yet, all 0. 0; -ENOSPC or -ENOMEM. */
int group_counts_start(struct group_counts *c, uint32_t group);
int group_counts_start_member(struct group_counts *c, uint32_t member);

/* Added up over all workers, but for what belongs to one (tokens). Any thread. */
struct group_counters group_counts_sum(const struct group_counts *c, uint32_t group);
struct member_counters group_counts_member_sum(const struct group_counts *c, uint32_t member);

/* Those of the worker with this index, its own to write. */
static inline struct group_counters *group_counts_at(
	const struct group_counts *c, unsigned worker, uint32_t group)
{
	return (struct group_counters *)(void *)c->workers[worker].groups.base + group;
}

static inline struct member_counters *group_counts_member_at(
	const struct group_counts *c, unsigned worker, uint32_t member)
{
	return (struct member_counters *)(void *)c->workers[worker].members.base + member;
}
