/*
 * Lists of the members of multicast groups: arrays of their numbers, each in a place that it keeps
 * as long as it is a member, so that a reader which has taken some of them can go on later.
 *
 * Costs 4 octets a place, at most half of them unused. Writer: the agent thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* In a place of a list: no member; the other bits chain free places, up to GROUP_NO_PLACE. */
#define GROUP_FREE     (1u << 31)
#define GROUP_NO_PLACE (GROUP_FREE - 1)

/* Places of members. It is replaced by a larger one, never shrunk. */
struct group_list {
	uint32_t capacity;
	_Atomic uint32_t used; /* places from here on were never used */
	_Atomic uint32_t places[];
};

/* Writer: a list with the same members in the same places and room for more, or a first one (old
 * NULL). For free(). NULL: no memory. */
struct group_list *group_list_larger(const struct group_list *old);

static inline uint32_t group_list_used(const struct group_list *list)
{
	return atomic_load_explicit(&list->used, memory_order_acquire);
}

/* Number of the member record of a place; GROUP_FREE or more: nobody. */
static inline uint32_t group_list_at(const struct group_list *list, uint32_t place)
{
	return atomic_load_explicit(&list->places[place], memory_order_acquire);
}

/* Writer: shows this in a place that is used, or is the next to be. */
static inline void group_list_put(struct group_list *list, uint32_t place, uint32_t value)
{
	atomic_store_explicit(&list->places[place], value, memory_order_release);
	if (place == atomic_load_explicit(&list->used, memory_order_relaxed))
		atomic_store_explicit(&list->used, place + 1, memory_order_release);
}
