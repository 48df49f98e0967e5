/*
 * Which data plane serves a session, and the address of it that its gateway is told: the LMA
 * User-Plane Address (RFC 7389).
 */
#include "ctrl/signalling/lma/lma_state.h"

void lma_serving_read(const struct mh *mh, struct lma_update *u)
{
	for (const struct mh_option *o = option_find(mh, OPTION_LMA_ADDRESS); o;
		o = option_next(mh, o))
		u->has_user_plane |= o->lma_address.address.len != sizeof(struct in_addr);
}

uint64_t lma_serving_choose(const struct lma *lma, const struct in6_addr *care_of)
{
	uint64_t data_plane = 0;

	if (!lma->ops.serve || lma->ops.serve(lma->ops.context, care_of, &data_plane) < 0)
		return 0;
	return data_plane;
}

/* Where nobody is left the one before may come back. */
static void choose_anew(const struct lma *lma, const struct in6_addr *care_of, uint64_t *data_plane)
{
	uint64_t chosen = *data_plane ? lma_serving_choose(lma, care_of) : 0;

	if (chosen)
		*data_plane = chosen;
}

void lma_serving_renew(const struct lma *lma, struct session_record *to)
{
	for (size_t i = 0; i < to->path_count; i++)
		choose_anew(lma, &to->paths[i].care_of, &to->paths[i].data_plane);
	if (to->path_count)
		to->data_plane = to->paths[0].data_plane;
	else
		choose_anew(lma, &to->care_of, &to->data_plane);
}

bool lma_serving_differs(const struct session_record *a, const struct session_record *b)
{
	for (size_t i = 0; i < a->path_count && i < b->path_count; i++)
		if (a->paths[i].data_plane != b->paths[i].data_plane)
			return true;
	return a->data_plane != b->data_plane;
}

void lma_serving_add(const struct lma *lma, uint64_t data_plane, struct mh *mh)
{
	struct in6_addr address;
	struct mh_option *option;

	if (!data_plane || !lma->ops.tunnel_address(lma->ops.context, data_plane, &address))
		return;
	option = option_add(mh, OPTION_LMA_ADDRESS);
	if (option)
		option->lma_address.address =
			(struct field_addr){.ip6 = address, .len = sizeof(address)};
}

/* Whether one of its ways is to be served by another. */
static enum signalling_wish wish_of(
	const struct session_record *record, signalling_wish_fn *wish, void *context)
{
	enum signalling_wish result = SIGNALLING_STAYS;

	if (!record->path_count && record->data_plane)
		return wish(context, &record->care_of, record->data_plane);
	for (size_t i = 0; i < record->path_count && result == SIGNALLING_STAYS; i++)
		if (record->paths[i].data_plane)
			result = wish(
				context, &record->paths[i].care_of, record->paths[i].data_plane);
	return result;
}

/* Where a walk goes on; the session that it was at may be gone, then it begins anew. */
static struct session *after(struct lma *lma, uint64_t number)
{
	return session_cache_next(
		lma->cache, number ? session_cache_by_number(lma->cache, number) : NULL);
}

bool lma_redirect(struct lma *lma, uint64_t *at, size_t budget, signalling_wish_fn *wish,
	void *context, size_t *busy)
{
	struct session *s, *next = after(lma, *at);

	while ((s = next) && budget--) {
		enum signalling_wish wanted = s->now.life == SESSION_LIVE
						      ? wish_of(&s->now, wish, context)
						      : SIGNALLING_STAYS;
		struct lma_request *r;

		if (wanted == SIGNALLING_STOP)
			return true;
		*at = s->now.number;
		next = session_cache_next(lma->cache, s);
		if (wanted != SIGNALLING_GOES)
			continue;
		r = s->running || s->waiting ? NULL : lma_request_new(lma, LMA_RENEW);
		if (r)
			lma_queue_put(lma, s, r);
		else
			++*busy;
	}
	if (s)
		return true;
	*at = 0;
	return false;
}
