#include "dataplane/mirror/sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/log.h"
#include "dataplane/port.h"

/* One of Linux's routes to a prefix. */
struct candidate {
	struct candidate *next; /* by source, longest prefix first, then by rank; equals in order
				 * of arrival */
	struct prefix6 source;
	int64_t rank; /* the metric; -1: an address of the host */
	int ifindex;
	struct route_next_hop hop;
	bool marked;
};

struct route_key {
	struct prefix6 prefix;
	uint32_t domain; /* of the port that it leads to */
};

struct sync_route {
	struct route_key key; /* padding is zero */
	struct candidate *candidates;
	bool set; /* in the table, as `hop` */
	bool wants_gateway;
	int ifindex;
	struct route_next_hop hop;
	struct sync_sources *sources; /* that hop leads to; NULL: not by source */
	UT_hash_handle hh;
};

/* A set that the table has, or had. */
struct sync_sources {
	struct route_sources set;
	struct sync_sources *next; /* unused */
};

struct neighbour_key {
	int ifindex;
	struct in6_addr addr;
};

struct sync_neighbour {
	struct neighbour_key key;
	uint16_t port;
	bool stale;
	bool marked;
	UT_hash_handle hh;
};

void sync_init(struct sync *sync, struct tables *tables, const struct sync_ops *ops, void *context)
{
	*sync = (struct sync){.tables = tables, .ops = ops, .context = context};
}

static void make_key(struct route_key *key, const struct prefix6 *prefix, uint32_t domain)
{
	memset(key, 0, sizeof(*key));
	key->prefix.addr = prefix->addr;
	key->prefix.len = prefix->len;
	key->domain = domain;
}

/* The domain that a port is of, which what leads there is of. */
static uint32_t domain_of(const struct sync *sync, uint16_t port)
{
	return domain_table_of_port(&sync->tables->domains, port);
}

static int table_set(
	struct sync *sync, const struct route_key *key, const struct route_next_hop *hop)
{
	if (key->domain == 0)
		return route_table_set(&sync->tables->routes, &key->prefix, hop);
	return domain_routes_set(
		domain_table_routes(&sync->tables->domains, key->domain), &key->prefix, hop);
}

static void table_delete(struct sync *sync, const struct route_key *key)
{
	if (key->domain == 0)
		route_table_delete(&sync->tables->routes, &key->prefix);
	else
		domain_routes_delete(
			domain_table_routes(&sync->tables->domains, key->domain), &key->prefix);
}

static bool same_hop(const struct route_next_hop *a, const struct route_next_hop *b)
{
	return a->kind == b->kind && a->port == b->port && addr_equal(&a->gateway, &b->gateway);
}

static void put_aside(struct sync *sync, struct sync_sources *sources)
{
	if (!sources)
		return;
	sources->next = sync->unused;
	sync->unused = sources;
}

/* Frees the sets that no reader can see any more. */
static void free_unused(struct sync *sync)
{
	while (sync->unused) {
		struct sync_sources *next = sync->unused->next;

		free(sync->unused);
		sync->unused = next;
	}
}

/* What the candidates are together, some of which are for certain sources. NULL: no memory. */
static struct sync_sources *gather(const struct sync_route *route)
{
	struct sync_sources *sources = calloc(1, sizeof(*sources));
	struct route_sources *set = sources ? &sources->set : NULL;

	for (const struct candidate *c = route->candidates; c && set; c = c->next) {
		bool again = set->count &&
			     prefix6_compare(&set->at[set->count - 1].source, &c->source) == 0;

		if (c->source.len == 0) {
			set->rest = c->hop;
			break;
		}
		if (!again && set->count < ROUTE_SOURCES_MAX) {
			set->at[set->count].source = c->source;
			set->at[set->count++].hop = c->hop;
		}
	}
	return sources;
}

/* Puts a next hop into the table, and what it leads to aside when it is replaced. */
static void put_hop(struct sync *sync, struct sync_route *route, const struct route_next_hop *hop,
	int ifindex, struct sync_sources *sources)
{
	int rc = table_set(sync, &route->key, hop);

	if (rc < 0) {
		static struct log_limit limit = LOG_LIMIT(5);

		LOG_LIMITED(&limit, LOG_LEVEL_ERROR, "mirror", "route-refused",
			"prefix=%s domain=%u error=%s", PREFIX6_TEXT(&route->key.prefix),
			route->key.domain, LOG_QUOTE(strerror(-rc)));
		free(sources);
		return;
	}
	put_aside(sync, route->sources);
	route->sources = sources;
	route->set = true;
	route->hop = *hop;
	route->ifindex = ifindex;
	route->wants_gateway = hop->kind == ROUTE_GATEWAY;
	sync->gateways_wanted |= route->wants_gateway;
	sync->dirty = true;
}

/* Brings the table to what the candidates say: the first, or those for certain sources. */
static void settle(struct sync *sync, struct sync_route *route)
{
	const struct candidate *best = route->candidates;

	if (best && best->source.len) {
		struct sync_sources *sources = gather(route);
		struct route_next_hop hop;

		memset(&hop, 0, sizeof(hop));
		hop.kind = ROUTE_BY_SOURCE;
		hop.port = PORT_NONE;
		hop.sources = sources ? &sources->set : NULL;
		if (sources)
			put_hop(sync, route, &hop, 0, sources);
	} else if (best && (!route->set || !same_hop(&route->hop, &best->hop))) {
		put_hop(sync, route, &best->hop, best->ifindex, NULL);
	} else if (!best && route->set) {
		table_delete(sync, &route->key);
		put_aside(sync, route->sources);
		sync->dirty = true;
	}
	if (!best) {
		HASH_DEL(sync->routes, route);
		free(route);
	}
}

static struct sync_route *find_route(
	struct sync *sync, const struct prefix6 *prefix, uint32_t domain, bool make)
{
	struct sync_route *route;
	struct route_key key;

	make_key(&key, prefix, domain);
	HASH_FIND(hh, sync->routes, &key, sizeof(key), route);
	if (route || !make)
		return route;
	route = calloc(1, sizeof(*route));
	if (!route)
		return NULL;
	route->key = key;
	HASH_ADD(hh, sync->routes, key, sizeof(key), route);
	return route;
}

static struct candidate **find_candidate(struct sync_route *route, const struct candidate *like)
{
	struct candidate **at = &route->candidates;

	while (*at && !((*at)->rank == like->rank && (*at)->ifindex == like->ifindex &&
			      prefix6_compare(&(*at)->source, &like->source) == 0 &&
			      same_hop(&(*at)->hop, &like->hop)))
		at = &(*at)->next;
	return at;
}

/* Whether one candidate comes before another, or is its equal. */
static bool is_before(const struct candidate *a, const struct candidate *b)
{
	int order = prefix6_compare(&a->source, &b->source);

	if (a->source.len != b->source.len)
		return a->source.len > b->source.len;
	return order ? order < 0 : a->rank <= b->rank;
}

static void add_candidate(
	struct sync *sync, const struct prefix6 *prefix, const struct candidate *like)
{
	struct sync_route *route = find_route(sync, prefix, domain_of(sync, like->hop.port), true);

	if (!route)
		return;
	struct candidate *known = *find_candidate(route, like);
	if (known) {
		known->marked = false;
		return;
	}
	struct candidate *c = calloc(1, sizeof(*c));
	if (c) {
		struct candidate **at = &route->candidates;

		*c = *like;
		while (*at && is_before(*at, c))
			at = &(*at)->next;
		c->next = *at;
		*at = c;
	}
	settle(sync, route);
}

static void remove_candidate(
	struct sync *sync, const struct prefix6 *prefix, const struct candidate *like)
{
	struct sync_route *route = find_route(sync, prefix, domain_of(sync, like->hop.port), false);
	struct candidate **at = route ? find_candidate(route, like) : NULL;

	if (!at || !*at)
		return;
	struct candidate *c = *at;
	*at = c->next;
	free(c);
	settle(sync, route);
}

/* What a route of Linux is for the table; false: nothing. */
static bool next_hop(
	const struct sync *sync, const struct kmsg_route *route, struct route_next_hop *hop)
{
	*hop = (struct route_next_hop){.port = PORT_NONE};
	switch (route->type) {
	case KMSG_ROUTE_UNICAST:
		hop->port = sync->ops->port_of(sync->context, route->ifindex);
		hop->kind = route->gateway ? ROUTE_GATEWAY : ROUTE_CONNECTED;
		if (route->gateway)
			hop->gateway = route->via;
		return hop->port != PORT_NONE;
	case KMSG_ROUTE_UNREACHABLE:
		hop->kind = ROUTE_UNREACHABLE;
		return true;
	case KMSG_ROUTE_BLACKHOLE:
		hop->kind = ROUTE_BLACKHOLE;
		return true;
	case KMSG_ROUTE_IGNORED:
		break;
	}
	return false;
}

static void take_route(struct sync *sync, const struct kmsg *msg)
{
	const struct kmsg_route *route = &msg->route;
	struct candidate like = {.rank = route->metric, .source = route->source};

	if (route->type == KMSG_ROUTE_IGNORED ||
		(route->elsewhere && sync->tables->domains.count == 0))
		return;
	/* In a dump such a route is complete: its first next hop counts. */
	if (route->partial && !msg->dump) {
		sync->must_dump = true;
		return;
	}
	/* Link-local and multicast destinations never come to a lookup. */
	if (addr_is_link_local(&route->prefix.addr) || addr_is_multicast(&route->prefix.addr))
		return;
	if (!next_hop(sync, route, &like.hop))
		return;
	/* Other tables are those of customers, where Linux tells them apart by VRFs. */
	if (route->elsewhere && !domain_of(sync, like.hop.port))
		return;
	like.ifindex = like.hop.port == PORT_NONE ? 0 : route->ifindex;
	if (msg->removed)
		remove_candidate(sync, &route->prefix, &like);
	else
		add_candidate(sync, &route->prefix, &like);
}

static void take_address(struct sync *sync, const struct kmsg *msg)
{
	const uint16_t port = sync->ops->port_of(sync->context, msg->address.ifindex);
	const struct candidate local = {.rank = -1,
		.ifindex = msg->address.ifindex,
		.hop = {.kind = ROUTE_LOCAL, .port = domain_of(sync, port) ? port : PORT_NONE}};
	const struct in6_addr *addr = &msg->address.addr;
	struct prefix6 prefix = prefix6_of(addr, 128);

	if (addr_is_link_local(addr) || addr_is_loopback(addr))
		return;
	if (msg->removed)
		remove_candidate(sync, &prefix, &local);
	else
		add_candidate(sync, &prefix, &local);
}

static void forget_neighbour(struct sync *sync, struct sync_neighbour *n)
{
	neighbour_table_delete(&sync->tables->neighbours, &n->key.addr, n->port);
	HASH_DEL(sync->neighbours, n);
	free(n);
}

static void keep_neighbour(struct sync *sync, struct sync_neighbour *n,
	const struct kmsg_neighbour *from, uint16_t port)
{
	int rc = neighbour_table_set(&sync->tables->neighbours, &from->addr, port, &from->mac);

	if (!n && rc == 0) {
		n = calloc(1, sizeof(*n));
		if (n) {
			n->key.ifindex = from->ifindex;
			n->key.addr = from->addr;
			n->port = port;
			HASH_ADD(hh, sync->neighbours, key, sizeof(n->key), n);
		}
	}
	if (!n || rc < 0) {
		static struct log_limit limit = LOG_LIMIT(1);

		neighbour_table_delete(&sync->tables->neighbours, &from->addr, port);
		LOG_LIMITED(&limit, LOG_LEVEL_ERROR, "mirror", "neighbour-refused", "error=%s",
			LOG_QUOTE(strerror(rc < 0 ? -rc : ENOMEM)));
		return;
	}
	n->marked = false;
	n->stale = from->stale;
	sync->ops->resolved(sync->context, port, &from->addr, true);
}

static void take_neighbour(struct sync *sync, const struct kmsg *msg)
{
	const struct kmsg_neighbour *from = &msg->neighbour;
	uint16_t port = sync->ops->port_of(sync->context, from->ifindex);
	struct neighbour_key key = {.ifindex = from->ifindex, .addr = from->addr};
	struct sync_neighbour *n;

	if (port == PORT_NONE || addr_is_multicast(&from->addr))
		return;
	HASH_FIND(hh, sync->neighbours, &key, sizeof(key), n);
	if (!msg->removed && from->usable) {
		keep_neighbour(sync, n, from, port);
		return;
	}
	if (n)
		forget_neighbour(sync, n);
	if (from->failed)
		sync->ops->resolved(sync->context, port, &from->addr, false);
}

void sync_message(const struct kmsg *msg, void *context)
{
	struct sync *sync = context;

	switch (msg->kind) {
	case KMSG_ROUTE:
		take_route(sync, msg);
		break;
	case KMSG_ADDRESS:
		take_address(sync, msg);
		break;
	case KMSG_NEIGHBOUR:
		take_neighbour(sync, msg);
		break;
	case KMSG_LINK: {
		uint16_t port = sync->ops->port_of(sync->context, msg->link.ifindex);

		/* The kernel drops the routes of a link that goes down without telling. */
		if (port != PORT_NONE && !msg->dump && !msg->link.up)
			sync->must_dump = true;
		if (port != PORT_NONE && !msg->removed)
			sync->ops->link(sync->context, port, &msg->link);
		break;
	}
	case KMSG_OTHER:
	case KMSG_DONE:
	case KMSG_ERROR:
		break;
	}
}

void sync_mark(struct sync *sync)
{
	struct sync_route *route, *next_route;
	struct sync_neighbour *n, *next_neighbour;

	HASH_ITER (hh, sync->routes, route, next_route) {
		for (struct candidate *c = route->candidates; c; c = c->next)
			c->marked = true;
	}
	HASH_ITER (hh, sync->neighbours, n, next_neighbour)
		n->marked = true;
}

static void sweep_route(struct sync *sync, struct sync_route *route)
{
	struct candidate **at = &route->candidates;

	while (*at) {
		struct candidate *c = *at;

		if (c->marked) {
			*at = c->next;
			free(c);
		} else {
			at = &c->next;
		}
	}
	settle(sync, route);
}

void sync_sweep(struct sync *sync)
{
	struct sync_route *route, *next_route;
	struct sync_neighbour *n, *next_neighbour;

	HASH_ITER (hh, sync->routes, route, next_route)
		sweep_route(sync, route);
	HASH_ITER (hh, sync->neighbours, n, next_neighbour) {
		if (n->marked)
			forget_neighbour(sync, n);
	}
	sync->must_dump = false;
}

void sync_commit(struct sync *sync)
{
	if (sync->dirty)
		route_table_commit(&sync->tables->routes);
	sync->dirty = domain_table_commit(&sync->tables->domains, sync->tables->rcu) < 0;
	free_unused(sync);
}

unsigned sync_stale(struct sync *sync, unsigned most,
	void (*fn)(void *context, int ifindex, const struct in6_addr *addr), void *context)
{
	struct sync_neighbour *n, *next;
	unsigned count = 0;

	HASH_ITER (hh, sync->neighbours, n, next) {
		if (!n->stale || count == most)
			continue;
		/* The kernel says what becomes of it; until then it is not named again. */
		n->stale = false;
		fn(context, n->key.ifindex, &n->key.addr);
		count++;
	}
	return count;
}

static bool known(struct sync *sync, int ifindex, const struct in6_addr *addr)
{
	struct neighbour_key key = {.ifindex = ifindex, .addr = *addr};
	struct sync_neighbour *n;

	HASH_FIND(hh, sync->neighbours, &key, sizeof(key), n);
	return n != NULL;
}

unsigned sync_gateways(struct sync *sync, unsigned most,
	void (*fn)(void *context, int ifindex, const struct in6_addr *addr), void *context)
{
	struct sync_route *route, *next;
	unsigned count = 0;

	if (!sync->gateways_wanted)
		return 0;
	sync->gateways_wanted = false;
	HASH_ITER (hh, sync->routes, route, next) {
		if (!route->wants_gateway)
			continue;
		if (count == most) {
			sync->gateways_wanted = true;
			break;
		}
		route->wants_gateway = false;
		if (known(sync, route->ifindex, &route->hop.gateway))
			continue;
		fn(context, route->ifindex, &route->hop.gateway);
		count++;
	}
	return count;
}

void sync_free(struct sync *sync)
{
	struct sync_route *route, *next_route;
	struct sync_neighbour *n, *next_neighbour;

	HASH_ITER (hh, sync->routes, route, next_route) {
		while (route->candidates) {
			struct candidate *c = route->candidates;

			route->candidates = c->next;
			free(c);
		}
		HASH_DEL(sync->routes, route);
		put_aside(sync, route->sources);
		free(route);
	}
	free_unused(sync);
	HASH_ITER (hh, sync->neighbours, n, next_neighbour) {
		HASH_DEL(sync->neighbours, n);
		free(n);
	}
}
