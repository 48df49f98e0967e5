#include "dataplane/agent/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "dataplane/tables/tables.h"

static struct in6_addr *victim(struct tables *t, const char *kind, uint64_t id)
{
	if (strcmp(kind, "subscriber") == 0) {
		const struct subscriber_entry *entry = subscriber_table_by_id(&t->subscribers, id);

		return entry ? (struct in6_addr *)(uintptr_t)&entry->remote : NULL;
	}
	if (strcmp(kind, "path") == 0) {
		uint32_t path = path_table_find(&t->paths, id);

		return path != POOL_NONE ? &path_at(&t->paths, path)->remote : NULL;
	}
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
	struct in6_addr *addr = fields == 2 ? victim(tables, kind, id) : NULL;

	fclose(file);
	if (addr)
		addr->s6_addr[15] ^= 1;
	LOG_WARN("agent", "fault", "kind=%s id=%016" PRIx64 " done=%s", kind, id,
		addr ? "yes" : "no");
	unlink(name);
}
