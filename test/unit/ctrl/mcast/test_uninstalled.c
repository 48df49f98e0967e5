/* What data planes could not take of multicast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "ctrl/mcast/uninstalled.h"

enum { GROUP = 7, MEMBER = 8, GONE = 9 };

struct fixture {
	struct uninstalled *u;
	uint64_t sequence; /* of the newest delta */
	uint64_t renewed[1024];
	size_t renewed_count;
};

static uint64_t renew(void *context, uint64_t id)
{
	struct fixture *f = context;

	if (id == GONE)
		return 0;
	f->renewed[f->renewed_count++] = id;
	return ++f->sequence;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct uninstalled_config config = {.renew = renew, .context = f};

	assert_non_null(f);
	f->sequence = 100;
	f->u = uninstalled_new(&config);
	assert_non_null(f->u);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	uninstalled_free(f->u);
	free(f);
	return 0;
}

static uint64_t counter(const struct fixture *f, enum uninstalled_counter which)
{
	return uninstalled_counters(f->u)[which];
}

/* An acknowledgement with one failure; id 0: with none. */
static unsigned ack(
	struct fixture *f, unsigned dp, uint64_t sequence, enum object_kind kind, uint64_t id)
{
	static struct update_ack ack;

	ack = (struct update_ack){.failure_total = id ? 1 : 0, .failure_count = id ? 1 : 0};
	ack.failures[0] = (struct update_failure){.kind = kind, .id = id, .error = ENOSPC};
	return uninstalled_acked(f->u, dp, sequence, &ack);
}

static void failures_are_kept(void **state)
{
	struct fixture *f = *state;
	int error = 0;

	assert_int_equal(uninstalled_acked(f->u, 0, 1, NULL), 0);
	assert_int_equal(ack(f, 0, 1, OBJECT_SUBSCRIBER, MEMBER), 0);
	assert_int_equal(uninstalled_count(f->u), 0);
	assert_int_equal(ack(f, 1, 2, OBJECT_MEMBER, MEMBER), 1);
	assert_int_equal(ack(f, 1, 3, OBJECT_MEMBER, MEMBER), 0);
	assert_int_equal(ack(f, 3, 3, OBJECT_MEMBER, MEMBER), 1);
	assert_int_equal(uninstalled_at(f->u, MEMBER, &error), 1 << 1 | 1 << 3);
	assert_int_equal(error, ENOSPC);
	assert_int_equal(uninstalled_at(f->u, GROUP, NULL), 0);
	assert_int_equal(counter(f, UNINSTALLED_MEMBERS), 3);
	/* Published anew: what becomes of it is not known yet. */
	uninstalled_forget(f->u, MEMBER);
	uninstalled_forget(f->u, GROUP);
	assert_int_equal(uninstalled_at(f->u, MEMBER, NULL), 0);
	assert_int_equal(uninstalled_count(f->u), 0);
}

static void retries_succeed(void **state)
{
	struct fixture *f = *state;

	ack(f, 0, 1, OBJECT_GROUP, GROUP);
	ack(f, 0, 1, OBJECT_MEMBER, MEMBER);
	ack(f, 1, 1, OBJECT_MEMBER, MEMBER);
	ack(f, 0, 1, OBJECT_MEMBER, GONE);
	uninstalled_retry(f->u);
	/* The group before its member; who is wanted no more is forgotten. */
	assert_int_equal(f->renewed_count, 2);
	assert_int_equal(f->renewed[0], GROUP);
	assert_int_equal(f->renewed[1], MEMBER);
	assert_int_equal(uninstalled_count(f->u), 2);
	/* Not before all of it is acknowledged, and not for another data plane. */
	ack(f, 0, f->sequence - 1, OBJECT_MEMBER, 0);
	assert_int_equal(uninstalled_count(f->u), 2);
	ack(f, 0, f->sequence, OBJECT_MEMBER, 0);
	assert_int_equal(uninstalled_at(f->u, GROUP, NULL), 0);
	assert_int_equal(uninstalled_at(f->u, MEMBER, NULL), 1 << 1);
	ack(f, 1, f->sequence, OBJECT_MEMBER, 0);
	assert_int_equal(uninstalled_count(f->u), 0);
	assert_int_equal(counter(f, UNINSTALLED_LATE), 3);
	assert_int_equal(counter(f, UNINSTALLED_RETRIES), 2);
	uninstalled_retry(f->u);
	assert_int_equal(f->renewed_count, 2);
}

static void retries_fail(void **state)
{
	struct fixture *f = *state;

	ack(f, 0, 1, OBJECT_GROUP, GROUP);
	ack(f, 0, 1, OBJECT_MEMBER, MEMBER);
	uninstalled_retry(f->u);
	/* In the acknowledgement of the first of its two deltas. */
	assert_int_equal(ack(f, 0, f->sequence - 1, OBJECT_GROUP, GROUP), 0);
	ack(f, 0, f->sequence, OBJECT_MEMBER, 0);
	assert_int_equal(uninstalled_at(f->u, GROUP, NULL), 1);
	assert_int_equal(uninstalled_at(f->u, MEMBER, NULL), 0);
	/* A later failure is one of its own. */
	ack(f, 0, f->sequence + 1, OBJECT_MEMBER, MEMBER);
	ack(f, 0, f->sequence + 2, OBJECT_MEMBER, 0);
	assert_int_equal(uninstalled_at(f->u, MEMBER, NULL), 1);
}

/* Which succeeded is not known when only the number of failures is. */
static void failures_without_names(void **state)
{
	struct fixture *f = *state;
	static struct update_ack many;

	many = (struct update_ack){
		.failure_total = UPDATE_FAILURES_MAX + 5, .failure_count = UPDATE_FAILURES_MAX};
	for (unsigned i = 0; i < UPDATE_FAILURES_MAX; i++)
		many.failures[i] = (struct update_failure){
			.kind = OBJECT_MEMBER, .id = 1000 + i, .error = ENOSPC};
	ack(f, 0, 1, OBJECT_MEMBER, MEMBER);
	uninstalled_retry(f->u);
	assert_int_equal(uninstalled_acked(f->u, 0, f->sequence, &many), UPDATE_FAILURES_MAX);
	assert_int_equal(uninstalled_at(f->u, MEMBER, NULL), 1);
	assert_int_equal(counter(f, UNINSTALLED_UNKNOWN), 5);
	/* All have their turn, as many at a time as can be told. */
	f->renewed_count = 0;
	uninstalled_retry(f->u);
	assert_int_equal(f->renewed_count, UPDATE_FAILURES_MAX);
	uninstalled_retry(f->u);
	assert_int_equal(f->renewed_count, 2 * UPDATE_FAILURES_MAX);
	assert_int_not_equal(f->renewed[0], f->renewed[UPDATE_FAILURES_MAX]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(failures_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(retries_succeed, setup, teardown),
		cmocka_unit_test_setup_teardown(retries_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_without_names, setup, teardown),
	};

	return cmocka_run_group_tests_name("uninstalled", tests, NULL, NULL);
}
