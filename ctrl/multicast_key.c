#include "ctrl/multicast_key.h"

#include <errno.h>
#include <string.h>

#include "common/hmac.h"
#include "ctrl/store/store.h"

#define KEY "multicast-key"

enum { VERSION = 1, RECORD_SIZE = 1 + MEMBERSHIP_KEY };

int multicast_key_open(struct store *store, uint8_t key[static MEMBERSHIP_KEY])
{
	uint8_t record[RECORD_SIZE] = {VERSION};
	int len = store_get(store, STORE_META, KEY, strlen(KEY), record, sizeof(record));

	if (len == -ENOENT) {
		len = hmac_random(record + 1, MEMBERSHIP_KEY);
		if (!len)
			len = store_put(
				store, STORE_META, KEY, strlen(KEY), record, sizeof(record));
		if (!len)
			len = store_commit(store);
		if (!len)
			len = RECORD_SIZE;
	}
	if (len < 0)
		return len;
	if (record[0] != VERSION)
		return -EPROTO;
	if (len != RECORD_SIZE)
		return -EBADMSG;
	memcpy(key, record + 1, MEMBERSHIP_KEY);
	hmac_wipe(record, sizeof(record));
	return 0;
}
