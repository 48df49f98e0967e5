/*
 * The part of express that is for subscribers whose packets choose their path (choose.h), a stride
 * at a time: the rules of all are on their way while those of the first are looked at, and so are
 * the paths.
 */
#include "dataplane/nodes/express.h"

/* By one path; a packet that rules send by several, or none, is encap's. */
static inline rte_edge_t finish_path(
	struct express *x, struct rte_mbuf *m, uint32_t number, const struct path *path)
{
	struct choose_way by;
	rte_edge_t edge;

	choose_way(x->w, number, path, &by);
	edge = encap_by(m, &by.way);
	if (unlikely(edge != ENCAP_FORWARD))
		return edge == ENCAP_NO_ROOM ? FORWARD_NO_ROOM : EXPRESS_ENCAP;
	x->encapsulated++;
	if (likely(!by.relayed))
		traffic_sent(x->w, m, number);
	else
		x->relayed_out++;
	return GO_ROUTE;
}

/* Asks for what the rules of a list are looked for in. */
static inline void prefetch_rules(const struct rule_sets *sets, const struct path_list *list)
{
	if (list->index != POOL_NONE)
		rte_prefetch0(pool_at(&sets->indexes, list->index));
	else if (list->block != POOL_NONE)
		rule_block_prefetch(pool_at(&sets->blocks, list->block));
}

void express_search(struct express *x)
{
	const struct rule_sets *sets = &x->w->tables->rules.sets;
	struct steered *s = &x->steered;
	uint32_t more = 0;

	for (uint16_t k = 0; k < s->count; k++)
		prefetch_rules(sets, s->lists[k]);
	for (uint16_t k = 0; k < s->count; k++) {
		choose_search(x->w, s->lists[k], &s->packets[k], &s->searches[k]);
		rule_search_ahead(sets, &s->searches[k]);
		more |= s->searches[k].left;
	}
	for (uint16_t k = 0; more && k < s->count; k++) {
		if (!rule_search_goes_on(&s->searches[k]))
			continue;
		rule_search_next(sets, &s->packets[k].key, &s->searches[k]);
		rule_search_ahead(sets, &s->searches[k]);
	}
}

uint16_t express_steered(struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[],
	uint16_t routed[], uint16_t n)
{
	struct steered *s = &x->steered;

	for (uint16_t k = 0; k < s->count; k++)
		choose_read(mbufs[s->of[k]], &s->packets[k]);
	express_search(x);
	for (uint16_t k = 0; k < s->count; k++)
		if (unlikely(!express_choose(x, k, mbufs[s->of[k]])))
			next[s->of[k]] = EXPRESS_ENCAP;
	for (uint16_t k = 0; k < s->count; k++) {
		const uint16_t i = s->of[k];

		if (unlikely(next[i] != GO_CHOOSE))
			continue;
		next[i] = finish_path(x, mbufs[i], s->numbers[k], s->paths[k]);
		routed[n] = i;
		n += next[i] == GO_ROUTE;
	}
	return n;
}
