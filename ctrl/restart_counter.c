#include "ctrl/restart_counter.h"

#include "common/clock.h"
#include "common/cursor.h"

#include <errno.h>
#include <string.h>

#define KEY "restart-counter"

enum { VERSION = 1, RECORD_SIZE = 5 };

static int make(struct store *store, uint64_t real_ns, uint32_t *counter)
{
	uint8_t record[RECORD_SIZE];
	struct writer w;
	int error;

	*counter = (uint32_t)(real_ns / CLOCK_NS_PER_S);
	writer_init(&w, record, sizeof(record));
	writer_u8(&w, VERSION);
	writer_u32(&w, *counter);
	error = store_put(store, STORE_META, KEY, strlen(KEY), record, sizeof(record));
	return error ? error : store_commit(store);
}

int restart_counter_open(struct store *store, uint64_t real_ns, uint32_t *counter, bool *fresh)
{
	uint8_t record[RECORD_SIZE];
	int len = store_get(store, STORE_META, KEY, strlen(KEY), record, sizeof(record));
	struct cursor c;

	*fresh = len == -ENOENT;
	if (*fresh)
		return make(store, real_ns, counter);
	if (len < 0)
		return len;
	cursor_init(&c, record, (size_t)len);
	if (cursor_u8(&c) != VERSION)
		return -EPROTO;
	*counter = cursor_u32(&c);
	return cursor_ok(&c) && cursor_left(&c) == 0 ? 0 : -EBADMSG;
}
