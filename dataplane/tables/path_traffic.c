#include "dataplane/tables/path_traffic.h"

#include <errno.h>
#include <rte_cycles.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dataplane/tables/bits.h"

enum { STEP = 1 << 16 }; /* octets by which rows grow at least */

/* Zeroes that take memory when they are written. */
static void *zeroes(size_t octets)
{
	void *at = mmap(NULL, octets, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static size_t carries_size(const struct path_traffics *t)
{
	return (t->capacity + (size_t)1) * sizeof(struct path_carries);
}

static int add_worker(struct path_traffics *t)
{
	struct path_carries *carries = zeroes(carries_size(t));

	if (!carries)
		return -ENOMEM;
	if (room_init(&t->rows[t->count], 0, t->capacity * sizeof(struct path_counts)) < 0) {
		munmap(carries, carries_size(t));
		return -ENOMEM;
	}
	t->carries[t->count++] = carries;
	return 0;
}

int path_traffic_init(struct path_traffics *t, unsigned workers, uint32_t capacity)
{
	int err = 0;

	*t = (struct path_traffics){.capacity = capacity};
	t->rows = calloc(workers + 1, sizeof(t->rows[0]));
	t->carries = calloc(workers + 1, sizeof(struct path_carries *));
	t->other = zeroes(capacity * sizeof(struct path_traffic));
	t->others = bits_make(capacity);
	if (!t->rows || !t->carries || !t->other || !t->others)
		err = -ENOMEM;
	while (err == 0 && t->count < workers)
		err = add_worker(t);
	if (err < 0)
		path_traffic_destroy(t);
	return err;
}

void path_traffic_destroy(struct path_traffics *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		room_destroy(&t->rows[i]);
		munmap(t->carries[i], carries_size(t));
	}
	if (t->other)
		munmap(t->other, t->capacity * sizeof(struct path_traffic));
	bits_free(t->others);
	free(t->rows);
	free(t->carries);
	*t = (struct path_traffics){0};
}

int path_traffic_make_room(struct path_traffics *t, uint32_t path)
{
	const size_t needed = (path + (size_t)1) * sizeof(struct path_counts);

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
	return workers * room_needed(paths * sizeof(struct path_counts));
}

/* The packets of a worker: a half that is not carried yet is the next one. Nor can there be more
 * than that one while nothing is known of any. */
static uint64_t packets_of(const struct path_row *row, uint32_t path, enum path_direction way)
{
	const bool any = __atomic_load_n(row->any, __ATOMIC_ACQUIRE);
	uint32_t halves =
		any ? __atomic_load_n(&row->carries[path].halves[way], __ATOMIC_ACQUIRE) : 0;
	const uint32_t packets = __atomic_load_n(&row->counts[path].packets[way], __ATOMIC_RELAXED);

	halves += (packets >> PATH_HALF_SHIFT ^ halves) & 1;
	return (uint64_t)halves << PATH_HALF_SHIFT | (packets & ((1u << PATH_HALF_SHIFT) - 1));
}

/* The TSC when a tick began that has begun by now. */
static uint64_t tsc_of(uint32_t tick)
{
	const uint64_t ticks = rte_rdtsc() >> PATH_TICK_SHIFT;

	return (ticks - ((uint32_t)ticks - tick)) << PATH_TICK_SHIFT;
}

static void add(struct path_traffic *sum, const struct path_row *row, uint32_t path)
{
	const struct path_counts *at = &row->counts[path];

	for (unsigned d = 0; d < PATH_DIRECTIONS; d++) {
		const uint32_t last = __atomic_load_n(&at->last[d], __ATOMIC_RELAXED);

		if (last == 0)
			continue;
		sum->packets[d] += packets_of(row, path, d);
		sum->octets[d] += __atomic_load_n(&at->octets[d], __ATOMIC_RELAXED);
		sum->last[d] = RTE_MAX(sum->last[d], tsc_of(last));
	}
}

/* The sum of the workers' rows, whoever's it is. */
static struct path_traffic counted(const struct path_traffics *t, uint32_t path)
{
	struct path_traffic sum = {0};

	for (unsigned i = 0; i < t->count; i++) {
		const struct path_row row = path_traffic_row(t, i);

		add(&sum, &row, path);
	}
	return sum;
}

/* Where there is none, its page is not read: when the kernel then gives a page of its own to who
 * writes there, it interrupts all workers, since they might know the one that was read. */
static struct path_traffic other_of(const struct path_traffics *t, uint32_t path)
{
	return bits_test(t->others, path) ? t->other[path] : (struct path_traffic){0};
}

static void set_other(struct path_traffics *t, uint32_t path, const struct path_traffic *other)
{
	static const struct path_traffic none;

	if (memcmp(other, &none, sizeof(none)) == 0) {
		bits_clear(t->others, path);
		return;
	}
	bits_set(t->others, path);
	t->other[path] = *other;
}

struct path_traffic path_traffic_of(const struct path_traffics *t, uint32_t path)
{
	struct path_traffic sum = counted(t, path);
	const struct path_traffic other = other_of(t, path);

	for (unsigned d = 0; d < PATH_DIRECTIONS; d++) {
		sum.packets[d] += other.packets[d];
		sum.octets[d] += other.octets[d];
		if (sum.last[d] <= other.since)
			sum.last[d] = other.last[d];
		/* Packets of the same tick are not told apart by it. */
		if (sum.last[d] == 0 && sum.packets[d] != 0)
			sum.last[d] = other.since;
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
	set_other(t, path, &other);
}

void path_traffic_follow(struct path_traffics *t, uint32_t path, uint32_t old)
{
	const struct path_traffic carried = path_traffic_of(t, old);
	struct path_traffic other = other_of(t, path);

	for (unsigned d = 0; d < PATH_DIRECTIONS; d++) {
		if (carried.packets[d] == 0)
			continue;
		other.packets[d] += carried.packets[d];
		other.octets[d] += carried.octets[d];
		other.last[d] = carried.last[d];
	}
	set_other(t, path, &other);
	path_traffic_begin(t, old);
}
