#include "dataplane/tables/group_list.h"

#include <rte_common.h>
#include <stdlib.h>

enum { FIRST = 16 }; /* places of a new list: a cache line of them */

struct group_list *group_list_larger(const struct group_list *old)
{
	const uint32_t capacity = old ? 2 * old->capacity : FIRST;
	struct group_list *list = aligned_alloc(RTE_CACHE_LINE_SIZE,
		RTE_ALIGN_CEIL(sizeof(*list) + capacity * sizeof(list->places[0]),
			(size_t)RTE_CACHE_LINE_SIZE));

	if (!list)
		return NULL;
	list->capacity = capacity;
	atomic_store_explicit(&list->used, old ? old->capacity : 0, memory_order_relaxed);
	for (uint32_t i = 0; old && i < old->capacity; i++)
		atomic_store_explicit(&list->places[i],
			atomic_load_explicit(&old->places[i], memory_order_relaxed),
			memory_order_relaxed);
	return list;
}
