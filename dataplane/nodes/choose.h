/*
 * Which of its paths a packet to a subscriber takes: what encap asks for subscribers that have
 * rules or share their packets out (path_table.h), and express.
 *
 * First the rules (RFC 6089, 5.3.6), which signalling and what it carries is kept from (4.3); where
 * none matches, the steering of the subscriber (RFC 5648, 3). Fragments take the path that their
 * packet's first one took: it is remembered in a table of the worker's own, in which the oldest
 * make way.
 */
#pragma once

#include "dataplane/nodes/encap.h"
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/tables/rule_set.h"

enum {
	CHOOSE_ALL = UINT8_MAX,
	CHOOSE_PORTS = 4, /* octets of both */
	CHOOSE_FRAGMENT_BUCKETS = 256,
	CHOOSE_FRAGMENT_WAYS = 4,
	CHOOSE_FRAGMENT_S = 60, /* as long as fragments are waited for (RFC 8200, 4.5) */
};

/* Where the first fragment of a packet went. One cache line. */
struct choose_fragment {
	struct in6_addr source, destination;
	uint64_t when;  /* TSC; 0: free */
	uint32_t id;    /* of the packet, as on the wire */
	uint32_t list;  /* of whose paths */
	uint8_t choice; /* as of choose_paths() */
} __rte_cache_aligned;
static_assert(sizeof(struct choose_fragment) == 64, "one cache line");

/* Of one worker. */
struct chooser {
	struct choose_fragment fragments[CHOOSE_FRAGMENT_BUCKETS][CHOOSE_FRAGMENT_WAYS];
};

/* What is looked at in a packet. */
struct choose_packet {
	struct rule_key key;
	uint16_t fragment; /* offset of its Fragment header, 0: none */
	bool first;        /* of the fragments */
	bool signalling;   /* rules are not for it */
};

/* NULL: no memory. */
struct chooser *chooser_create(void);

/* NULL is allowed. */
void chooser_destroy(struct chooser *c);

/* Whether a header has TCP or UDP behind it. */
static inline bool choose_has_ports(const struct rte_ipv6_hdr *ip)
{
	return ip->proto == IPPROTO_TCP || ip->proto == IPPROTO_UDP;
}

/* A packet with extension headers, or that has no ports. */
void choose_read_else(struct rte_mbuf *m, struct choose_packet *p);

/* The paths of a fragment. */
uint32_t choose_fragment(struct worker *w, const struct rte_mbuf *m, uint32_t list, uint8_t among,
	const struct choose_packet *p);

/* Where no rule matches: by steering, of those paths whose bit is in among. */
uint32_t choose_share(struct worker *w, uint32_t list, uint8_t among, const struct rule_key *key);

/* The paths of a packet that is whole, or a first fragment, while some path may be down: its flow
 * moves to another only if its own is down, and returns when that is up. */
uint32_t choose_around(
	struct worker *w, uint32_t list, uint8_t among, const struct choose_packet *p);

/* How a packet goes by a path. */
struct choose_way {
	struct encap_way way;
	bool relayed;
	uint8_t header[PATH_HEADER_LEN]; /* of a relayed one */
};
void choose_relayed(struct worker *w, const struct path *path, struct choose_way *out);

/* Reads what rules look at in an IPv6 header. */
static inline void choose_read_header(
	const struct rte_ipv6_hdr *ip, bool signalling, struct choose_packet *p)
{
	const uint32_t head = ntohl(ip->vtc_flow);

	p->key.addresses = ip->src_addr;
	p->key.spi = 0;
	p->key.label = head & ENCAP_LABEL_MASK;
	p->key.class = (uint8_t)(head >> 20) & 0xfc;
	p->key.protocol = ip->proto;
	p->key.version = 6;
	p->key.has = UINT8_MAX & ~(1 << RULE_SPI);
	p->fragment = 0;
	p->first = true;
	p->signalling = signalling;
}

/* And in the ports behind it. Not by ntohs(): gcc swaps both in one vector register then, and waits
 * for it wherever one of them is used. */
static inline void choose_read_ports(const struct rte_ipv6_hdr *ip, struct choose_packet *p)
{
	rte_be16_t ports[2];

	memcpy(ports, ip + 1, sizeof(ports));
	p->key.ports[0] = rte_be_to_cpu_16(ports[0]);
	p->key.ports[1] = rte_be_to_cpu_16(ports[1]);
}

/* Reads both, of any packet with its data at the IPv6 header. */
static inline void choose_read(struct rte_mbuf *m, struct choose_packet *p)
{
	const struct rte_ipv6_hdr *ip = ip6_of(m);

	choose_read_header(ip, meta_of(m)->flags & META_SIGNALLING, p);
	if (likely(choose_has_ports(ip) && m->data_len >= IP6_LEN + CHOOSE_PORTS))
		choose_read_ports(ip, p);
	else
		choose_read_else(m, p);
}

/* The path of what is not shared out; one of `among`, if any. */
static inline uint32_t choose_first(const struct path_list *list, uint8_t among)
{
	uint32_t choice = 1u << path_list_first(list);

	if (likely(choice & among) || among == 0 || list->steering == STEERING_FIRST)
		return choice;
	return among & -(uint32_t)among;
}

/* Whether what no rule matches is shared out. */
static inline bool choose_shares(const struct path_list *list)
{
	return list->steering == STEERING_FLOW || list->steering == STEERING_PACKET;
}

/* By what the rules of a list say that does not share out. No branch: whether any rule matches is
 * often not foreseen. */
static inline uint32_t choose_of(const struct path_list *list, uint8_t among, uint32_t found)
{
	const uint32_t matched = -(found / RULE_MATCHED), first = choose_first(list, among);

	return (first ^ ((first ^ found) & matched)) & CHOOSE_ALL;
}

/* Ends a search that its first rule does not: rule_search_end(), where it takes no registers from
 * others. */
uint32_t choose_search_on(
	const struct rule_sets *sets, const struct rule_key *key, struct rule_search *s);

/* By what has been found so far in the rules of the list, which is at `at`. */
static inline uint32_t choose_by(struct worker *w, uint32_t list, const struct path_list *at,
	uint8_t among, const struct choose_packet *p, struct rule_search *s)
{
	const struct rule_sets *sets = &w->tables->rules.sets;
	bool sure;
	uint32_t found = rule_search_first(sets, p->key.addresses, s, &sure);

	if (unlikely(!sure))
		found = choose_search_on(sets, &p->key, s);
	if (unlikely(choose_shares(at)))
		return found ? found & CHOOSE_ALL : choose_share(w, list, among, &p->key);
	return choose_of(at, among, found);
}

/* Begins to look for the rule of a packet, if rules are for it. */
static inline void choose_search(const struct rule_sets *sets, const struct path_list *at,
	const struct choose_packet *p, struct rule_search *s)
{
	if (at->block != POOL_NONE && likely(!p->signalling))
		rule_search_begin(sets, at->block, at->index, &p->key, s);
	else
		*s = (struct rule_search){0};
}

/* The paths of a packet that is whole, or a first fragment, whether they are down or not. */
static inline uint32_t choose_any(
	struct worker *w, uint32_t list, uint8_t among, const struct choose_packet *p)
{
	const struct path_list *at = path_list_at(&w->tables->paths, list);
	struct rule_search s;

	choose_search(&w->tables->rules.sets, at, p, &s);
	return choose_by(w, list, at, among, p, &s);
}

static inline uint32_t choose_decide(
	struct worker *w, uint32_t list, uint8_t among, const struct choose_packet *p)
{
	if (unlikely(path_down_any(&w->tables->paths.downs)))
		return choose_around(w, list, among, p);
	return choose_any(w, list, among, p);
}

/*
 * The paths that a packet takes: a bit for each by its place in the list, a copy to each; 0: a rule
 * drops it. Only paths whose bit is in among get a share of packets that no rule matches.
 */
static inline uint32_t choose_paths(
	struct worker *w, struct rte_mbuf *m, uint32_t list, uint8_t among)
{
	struct choose_packet p;

	choose_read(m, &p);
	if (unlikely(p.fragment))
		return choose_fragment(w, m, list, among, &p);
	return choose_decide(w, list, among, &p);
}

/* The same, among all, of a packet that was read and whose rule was looked for, as far as that has
 * come. */
static inline uint32_t choose_found(struct worker *w, struct rte_mbuf *m, uint32_t list,
	const struct path_list *at, const struct choose_packet *p, struct rule_search *s)
{
	if (unlikely(p->fragment))
		return choose_fragment(w, m, list, CHOOSE_ALL, p);
	if (unlikely(path_down_any(&w->tables->paths.downs)))
		return choose_around(w, list, CHOOSE_ALL, p);
	return choose_by(w, list, at, CHOOSE_ALL, p, s);
}

/* How it goes by one of them, at `path`. */
static inline void choose_way(
	struct worker *w, uint32_t number, const struct path *path, struct choose_way *out)
{
	const struct path_table *t = &w->tables->paths;

	out->relayed = path->data_plane & PATH_RELAYED;
	out->way.remote = &path->remote;
	out->way.mtu = path->mtu;
	if (unlikely(out->relayed)) {
		choose_relayed(w, path, out);
		return;
	}
	out->way.header = path_shape_at(t, path->shape)->header;
	out->way.key = path_key_out(t, out->way.header, number);
}
