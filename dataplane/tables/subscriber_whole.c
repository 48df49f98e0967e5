/*
 * Memory can be damaged. A digest finds that in the end, and tables_repair() mends it; until then
 * the writer follows no number that leads out of its table, and no chain that does not end.
 */
#include "dataplane/tables/subscriber_table.h"

static bool has_list(const struct subscriber_table *t, const struct subscriber_entry *entry)
{
	const struct path_table *paths = t->paths;
	const struct path_list *list;

	if (entry->paths >= paths->lists.fresh)
		return false;
	list = path_list_at(paths, entry->paths);
	if (list->count == 0 || list->count > OBJECT_PATHS_MAX)
		return false;
	for (unsigned i = 0; i < list->count; i++)
		if (list->paths[i] >= paths->paths.fresh)
			return false;
	return rule_table_is_chain(t->rules, list->rules, entry->id) &&
	       rule_set_is_inside(t->rules, list);
}

bool subscriber_table_is_whole(const struct subscriber_table *t, uint32_t first)
{
	const struct subscriber_entry *entry;
	unsigned prefixes = 0;

	for (uint32_t number = first; number != POOL_NONE; number = entry->next) {
		if (number >= t->entries.fresh || prefixes++ == OBJECT_PREFIXES_MAX)
			return false;
		entry = subscriber_at(t, number);
		if ((uint8_t)entry->tag > 128 || entry->path >= t->paths->paths.fresh)
			return false;
	}
	entry = subscriber_at(t, first);
	return entry->paths == POOL_NONE || has_list(t, entry);
}
