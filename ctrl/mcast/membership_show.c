#include <errno.h>
#include <stdlib.h>

#include "common/addr.h"
#include "ctrl/mcast/membership_state.h"

static const struct in6_addr any = {0};

static struct member *find(const struct membership *m, const struct in6_addr *home)
{
	const struct member_key key = {.addr = *home};
	struct member *member;

	HASH_FIND(hh, m->nodes, &key, sizeof(key), member);
	return member;
}

static struct membership_listener listener_of(const struct member *member)
{
	return (struct membership_listener){.home = member->key.link ? NULL : &member->key.addr,
		.subscriber = member->target,
		.port = member->port,
		.remote = member->kind == MEMBER_PATH ? &member->remote : NULL,
		.state = &member->state,
		.member = member};
}

static int tell(const struct member *member, membership_listener_fn *fn, void *arg)
{
	const struct membership_listener listener = listener_of(member);

	return fn(arg, &listener);
}

bool membership_next(struct membership *m, struct membership_listener *listener)
{
	struct member *member = m->turn ? m->turn : m->nodes;

	if (!member)
		return false;
	m->turn = member->hh.next;
	*listener = listener_of(member);
	return true;
}

const struct mcast_state *membership_of(const struct membership *m, const struct in6_addr *home)
{
	const struct member *member = find(m, home);

	return member ? &member->state : NULL;
}

size_t membership_members(const struct membership *m)
{
	return HASH_COUNT(m->nodes);
}

size_t membership_groups(const struct membership *m)
{
	return m->group_objects;
}

size_t membership_copies(const struct membership *m)
{
	return m->member_objects;
}

int membership_each(const struct membership *m, membership_listener_fn *fn, void *arg)
{
	int rc = 0;

	for (const struct member *member = m->nodes; member && !rc; member = member->hh.next)
		rc = tell(member, fn, arg);
	return rc;
}

int membership_group_list(const struct membership *m, struct in6_addr **list)
{
	int count = 0;

	*list = calloc(HASH_COUNT(m->groups) + 1, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	for (const struct group *g = m->groups; g; g = g->hh.next)
		(*list)[count++] = g->addr;
	return count;
}

int membership_sources(
	const struct membership *m, const struct in6_addr *group, struct in6_addr **list)
{
	const struct group *g = membership_group(m, group);
	int count = 0;

	*list = calloc((g ? g->source_count : 0) + 1, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	if (g && g->excluding)
		(*list)[count++] = any;
	for (uint32_t i = 0; g && i < g->source_count; i++)
		(*list)[count++] = g->sources[i].addr;
	return count;
}

int membership_each_of(const struct membership *m, const struct in6_addr *group,
	const struct in6_addr *source, membership_listener_fn *fn, void *arg)
{
	const struct group *g = membership_group(m, group);
	int rc = 0;

	for (uint32_t i = 0; g && i < g->member_count && !rc; i++)
		if (mcast_state_wants(&g->members[i]->state, group, source))
			rc = tell(g->members[i], fn, arg);
	return rc;
}

uint64_t membership_object(const struct membership *m, const struct in6_addr *group,
	const struct in6_addr *source, struct in6_addr *of)
{
	struct group *g = membership_group(m, group);

	*of = any;
	if (g && membership_source(g, source))
		*of = *source;
	else if (!g || !g->excluding)
		return 0;
	return membership_group_id(m, group, of);
}

uint64_t membership_listener_id(const struct membership *m, const struct in6_addr *group,
	const struct in6_addr *source, const struct membership_listener *listener)
{
	return membership_member_id(m, membership_group_id(m, group, source), listener->member);
}

int membership_each_object(const struct membership *m, const struct in6_addr *home,
	const struct in6_addr *group, int (*fn)(void *arg, uint64_t group_id, uint64_t member_id),
	void *arg)
{
	const struct member *member = find(m, home);
	const struct group *g = membership_group(m, group);
	struct mcast_record record;
	int rc = 0;

	if (!member || !g || !mcast_state_find(&member->state, group, &record))
		return 0;
	for (uint32_t i = 0; i <= g->source_count && !rc; i++) {
		const struct in6_addr *source = i ? &g->sources[i - 1].addr : &any;
		uint64_t id;

		if (i ? !mcast_state_wants(&member->state, group, source)
		      : record.type != MCAST_IS_EXCLUDE)
			continue;
		id = membership_group_id(m, group, source);
		rc = fn(arg, id, membership_member_id(m, id, member));
	}
	return rc;
}
