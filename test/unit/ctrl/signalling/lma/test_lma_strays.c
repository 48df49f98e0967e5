/* Sessions that began when the configuration was another: what they have is nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lma_rig.h"

static struct lma_pool pools[3];

static int open_rig(void **state)
{
	lma_rig_setup(state);
	memcpy(pools, rig->config.pools, sizeof(pools));
	rig->config.pools = pools;
	rig->config.pool_count = 3;
	return 0;
}

/* A pool of this name is what it is from the next start on. */
static void set_pool(const char *name, const char *range, uint8_t length)
{
	size_t i = 0;

	while (strcmp(pools[i].name, name) != 0)
		i++;
	pools[i] = (struct lma_pool){
		.name = pools[i].name, .range = lma_rig_prefix(range), .length = length};
}

/* A registration that is committed; what the store has of it then. */
static struct session_record bind_with(const struct lma_rig_pbu *pbu)
{
	struct session_record record;

	lma_rig_send(rig, pbu);
	record = lma_rig_commit(rig, 0).to;
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_ACCEPTED);
	record.mn_id.octets = (const uint8_t *)pbu->mn_id;
	return record;
}

static struct session_record bind_node(const char *mn_id)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	pbu.mn_id = mn_id;
	return bind_with(&pbu);
}

static void restart(const struct session_record *records, size_t count)
{
	lma_rig_restart(rig);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(lma_restore(rig->lma, &records[i]), 0);
}

/* Nothing that a session has of its own is a part of what another has. */
static void assert_apart(const struct session_record *records, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			for (size_t k = 0; k < records[i].prefix_count; k++)
				for (size_t l = 0; l < records[j].prefix_count; l++)
					assert_false(prefix6_covers(&records[i].prefixes[k],
							     &records[j].prefixes[l]) ||
						     prefix6_covers(&records[j].prefixes[l],
							     &records[i].prefixes[k]));
}

static void end(const char *mn_id)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	pbu.mn_id = mn_id;
	pbu.lifetime = 0;
	lma_rig_send(rig, &pbu);
	lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_ACCEPTED);
	lma_rig_wait_ms(rig, rig->config.delete_delay_ms + 1000);
	lma_rig_commit(rig, 0);
}

static size_t used(size_t pool)
{
	struct lma_pool_state state;

	assert_true(lma_pool_state(rig->lma, pool, &state));
	return state.used;
}

static uint8_t status_of(const char *mn_id)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	pbu.mn_id = mn_id;
	return lma_rig_status(rig, &pbu);
}

/* Two /64 of one /60, then the pool gives /60. */
static void a_pool_gives_larger_prefixes(void **state)
{
	struct session_record records[3];

	(void)state;
	records[0] = bind_node("a@example.net");
	records[1] = bind_node("b@example.net");
	set_pool("small", "2001:db8:200::/59", 60);
	restart(records, 2);
	assert_int_equal(used(1), 1);
	records[2] = bind_node("c@example.net");
	assert_int_equal(records[2].prefixes[0].len, 60);
	assert_apart(records, 3);
	assert_int_equal(status_of("d@example.net"), STATUS_BA_RESOURCES);
	/* It is free when both are gone. */
	end("a@example.net");
	assert_int_equal(status_of("d@example.net"), STATUS_BA_RESOURCES);
	end("b@example.net");
	assert_int_equal(status_of("d@example.net"), STATUS_BA_ACCEPTED);
}

/* A /60, then the pool gives /64. */
static void a_pool_gives_smaller_prefixes(void **state)
{
	struct session_record records[3];

	(void)state;
	set_pool("small", "2001:db8:200::/59", 60);
	restart(NULL, 0);
	records[0] = bind_node("a@example.net");
	set_pool("small", "2001:db8:200::/59", 64);
	restart(records, 1);
	assert_int_equal(used(1), 16);
	records[1] = bind_node("b@example.net");
	records[2] = bind_node("c@example.net");
	assert_apart(records, 3);
	end("a@example.net");
	assert_int_equal(used(1), 2);
}

/* It is extended as before, and its prefix comes back to nobody. */
static void a_pool_shrinks(void **state)
{
	struct session_record records[3];
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	records[0] = bind_node("a@example.net");
	records[1] = bind_node("b@example.net");
	set_pool("small", "2001:db8:200::/64", 64);
	restart(records, 2);
	assert_int_equal(status_of("c@example.net"), STATUS_BA_RESOURCES);
	pbu.mn_id = "b@example.net";
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	records[2] = bind_with(&pbu);
	assert_int_equal(prefix6_compare(&records[2].prefixes[0], &records[1].prefixes[0]), 0);
	end("b@example.net");
	assert_int_equal(status_of("c@example.net"), STATUS_BA_RESOURCES);
	end("a@example.net");
	assert_int_equal(status_of("c@example.net"), STATUS_BA_ACCEPTED);
}

/* What a pool gave is in a prefix of a profile now, or holds it: for the nodes of both kinds. */
static void a_prefix_becomes_one_of_a_profile(void **state)
{
	struct lma_rig_pbu router = lma_rig_pbu();
	struct session_record records[2];

	(void)state;
	set_pool("small", "2001:db8:f::/48", 56);
	set_pool("nets", "2001:db8:f2::/48", 60);
	/* The first /60 of those that are delegated is in neither of the two, the 17th is. */
	pools[2].range = lma_rig_prefix("2001:db8:f2:100::/56");
	restart(NULL, 0);
	records[0] = bind_node("a@example.net");
	router.delegated[0] = "::/0";
	records[1] = bind_with(&router);
	assert_int_equal(records[1].delegated_count, 2);
	set_pool("small", "2001:db8:200::/63", 64);
	set_pool("nets", "2001:db8:300::/54", 56);
	restart(records, 2);
	assert_int_equal(status_of(LMA_RIG_FIXED), STATUS_BA_RESOURCES);
	router.mn_id = LMA_RIG_ROUTER;
	router.delegated[0] = "2001:db8:f2:100::/56";
	assert_int_equal(lma_rig_status(rig, &router), STATUS_BA_DMNP_IN_USE);
	router.delegated[0] = "::/0";
	records[0] = bind_with(&router);
	assert_int_equal(records[0].delegated_count, 1);
	assert_int_equal(records[0].delegated[0].addr.s6_addr[6], 2);
	end("a@example.net");
	assert_int_equal(status_of(LMA_RIG_FIXED), STATUS_BA_ACCEPTED);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_rig, lma_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_pool_gives_larger_prefixes),
		TEST(a_pool_gives_smaller_prefixes),
		TEST(a_pool_shrinks),
		TEST(a_prefix_becomes_one_of_a_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
