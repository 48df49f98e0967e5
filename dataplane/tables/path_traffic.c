#include "dataplane/tables/path_traffic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { STEP = 1 << 16 }; /* octets by which rows grow at least */

/* Zeroes that take memory when they are written. */
static struct path_traffic *make_other(uint32_t capacity)
{
	void *other = mmap(NULL, capacity * sizeof(struct path_traffic), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return other == MAP_FAILED ? NULL : other;
}

int path_traffic_init(struct path_traffics *t, unsigned workers, uint32_t capacity)
{
	const size_t most = capacity * sizeof(struct path_traffic);

	*t = (struct path_traffics){.capacity = capacity};
	t->rows = calloc(workers + 1, sizeof(t->rows[0]));
	t->other = make_other(capacity);
	while (t->rows && t->count < workers && room_init(&t->rows[t->count], 0, most) == 0)
		t->count++;
	if (t->rows && t->other && t->count == workers)
		return 0;
	path_traffic_destroy(t);
	return -ENOMEM;
}

void path_traffic_destroy(struct path_traffics *t)
{
	for (unsigned i = 0; i < t->count; i++)
		room_destroy(&t->rows[i]);
	if (t->other)
		munmap(t->other, t->capacity * sizeof(struct path_traffic));
	free(t->rows);
	*t = (struct path_traffics){0};
}

int path_traffic_make_room(struct path_traffics *t, uint32_t path)
{
	const size_t needed = (path + (size_t)1) * sizeof(struct path_traffic);

	for (unsigned i = 0; i < t->count; i++) {
		struct room *row = &t->rows[i];

		if (needed > row->made &&
			room_grow(row,
				RTE_MIN(RTE_ALIGN_CEIL(needed, (size_t)STEP), row->reserved)) < 0)
			return -ENOSPC;
	}
	return 0;
}

size_t path_traffic_memory(unsigned workers, uint32_t paths)
{
	return workers * room_needed(paths * sizeof(struct path_traffic));
}

static uint64_t load(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

/* The sum of the workers' rows, whoever's it is. */
static struct path_traffic counted(const struct path_traffics *t, uint32_t path)
{
	struct path_traffic sum = {0};

	for (unsigned i = 0; i < t->count; i++) {
		const struct path_traffic *at = &path_traffic_row(t, i)[path];

		for (unsigned d = 0; d < PATH_DIRECTIONS; d++) {
			sum.packets[d] += load(&at->packets[d]);
			sum.octets[d] += load(&at->octets[d]);
			sum.last[d] = RTE_MAX(sum.last[d], load(&at->last[d]));
		}
	}
	return sum;
}

struct path_traffic path_traffic_of(const struct path_traffics *t, uint32_t path)
{
	struct path_traffic sum = counted(t, path);
	const struct path_traffic *other = &t->other[path];

	for (unsigned d = 0; d < PATH_DIRECTIONS; d++) {
		sum.packets[d] += other->packets[d];
		sum.octets[d] += other->octets[d];
		if (sum.last[d] <= other->since)
			sum.last[d] = other->last[d];
	}
	return sum;
}

void path_traffic_begin(struct path_traffics *t, uint32_t path)
{
	const struct path_traffic before = counted(t, path);
	struct path_traffic other = {0};

	for (unsigned d = 0; d < PATH_DIRECTIONS; d++) {
		other.packets[d] = 0 - before.packets[d];
		other.octets[d] = 0 - before.octets[d];
		other.since = RTE_MAX(other.since, before.last[d]);
	}
	/* Nearly all numbers have never counted, and their page stays untouched. */
	if (memcmp(&t->other[path], &other, sizeof(other)) != 0)
		t->other[path] = other;
}

void path_traffic_follow(struct path_traffics *t, uint32_t path, uint32_t old)
{
	const struct path_traffic carried = path_traffic_of(t, old);
	struct path_traffic *other = &t->other[path];

	for (unsigned d = 0; d < PATH_DIRECTIONS; d++) {
		if (carried.packets[d] == 0)
			continue;
		other->packets[d] += carried.packets[d];
		other->octets[d] += carried.octets[d];
		other->last[d] = carried.last[d];
	}
	path_traffic_begin(t, old);
}
