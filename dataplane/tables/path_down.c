#include "dataplane/tables/path_down.h"

#include <errno.h>
#include <string.h>

#include "dataplane/tables/bits.h"

int path_down_init(struct path_downs *d, uint32_t capacity)
{
	*d = (struct path_downs){.bits = bits_make(capacity)};
	d->wanted = calloc(1, sizeof(*d->wanted));
	if (d->bits && d->wanted)
		return 0;
	path_down_destroy(d);
	return -ENOMEM;
}

void path_down_destroy(struct path_downs *d)
{
	bits_free(d->bits);
	free(d->wanted);
	*d = (struct path_downs){0};
}

bool path_down_want(struct path_downs *d, const struct down_tunnels *down)
{
	if (d->wanted->count == down->count && memcmp(d->wanted->tunnels, down->tunnels,
						       down->count * sizeof(down->tunnels[0])) == 0)
		return false;
	d->wanted->count = down->count;
	memcpy(d->wanted->tunnels, down->tunnels, down->count * sizeof(down->tunnels[0]));
	if (down->count)
		__atomic_store_n(&d->any, true, __ATOMIC_RELAXED);
	return true;
}

void path_down_end(struct path_downs *d)
{
	__atomic_store_n(&d->any, d->wanted->count > 0, __ATOMIC_RELAXED);
}

void path_down_mark(struct path_downs *d, uint32_t path, struct down_tunnel tunnel)
{
	const uint64_t bit = 1ull << (path % 64);
	const uint64_t bits = d->bits[path / 64];
	const bool down = d->wanted->count && down_tunnels_have(d->wanted, &tunnel);

	if (!!(bits & bit) != down)
		__atomic_store_n(&d->bits[path / 64], bits ^ bit, __ATOMIC_RELAXED);
}
