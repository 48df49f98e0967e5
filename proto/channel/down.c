#include "proto/channel/down.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/channel/record.h"

int down_tunnel_compare(const struct down_tunnel *a, const struct down_tunnel *b)
{
	return memcmp(a, b, sizeof(*a));
}

static int compare(const void *a, const void *b)
{
	return down_tunnel_compare(a, b);
}

bool down_tunnels_have(const struct down_tunnels *down, const struct down_tunnel *tunnel)
{
	return bsearch(tunnel, down->tunnels, down->count, sizeof(*tunnel), compare);
}

static bool in_order(const struct down_tunnels *down)
{
	for (unsigned i = 1; i < down->count; i++)
		if (down_tunnel_compare(&down->tunnels[i - 1], &down->tunnels[i]) >= 0)
			return false;
	return true;
}

/* count (16), then each: local, remote (16 octets each) */
int down_tunnels_encode(struct writer *w, const struct down_tunnels *down)
{
	struct record_mark mark = record_begin(w);

	if (down->count > DOWN_TUNNELS_MAX || !in_order(down))
		return -EINVAL;
	writer_u16(w, down->count);
	for (unsigned i = 0; i < down->count; i++) {
		writer_addr6(w, &down->tunnels[i].local);
		writer_addr6(w, &down->tunnels[i].remote);
	}
	return record_end(w, mark);
}

int down_tunnels_decode(struct cursor *c, struct down_tunnels *down)
{
	down->count = cursor_u16(c);
	if (down->count > DOWN_TUNNELS_MAX)
		cursor_fail(c);
	for (unsigned i = 0; cursor_ok(c) && i < down->count; i++) {
		down->tunnels[i].local = cursor_addr6(c);
		down->tunnels[i].remote = cursor_addr6(c);
	}
	return cursor_ok(c) && cursor_left(c) == 0 && in_order(down) ? 0 : -EBADMSG;
}
