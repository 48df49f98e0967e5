/* Packet channel: whatever arrives, a record is either refused or written again as it was read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/channel/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t again[64 + PACKET_FRAME_MAX];

static void check_same(const struct writer *w, const uint8_t *from, const struct cursor *c)
{
	size_t len = (size_t)(c->pos - from);

	if (writer_len(w) != len || memcmp(again, from, len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum packet_type type;
	struct cursor c;

	cursor_init(&c, data, size);
	if (packet_head_decode(&c, &type))
		return 0;
	while (cursor_left(&c)) {
		const uint8_t *from = c.pos;
		struct packet_inject inject;
		struct packet_punt punt;
		struct writer w;
		int rc;

		writer_init(&w, again, sizeof(again));
		if (type == PACKET_PUNT)
			rc = packet_punt_decode(&c, &punt);
		else
			rc = packet_inject_decode(&c, &inject);
		if (rc)
			return 0;
		rc = type == PACKET_PUNT ? packet_punt_encode(&w, &punt)
					 : packet_inject_encode(&w, &inject);
		if (rc)
			abort();
		check_same(&w, from, &c);
	}
	return 0;
}
