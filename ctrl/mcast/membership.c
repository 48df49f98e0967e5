#include "ctrl/mcast/membership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/hmac.h"
#include "ctrl/mcast/membership_state.h"

static const struct in6_addr any = {0};

enum {
	SCOPE_GLOBAL = 0xe, /* RFC 4291, 2.7 */
	SCOPE_SAID = 16,    /* a prefix of so many bits has the scope of all its groups */
	GROUP_SOURCES_MAX = 1024,
	GROUP_SPREAD_MAX = 65536, /* sources times members that exclude */
};

struct membership *membership_new(const struct membership_config *config)
{
	struct membership *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->config = *config;
	m->path_count = 1;
	m->hmac = hmac_new();
	if (!m->hmac) {
		free(m);
		return NULL;
	}
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
	HASH_ITER (hh, m->nodes, member, next_member) {
		HASH_DEL(m->nodes, member);
		free(member);
	}
	HASH_ITER (hh, m->links, member, next_member) {
		HASH_DEL(m->links, member);
		free(member);
	}
	HASH_ITER (hh, m->groups, group, next_group)
		group_free(m, group);
	hmac_free(m->hmac);
	free(m);
}

/* ---- limits ------------------------------------------------------------------------------- */

/* Groups of less than global scope are only meant by who says their scope (RFC 6275, 10.4.2). */
static bool admits(const struct prefix6 *prefix, const struct in6_addr *group)
{
	return prefix6_contains(prefix, group) &&
	       (prefix->len >= SCOPE_SAID || (group->s6_addr[1] & 0x0f) == SCOPE_GLOBAL);
}

bool membership_allows(const struct membership *m, const struct in6_addr *group)
{
	for (size_t i = 0; i < m->config.limits.groups->count; i++)
		if (admits(config_item(m->config.limits.groups, struct prefix6, i), group))
			return true;
	return false;
}

static bool is_in(const struct prefix6 *groups, size_t group_count, const struct in6_addr *group)
{
	bool in = group_count == 0;

	for (size_t i = 0; i < group_count && !in; i++)
		in = prefix6_contains(&groups[i], group);
	return in;
}

static void read_group(const struct mcast_record *record, struct in6_addr *group)
{
	memcpy(group, record->group, sizeof(*group));
}

unsigned membership_limit_to(
	const struct prefix6 *groups, size_t group_count, uint32_t most, struct mcast_state *state)
{
	const struct mcast_state all = *state;
	struct mcast_record record;
	unsigned kept[2] = {0}, taken = 0;
	size_t at = 0;

	while (mcast_state_next(&all, &at, &record)) {
		struct in6_addr group;

		read_group(&record, &group);
		if (is_in(groups, group_count, &group) && kept[mcast_state_is_ip4(&group)] < most) {
			kept[mcast_state_is_ip4(&group)]++;
			continue;
		}
		mcast_state_remove(state, &group);
		taken++;
	}
	return taken;
}

/* ---- a group ------------------------------------------------------------------------------ */

struct group *membership_group(
	const struct membership *m, const struct in6_addr *group, uint64_t path)
{
	const struct group_key key = {.addr = *group, .path = path};
	struct group *g;

	HASH_FIND(hh, m->groups, &key, sizeof(key), g);
	return g;
}

/* The group of a record that comes by a path, or NULL. */
static struct group *group_of(
	const struct membership *m, const struct mcast_record *record, uint64_t path)
{
	struct in6_addr group;

	memcpy(&group, record->group, sizeof(group));
	return membership_group(m, &group, path);
}

static bool excludes(const struct mcast_state *state, const struct group *g)
{
	struct mcast_record record;

	return mcast_state_find(state, &g->key.addr, &record) && record.type == MCAST_IS_EXCLUDE;
}

struct source *membership_source(struct group *g, const struct in6_addr *addr)
{
	for (uint32_t i = 0; i < g->source_count; i++)
		if (addr_equal(&g->sources[i].addr, addr))
			return &g->sources[i];
	return NULL;
}

/* Whether a record names more sources than a group is to have objects for: each that is new is a
 * group object and, for each who excludes others, a member. */
static bool spreads(const struct membership *m, const struct mcast_record *record)
{
	struct group *g = group_of(m, record, 0);
	unsigned fresh = record->source_count;
	uint64_t sources;

	if (!g)
		return false;
	/* Nearly always there is room even if all are new. */
	sources = g->source_count + fresh;
	if (sources <= GROUP_SOURCES_MAX && sources * g->excluding <= GROUP_SPREAD_MAX)
		return false;
	for (unsigned i = 0; i < record->source_count; i++) {
		struct in6_addr addr;

		memcpy(&addr, record->sources + i * sizeof(addr), sizeof(addr));
		fresh -= membership_source(g, &addr) != NULL;
	}
	sources = g->source_count + fresh;
	return fresh && (sources > GROUP_SOURCES_MAX || sources * g->excluding > GROUP_SPREAD_MAX);
}

/* Takes out the groups that are not allowed to anybody. */
static unsigned allow(const struct membership *m, struct mcast_state *state)
{
	const struct mcast_state all = *state;
	struct mcast_record record;
	unsigned taken = 0;
	size_t at = 0;

	while (mcast_state_next(&all, &at, &record)) {
		struct in6_addr group;

		read_group(&record, &group);
		if (mcast_state_is_ip4(&group) || membership_allows(m, &group))
			continue;
		mcast_state_remove(state, &group);
		taken++;
	}
	return taken;
}

unsigned membership_limit(const struct membership *m, struct mcast_state *state)
{
	unsigned taken =
		allow(m, state) + membership_limit_to(NULL, 0, m->config.limits.max_groups, state);
	const struct mcast_state all = *state;
	struct mcast_record record;
	size_t at = 0;

	while (mcast_state_next(&all, &at, &record)) {
		struct in6_addr group;

		read_group(&record, &group);
		if (!spreads(m, &record))
			continue;
		mcast_state_remove(state, &group);
		taken++;
	}
	return taken;
}

/* All who exclude sources and do not name this one get its packets, or get them no more by an
 * object of its own. */
static void set_excluding(
	struct membership *m, struct group *g, const struct in6_addr *source, bool gets)
{
	for (uint32_t i = 0; i < g->member_count; i++)
		if (excludes(&g->members[i]->state, g))
			membership_set_member(m, g, source, g->members[i], gets);
}

static void name_source(struct membership *m, struct group *g, const struct in6_addr *addr)
{
	struct source *source = membership_source(g, addr);

	if (source) {
		source->refs++;
		return;
	}
	g->sources[g->source_count++] = (struct source){.addr = *addr, .refs = 1};
	membership_set_group(m, g, addr);
	set_excluding(m, g, addr, true);
}

static void unname_source(struct membership *m, struct group *g, const struct in6_addr *addr)
{
	struct source *source = membership_source(g, addr);

	if (!source || --source->refs)
		return;
	set_excluding(m, g, addr, false);
	membership_unset_group(m, g, addr);
	*source = g->sources[--g->source_count];
}

typedef void source_fn(struct membership *m, struct group *g, const struct in6_addr *addr);

static void each_source(
	struct membership *m, struct group *g, const struct mcast_state *state, source_fn *fn)
{
	struct mcast_record record;

	if (!mcast_state_find(state, &g->key.addr, &record))
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
		membership_set_member(m, g, &any, member, will);
	for (uint32_t i = 0; i < g->source_count; i++) {
		const struct in6_addr *source = &g->sources[i].addr;
		bool got = mcast_state_wants(&member->state, &g->key.addr, source);
		bool gets = mcast_state_wants(to, &g->key.addr, source);

		if (got != gets)
			membership_set_member(m, g, source, member, gets);
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
		membership_set_group(m, g, &any);
	move_member(m, g, member, to);
	list_member(g, member, mcast_state_find(to, &g->key.addr, &record));
	member->state = *to;
	each_source(m, g, &before, unname_source);
	if (excluded && !will && --g->excluding == 0)
		membership_unset_group(m, g, &any);
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

/* Paths are known before groups come by them; false: there are too many. */
static bool know_path(struct membership *m, uint64_t path)
{
	for (size_t i = 0; i < m->path_count; i++)
		if (m->paths[i] == path)
			return true;
	if (m->path_count == MEMBERSHIP_PATHS_MAX)
		return false;
	m->paths[m->path_count++] = path;
	return true;
}

static struct group *add_group(
	struct membership *m, const struct mcast_record *record, uint64_t path)
{
	struct group *g = know_path(m, path) ? calloc(1, sizeof(*g)) : NULL;

	if (!g)
		return NULL;
	memcpy(&g->key.addr, record->group, sizeof(g->key.addr));
	g->key.path = path;
	HASH_ADD(hh, m->groups, key, sizeof(g->key), g);
	return g;
}

/* The group of a record, with room for one more member and the record's sources. NULL: no memory.
 */
static struct group *group_for(
	struct membership *m, const struct mcast_record *record, uint64_t path)
{
	struct group *g = group_of(m, record, path);
	void *array;

	if (!g && !(g = add_group(m, record, path)))
		return NULL;
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

static void drop_empty(struct membership *m, const struct mcast_state *state, uint64_t path)
{
	struct mcast_record record;
	size_t at = 0;

	while (mcast_state_next(state, &at, &record)) {
		struct group *g = group_of(m, &record, path);

		if (g && !g->member_count)
			group_free(m, g);
	}
}

/* Makes room for all groups of the state; false: no memory. */
static bool make_room(struct membership *m, const struct mcast_state *state, uint64_t path)
{
	struct mcast_record record;
	size_t at = 0;

	while (mcast_state_next(state, &at, &record)) {
		struct in6_addr group;

		read_group(&record, &group);
		if (!mcast_state_is_ip4(&group) && !group_for(m, &record, path))
			return false;
	}
	return true;
}

static void change_all(struct membership *m, struct member *member, const struct mcast_state *of,
	const struct mcast_state *to)
{
	struct mcast_record record;
	size_t at = 0;

	while (mcast_state_next(of, &at, &record)) {
		struct group *g = group_of(m, &record, member->key.path);

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

static struct member *add(struct member **set, const struct member *template)
{
	struct member *member = malloc(sizeof(*member));

	if (!member)
		return NULL;
	*member = *template;
	HASH_ADD(hh, *set, key, sizeof(member->key), member);
	return member;
}

/* Sets what a member listens to; template: as it is when it is new. */
static int put(struct membership *m, struct member **set, const struct member *template,
	const struct mcast_state *state)
{
	struct mcast_state before, gone;
	struct member *member;

	HASH_FIND(hh, *set, &template->key, sizeof(template->key), member);
	if (member ? mcast_state_equal(&member->state, state) : !state->count)
		return 0;
	if (!make_room(m, state, template->key.path) ||
		(!member && !(member = add(set, template)))) {
		drop_empty(m, state, template->key.path);
		return -ENOMEM;
	}
	before = member->state;
	gone = without(&before, state);
	change_all(m, member, state, state);
	change_all(m, member, &gone, state);
	member->state = *state;
	drop_empty(m, &gone, template->key.path);
	if (!state->count) {
		if (m->turn == member)
			m->turn = member->hh.next;
		HASH_DEL(*set, member);
		free(member);
	}
	return 0;
}

int membership_set(struct membership *m, const struct in6_addr *home, uint64_t subscriber,
	const struct mcast_state *state)
{
	const struct member template = {
		.key = {.addr = *home}, .kind = MEMBER_SUBSCRIBER, .target = subscriber};

	return put(m, &m->nodes, &template, state);
}

int membership_set_link(struct membership *m, const struct in6_addr *group, uint64_t by,
	uint64_t link, const char *port, const struct mcast_state *state)
{
	struct member template = {
		.key = {.addr = *group, .link = link, .path = by}, .kind = MEMBER_LINK};

	strncpy(template.port, port, OBJECT_PORT_NAME_MAX);
	return put(m, &m->links, &template, state);
}

int membership_set_path(struct membership *m, const struct in6_addr *group, uint64_t path,
	const struct in6_addr *remote, const struct mcast_state *state)
{
	const struct member template = {.key = {.addr = *group, .link = path},
		.kind = MEMBER_PATH,
		.target = path,
		.remote = *remote};

	return put(m, &m->links, &template, state);
}

int membership_set_host(struct membership *m, const struct in6_addr *group, uint64_t by,
	uint64_t path, const struct mac *mac, const struct mcast_state *state)
{
	const struct member template = {.key = {.addr = *group, .link = path, .path = by},
		.kind = MEMBER_PATH,
		.target = path,
		.mac = *mac};

	return put(m, &m->links, &template, state);
}
