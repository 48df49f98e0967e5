#include "ctrl/mcast/reported.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "common/clock.h"

/* Between the first queries to two nodes: those of a restart, and by that all later ones, are
 * spread. */
enum { APART_NS = CLOCK_NS_PER_MS / 20 };

struct node {
	struct reported *owner;
	struct reported_node is;
	struct querier *querier; /* NULL: it has told by an option */
	struct node *next, *prev;
	bool unsent; /* it is among those that could not be asked */
	UT_hash_handle hh;
};

struct reported {
	struct reported_config given;
	struct node *nodes;
	struct node *unsent;
	size_t asked;     /* nodes with a querier */
	uint64_t next_ns; /* when one more node may be asked first */
};

static int send_query(void *context, const struct in6_addr *dst, uint8_t *buf, size_t mld_len)
{
	struct node *node = context;
	struct reported *r = node->owner;
	int rc = r->given.ops.send(r->given.context, &node->is, dst, buf, mld_len);

	if (rc < 0 && !node->unsent) {
		node->unsent = true;
		DL_APPEND(r->unsent, node);
	}
	return rc;
}

static bool allows(void *context, const struct in6_addr *group)
{
	const struct node *node = context;
	const struct reported_config *given = &node->owner->given;

	return given->ops.allows(given->context, &node->is, group);
}

static void changed(void *context, const struct in6_addr *group, const struct mcast_state *state)
{
	const struct node *node = context;
	const struct reported_config *given = &node->owner->given;

	given->ops.changed(given->context, &node->is, group, state);
}

struct reported *reported_new(const struct reported_config *config)
{
	struct reported *r = calloc(1, sizeof(*r));

	if (r)
		r->given = *config;
	return r;
}

static void forget(struct reported *r, struct node *node)
{
	if (node->unsent)
		DL_DELETE(r->unsent, node);
	HASH_DEL(r->nodes, node);
	r->asked -= node->querier != NULL;
	querier_free(node->querier);
	free(node);
}

void reported_free(struct reported *r)
{
	struct node *node, *next;

	if (!r)
		return;
	HASH_ITER (hh, r->nodes, node, next)
		forget(r, node);
	free(r);
}

static struct node *find(const struct reported *r, const struct in6_addr *home)
{
	struct node *node;

	HASH_FIND(hh, r->nodes, home, sizeof(*home), node);
	return node;
}

static struct node *add(struct reported *r, const struct reported_node *is)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->owner = r;
	node->is = *is;
	HASH_ADD(hh, r->nodes, is.home, sizeof(node->is.home), node);
	return node;
}

/* When the next one is asked. */
static uint64_t next_turn(struct reported *r, uint64_t now_ns)
{
	const uint64_t at = r->next_ns < now_ns ? now_ns : r->next_ns;

	r->next_ns = at + APART_NS;
	return at;
}

int reported_serve(struct reported *r, const struct reported_node *is, uint64_t now_ns)
{
	static const struct querier_ops ops = {
		.send = send_query, .allows = allows, .changed = changed};
	struct node *node;

	if (find(r, &is->home))
		return 0;
	node = add(r, is);
	if (!node)
		return -ENOMEM;
	node->querier = querier_new(&r->given.querier, &ops, node, r->given.wheel,
		next_turn(r, now_ns), r->given.counters);
	if (!node->querier) {
		forget(r, node);
		return -ENOMEM;
	}
	r->asked++;
	return 0;
}

void reported_retry(struct reported *r, uint64_t now_ns)
{
	while (r->unsent) {
		struct node *node = r->unsent;

		DL_DELETE(r->unsent, node);
		node->unsent = false;
		if (node->querier)
			querier_retry(node->querier, next_turn(r, now_ns));
	}
}

size_t reported_told(struct reported *r, const struct reported_node *is)
{
	struct node *node = find(r, &is->home);
	size_t groups = node && node->querier ? querier_groups(node->querier) : 0;

	if (!node)
		node = add(r, is);
	if (node) {
		r->asked -= node->querier != NULL;
		querier_free(node->querier);
		node->querier = NULL;
	}
	return groups;
}

void reported_end(struct reported *r, const struct in6_addr *home)
{
	struct node *node = find(r, home);

	if (node)
		forget(r, node);
}

bool reported_asks(const struct reported *r, const struct in6_addr *home)
{
	const struct node *node = find(r, home);

	return node && node->querier;
}

const struct querier *reported_querier(const struct reported *r, const struct in6_addr *home)
{
	const struct node *node = find(r, home);

	return node ? node->querier : NULL;
}

size_t reported_asked(const struct reported *r)
{
	return r->asked;
}

size_t reported_telling(const struct reported *r)
{
	return HASH_COUNT(r->nodes) - r->asked;
}

int reported_list(const struct reported *r, struct in6_addr **list)
{
	int count = 0;

	*list = calloc(r->asked + 1, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	for (const struct node *node = r->nodes; node; node = node->hh.next)
		if (node->querier)
			(*list)[count++] = node->is.home;
	return count;
}

bool reported_receive(struct reported *r, const struct in6_addr *home, const struct in6_addr *src,
	const uint8_t *mld, size_t len, uint64_t now_ns)
{
	const struct node *node = find(r, home);

	if (!node || !node->querier || mld[0] == MCAST_MLD_QUERY)
		return false;
	querier_receive(node->querier, src, src, mld, len, now_ns);
	return true;
}
