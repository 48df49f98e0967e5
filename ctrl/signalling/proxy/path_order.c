#include "ctrl/signalling/proxy/path_order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/signalling/proxy/path_watch.h"

/* A peer with ways. */
struct order_peer {
	const char *name;
	enum path_policy_order state, was; /* was: before this turn */
	uint64_t difference_ns;
	bool doubted;         /* it should be the other state ... */
	uint64_t doubt_since; /* ... since then */
};

/* What was measured of the ways to a peer. */
struct spread {
	bool unmeasured; /* one of them */
	uint64_t least_ns, most_ns;
};

struct path_order {
	struct path_order_config config;
	const struct path_watch *watch;
	size_t count, next_count;
	struct order_peer peers[PATH_WATCH_TUNNELS_MAX]; /* by name */
	struct order_peer next[PATH_WATCH_TUNNELS_MAX];  /* as peers, during a turn */
	const struct path_watch_tunnel *tunnels[PATH_WATCH_TUNNELS_MAX];
};

struct path_order *path_order_new(
	const struct path_order_config *config, const struct path_watch *watch)
{
	struct path_order *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->config = *config;
	o->watch = watch;
	return o;
}

void path_order_free(struct path_order *o)
{
	free(o);
}

static int compare_names(const void *a, const void *b)
{
	const struct order_peer *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static const struct order_peer *peer_of(const struct path_order *o, const char *name)
{
	const struct order_peer key = {.name = name};

	return bsearch(&key, o->peers, o->count, sizeof(o->peers[0]), compare_names);
}

static int compare_tunnels(const void *a, const void *b)
{
	const struct path_watch_tunnel *const *x = a, *const *y = b;

	return strcmp((*x)->use.peer, (*y)->use.peer);
}

static struct spread spread_of(const struct path_watch_tunnel *const *tunnels, size_t count)
{
	struct spread s = {.least_ns = UINT64_MAX};
	struct path_watch_figures figures;

	for (size_t i = 0; i < count; i++) {
		if (tunnels[i]->state == PATH_WATCH_DOWN)
			continue;
		if (!path_watch_figures(tunnels[i], &figures)) {
			s.unmeasured = true;
			continue;
		}
		if (figures.delay_ns < s.least_ns)
			s.least_ns = figures.delay_ns;
		if (figures.delay_ns > s.most_ns)
			s.most_ns = figures.delay_ns;
	}
	return s;
}

/* What the state should be by the difference alone. */
static enum path_policy_order wanted(const struct path_order *o, const struct order_peer *peer)
{
	if (peer->difference_ns > o->config.limit_ns)
		return PATH_POLICY_ORDER_UNEVEN;
	if (peer->state == PATH_POLICY_ORDER_UNMEASURED ||
		peer->difference_ns <= o->config.limit_ns / 4 * 3)
		return PATH_POLICY_ORDER_KEPT;
	return peer->state;
}

static void decide(
	const struct path_order *o, struct order_peer *peer, const struct spread *s, uint64_t now)
{
	enum path_policy_order state;

	peer->difference_ns = s->most_ns > s->least_ns ? s->most_ns - s->least_ns : 0;
	state = s->unmeasured ? PATH_POLICY_ORDER_UNMEASURED : wanted(o, peer);
	if (state == peer->state) {
		peer->doubted = false;
		return;
	}
	if (!peer->doubted) {
		peer->doubted = true;
		peer->doubt_since = now;
	}
	if (state != PATH_POLICY_ORDER_UNMEASURED && peer->state != PATH_POLICY_ORDER_UNMEASURED &&
		now - peer->doubt_since < o->config.hold_ns)
		return;
	peer->state = state;
	peer->doubted = false;
}

static void turn_peer(struct path_order *o, const struct path_watch_tunnel *const *tunnels,
	size_t count, uint64_t now)
{
	const struct order_peer *before = peer_of(o, tunnels[0]->use.peer);
	struct order_peer *peer = &o->next[o->next_count++];
	const struct spread s = spread_of(tunnels, count);

	*peer = before ? *before : (struct order_peer){.state = PATH_POLICY_ORDER_UNMEASURED};
	peer->name = tunnels[0]->use.peer;
	peer->was = peer->state;
	decide(o, peer, &s, now);
}

void path_order_turn(struct path_order *o, uint64_t now_ns, path_order_fn *changed, void *context)
{
	const struct path_watch_tunnel *t = NULL;
	size_t count = 0, end;

	while ((t = path_watch_next(o->watch, t)))
		o->tunnels[count++] = t;
	if (count)
		qsort(o->tunnels, count, sizeof(o->tunnels[0]), compare_tunnels);
	o->next_count = 0;
	for (size_t i = 0; i < count; i = end) {
		end = i + 1;
		while (end < count &&
			strcmp(o->tunnels[end]->use.peer, o->tunnels[i]->use.peer) == 0)
			end++;
		turn_peer(o, &o->tunnels[i], end - i, now_ns);
	}
	memcpy(o->peers, o->next, o->next_count * sizeof(o->next[0]));
	o->count = o->next_count;
	for (size_t i = 0; i < o->count; i++)
		if (o->peers[i].state != o->peers[i].was)
			changed(context, o->peers[i].name, o->peers[i].state,
				o->peers[i].difference_ns);
}

enum path_policy_order path_order_of(const struct path_order *o, const struct in6_addr *local,
	const struct in6_addr *remote, uint64_t *difference_ns)
{
	const struct path_watch_tunnel *t = path_watch_find(o->watch, local, remote);
	const struct order_peer *peer = t ? peer_of(o, t->use.peer) : NULL;

	if (difference_ns)
		*difference_ns = peer ? peer->difference_ns : 0;
	return peer ? peer->state : PATH_POLICY_ORDER_UNMEASURED;
}
