/* Rules: what workers find in a compiled set is what each rule says for itself, in the order of
 * priority; changes, limits, nothing lost of the room. */
#include <errno.h>
#include <rte_eal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/port.h"
#include "dataplane/tables/tables.h"

enum {
	RULES = 700,
	PATHS = 4,
	SUBSCRIBER = 1,
	OTHER = 2,
};

static int eal(void **state)
{
	static char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "256", "-l", "0", "--log-level=error", NULL};

	(void)state;
	return rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0 ? -1 : 0;
}

static struct in6_addr addr(uint8_t kind, uint32_t i)
{
	return (struct in6_addr){.s6_addr = {0x20, 1, 0xd, 0xb8, kind, [12] = (uint8_t)(i >> 24),
					 (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static int set_path(struct tables *t, uint64_t id)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){.id = id,
		.kind = PATH_IP6_IN_IP6,
		.local = addr(1, 1),
		.remote = addr(2, (uint32_t)id)};
	return tables_apply(t, &o);
}

static int set_subscriber(struct tables *t, uint64_t id, const uint64_t paths[], unsigned count)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = id};

	o.subscriber = (struct object_subscriber){.id = id,
		.prefix_count = 1,
		.path_count = (uint8_t)count,
		.prefixes = {{addr(3, (uint32_t)id), 128}}};
	memcpy(o.subscriber.paths, paths, count * sizeof(paths[0]));
	return tables_apply(t, &o);
}

static int setup(void **state)
{
	static const struct tables_config config = {
		.subscribers = 600, .rules = RULES, .routes = 16, .neighbours = 16, .readers = 1};
	int error = 0;
	struct tables *t = tables_create(&config, &error);

	if (!t)
		return error;
	*state = t;
	for (uint64_t id = 1; id <= PATHS; id++)
		error |= set_path(t, id);
	error |= set_subscriber(t, SUBSCRIBER, (const uint64_t[]){1, 2, 3}, 3);
	error |= set_subscriber(t, OTHER, (const uint64_t[]){4}, 1);
	return error;
}

static int teardown(void **state)
{
	tables_destroy(*state);
	return 0;
}

static uint32_t random_below(uint32_t n)
{
	static uint64_t seed = 7;

	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static struct rule_range random_range(enum rule_field field)
{
	uint32_t max = rule_field_max(field), step = field == RULE_CLASS ? 4 : 1;
	uint32_t near = RTE_MIN(max, 40u * step), a, b;

	switch (random_below(6)) {
	case 0:
		return (struct rule_range){0, max};
	case 1:
		return (struct rule_range){max, max};
	case 2:
		a = random_below(max / step / 2) * step;
		return (struct rule_range){a, max};
	default:
		a = random_below(near / step) * step;
		b = random_below(near / step) * step;
		return (struct rule_range){RTE_MIN(a, b), RTE_MAX(a, b)};
	}
}

/* What the rules of a set compare. */
enum mix { ANYTHING, PREFIXES_AND_PORTS, WHOLE_SOURCES, PREFIXES, MIXES };

static const uint8_t mix_fields[MIXES] = {
	[ANYTHING] = UINT8_MAX,
	[PREFIXES_AND_PORTS] = UINT8_MAX & ~(1 << RULE_SPI | 1 << RULE_FLOW_LABEL),
	[WHOLE_SOURCES] = 1 << RULE_SOURCE,
	[PREFIXES] = 1 << RULE_SOURCE | 1 << RULE_DESTINATION,
};

static struct rule_addresses prefix_of(struct in6_addr a, uint8_t len)
{
	struct rule_addresses range = {a, a};

	for (unsigned bit = len; bit < 128; bit++) {
		range.first.s6_addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		range.last.s6_addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	return range;
}

static struct rule_addresses random_addresses(enum rule_field field, enum mix mix)
{
	const uint8_t kind = field == RULE_SOURCE ? 9 : 3;
	const uint32_t from = random_below(60), few = random_below(3) ? 3 : 300;

	switch (mix == WHOLE_SOURCES ? 0 : random_below(mix == ANYTHING ? 4 : 3)) {
	case 0:
		return prefix_of(addr(kind, from), 128);
	case 1:
		return prefix_of(addr(kind, from), (uint8_t)(120 + random_below(9)));
	case 2:
		return prefix_of(addr(kind, from), (uint8_t)random_below(129));
	default:
		return (struct rule_addresses){
			addr(kind, from), addr(kind, from + random_below(few))};
	}
}

static struct object_rule random_rule(uint64_t id, enum mix mix)
{
	struct object_rule rule = {.id = id,
		.subscriber = SUBSCRIBER,
		.priority = (uint16_t)random_below(60),
		.action = random_below(8) ? RULE_TO_PATHS : RULE_DROP};
	struct rule_selector *s = &rule.selector;

	s->version = (uint8_t[]){0, 0, 6, 6, 6, 4}[random_below(mix < WHOLE_SOURCES ? 6 : 5)];
	for (unsigned f = 0; f < RULE_FIELDS; f++) {
		if (!(mix_fields[mix] >> f & 1) || (mix < WHOLE_SOURCES && random_below(4)) ||
			(mix == PREFIXES && random_below(6) == 0) ||
			(s->version == 4 && f < RULE_ADDRESS_FIELDS))
			continue;
		s->fields |= (uint8_t)(1 << f);
		if (f >= RULE_ADDRESS_FIELDS)
			s->numbers[f] = random_range(f);
		else
			s->addresses[f] = random_addresses(f, mix);
	}
	if (rule.action == RULE_TO_PATHS)
		rule.path_count = (uint8_t)(1 + random_below(2));
	for (unsigned i = 0; i < rule.path_count; i++)
		rule.paths[i] = 1 + random_below(PATHS);
	return rule;
}

static struct rule_packet random_packet(void)
{
	const uint8_t ports = 1 << RULE_SOURCE_PORT | 1 << RULE_DESTINATION_PORT;
	struct rule_packet p = {.version = 6, .has = UINT8_MAX};

	if (random_below(3) == 0)
		p.has &= (uint8_t)~ports;
	if (random_below(2))
		p.has &= (uint8_t) ~(1 << RULE_SPI);
	p.addresses[RULE_SOURCE] = addr(9, random_below(60));
	p.addresses[RULE_DESTINATION] = addr(3, random_below(60));
	if (random_below(4) == 0)
		p.addresses[random_below(2)].s6_addr[random_below(16)] ^=
			(uint8_t)(1 << random_below(8));
	for (unsigned f = RULE_ADDRESS_FIELDS; f < RULE_FIELDS; f++) {
		uint32_t max = f == RULE_CLASS ? UINT8_MAX : rule_field_max(f);

		if (p.has >> f & 1)
			p.numbers[f] = random_below(4) ? random_below(RTE_MIN(45u, max)) : max;
	}
	return p;
}

static struct rule_key key_of(const struct rule_packet *p)
{
	return (struct rule_key){.addresses = p->addresses[RULE_SOURCE].s6_addr,
		.spi = p->numbers[RULE_SPI],
		.label = p->numbers[RULE_FLOW_LABEL],
		.ports = {(uint16_t)p->numbers[RULE_SOURCE_PORT],
			(uint16_t)p->numbers[RULE_DESTINATION_PORT]},
		.class = p->numbers[RULE_CLASS] & 0xfc,
		.protocol = (uint8_t)p->numbers[RULE_PROTOCOL],
		.version = p->version,
		.has = p->has};
}

static int set_rule(struct tables *t, const struct object_rule *rule)
{
	const struct object o = {
		.kind = OBJECT_RULE, .op = OBJECT_SET, .id = rule->id, .rule = *rule};

	return tables_apply(t, &o);
}

static void delete (struct tables *t, enum object_kind kind, uint64_t id)
{
	const struct object o = {.kind = kind, .op = OBJECT_DELETE, .id = id};

	assert_int_equal(tables_apply(t, &o), 0);
}

/* Lookups that the first rule found has ended. */
static unsigned ended_first;

/* What the tables say. */
static uint32_t found(struct tables *t, uint64_t id, const struct rule_packet *p)
{
	const struct subscriber_entry *entry = subscriber_table_by_id(&t->subscribers, id);
	const struct rule_key key = key_of(p);
	const struct path_list *list;
	struct rule_search s;
	uint32_t matched, first;
	bool sure;

	if (!entry->steered)
		return 0;
	list = path_list_at(&t->paths, entry->paths);
	assert_int_not_equal(list->block, POOL_NONE);
	rule_search_begin(&t->rules.sets, list->block, list->index, &key, &s);
	rule_search_ahead(&t->rules.sets, &s);
	if (rule_search_goes_on(&s))
		rule_search_next(&t->rules.sets, &key, &s);
	rule_search_ahead(&t->rules.sets, &s);
	first = rule_search_first(&t->rules.sets, key.addresses, &s, &sure);
	matched = rule_search_end(&t->rules.sets, UINT8_MAX, &key, &s);
	if (sure)
		assert_int_equal(first, matched);
	ended_first += sure;
	assert_int_equal(matched,
		rule_set_match_up(&t->rules.sets, list->block, list->index, UINT8_MAX, &key));
	return matched;
}

/* What the rules say, one after the other, for a subscriber with these paths. */
static uint32_t wanted(const struct object_rule rules[], unsigned n, const uint64_t paths[],
	unsigned count, const struct rule_packet *p)
{
	const struct object_rule *best = NULL;
	uint32_t result = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t bits = 0;

		for (unsigned k = 0; k < rules[i].path_count; k++)
			for (unsigned m = 0; m < count; m++)
				bits |= (uint32_t)(rules[i].paths[k] == paths[m]) << m;
		if ((bits == 0 && rules[i].action != RULE_DROP) ||
			!rule_matches(&rules[i].selector, p) ||
			(best && rule_before(best, &rules[i])))
			continue;
		best = &rules[i];
		result = RULE_MATCHED | bits;
	}
	return result;
}

/* Sets of any size and kind, packets near the ends of their ranges. */
static void test_as_each_says(void **state)
{
	static struct object_rule rules[RULE_SUBSCRIBER_MAX];
	static const uint64_t paths[] = {1, 2, 3};
	struct tables *t = *state;
	unsigned matched = 0, missed = 0;

	for (unsigned round = 0; round < 300; round++) {
		unsigned n = 1 + random_below(round % 5 ? 40 : RULE_SUBSCRIBER_MAX);

		for (unsigned i = 0; i < n; i++) {
			rules[i] = random_rule(i + 1, round % MIXES);
			assert_int_equal(set_rule(t, &rules[i]), 0);
		}
		tables_settle(t);
		for (unsigned i = 0; i < 300; i++) {
			struct rule_packet p = random_packet();
			uint32_t want = wanted(rules, n, paths, 3, &p);

			assert_int_equal(found(t, SUBSCRIBER, &p), want);
			matched += want != 0;
			missed += want == 0;
		}
		for (unsigned i = 0; i < n; i++)
			delete (t, OBJECT_RULE, i + 1);
		tables_settle(t);
	}
	assert_true(matched > 10000 && missed > 10000);
	assert_true(ended_first > 10000);
	assert_int_equal(t->rules.records.used, 0);
	assert_int_equal(t->rules.sets.blocks.used, 0);
	assert_int_equal(t->rules.sets.mores.used, 0);
	assert_int_equal(t->rules.sets.indexes.used, 0);
}

static struct object_rule port_rule(uint64_t id, uint16_t port, uint64_t path)
{
	return (struct object_rule){.id = id,
		.subscriber = SUBSCRIBER,
		.priority = (uint16_t)id,
		.action = RULE_TO_PATHS,
		.path_count = 1,
		.paths = {path},
		.selector = {.fields = 1 << RULE_SOURCE_PORT,
			.numbers[RULE_SOURCE_PORT] = {port, port}}};
}

static struct rule_packet port_packet(uint16_t port)
{
	struct rule_packet p = {.version = 6, .has = UINT8_MAX & ~(1 << RULE_SPI)};

	p.numbers[RULE_SOURCE_PORT] = port;
	p.numbers[RULE_PROTOCOL] = IPPROTO_UDP;
	return p;
}

/* Nothing is seen of a change before all of it is. */
static void test_settle_together(void **state)
{
	struct tables *t = *state;
	struct object_rule rule = port_rule(1, 80, 2);
	struct rule_packet p = port_packet(80), q = port_packet(81);

	assert_int_equal(set_rule(t, &rule), 0);
	tables_settle(t);
	assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 2);
	rule = port_rule(1, 81, 3);
	assert_int_equal(set_rule(t, &rule), 0);
	rule = port_rule(2, 80, 1);
	assert_int_equal(set_rule(t, &rule), 0);
	assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 2);
	assert_int_equal(found(t, SUBSCRIBER, &q), 0);
	tables_settle(t);
	assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 1);
	assert_int_equal(found(t, SUBSCRIBER, &q), RULE_MATCHED | 4);
}

/* A path that the subscriber loses takes its rules out, and brings them back. */
static void test_paths_come_and_go(void **state)
{
	struct tables *t = *state;
	struct object_rule rule = port_rule(1, 80, 2);
	struct rule_packet p = port_packet(80);

	rule.paths[rule.path_count++] = 3;
	assert_int_equal(set_rule(t, &rule), 0);
	rule = port_rule(2, 80, 1);
	assert_int_equal(set_rule(t, &rule), 0);
	tables_settle(t);
	assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 6);
	assert_int_equal(set_subscriber(t, SUBSCRIBER, (const uint64_t[]){1, 3}, 2), 0);
	assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 2);
	assert_int_equal(set_subscriber(t, SUBSCRIBER, (const uint64_t[]){1}, 1), 0);
	assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 1);
	assert_int_equal(set_subscriber(t, SUBSCRIBER, (const uint64_t[]){4}, 1), 0);
	assert_int_equal(found(t, SUBSCRIBER, &p), 0);
	assert_int_equal(set_subscriber(t, SUBSCRIBER, (const uint64_t[]){3, 2, 1}, 3), 0);
	assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 3);
}

/* A subscriber with one path and no rules has no list, before and after. */
static void test_first_and_last_rule(void **state)
{
	struct tables *t = *state;
	struct object_rule rule = port_rule(1, 80, 4);
	struct rule_packet p = port_packet(80);
	uint32_t lists = t->paths.lists.used;

	rule.subscriber = OTHER;
	assert_int_equal(set_rule(t, &rule), 0);
	assert_int_equal(found(t, OTHER, &p), RULE_MATCHED | 1);
	assert_int_equal(t->paths.lists.used, lists + 1);
	/* To another subscriber. */
	rule.subscriber = SUBSCRIBER;
	rule.paths[0] = 1;
	assert_int_equal(set_rule(t, &rule), 0);
	tables_settle(t);
	assert_int_equal(found(t, OTHER, &p), 0);
	assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 1);
	assert_int_equal(t->paths.lists.used, lists);
	/* With its subscriber. */
	delete (t, OBJECT_SUBSCRIBER, SUBSCRIBER);
	assert_int_equal(t->rules.records.used, 0);
	assert_int_equal(t->rules.sets.blocks.used, 0);
	assert_int_equal(rule_table_find(&t->rules, 1), POOL_NONE);
	assert_int_equal(set_rule(t, &rule), -ENOENT);
	delete (t, OBJECT_RULE, 1);
	tables_settle(t);
}

/* Rules of one block that compare the same addresses share where these stand, three to a line. */
static void test_elements_are_shared(void **state)
{
	struct tables *t = *state;
	const struct pool *mores = &t->rules.sets.mores;

	for (uint32_t i = 0; i < RULE_BLOCK; i++) {
		struct object_rule rule = port_rule(i + 1, (uint16_t)i, 1);

		rule.selector.version = 6;
		rule.selector.fields |= 1 << RULE_SOURCE;
		rule.selector.addresses[RULE_SOURCE] = prefix_of(addr(9, i / 2), 128);
		assert_int_equal(set_rule(t, &rule), 0);
	}
	tables_settle(t);
	tables_quiesce(t);
	assert_int_equal(mores->used, 3);
	for (uint32_t i = 0; i < RULE_BLOCK; i++) {
		struct rule_packet p = port_packet((uint16_t)i);

		p.addresses[RULE_SOURCE] = addr(9, i / 2);
		assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 1);
		p.addresses[RULE_SOURCE] = addr(9, i / 2 + 1);
		assert_int_equal(found(t, SUBSCRIBER, &p), 0);
	}
	for (uint32_t i = 0; i < RULE_BLOCK; i++)
		delete (t, OBJECT_RULE, i + 1);
	tables_settle(t);
	assert_int_equal(mores->used, 0);
}

/* As many as one may have, as many as there is room for; what is refused changes nothing. */
static void test_limits(void **state)
{
	struct tables *t = *state;
	uint64_t id = 0;
	struct object_rule rule;
	struct rule_packet p = port_packet(RULE_SUBSCRIBER_MAX);

	for (unsigned i = 0; i < RULE_SUBSCRIBER_MAX; i++) {
		id++;
		rule = port_rule(id, (uint16_t)id, 1 + id % 3);
		assert_int_equal(set_rule(t, &rule), 0);
	}
	rule = port_rule(++id, 9999, 1);
	assert_int_equal(set_rule(t, &rule), -ENOSPC);
	tables_settle(t);
	assert_int_equal(
		found(t, SUBSCRIBER, &p), (uint32_t)(RULE_MATCHED | 1 << RULE_SUBSCRIBER_MAX % 3));
	for (uint64_t s = 10; t->rules.records.used < RULES; s++) {
		assert_int_equal(set_subscriber(t, s, (const uint64_t[]){1}, 1), 0);
		rule = port_rule(id++, 7, 1);
		rule.subscriber = s;
		assert_int_equal(set_rule(t, &rule), 0);
	}
	rule = port_rule(id, 7, 1);
	rule.subscriber = OTHER;
	assert_int_equal(set_rule(t, &rule), -ENOSPC);
	/* One of theirs cannot be moved to one that is full, and stays. */
	rule = port_rule(id - 1, 7, 1);
	assert_int_equal(set_rule(t, &rule), -ENOSPC);
	assert_int_equal(t->rules.records.used, RULES);
	/* All of them can still be changed. */
	for (uint64_t i = 1; i <= RULE_SUBSCRIBER_MAX; i++) {
		rule = port_rule(i, (uint16_t)(1000 + i), 1 + i % 3);
		assert_int_equal(set_rule(t, &rule), 0);
	}
	tables_settle(t);
	assert_int_equal(found(t, SUBSCRIBER, &p), 0);
	p = port_packet(1000 + RULE_SUBSCRIBER_MAX);
	assert_int_not_equal(found(t, SUBSCRIBER, &p), 0);
}

/* A snapshot takes what it does not name, and makes nothing anew that it does. */
static void test_snapshot(void **state)
{
	struct tables *t = *state;
	struct object_rule first = port_rule(1, 80, 2), second = port_rule(2, 81, 3);
	struct rule_packet p = port_packet(80), q = port_packet(81);

	assert_int_equal(set_rule(t, &first), 0);
	assert_int_equal(set_rule(t, &second), 0);
	tables_settle(t);
	tables_mark(t, NULL);
	for (uint64_t id = 1; id <= PATHS; id++)
		assert_int_equal(set_path(t, id), 0);
	assert_int_equal(set_subscriber(t, SUBSCRIBER, (const uint64_t[]){1, 2, 3}, 3), 0);
	assert_int_equal(found(t, SUBSCRIBER, &q), RULE_MATCHED | 4);
	assert_int_equal(set_rule(t, &first), 0);
	assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 2);
	assert_int_equal(tables_sweep(t), 2);
	assert_int_equal(found(t, SUBSCRIBER, &p), RULE_MATCHED | 2);
	assert_int_equal(found(t, SUBSCRIBER, &q), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_as_each_says, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settle_together, setup, teardown),
		cmocka_unit_test_setup_teardown(test_paths_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_and_last_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elements_are_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_snapshot, setup, teardown),
	};

	return cmocka_run_group_tests(tests, eal, NULL);
}
