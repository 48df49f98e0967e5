#include "tools/mn/early.h"

#include <stdbool.h>
#include <string.h>

#include "common/addr.h"
#include "common/clock.h"

static bool is_old(const struct early *e, uint64_t now_ns)
{
	return e->count && now_ns - e->since_ns > EARLY_MS * CLOCK_NS_PER_MS;
}

static unsigned forget(struct early *e)
{
	unsigned count = e->count;

	e->count = 0;
	e->used = 0;
	return count;
}

unsigned early_keep(struct early *e, uint64_t now_ns, const struct in6_addr *from, uint8_t class,
	const uint8_t *octets, size_t len)
{
	unsigned lost = is_old(e, now_ns) ? forget(e) : 0;

	if (e->count == EARLY_PACKETS || len > EARLY_OCTETS - e->used)
		return lost + 1;
	if (!e->count)
		e->since_ns = now_ns;
	e->packets[e->count++] = (struct early_packet){*from, class, e->used, len};
	memcpy(e->octets + e->used, octets, len);
	e->used += len;
	return lost;
}

unsigned early_release(
	struct early *e, uint64_t now_ns, const struct in6_addr *from, early_fn *fn, void *context)
{
	unsigned released = 0;

	for (unsigned i = 0; from && !is_old(e, now_ns) && i < e->count; i++) {
		const struct early_packet *p = &e->packets[i];

		if (!addr_equal(&p->from, from))
			continue;
		fn(context, e->octets + p->at, p->len, p->class);
		released++;
	}
	return forget(e) - released;
}
