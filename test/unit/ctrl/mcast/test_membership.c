/* Who listens to what, against what a data plane would make of the objects: group.h says of which
 * object a packet's copies are. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/addr.h"
#include "ctrl/mcast/membership.h"
#include "proto/channel/object.h"

enum { OBJECTS = 512, MEMBERS = 6, GROUPS = 3, SOURCES = 4, STEPS = 4000 };

/* A data plane: what it was told, in the order that it asks for. */
struct fixture {
	struct object objects[OBJECTS];
	size_t count;
	struct prefix6 allowed;
	struct config_list list;
	struct membership *m;
};

static struct in6_addr address(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct in6_addr numbered(const char *text, unsigned n)
{
	struct in6_addr a = address(text);

	a.s6_addr[15] = (uint8_t)n;
	return a;
}

static struct object *find(struct fixture *f, uint64_t id)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->objects[i].id == id)
			return &f->objects[i];
	return NULL;
}

static void remove_object(struct fixture *f, struct object *at)
{
	assert_non_null(at);
	if (at->kind == OBJECT_GROUP)
		for (size_t i = 0; i < f->count; i++)
			assert_false(f->objects[i].kind == OBJECT_MEMBER &&
				     f->objects[i].member.group == at->id);
	*at = f->objects[--f->count];
}

static int publish(void *context, uint64_t id, const struct bundle *bundle)
{
	struct fixture *f = context;
	struct object object;
	struct cursor c;

	if (!bundle->len) {
		remove_object(f, find(f, id));
		return 0;
	}
	cursor_init(&c, bundle->octets, bundle->len);
	assert_int_equal(object_decode(&c, &object), 0);
	assert_int_equal(cursor_left(&c), 0);
	assert_true(object.id == id);
	assert_null(find(f, id));
	assert_int_equal(publish_is_group(id), object.kind == OBJECT_GROUP);
	assert_false(publish_is_rule_id(id));
	if (object.kind == OBJECT_MEMBER)
		assert_non_null(find(f, object.member.group));
	assert_true(f->count < OBJECTS);
	f->objects[f->count++] = object;
	return 0;
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.allowed = (struct prefix6){.addr = address("ff1e::"), .len = 16};
	f.list = (struct config_list){.items = &f.allowed, .count = 1};
	f.m = membership_new(
		&(struct membership_config){.limits = {.max_groups = GROUPS, .groups = &f.list},
			.publish = publish,
			.context = &f});
	*state = &f;
	return f.m ? 0 : -1;
}

static int teardown(void **state)
{
	membership_free(((struct fixture *)*state)->m);
	return 0;
}

/* Whether a packet that came by the tunnel of a path, or by ports, is copied to this target. */
static bool copied_of(struct fixture *f, const struct in6_addr *source,
	const struct in6_addr *group, uint64_t path, uint64_t target)
{
	const struct object *star = NULL, *exact = NULL;
	bool found = false;

	for (size_t i = 0; i < f->count; i++) {
		const struct object *o = &f->objects[i];

		if (o->kind != OBJECT_GROUP || !addr_equal(&o->group.group, group) ||
			o->group.path != path)
			continue;
		if (addr_equal(&o->group.source, source))
			exact = o;
		else if (addr_is_unspecified(&o->group.source))
			star = o;
	}
	if (!exact)
		exact = star;
	for (size_t i = 0; exact && i < f->count; i++)
		found |= f->objects[i].kind == OBJECT_MEMBER &&
			 f->objects[i].member.group == exact->id &&
			 f->objects[i].member.target == target;
	return found;
}

static bool copied(struct fixture *f, const struct in6_addr *source, const struct in6_addr *group,
	uint64_t subscriber)
{
	return copied_of(f, source, group, 0, subscriber);
}

static int count(void *arg, const struct membership_listener *listener)
{
	unsigned *seen = arg;

	assert_false(*seen >> listener->home->s6_addr[15] & 1);
	*seen |= 1u << listener->home->s6_addr[15];
	return 0;
}

/* What is told of a packet is what happens to it. */
static void check_told(
	struct fixture *f, const struct in6_addr *group, const struct in6_addr *source)
{
	const struct membership_stream stream = {.group = *group, .source = *source};
	struct in6_addr of;
	uint64_t id = membership_object(f->m, &stream, &of);
	unsigned seen = 0;

	assert_int_equal(membership_each_of(f->m, &stream, count, &seen), 0);
	for (unsigned n = 0; n < MEMBERS; n++)
		assert_int_equal(seen >> (n + 1) & 1, copied(f, source, group, n + 1));
	assert_true(id || !seen);
	if (!id)
		return;
	assert_non_null(find(f, id));
	assert_true(addr_equal(&find(f, id)->group.source, &of));
	assert_true(addr_equal(&find(f, id)->group.group, group));
}

static void check_list(struct fixture *f)
{
	struct membership_stream *streams;
	struct in6_addr *groups, of;
	int count = membership_group_list(f->m, &groups);
	size_t objects = 0;

	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		int n = membership_streams(f->m, &groups[i], &streams);

		assert_true(n > 0);
		objects += (size_t)n;
		for (int s = 0; s < n; s++)
			assert_non_null(find(f, membership_object(f->m, &streams[s], &of)));
		for (int other = 0; other < i; other++)
			assert_false(addr_equal(&groups[i], &groups[other]));
		free(streams);
	}
	free(groups);
	assert_int_equal(objects, membership_groups(f->m));
}

static void check(struct fixture *f, const struct mcast_state *states)
{
	for (unsigned g = 0; g < GROUPS; g++)
		for (unsigned s = 0; s <= SOURCES; s++) {
			struct in6_addr group = numbered("ff1e::", g + 1);
			struct in6_addr source = numbered("2001:db8::", s + 1);

			for (unsigned n = 0; n < MEMBERS; n++)
				assert_int_equal(copied(f, &source, &group, n + 1),
					mcast_state_wants(&states[n], &group, &source));
			check_told(f, &group, &source);
		}
	check_list(f);
}

/* Some state of a node; the last source is never named. */
static void any_state(struct mcast_state *state)
{
	mcast_state_clear(state);
	for (unsigned g = 0; g < GROUPS; g++) {
		struct in6_addr group = numbered("ff1e::", g + 1), sources[SOURCES];
		struct mcast_record record = {.group = group.s6_addr, .sources = sources->s6_addr};

		record.type = rand() % 2 ? MCAST_IS_EXCLUDE : MCAST_IS_INCLUDE;
		for (unsigned s = 0; s < SOURCES; s++)
			if (rand() % 3 == 0)
				sources[record.source_count++] = numbered("2001:db8::", s + 1);
		if (rand() % 3)
			assert_int_equal(mcast_state_apply(state, &record), 0);
	}
}

/* After any change everybody gets what it wants, and nothing else. */
static void everybody_gets_what_it_wants(void **state)
{
	struct fixture *f = *state;
	struct mcast_state states[MEMBERS];

	memset(states, 0, sizeof(states));
	srand(1);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned n = (unsigned)rand() % MEMBERS;
		struct in6_addr home = numbered("2001:db8:100::", n + 1);

		any_state(&states[n]);
		if (rand() % 4 == 0)
			mcast_state_clear(&states[n]);
		assert_int_equal(membership_set(f->m, &home, n + 1, &states[n]), 0);
		check(f, states);
		assert_int_equal(f->count, membership_groups(f->m) + membership_copies(f->m));
	}
	mcast_state_clear(&states[0]);
	for (unsigned n = 0; n < MEMBERS; n++) {
		struct in6_addr home = numbered("2001:db8:100::", n + 1);

		assert_int_equal(membership_set(f->m, &home, n + 1, &states[0]), 0);
	}
	assert_int_equal(f->count, 0);
	assert_int_equal(membership_members(f->m), 0);
}

/* What comes by one tunnel, by another one and by ports is wanted by hosts of their own (RFC 6224,
 * 4.2). */
static void tunnels_are_apart(void **state)
{
	const struct mac mac = {{2, 0, 0, 0, 0, 1}};
	struct fixture *f = *state;
	struct mcast_state states[MEMBERS];

	memset(states, 0, sizeof(states));
	srand(2);
	for (unsigned step = 0; step < STEPS; step++) {
		const unsigned n = (unsigned)rand() % MEMBERS, g = (unsigned)rand() % GROUPS;
		const struct in6_addr group = numbered("ff1e::", g + 1);
		struct mcast_record record;
		struct mcast_state all, one;

		any_state(&all);
		mcast_state_clear(&one);
		if (mcast_state_find(&all, &group, &record))
			assert_int_equal(mcast_state_apply(&one, &record), 0);
		mcast_state_remove(&states[n], &group);
		if (one.count)
			assert_int_equal(mcast_state_apply(&states[n], &record), 0);
		/* Two of each tunnel, and of none. */
		assert_int_equal(membership_set_host(f->m, &group, n / 2, 100 + n, &mac, &one), 0);
		for (unsigned s = 0; s <= SOURCES; s++)
			for (unsigned i = 0; i < 3 * MEMBERS; i++) {
				const struct in6_addr source = numbered("2001:db8::", s + 1);
				const unsigned host = i % MEMBERS, tunnel = i / MEMBERS;

				assert_int_equal(copied_of(f, &source, &group, tunnel, 100 + host),
					tunnel == host / 2 &&
						mcast_state_wants(&states[host], &group, &source));
			}
		check_list(f);
	}
}

static int unseen(void *context, uint64_t id, const struct bundle *bundle)
{
	(void)context;
	(void)id;
	(void)bundle;
	return 0;
}

/* Groups come by so many paths, and no more. */
static void too_many_tunnels(void **state)
{
	struct fixture *f = *state;
	const struct in6_addr group = numbered("ff1e::", 1);
	const struct mcast_record record = {.type = MCAST_IS_EXCLUDE, .group = group.s6_addr};
	const struct mac mac = {{2, 0, 0, 0, 0, 1}};
	struct membership *m = membership_new(&(struct membership_config){
		.limits = {.max_groups = 1, .groups = &f->list}, .publish = unseen});
	struct mcast_state one;

	mcast_state_clear(&one);
	assert_int_equal(mcast_state_apply(&one, &record), 0);
	for (uint64_t path = 0; path < MEMBERSHIP_PATHS_MAX; path++)
		assert_int_equal(membership_set_host(m, &group, path, 7, &mac, &one), 0);
	assert_int_equal(
		membership_set_host(m, &group, MEMBERSHIP_PATHS_MAX, 7, &mac, &one), -ENOMEM);
	assert_int_equal(membership_groups(m), MEMBERSHIP_PATHS_MAX);
	membership_free(m);
}

/* RFC 6275, 10.4.2: nothing of a scope between link and global, unless it was said. */
static void scopes_are_said(void **state)
{
	static const struct {
		const char *prefix;
		uint8_t len;
		const char *group;
		bool allowed;
	} rows[] = {
		{"ff00::", 8, "ff0e::1", true},
		{"ff00::", 8, "ff1e::1", true},
		{"ff00::", 8, "ff05::1", false},
		{"ff00::", 8, "ff08::1", false},
		{"ff00::", 8, "ff14::1", false},
		{"ff00::", 8, "ff33::1", false},
		{"ff10::", 12, "ff18::1", false},
		{"ff10::", 12, "ff1e::1", true},
		{"ff18::", 15, "ff18::1", false},
		{"ff18::", 16, "ff18::1", true},
		{"ff18::", 16, "ff1e::1", false},
		{"ff05::7:0", 112, "ff05::7:1", true},
		{"ff05::7:0", 112, "ff05::8:1", false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct in6_addr group = address(rows[i].group);
		const struct mcast_record record = {
			.type = MCAST_IS_EXCLUDE, .group = group.s6_addr};
		struct mcast_state s;

		f->allowed = (struct prefix6){.addr = address(rows[i].prefix), .len = rows[i].len};
		mcast_state_clear(&s);
		assert_int_equal(mcast_state_apply(&s, &record), 0);
		assert_int_equal(membership_allows(f->m, &group), rows[i].allowed);
		assert_int_equal(membership_limit(f->m, &s), rows[i].allowed ? 0 : 1);
	}
}

static void limits_take_groups_out(void **state)
{
	struct fixture *f = *state;
	struct mcast_state s;

	mcast_state_clear(&s);
	for (unsigned n = 1; n <= GROUPS + 2; n++) {
		struct in6_addr group = numbered(n == 2 ? "ff05::" : "ff1e::", n);
		const struct mcast_record record = {
			.type = MCAST_IS_EXCLUDE, .group = group.s6_addr};

		assert_int_equal(mcast_state_apply(&s, &record), 0);
	}
	assert_int_equal(membership_limit(f->m, &s), 2);
	assert_int_equal(s.count, GROUPS);
	assert_int_equal(membership_limit(f->m, &s), 0);
}

/* No node makes a group cost more than a limit by naming sources: here of 1,638 who get any. */
static void sources_are_limited(void **state)
{
	const struct fixture *f = *state;
	struct membership *m = membership_new(&(struct membership_config){
		.limits = {.max_groups = 1, .groups = &f->list}, .publish = unseen});
	const struct in6_addr group = numbered("ff1e::", 1);
	struct in6_addr sources[44];
	struct mcast_state any, some;
	struct mcast_record record = {.type = MCAST_IS_EXCLUDE, .group = group.s6_addr};

	mcast_state_clear(&any);
	assert_int_equal(mcast_state_apply(&any, &record), 0);
	for (unsigned n = 1; n <= 1638; n++) {
		struct in6_addr home = numbered("2001:db8:7::", n);

		home.s6_addr[14] = (uint8_t)(n >> 8);
		assert_int_equal(membership_set(m, &home, 1000 + n, &any), 0);
	}
	for (unsigned n = 0; n < 41; n++)
		sources[n] = numbered("2001:db8:8::", n + 1);
	record.type = MCAST_ALLOW_NEW;
	record.sources = sources[0].s6_addr;
	for (record.source_count = 40; record.source_count <= 41; record.source_count++) {
		bool fits = record.source_count == 40;

		mcast_state_clear(&some);
		assert_int_equal(mcast_state_apply(&some, &record), 0);
		assert_int_equal(membership_limit(m, &some), fits ? 0 : 1);
		assert_int_equal(some.count, fits ? 1 : 0);
	}
	membership_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everybody_gets_what_it_wants, setup, teardown),
		cmocka_unit_test_setup_teardown(tunnels_are_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_tunnels, setup, teardown),
		cmocka_unit_test_setup_teardown(scopes_are_said, setup, teardown),
		cmocka_unit_test_setup_teardown(limits_take_groups_out, setup, teardown),
		cmocka_unit_test_setup_teardown(sources_are_limited, setup, teardown),
	};

	return cmocka_run_group_tests_name("membership", tests, NULL, NULL);
}
