/*
 * The log of recent deltas: whole messages, ready to be sent, without gaps in their numbers. The
 * oldest go when the octets exceed the limit; the newest one always stays.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct delta {
	size_t len;
	uint8_t octets[];
};

struct delta_log {
	struct delta **ring; /* room of them; that of number n is at n % room */
	size_t room;         /* a power of two */
	uint64_t first;      /* number of the oldest; next when the log is empty */
	uint64_t next;       /* number of the one to come, 1 at start */
	size_t octets, octets_max;
};

/* An empty log of at most so many octets. */
void delta_log_init(struct delta_log *log, size_t octets_max);

/* Frees all deltas and starts again at number 1. */
void delta_log_clear(struct delta_log *log);

/* Adds the delta with the number log->next (copied). Returns 0 or -ENOMEM. */
int delta_log_add(struct delta_log *log, const void *octets, size_t len);

/* Gives the next number to a delta that cannot be kept, and forgets all others with it. */
void delta_log_skip(struct delta_log *log);

/*
 * The delta of this number, or NULL: not there any more, or not yet. It lives until the next
 * delta_log_add().
 */
const struct delta *delta_log_find(const struct delta_log *log, uint64_t number);
