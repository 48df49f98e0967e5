/*
 * A world for tests of the digest: tables, what they were told, and what control would say of it.
 */
#pragma once

#include <errno.h>
#include <rte_eal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/port.h"
#include "dataplane/tables/tables_digest.h"

/* gcc defines a macro for a sanitizer, clang has a feature. */
#if defined(__has_feature)
#define SLOW_BUILD (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW_BUILD 1
#else
#define SLOW_BUILD 0
#endif

enum {
	/* What is tried again and again is tried less often where each time takes twenty times as
	 * long. A prime: strides of so many bits come to all bits of an octet. */
	SLOWNESS = SLOW_BUILD ? 11 : 1,
	SUBSCRIBERS = 600,
	IDS = 200, /* of each kind, in the random test */
	EVERYTHING = 1 << 20,
};

/* The tables, and every object that they took. */
struct world {
	struct tables *tables;
	struct tables_digest digest;
	struct object set[UPDATE_DIGEST_KINDS][IDS + 1];
};

static inline int eal(void **state)
{
	static char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "384", "-l", "0", "--log-level=error", NULL};

	(void)state;
	if (rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0)
		return -1;
	strcpy(port_table[0].name, "home");
	port_table[0].rx_queues = 1;
	return 0;
}

static inline struct in6_addr addr(uint8_t kind, uint32_t i)
{
	return (struct in6_addr){.s6_addr = {0x20, 1, 0xd, 0xb8, kind, [12] = (uint8_t)(i >> 24),
					 (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

/* The rules of a subscriber go with it. */
static inline void forget_rules(struct world *w, uint64_t subscriber)
{
	for (unsigned id = 1; id <= IDS; id++)
		if (w->set[OBJECT_RULE][id].rule.subscriber == subscriber)
			w->set[OBJECT_RULE][id] = (struct object){0};
}

static inline void forget(struct world *w, uint64_t subscriber)
{
	w->set[OBJECT_SUBSCRIBER][subscriber] = (struct object){0};
	forget_rules(w, subscriber);
}

static inline int apply(struct world *w, const struct object *object)
{
	int err = tables_apply(w->tables, object);

	if (err == 0)
		w->set[object->kind][object->id] = *object;
	if (err == 0 && object->kind == OBJECT_SUBSCRIBER && object->op == OBJECT_DELETE)
		forget_rules(w, object->id);
	return err;
}

static inline int set_rule(struct world *w, uint64_t id, uint64_t subscriber, uint32_t seed)
{
	struct object o = {.kind = OBJECT_RULE, .op = OBJECT_SET, .id = id};
	uint32_t port = seed % 60000;

	o.rule = (struct object_rule){.id = id,
		.subscriber = subscriber,
		.priority = (uint16_t)(seed % 50),
		.action = seed % 7 ? RULE_TO_PATHS : RULE_DROP,
		.path_count = seed % 7 ? 1 + seed % 2 : 0,
		.selector = {.version = seed % 3 ? 6 : 0,
			.fields = 1 << RULE_SOURCE_PORT,
			.numbers[RULE_SOURCE_PORT] = {port, port + seed % 10}}};
	for (unsigned i = 0; i < o.rule.path_count; i++)
		o.rule.paths[i] = 1 + (seed + i) % IDS;
	if (seed % 2) {
		o.rule.selector.fields |= 1 << RULE_SOURCE;
		o.rule.selector.addresses[RULE_SOURCE] =
			(struct rule_addresses){addr(9, seed), addr(9, seed + seed % 1000)};
	}
	return apply(w, &o);
}

static inline int set_path(struct world *w, uint64_t id, uint32_t care_of, uint64_t data_plane)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){.id = id,
		.kind = id % 3 == 2 ? PATH_GRE : PATH_IP6_IN_IP6,
		.local = addr(1, 1),
		.remote = addr(2, care_of),
		.data_plane = data_plane,
		.mtu = (uint16_t)(care_of % 3 ? 1500 : 0)};
	if (o.path.kind == PATH_GRE && id % 2 == 0) {
		o.path.keyed = true;
		o.path.key_out = care_of;
		o.path.key_in = (uint32_t)id;
	}
	return apply(w, &o);
}

static inline int set_subscriber(
	struct world *w, uint64_t id, unsigned prefixes, unsigned paths, const uint64_t ids[])
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = id};
	struct object_subscriber *s = &o.subscriber;

	*s = (struct object_subscriber){.id = id,
		.link_id = id % 2 ? 7 : 0,
		.prefix_count = (uint8_t)prefixes,
		.path_count = (uint8_t)paths};
	for (unsigned i = 0; i < prefixes; i++)
		s->prefixes[i] = (struct prefix6){addr((uint8_t)(0x10 + i), (uint32_t)id), 128};
	if (prefixes > 1)
		s->prefixes[1] = (struct prefix6){addr(0x11, (uint32_t)id << 8), 120};
	memcpy(s->paths, ids, paths * sizeof(ids[0]));
	s->steering = (uint8_t)((id + paths) % 4 % STEERING_COUNT);
	for (unsigned i = 0; i < paths && s->steering && s->steering != STEERING_HEARD; i++)
		s->weights[i] = (uint8_t)(1 + 10 * i);
	if (id % 3 == 0)
		s->order = (struct object_order){true, (uint16_t)(id % 256 + 1), 50};
	return apply(w, &o);
}

static inline int set_group(struct world *w, uint64_t id, uint32_t at)
{
	struct object o = {.kind = OBJECT_GROUP, .op = OBJECT_SET, .id = id};

	o.group = (struct object_group){.id = id, .group = addr(6, at)};
	o.group.group.s6_addr[0] = 0xff;
	o.group.group.s6_addr[1] = 0x3e;
	if (at % 3)
		o.group.source = addr(5, at);
	if (at % 2)
		strcpy(o.group.port, "home");
	return apply(w, &o);
}

static inline int set_member(struct world *w, uint64_t id, uint64_t group, uint64_t target)
{
	struct object o = {.kind = OBJECT_MEMBER, .op = OBJECT_SET, .id = id};

	o.member = (struct object_member){.id = id,
		.group = group,
		.kind = (enum member_kind)(MEMBER_SUBSCRIBER + target % 3),
		.target = target};
	if (o.member.kind == MEMBER_LINK) {
		o.member.target = 0;
		strcpy(o.member.port, "home");
	}
	return apply(w, &o);
}

static inline int set_data_plane(struct world *w, uint64_t id, const char *name, uint32_t at)
{
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = id};

	o.data_plane = (struct object_data_plane){.id = id, .addr = addr(3, at)};
	strcpy(o.data_plane.name, name);
	return apply(w, &o);
}

static inline int setup(void **state)
{
	static const struct tables_config config = {.subscribers = SUBSCRIBERS,
		.rules = IDS,
		.groups = IDS,
		.members = IDS,
		.routes = 16,
		.neighbours = 16,
		.readers = 1,
		.name = "here"};
	struct world *w = calloc(1, sizeof(*w));
	struct object o = {.kind = OBJECT_LOCAL, .op = OBJECT_SET, .id = 1};
	int error = 0;

	if (!w)
		return -1;
	*state = w;
	w->tables = tables_create(&config, &error);
	if (!w->tables)
		return error;
	o.local = (struct object_local){1, addr(1, 1)};
	error |= apply(w, &o);
	o = (struct object){.kind = OBJECT_LINK, .op = OBJECT_SET, .id = 7};
	o.link = (struct object_link){.id = 7, .port = "home", .watch_dad = true};
	error |= apply(w, &o);
	error |= set_data_plane(w, 1, "here", 1);
	error |= set_data_plane(w, 2, "there", 2);
	return error;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	tables_digest_cancel(&w->digest);
	tables_destroy(w->tables);
	free(w);
	return 0;
}

static inline struct update_digest_answer compute(struct world *w)
{
	struct update_digest_answer answer;

	assert_int_equal(tables_digest_start(&w->digest, w->tables), 0);
	assert_true(tables_digest_step(&w->digest, EVERYTHING, &answer));
	return answer;
}

/* What control would say. */
static inline struct update_digest_answer expected(const struct world *w)
{
	struct update_digest_answer answer = {0};

	for (unsigned kind = 1; kind < UPDATE_DIGEST_KINDS; kind++) {
		for (unsigned id = 1; id <= IDS; id++) {
			const struct object *o = &w->set[kind][id];

			if (o->op != OBJECT_SET)
				continue;
			answer.digest.kinds[kind].count++;
			answer.digest.kinds[kind].sum += object_digest(o);
			answer.buckets[object_bucket(id)] += object_digest(o);
		}
	}
	return answer;
}

static inline void assert_same(
	const struct update_digest_answer *a, const struct update_digest_answer *b)
{
	for (unsigned kind = 0; kind < UPDATE_DIGEST_KINDS; kind++) {
		assert_int_equal(a->digest.kinds[kind].count, b->digest.kinds[kind].count);
		assert_int_equal(a->digest.kinds[kind].sum, b->digest.kinds[kind].sum);
	}
	assert_memory_equal(a->buckets, b->buckets, sizeof(a->buckets));
}

static inline bool is_same(
	const struct update_digest_answer *a, const struct update_digest_answer *b)
{
	for (unsigned kind = 0; kind < UPDATE_DIGEST_KINDS; kind++)
		if (a->digest.kinds[kind].count != b->digest.kinds[kind].count ||
			a->digest.kinds[kind].sum != b->digest.kinds[kind].sum)
			return false;
	return memcmp(a->buckets, b->buckets, sizeof(a->buckets)) == 0;
}

/* One of each: a subscriber with all there is, one that is relayed, one that is plain. */
static inline void fill(struct world *w)
{
	const uint64_t both[] = {1, 2};

	assert_int_equal(set_path(w, 1, 11, 0), 0);
	assert_int_equal(set_path(w, 2, 12, 1), 0);
	assert_int_equal(set_path(w, 3, 13, 2), 0);
	assert_int_equal(set_subscriber(w, 1, 2, 2, both), 0);
	assert_int_equal(set_subscriber(w, 2, 1, 1, &(const uint64_t){3}), 0);
	assert_int_equal(set_subscriber(w, 3, 3, 1, both), 0);
	assert_int_equal(set_rule(w, 1, 1, 7 * 3), 0);
	assert_int_equal(set_rule(w, 2, 3, 1), 0);
	for (unsigned id = 3; id <= 40; id++)
		assert_int_equal(set_rule(w, id, 1, IDS * 7 * 1000 * id + id % 2), 0);
	tables_settle(w->tables);
}

static inline uint32_t random_below(uint32_t n)
{
	static uint64_t seed = 42;

	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}
