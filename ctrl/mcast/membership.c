#include "ctrl/mcast/membership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/addr.h"
#include "proto/channel/object.h"

struct member {
	struct in6_addr home;
	uint64_t subscriber;
	struct mcast_state state;
	UT_hash_handle hh;
};

/* A source that somebody names. */
struct source {
	struct in6_addr addr;
	uint32_t refs; /* members that name it */
};

struct group {
	struct in6_addr addr;
	uint32_t excluding; /* members that exclude sources, or none */
	uint32_t source_count, source_room;
	uint32_t member_count, member_room;
	struct source *sources;
	struct member **members;
	UT_hash_handle hh;
};

struct membership {
	struct membership_limits limits;
	membership_publish_fn *publish;
	void *context;
	struct member *members;
	struct group *groups;
	size_t group_objects, member_objects;
};

static const struct in6_addr any = {0};

struct membership *membership_new(
	const struct membership_limits *limits, membership_publish_fn *publish, void *context)
{
	struct membership *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->limits = *limits;
	m->publish = publish;
	m->context = context;
	return m;
}

static void group_free(struct membership *m, struct group *g)
{
	HASH_DEL(m->groups, g);
	free(g->sources);
	free(g->members);
	free(g);
}

void membership_free(struct membership *m)
{
	struct member *member, *next_member;
	struct group *group, *next_group;

	if (!m)
		return;
	HASH_ITER (hh, m->members, member, next_member) {
		HASH_DEL(m->members, member);
		free(member);
	}
	HASH_ITER (hh, m->groups, group, next_group)
		group_free(m, group);
	free(m);
}

/* ---- limits ------------------------------------------------------------------------------- */

bool membership_allows(const struct membership *m, const struct in6_addr *group)
{
	for (size_t i = 0; i < m->limits.groups->count; i++)
		if (prefix6_contains(config_item(m->limits.groups, struct prefix6, i), group))
			return true;
	return false;
}

unsigned membership_limit(const struct membership *m, struct mcast_state *state)
{
	const struct mcast_state all = *state;
	struct mcast_record record;
	unsigned kept = 0, taken = 0;
	size_t at = 0;

	while (mcast_state_next(&all, &at, &record)) {
		struct in6_addr group;

		memcpy(&group, record.group, sizeof(group));
		if (membership_allows(m, &group) && kept < m->limits.max_groups) {
			kept++;
			continue;
		}
		mcast_state_remove(state, &group);
		taken++;
	}
	return taken;
}

/* ---- objects ------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t h, const void *octets, size_t len)
{
	const uint8_t *at = octets;

	for (size_t i = 0; i < len; i++)
		h = (h ^ at[i]) * 0x100000001b3u; /* FNV-1a */
	return h;
}

static uint64_t group_id(const struct in6_addr *group, const struct in6_addr *source)
{
	uint64_t h = mix(0xcbf29ce484222325u, group, sizeof(*group));

	return publish_group_id(mix(h, source, sizeof(*source)));
}

static void set_bundle(
	struct membership *m, uint64_t id, const struct object *object, size_t *objects)
{
	struct bundle bundle = {.len = 0};
	struct writer w;

	writer_init(&w, bundle.octets, sizeof(bundle.octets));
	if (object && object_encode(&w, object) == 0)
		bundle.len = (uint16_t)writer_len(&w);
	if (m->publish(m->context, id, &bundle) == 0)
		*objects += object ? 1 : (size_t)-1;
}

static void set_group(struct membership *m, const struct group *g, const struct in6_addr *source)
{
	uint64_t id = group_id(&g->addr, source);
	struct object object = {.kind = OBJECT_GROUP, .op = OBJECT_SET, .id = id};

	object.group = (struct object_group){.id = id, .source = *source, .group = g->addr};
	set_bundle(m, id, &object, &m->group_objects);
}

static void unset_group(struct membership *m, const struct group *g, const struct in6_addr *source)
{
	set_bundle(m, group_id(&g->addr, source), NULL, &m->group_objects);
}

/* Makes a member of the object for a source one that gets copies, or none. */
static void set_member(struct membership *m, const struct group *g, const struct in6_addr *source,
	const struct member *member, bool gets)
{
	uint64_t group = group_id(&g->addr, source);
	uint64_t id = publish_member_id(mix(group, &member->subscriber, sizeof(uint64_t)));
	struct object object = {.kind = OBJECT_MEMBER, .op = OBJECT_SET, .id = id};

	object.member = (struct object_member){
		.id = id, .group = group, .kind = MEMBER_SUBSCRIBER, .target = member->subscriber};
	set_bundle(m, id, gets ? &object : NULL, &m->member_objects);
}

/* ---- a group ------------------------------------------------------------------------------ */

static bool excludes(const struct mcast_state *state, const struct group *g)
{
	struct mcast_record record;

	return mcast_state_find(state, &g->addr, &record) && record.type == MCAST_IS_EXCLUDE;
}

static struct source *source_find(struct group *g, const struct in6_addr *addr)
{
	for (uint32_t i = 0; i < g->source_count; i++)
		if (addr_equal(&g->sources[i].addr, addr))
			return &g->sources[i];
	return NULL;
}

/* All who exclude sources and do not name this one get its packets, or get them no more by an
 * object of its own. */
static void set_excluding(
	struct membership *m, struct group *g, const struct in6_addr *source, bool gets)
{
	for (uint32_t i = 0; i < g->member_count; i++)
		if (excludes(&g->members[i]->state, g))
			set_member(m, g, source, g->members[i], gets);
}

static void name_source(struct membership *m, struct group *g, const struct in6_addr *addr)
{
	struct source *source = source_find(g, addr);

	if (source) {
		source->refs++;
		return;
	}
	g->sources[g->source_count++] = (struct source){.addr = *addr, .refs = 1};
	set_group(m, g, addr);
	set_excluding(m, g, addr, true);
}

static void unname_source(struct membership *m, struct group *g, const struct in6_addr *addr)
{
	struct source *source = source_find(g, addr);

	if (!source || --source->refs)
		return;
	set_excluding(m, g, addr, false);
	unset_group(m, g, addr);
	*source = g->sources[--g->source_count];
}

typedef void source_fn(struct membership *m, struct group *g, const struct in6_addr *addr);

static void each_source(
	struct membership *m, struct group *g, const struct mcast_state *state, source_fn *fn)
{
	struct mcast_record record;

	if (!mcast_state_find(state, &g->addr, &record))
		return;
	for (unsigned i = 0; i < record.source_count; i++) {
		struct in6_addr addr;

		memcpy(&addr, record.sources + i * sizeof(addr), sizeof(addr));
		fn(m, g, &addr);
	}
}

static void move_member(
	struct membership *m, struct group *g, struct member *member, const struct mcast_state *to)
{
	bool excluded = excludes(&member->state, g), will = excludes(to, g);

	if (excluded != will)
		set_member(m, g, &any, member, will);
	for (uint32_t i = 0; i < g->source_count; i++) {
		const struct in6_addr *source = &g->sources[i].addr;
		bool got = mcast_state_wants(&member->state, &g->addr, source);
		bool gets = mcast_state_wants(to, &g->addr, source);

		if (got != gets)
			set_member(m, g, source, member, gets);
	}
}

static void list_member(struct group *g, struct member *member, bool listens)
{
	uint32_t i = 0;

	while (i < g->member_count && g->members[i] != member)
		i++;
	if (listens && i == g->member_count)
		g->members[g->member_count++] = member;
	else if (!listens && i < g->member_count)
		g->members[i] = g->members[--g->member_count];
}

/* Takes the group of one record of a member from its state to another. There is room. */
static void change_group(
	struct membership *m, struct group *g, struct member *member, const struct mcast_state *to)
{
	struct mcast_state before = member->state;
	struct mcast_record record;
	bool excluded = excludes(&before, g), will = excludes(to, g);

	each_source(m, g, to, name_source);
	if (will && !excluded && g->excluding++ == 0)
		set_group(m, g, &any);
	move_member(m, g, member, to);
	list_member(g, member, mcast_state_find(to, &g->addr, &record));
	member->state = *to;
	each_source(m, g, &before, unname_source);
	if (excluded && !will && --g->excluding == 0)
		unset_group(m, g, &any);
	member->state = before;
}

/* ---- members ------------------------------------------------------------------------------ */

static void *grown(void *array, uint32_t need, uint32_t *room, size_t size)
{
	uint32_t more = *room ? *room * 2 : 4;

	while (more < need)
		more *= 2;
	if (need <= *room)
		return array;
	array = realloc(array, more * size);
	if (array)
		*room = more;
	return array;
}

/* The group of a record, with room for one more member and the record's sources. NULL: no memory.
 */
static struct group *group_for(struct membership *m, const struct mcast_record *record)
{
	struct group *g;
	void *array;

	HASH_FIND(hh, m->groups, record->group, sizeof(g->addr), g);
	if (!g) {
		g = calloc(1, sizeof(*g));
		if (!g)
			return NULL;
		memcpy(&g->addr, record->group, sizeof(g->addr));
		HASH_ADD(hh, m->groups, addr, sizeof(g->addr), g);
	}
	array = grown(g->members, g->member_count + 1, &g->member_room, sizeof(*g->members));
	if (!array)
		return NULL;
	g->members = array;
	array = grown(g->sources, g->source_count + record->source_count + 1, &g->source_room,
		sizeof(*g->sources));
	if (array)
		g->sources = array;
	return array ? g : NULL;
}

static void drop_empty(struct membership *m, const struct mcast_state *state)
{
	struct mcast_record record;
	size_t at = 0;

	while (mcast_state_next(state, &at, &record)) {
		struct group *g;

		HASH_FIND(hh, m->groups, record.group, sizeof(g->addr), g);
		if (g && !g->member_count)
			group_free(m, g);
	}
}

/* Makes room for all groups of the state; false: no memory. */
static bool make_room(struct membership *m, const struct mcast_state *state)
{
	struct mcast_record record;
	size_t at = 0;

	while (mcast_state_next(state, &at, &record))
		if (!group_for(m, &record))
			return false;
	return true;
}

static void change_all(struct membership *m, struct member *member, const struct mcast_state *of,
	const struct mcast_state *to)
{
	struct mcast_record record;
	size_t at = 0;

	while (mcast_state_next(of, &at, &record)) {
		struct group *g;

		HASH_FIND(hh, m->groups, record.group, sizeof(g->addr), g);
		if (g)
			change_group(m, g, member, to);
	}
}

/* The records of a state whose groups another state does not have. */
static struct mcast_state without(const struct mcast_state *state, const struct mcast_state *other)
{
	struct mcast_state left = *state;
	struct mcast_record record;
	size_t at = 0;

	while (mcast_state_next(other, &at, &record)) {
		struct in6_addr group;

		memcpy(&group, record.group, sizeof(group));
		mcast_state_remove(&left, &group);
	}
	return left;
}

static struct member *member_find(const struct membership *m, const struct in6_addr *home)
{
	struct member *member;

	HASH_FIND(hh, m->members, home, sizeof(*home), member);
	return member;
}

static struct member *member_add(
	struct membership *m, const struct in6_addr *home, uint64_t subscriber)
{
	struct member *member = calloc(1, sizeof(*member));

	if (!member)
		return NULL;
	member->home = *home;
	member->subscriber = subscriber;
	HASH_ADD(hh, m->members, home, sizeof(member->home), member);
	return member;
}

int membership_set(struct membership *m, const struct in6_addr *home, uint64_t subscriber,
	const struct mcast_state *state)
{
	struct member *member = member_find(m, home);
	struct mcast_state before, gone;

	if (!member && !state->count)
		return 0;
	if (!make_room(m, state) || (!member && !(member = member_add(m, home, subscriber)))) {
		drop_empty(m, state);
		return -ENOMEM;
	}
	before = member->state;
	gone = without(&before, state);
	change_all(m, member, state, state);
	change_all(m, member, &gone, state);
	member->state = *state;
	drop_empty(m, &gone);
	if (!state->count) {
		HASH_DEL(m->members, member);
		free(member);
	}
	return 0;
}

const struct mcast_state *membership_of(const struct membership *m, const struct in6_addr *home)
{
	const struct member *member = member_find(m, home);

	return member ? &member->state : NULL;
}

size_t membership_members(const struct membership *m)
{
	return HASH_COUNT(m->members);
}

size_t membership_groups(const struct membership *m)
{
	return m->group_objects;
}

size_t membership_copies(const struct membership *m)
{
	return m->member_objects;
}

int membership_each(const struct membership *m,
	int (*fn)(void *arg, const struct in6_addr *home, const struct mcast_state *state),
	void *arg)
{
	int rc = 0;

	for (const struct member *member = m->members; member && !rc; member = member->hh.next)
		rc = fn(arg, &member->home, &member->state);
	return rc;
}

/* ---- for reading -------------------------------------------------------------------------- */

static struct group *group_find(const struct membership *m, const struct in6_addr *addr)
{
	struct group *g;

	HASH_FIND(hh, m->groups, addr, sizeof(*addr), g);
	return g;
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
	const struct group *g = group_find(m, group);
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
	const struct in6_addr *source,
	int (*fn)(void *arg, const struct in6_addr *home, const struct mcast_state *state),
	void *arg)
{
	const struct group *g = group_find(m, group);
	int rc = 0;

	for (uint32_t i = 0; g && i < g->member_count && !rc; i++)
		if (mcast_state_wants(&g->members[i]->state, group, source))
			rc = fn(arg, &g->members[i]->home, &g->members[i]->state);
	return rc;
}

uint64_t membership_object(const struct membership *m, const struct in6_addr *group,
	const struct in6_addr *source, struct in6_addr *of)
{
	struct group *g = group_find(m, group);

	*of = any;
	if (g && source_find(g, source))
		*of = *source;
	else if (!g || !g->excluding)
		return 0;
	return group_id(group, of);
}
