#include "dataplane/tables/pool.h"

#include <errno.h>
#include <rte_common.h>

#include "dataplane/tables/bits.h"

static uint32_t *link_of(const struct pool *p, uint32_t index)
{
	return (uint32_t *)(void *)(p->base + (size_t)index * p->stride + p->link);
}

int pool_init(struct pool *p, struct pool_element element, uint32_t capacity, uint32_t most,
	struct rte_rcu_qsbr *rcu)
{
	int err;

	*p = (struct pool){
		.stride = element.stride,
		.link = element.link,
		.capacity = capacity,
		.most = RTE_MAX(capacity, most),
		.free = POOL_NONE,
		.retired = POOL_NONE,
		.waiting = POOL_NONE,
		.rcu = rcu,
	};
	err = room_init(&p->room, (size_t)capacity * p->stride, (size_t)p->most * p->stride);
	p->base = p->room.base;
	return err;
}

void pool_destroy(struct pool *p)
{
	room_destroy(&p->room);
	p->base = NULL;
}

/* By an eighth at least, and all that comes with the pages for that. Not for what readers still
 * hold: who waits for them gets that. */
static void grow(struct pool *p)
{
	const uint64_t wanted = RTE_MIN((uint64_t)p->capacity + p->capacity / 8 + 1, p->most);
	const bool nearly_full = p->used >= p->capacity - p->capacity / 16;

	if (nearly_full && p->capacity < p->most && room_grow(&p->room, wanted * p->stride) == 0)
		p->capacity = (uint32_t)RTE_MIN(p->room.made / p->stride, (size_t)p->most);
}

static uint32_t take_free(struct pool *p)
{
	uint32_t index = p->free;

	if (index != POOL_NONE)
		p->free = *link_of(p, index);
	else if (p->fresh < p->capacity)
		index = p->fresh++;
	return index;
}

uint32_t pool_take(struct pool *p)
{
	uint32_t index = take_free(p);

	if (index == POOL_NONE) {
		pool_reclaim(p, false);
		index = take_free(p);
	}
	if (index == POOL_NONE) {
		grow(p);
		index = take_free(p);
	}
	if (index != POOL_NONE)
		p->used++;
	return index;
}

void pool_return(struct pool *p, uint32_t index)
{
	*link_of(p, index) = p->free;
	p->free = index;
	p->used--;
}

void pool_retire(struct pool *p, uint32_t index)
{
	*link_of(p, index) = p->retired;
	if (p->retired == POOL_NONE)
		p->retired_tail = index;
	p->retired = index;
	p->used--;
}

/* Those that waited for the token are free. */
static void free_waiting(struct pool *p)
{
	if (p->waiting == POOL_NONE)
		return;
	*link_of(p, p->waiting_tail) = p->free;
	p->free = p->waiting;
	p->waiting = POOL_NONE;
}

/* Those retired until now wait for a new token. */
static void start_waiting(struct pool *p)
{
	p->waiting = p->retired;
	p->waiting_tail = p->retired_tail;
	p->retired = POOL_NONE;
	p->token = rte_rcu_qsbr_start(p->rcu);
}

void pool_reclaim(struct pool *p, bool wait)
{
	/* Twice: what was retired after the last token still needs one of its own. */
	for (int round = 0; round < 2; round++) {
		if (p->waiting != POOL_NONE && rte_rcu_qsbr_check(p->rcu, p->token, wait) == 1)
			free_waiting(p);
		if (p->waiting == POOL_NONE && p->retired != POOL_NONE)
			start_waiting(p);
	}
	if (p->waiting != POOL_NONE && rte_rcu_qsbr_check(p->rcu, p->token, wait) == 1)
		free_waiting(p);
}

void pool_rebuild(struct pool *p, const uint64_t *kept)
{
	p->free = p->retired = p->waiting = POOL_NONE;
	p->used = p->fresh;
	for (uint32_t i = p->fresh; i-- > 0;)
		if (!bits_test(kept, i))
			pool_return(p, i);
}
