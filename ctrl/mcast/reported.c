#include "ctrl/mcast/reported.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/clock.h"

/* Between the first queries to two nodes: those of a restart, and by that all later ones, are
 * spread. */
enum { APART_NS = CLOCK_NS_PER_MS / 10 };

struct node {
	struct reported *owner;
	struct reported_node is;
	struct querier *querier; /* NULL: it has told by an option */
	UT_hash_handle hh;
};

struct reported {
	struct reported_config given;
	struct node *nodes;
	uint64_t next_ns; /* when one more node may be asked first */
};

static int send_query(void *context, const struct in6_addr *dst, uint8_t *buf, size_t mld_len)
{
	const struct node *node = context;
	const struct reported_config *given = &node->owner->given;

	return given->ops.send(given->context, &node->is, dst, buf, mld_len);
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
	HASH_DEL(r->nodes, node);
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
	if (r->next_ns < now_ns)
		r->next_ns = now_ns;
	node->querier = querier_new(
		&r->given.querier, &ops, node, r->given.wheel, r->next_ns, r->given.counters);
	if (!node->querier) {
		forget(r, node);
		return -ENOMEM;
	}
	r->next_ns += APART_NS;
	return 0;
}

size_t reported_told(struct reported *r, const struct reported_node *is)
{
	struct node *node = find(r, &is->home);
	size_t groups = node && node->querier ? querier_groups(node->querier) : 0;

	if (!node)
		node = add(r, is);
	if (node) {
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

bool reported_receive(struct reported *r, const struct in6_addr *home, const struct in6_addr *src,
	const uint8_t *mld, size_t len, uint64_t now_ns)
{
	const struct node *node = find(r, home);

	if (!node || !node->querier || mld[0] == MCAST_MLD_QUERY)
		return false;
	querier_receive(node->querier, src, src, mld, len, now_ns);
	return true;
}
