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

/* Asks for what the rules of a list are looked for in, or for its paths if any may be taken. */
static inline void prefetch_rules(
	const struct tables *t, const struct rule_sets *sets, const struct path_list *list)
{
	if (unlikely(list->index != POOL_NONE))
		rte_prefetch0(pool_at(&sets->indexes, list->index));
	else if (likely(list->block != POOL_NONE))
		rule_block_prefetch(pool_at(&sets->blocks, list->block));
	for (unsigned i = 0; unlikely(choose_shares(list)) && i < list->count; i++)
		rte_prefetch0(path_at(&t->paths, list->paths[i]));
}

/* Looks on for the rules of those whose set has more than one block. */
static __rte_noinline void search_on(struct express *x)
{
	const struct rule_sets *sets = &x->w->tables->rules.sets;
	struct steered *s = &x->steered;

	for (uint16_t k = 0; k < s->count; k++) {
		if (!rule_search_goes_on(&s->searches[k]))
			continue;
		rule_search_next(sets, &s->packets[k].key, &s->searches[k]);
		rule_search_ahead(sets, &s->searches[k]);
	}
}

void express_search(struct express *x)
{
	const struct rule_sets *sets = &x->w->tables->rules.sets;
	struct steered *s = &x->steered;
	uint32_t more = 0;

	for (uint16_t k = 0; k < s->count; k++)
		prefetch_rules(x->w->tables, sets, s->lists[k]);
	for (uint16_t k = 0; k < s->count; k++) {
		choose_search(sets, s->lists[k], &s->packets[k], &s->searches[k]);
		rule_search_ahead(sets, &s->searches[k]);
		more |= s->searches[k].left;
	}
	if (unlikely(more))
		search_on(x);
}

/* What is looked at in a plain packet; inlined, what is not used comes to nothing. */
static __rte_always_inline void read_plain(const struct rte_ipv6_hdr *ip, struct choose_packet *p)
{
	choose_read_header(ip, false, p);
	choose_read_ports(ip, p);
}

/* As express_search(). True: some have a set of more than one block. */
static inline bool search_plain(struct express *x)
{
	const struct rule_sets *sets = &x->w->tables->rules.sets;
	struct steered *s = &x->steered;
	const unsigned n = s->count;
	uint32_t more = 0;

	for (unsigned k = 0; k < n; k++)
		prefetch_rules(x->w->tables, sets, s->lists[k]);
	for (unsigned k = 0; k < n; k++) {
		struct choose_packet p;

		read_plain(s->ips[k], &p);
		choose_search(sets, s->lists[k], &p, &s->searches[k]);
		rule_search_ahead(sets, &s->searches[k]);
		more |= s->searches[k].left;
	}
	return more;
}

/* Those of a stride that are looked for in several blocks. */
static __rte_noinline void search_plain_on(struct express *x)
{
	struct steered *s = &x->steered;

	for (unsigned k = 0; k < s->count; k++)
		read_plain(s->ips[k], &s->packets[k]);
	search_on(x);
}

/* Where what no rule matches is shared out. */
static __rte_noinline uint32_t choose_shared(struct express *x, unsigned k)
{
	struct choose_packet p;

	read_plain(x->steered.ips[k], &p);
	return choose_by(x->w, x->steered.numbers[k], x->steered.lists[k], CHOOSE_ALL, &p,
		&x->steered.searches[k]);
}

/* Where the first rule found is not all that there is to look at. */
static __rte_noinline uint32_t search_plain_end(struct express *x, unsigned k)
{
	struct choose_packet p;

	read_plain(x->steered.ips[k], &p);
	return choose_search_on(&x->w->tables->rules.sets, &p.key, &x->steered.searches[k]);
}

static inline uint32_t choose_plain(struct express *x, const struct rule_sets *sets, unsigned k)
{
	struct steered *s = &x->steered;
	const struct path_list *list = s->lists[k];
	bool sure;
	uint32_t found;

	if (unlikely(choose_shares(list)))
		return list->steering == STEERING_FLOW ? choose_shared(x, k) : 0;
	found = rule_search_first(sets, s->ips[k]->src_addr, &s->searches[k], &sure);
	if (unlikely(!sure))
		found = search_plain_end(x, k);
	return choose_of(list, CHOOSE_ALL, found);
}

void express_choose_plain(struct express *x)
{
	const struct path_table *paths = &x->w->tables->paths;
	struct steered *s = &x->steered;
	const unsigned n = s->count;

	if (unlikely(path_down_any(&paths->downs))) {
		memset(s->lists, 0, n * sizeof(s->lists[0]));
		return;
	}
	if (unlikely(search_plain(x)))
		search_plain_on(x);
	for (unsigned k = 0; k < n; k++) {
		const uint32_t chosen = choose_plain(x, &x->w->tables->rules.sets, k);

		if (unlikely(chosen == 0 || chosen & (chosen - 1)))
			s->lists[k] = NULL;
		else
			express_take(x, k, chosen);
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
