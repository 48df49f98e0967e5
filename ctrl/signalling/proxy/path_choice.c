#include "ctrl/signalling/proxy/path_choice.h"

#include <stdlib.h>
#include <string.h>

#include "ctrl/signalling/proxy/path_watch.h"

/* A peer with ways that are measured. */
struct choice_peer {
	const char *name;
	uint8_t best, was;    /* identifiers; was: before this turn; 0: none */
	bool doubted;         /* another is better ... */
	uint64_t doubt_since; /* ... since then */
};

/* All tunnels with one identifier. */
struct choice_way {
	uint8_t bid;
	struct path_watch_figures figures;
};

struct path_choice {
	struct path_choice_config config;
	const struct path_watch *watch;
	size_t count;
	struct choice_peer peers[PATH_WATCH_TUNNELS_MAX]; /* by name */
	size_t next_count;
	struct choice_peer next[PATH_WATCH_TUNNELS_MAX]; /* as peers, during a turn */
	const struct path_watch_tunnel *tunnels[PATH_WATCH_TUNNELS_MAX];
};

struct path_choice *path_choice_new(
	const struct path_choice_config *config, const struct path_watch *watch)
{
	struct path_choice *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->config = *config;
	c->watch = watch;
	return c;
}

void path_choice_free(struct path_choice *c)
{
	free(c);
}

static int compare_names(const void *a, const void *b)
{
	const struct choice_peer *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static const struct choice_peer *peer_of(const struct path_choice *c, const char *name)
{
	const struct choice_peer key = {.name = name};

	return bsearch(&key, c->peers, c->count, sizeof(c->peers[0]), compare_names);
}

static int compare_tunnels(const void *a, const void *b)
{
	const struct path_watch_tunnel *const *x = a, *const *y = b;
	int order = strcmp((*x)->use.peer, (*y)->use.peer);

	return order ? order : (*x)->use.bid - (*y)->use.bid;
}

/* Whether one is better than another by a margin. */
static bool is_better(const struct path_choice *c, const struct path_watch_figures *a,
	const struct path_watch_figures *b)
{
	if (a->loss + c->config.loss_margin <= b->loss)
		return true;
	if (b->loss + c->config.loss_margin <= a->loss)
		return false;
	return a->delay_ns + c->config.delay_margin_ns <= b->delay_ns && a->delay_ns < b->delay_ns;
}

/* The best of the ways, the one at `best` unless others are better; margins make rings possible, so
 * each is looked at once. */
static const struct choice_way *best_of(const struct path_choice *c, const struct choice_way *ways,
	size_t count, const struct choice_way *best)
{
	for (size_t i = 0; i < count; i++)
		if (is_better(c, &ways[i].figures, &best->figures))
			best = &ways[i];
	return best;
}

static const struct choice_way *way_of(const struct choice_way *ways, size_t count, uint8_t bid)
{
	for (size_t i = 0; i < count; i++)
		if (ways[i].bid == bid)
			return &ways[i];
	return NULL;
}

static void decide(const struct path_choice *c, struct choice_peer *peer,
	const struct choice_way *ways, size_t count, uint64_t now)
{
	const struct choice_way *have = way_of(ways, count, peer->best), *best;

	if (!count)
		return;
	if (!have) {
		peer->best = best_of(c, ways, count, ways)->bid;
		peer->doubted = false;
		return;
	}
	best = best_of(c, ways, count, have);
	if (best == have) {
		peer->doubted = false;
		return;
	}
	if (!peer->doubted) {
		peer->doubted = true;
		peer->doubt_since = now;
	}
	if (now - peer->doubt_since < c->config.hold_ns)
		return;
	peer->best = best->bid;
	peer->doubted = false;
}

/* The measured ways among the tunnels of one peer, which are in the order of their identifiers. */
static size_t gather(const struct path_watch_tunnel *const *tunnels, size_t count,
	struct choice_way ways[UINT8_MAX])
{
	struct path_watch_figures figures;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (!path_watch_figures(tunnels[i], &figures))
			continue;
		if (n && ways[n - 1].bid == tunnels[i]->use.bid)
			path_watch_worsen(&ways[n - 1].figures, &figures);
		else if (n < UINT8_MAX)
			ways[n++] = (struct choice_way){tunnels[i]->use.bid, figures};
	}
	return n;
}

static void turn_peer(struct path_choice *c, const struct path_watch_tunnel *const *tunnels,
	size_t count, uint64_t now)
{
	const struct choice_peer *before = peer_of(c, tunnels[0]->use.peer);
	struct choice_peer *peer = &c->next[c->next_count++];
	struct choice_way ways[UINT8_MAX];

	*peer = before ? *before : (struct choice_peer){0};
	peer->name = tunnels[0]->use.peer;
	peer->was = peer->best;
	decide(c, peer, ways, gather(tunnels, count, ways), now);
}

void path_choice_turn(
	struct path_choice *c, uint64_t now_ns, path_choice_fn *changed, void *context)
{
	const struct path_watch_tunnel *t = NULL;
	size_t count = 0, end;

	while ((t = path_watch_next(c->watch, t)))
		c->tunnels[count++] = t;
	if (count)
		qsort(c->tunnels, count, sizeof(c->tunnels[0]), compare_tunnels);
	c->next_count = 0;
	for (size_t i = 0; i < count; i = end) {
		end = i + 1;
		while (end < count &&
			strcmp(c->tunnels[end]->use.peer, c->tunnels[i]->use.peer) == 0)
			end++;
		turn_peer(c, &c->tunnels[i], end - i, now_ns);
	}
	memcpy(c->peers, c->next, c->next_count * sizeof(c->next[0]));
	c->count = c->next_count;
	for (size_t i = 0; i < c->count; i++)
		if (c->peers[i].best != c->peers[i].was)
			changed(context, c->peers[i].name, c->peers[i].best, c->peers[i].was);
}

bool path_choice_is_best(
	const struct path_choice *c, const struct in6_addr *local, const struct in6_addr *remote)
{
	const struct path_watch_tunnel *t = path_watch_find(c->watch, local, remote);
	const struct choice_peer *peer = t ? peer_of(c, t->use.peer) : NULL;

	return peer && peer->best == t->use.bid;
}
