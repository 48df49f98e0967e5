#include "ctrl/publish/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void delta_log_init(struct delta_log *log, size_t octets_max)
{
	*log = (struct delta_log){.first = 1, .next = 1, .octets_max = octets_max};
}

static struct delta **place(const struct delta_log *log, uint64_t number)
{
	return &log->ring[number & (log->room - 1)];
}

static void drop_first(struct delta_log *log)
{
	struct delta **oldest = place(log, log->first++);

	log->octets -= (*oldest)->len;
	free(*oldest);
	*oldest = NULL;
}

void delta_log_clear(struct delta_log *log)
{
	while (log->first < log->next)
		drop_first(log);
	free(log->ring);
	delta_log_init(log, log->octets_max);
}

static int grow(struct delta_log *log)
{
	struct delta_log bigger = *log;

	bigger.room = log->room ? 2 * log->room : 256;
	bigger.ring = calloc(bigger.room, sizeof(struct delta *));
	if (!bigger.ring)
		return -ENOMEM;
	for (uint64_t n = log->first; n < log->next; n++)
		*place(&bigger, n) = *place(log, n);
	free(log->ring);
	*log = bigger;
	return 0;
}

int delta_log_add(struct delta_log *log, const void *octets, size_t len)
{
	struct delta *delta;

	if (log->next - log->first == log->room && grow(log) < 0)
		return -ENOMEM;
	delta = malloc(sizeof(*delta) + len);
	if (!delta)
		return -ENOMEM;
	delta->len = len;
	memcpy(delta->octets, octets, len);
	*place(log, log->next++) = delta;
	log->octets += len;
	while (log->octets > log->octets_max && log->first + 1 < log->next)
		drop_first(log);
	return 0;
}

void delta_log_skip(struct delta_log *log)
{
	while (log->first < log->next)
		drop_first(log);
	log->first = ++log->next;
}

const struct delta *delta_log_find(const struct delta_log *log, uint64_t number)
{
	return number >= log->first && number < log->next ? *place(log, number) : NULL;
}
