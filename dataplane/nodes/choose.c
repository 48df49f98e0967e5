#include "dataplane/nodes/choose.h"

#include <rte_cycles.h>
#include <rte_malloc.h>

enum {
	SPI_LEN = 4,
	AUTHENTICATION_SPI = 4, /* offset of the SPI in AH (RFC 4302, 2) */
	SCTP = 132,
	DCCP = 33,
	UDP_LITE = 136,
	OFFSET_MASK = 0xfff8, /* of a Fragment header's third and fourth octet */
	TURNS_MOST = 8,       /* that are tried while paths are down */
};

struct chooser *chooser_create(void)
{
	return rte_zmalloc("chooser", sizeof(struct chooser), RTE_CACHE_LINE_SIZE);
}

void chooser_destroy(struct chooser *c)
{
	rte_free(c);
}

static uint32_t load32(const uint8_t *at)
{
	rte_be32_t value;

	memcpy(&value, at, sizeof(value));
	return rte_be_to_cpu_32(value);
}

/* What stands at the beginning of the payload, if it is there. */
static void read_payload(const uint8_t *data, uint32_t len, struct rule_key *key)
{
	const uint8_t ports = 1 << RULE_SOURCE_PORT | 1 << RULE_DESTINATION_PORT;

	key->has &= (uint8_t)~ports;
	key->ports[0] = key->ports[1] = 0;
	key->spi = 0;
	switch (key->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case SCTP:
	case DCCP:
	case UDP_LITE:
		if (len < SPI_LEN)
			return;
		key->ports[0] = (uint16_t)(load32(data) >> 16);
		key->ports[1] = (uint16_t)load32(data);
		key->has |= ports;
		return;
	case IPPROTO_AH:
		if (len < AUTHENTICATION_SPI + SPI_LEN)
			return;
		key->spi = load32(data + AUTHENTICATION_SPI);
		break;
	case IPPROTO_ESP:
		if (len < SPI_LEN)
			return;
		key->spi = load32(data);
		break;
	default:
		return;
	}
	key->has |= 1 << RULE_SPI;
}

void choose_read_else(struct rte_mbuf *m, struct choose_packet *p)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	struct ip6_chain chain;
	uint32_t len;

	/* A chain that cannot be read has no payload that we can see. */
	if (ip6_walk(data, m->data_len, &chain) < 0) {
		read_payload(data, 0, &p->key);
		return;
	}
	p->key.protocol = chain.protocol;
	p->signalling |= chain.protocol == IP6_MOBILITY;
	p->fragment = chain.fragment;
	p->first = true;
	len = m->data_len > chain.offset ? m->data_len - chain.offset : 0;
	if (chain.fragment && (load32(data + chain.fragment) & OFFSET_MASK)) {
		p->first = false;
		len = 0;
	}
	read_payload(data + chain.offset, len, &p->key);
}

/* The place of a packet's fragments, or NULL; *oldest is the one to take for a new packet. */
static struct choose_fragment *find_fragment(
	struct worker *w, const struct choose_fragment *key, struct choose_fragment **oldest)
{
	const uint64_t lifetime = CHOOSE_FRAGMENT_S * rte_get_tsc_hz();
	const uint64_t hash = table_hash(&key->source, key->id) ^ addr_hash(&key->destination) >> 1;
	struct choose_fragment *bucket =
		w->chooser->fragments[(hash >> 32) % CHOOSE_FRAGMENT_BUCKETS];

	*oldest = bucket;
	for (unsigned i = 0; i < CHOOSE_FRAGMENT_WAYS; i++) {
		struct choose_fragment *f = &bucket[i];

		if (f->when && f->id == key->id && addr_equal(&f->source, &key->source) &&
			addr_equal(&f->destination, &key->destination) &&
			w->tsc - f->when < lifetime)
			return f;
		if (f->when < (*oldest)->when)
			*oldest = f;
	}
	return NULL;
}

uint32_t choose_fragment(struct worker *w, const struct rte_mbuf *m, uint32_t list, uint8_t among,
	const struct choose_packet *p)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	struct choose_fragment key = {
		.source = ip6_load(ip->src_addr), .destination = ip6_load(ip->dst_addr)};
	struct choose_fragment *oldest, *found;
	uint32_t choice;

	memcpy(&key.id, (const uint8_t *)ip + p->fragment + 4, sizeof(key.id));
	found = find_fragment(w, &key, &oldest);
	if (found && found->list == list && !p->first) {
		node_count(w, WORKER_fragments_followed, 1);
		return found->choice;
	}
	choice = choose_decide(w, list, among, p);
	/* One that comes before the first tells nothing about it. */
	if (!p->first)
		return choice;
	key.when = w->tsc;
	key.list = list;
	key.choice = (uint8_t)choice;
	*(found ? found : oldest) = key;
	return choice;
}

/* The same on every host: all data planes choose the same path for a flow. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m =
		(unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xbf58476d1ce4e5b9u);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t flow_of(const struct rule_key *key)
{
	const unsigned __int128 source = rule_number(key->addresses);
	const unsigned __int128 destination = rule_number(key->addresses + sizeof(struct in6_addr));
	uint64_t h = mix((uint64_t)(source >> 64), (uint64_t)source);

	h = mix(h ^ (uint64_t)(destination >> 64), (uint64_t)destination);
	return mix(
		h, (uint64_t)key->ports[0] << 32 | (uint64_t)key->ports[1] << 16 | key->protocol);
}

/* Twice, or neighbouring flows would depend on each other. */
static uint32_t score(uint64_t flow, uint64_t path)
{
	return (uint32_t)(mix(mix(flow, path), 0x5851f42d4c957f2d) >> 32);
}

/* -log2(h / 2^32) with 16 bits behind the point, to 1 % of one. */
static uint32_t minus_log2(uint32_t h)
{
	uint32_t zeros = (uint32_t)__builtin_clz(h | 1);
	uint64_t m = (uint32_t)((uint64_t)(h | 1) << (zeros + 1)) >> 16;

	return (uint32_t)(((uint64_t)(zeros + 1) << 16) - m - (m * (65536 - m) * 22713 >> 32));
}

/*
 * The path with the highest score for the flow, of scores that are as often highest as the weights
 * say: when a path comes or goes, no flow moves but to or from it.
 */
static uint32_t choose_flow(const struct path_table *t, const struct path_list *list, uint8_t among,
	const struct rule_key *key)
{
	const uint64_t flow = flow_of(key);
	uint64_t best_log = UINT32_MAX;
	uint32_t best_weight = 0, best = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t weight = list->weights[i];
		uint64_t log;

		if (weight == 0 || !(among >> i & 1))
			continue;
		log = minus_log2(score(flow, path_at(t, list->paths[i])->id));
		if (best_weight == 0 || log * best_weight < best_log * weight) {
			best = i;
			best_log = log;
			best_weight = weight;
		}
	}
	return 1u << best;
}

/* The path whose turn it is. */
static uint32_t choose_turn(uint16_t *at, const struct path_list *list)
{
	uint32_t turn = *at < list->turns ? *at : 0, sum = 0;
	uint32_t next = turn + list->stride;

	*at = (uint16_t)(next < list->turns ? next : next - list->turns);
	for (uint32_t i = 0; i < list->count; i++) {
		sum += list->weights[i];
		if (turn * list->divisor < sum)
			return 1u << i;
	}
	return 1;
}

uint32_t choose_share(struct worker *w, uint32_t number, uint8_t among, const struct rule_key *key)
{
	const struct path_list *list = path_list_at(&w->tables->paths, number);
	uint32_t choice;

	if (list->steering == STEERING_FLOW)
		return choose_flow(&w->tables->paths, list, among, key);
	choice = choose_turn(path_table_turn(&w->tables->paths, w->index, number), list);
	return choice & among ? choice : choose_flow(&w->tables->paths, list, among, key);
}

uint32_t choose_search_on(
	const struct rule_sets *sets, const struct rule_key *key, struct rule_search *s)
{
	return rule_search_end(sets, UINT8_MAX, key, s);
}

/* Whether a path of these gets a share. */
static bool any_weight(const struct path_list *list, uint8_t among)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->weights[i] && among >> i & 1)
			return true;
	return false;
}

/* The turns of paths that are down are passed over, so that the others keep their ratio. */
static uint32_t share_around(
	struct worker *w, uint32_t number, uint8_t among, const struct rule_key *key)
{
	const struct path_list *list = path_list_at(&w->tables->paths, number);
	uint16_t *turn = path_table_turn(&w->tables->paths, w->index, number);

	if (!any_weight(list, among))
		return among & -(uint32_t)among;
	for (unsigned i = 0; list->steering == STEERING_PACKET && i < TURNS_MOST; i++) {
		uint32_t choice = choose_turn(turn, list);

		if (choice & among)
			return choice;
	}
	return choose_flow(&w->tables->paths, list, among, key);
}

uint32_t choose_around(
	struct worker *w, uint32_t number, uint8_t among, const struct choose_packet *p)
{
	const struct path_list *list = path_list_at(&w->tables->paths, number);
	const uint8_t up = path_list_up(&w->tables->paths, list, among);
	const uint8_t left = up & among;
	uint32_t found = 0;

	if (up == path_list_all(list))
		return choose_any(w, number, among, p);
	node_count(w, WORKER_paths_down, 1);
	if (list->block != POOL_NONE && !p->signalling)
		found = rule_set_match_up(
			&w->tables->rules.sets, list->block, list->index, up, &p->key);
	if (found)
		return found & CHOOSE_ALL;
	if (list->steering == STEERING_FLOW || list->steering == STEERING_PACKET)
		return share_around(w, number, left, &p->key);
	found = choose_first(list, left);
	return found & up ? found : left & -(uint32_t)left;
}

void choose_relayed(struct worker *w, const struct path *path, struct choose_way *out)
{
	const struct data_plane_set *set = data_plane_table_get(&w->tables->data_planes);

	memcpy(out->header, path_shape_at(&w->tables->paths, path->shape)->header,
		sizeof(out->header));
	memcpy(out->header + 8, &set->own, sizeof(set->own));
	out->header[0] = 0x60; /* that of a path on a link has none */
	out->header[6] = IP6_TUNNEL;
	out->header[7] = PATH_HOP_LIMIT;
	out->way.header = out->header;
	out->way.key = 0;
	out->way.remote = &set->by_slot[path->data_plane & ~PATH_RELAYED];
}
