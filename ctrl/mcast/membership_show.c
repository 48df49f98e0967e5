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
	const bool is_host = member->kind == MEMBER_PATH && addr_is_unspecified(&member->remote);

	return (struct membership_listener){.home = member->key.link ? NULL : &member->key.addr,
		.subscriber = member->target,
		.port = member->port,
		.remote = is_host || member->kind != MEMBER_PATH ? NULL : &member->remote,
		.mac = is_host ? &member->mac : NULL,
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

/* Whether a group has no other way before this one. */
static bool is_first(const struct membership *m, const struct group *g)
{
	size_t i = 0;

	while (m->paths[i] != g->key.path && !membership_group(m, &g->key.addr, m->paths[i]))
		i++;
	return m->paths[i] == g->key.path;
}

int membership_group_list(const struct membership *m, struct in6_addr **list)
{
	int count = 0;

	*list = calloc(HASH_COUNT(m->groups) + 1, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	for (const struct group *g = m->groups; g; g = g->hh.next)
		if (is_first(m, g))
			(*list)[count++] = g->key.addr;
	return count;
}

static size_t add_streams(const struct group *g, struct membership_stream *to)
{
	size_t count = 0;

	if (g->excluding)
		to[count++] = (struct membership_stream){.group = g->key.addr, .path = g->key.path};
	for (uint32_t i = 0; i < g->source_count; i++)
		to[count++] = (struct membership_stream){
			.group = g->key.addr, .source = g->sources[i].addr, .path = g->key.path};
	return count;
}

int membership_streams(
	const struct membership *m, const struct in6_addr *group, struct membership_stream **list)
{
	size_t count = 0, room = 1;

	for (size_t i = 0; i < m->path_count; i++) {
		const struct group *g = membership_group(m, group, m->paths[i]);

		room += g ? g->source_count + 1 : 0;
	}
	*list = calloc(room, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; i < m->path_count; i++) {
		const struct group *g = membership_group(m, group, m->paths[i]);

		count += g ? add_streams(g, *list + count) : 0;
	}
	return (int)count;
}

int membership_each_of(const struct membership *m, const struct membership_stream *stream,
	membership_listener_fn *fn, void *arg)
{
	const struct group *g = membership_group(m, &stream->group, stream->path);
	int rc = 0;

	for (uint32_t i = 0; g && i < g->member_count && !rc; i++)
		if (mcast_state_wants(&g->members[i]->state, &stream->group, &stream->source))
			rc = tell(g->members[i], fn, arg);
	return rc;
}

uint64_t membership_object(
	const struct membership *m, const struct membership_stream *stream, struct in6_addr *source)
{
	struct group *g = membership_group(m, &stream->group, stream->path);

	*source = any;
	if (g && membership_source(g, &stream->source))
		*source = stream->source;
	else if (!g || !g->excluding)
		return 0;
	return membership_group_id(m, &g->key, source);
}

uint64_t membership_listener_id(const struct membership *m, const struct membership_stream *stream,
	const struct membership_listener *listener)
{
	const struct group_key key = {.addr = stream->group, .path = stream->path};

	return membership_member_id(
		m, membership_group_id(m, &key, &stream->source), listener->member);
}

int membership_each_object(const struct membership *m, const struct in6_addr *home,
	const struct in6_addr *group, int (*fn)(void *arg, uint64_t group_id, uint64_t member_id),
	void *arg)
{
	const struct member *member = find(m, home);
	const struct group *g = membership_group(m, group, 0);
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
		id = membership_group_id(m, &g->key, source);
		rc = fn(arg, id, membership_member_id(m, id, member));
	}
	return rc;
}
