#include "dataplane/agent/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "dataplane/tables/tables.h"

/* The octet that is to be another. */
static uint8_t *victim(struct tables *t, const char *kind, uint64_t id)
{
	struct subscriber_entry *entry =
		(struct subscriber_entry *)(uintptr_t)subscriber_table_by_id(&t->subscribers, id);
	uint32_t number = path_table_find(&t->paths, id);
	struct path *path = number == POOL_NONE ? NULL : path_at(&t->paths, number);

	if (strcmp(kind, "subscriber") == 0 && entry)
		return &entry->remote.s6_addr[15];
	if (strcmp(kind, "subscriber-id") == 0 && entry)
		return (uint8_t *)&entry->id;
	if (strcmp(kind, "prefix") == 0 && entry)
		return &entry->prefix.s6_addr[15];
	if (strcmp(kind, "path") == 0 && path)
		return &path->remote.s6_addr[15];
	if (strcmp(kind, "path-id") == 0 && path)
		return (uint8_t *)&path->id;
	return NULL;
}

void fault_tick(struct tables *tables)
{
	const char *name = getenv("DMM_FAULT_FILE");
	FILE *file = name ? fopen(name, "re") : NULL;
	char kind[16] = "";
	uint64_t id = 0;

	if (!file)
		return;

	int fields = fscanf(file, "%15s %" SCNx64, kind, &id);
	uint8_t *octet = fields == 2 ? victim(tables, kind, id) : NULL;

	fclose(file);
	if (octet)
		*octet ^= 1;
	LOG_WARN("agent", "fault", "kind=%s id=%016" PRIx64 " done=%s", kind, id,
		octet ? "yes" : "no");
	unlink(name);
}
