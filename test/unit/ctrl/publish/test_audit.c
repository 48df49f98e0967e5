/* Data planes that have what they should, and some that have not. */
#include "../rig.h"

static struct rig rig;
static struct fake dp1, dp2;

static struct told {
	unsigned done, ended, differs;
	bool healing;
	struct publish_audit_result result[4]; /* by data plane */
} told;

static void done(void *arg, unsigned dp, const struct publish_audit_result *result)
{
	(void)arg;
	told.done++;
	told.result[dp] = *result;
}

static void end(void *arg)
{
	(void)arg;
	told.ended++;
}

static void differs(void *arg, unsigned dp, const struct publish_audit_result *result)
{
	(void)arg;
	(void)dp;
	told.differs++;
	told.healing = result->healing;
}

static void open_with(const char *more)
{
	const struct publish_handlers handlers = {.differs = differs};

	memset(&told, 0, sizeof(told));
	rig_open(&rig, more);
	assert_int_equal(publish_add_handlers(rig.publish, &handlers), 0);
}

static int open_rig(void **state)
{
	(void)state;
	open_with(NULL);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&rig, false);
	return 0;
}

static void set(unsigned n, unsigned c)
{
	struct binding_record record = rig_record(n, c);
	struct bundle bundle;
	uint64_t sequence;

	assert_int_equal(publish_compile(&rig.config, BINDING_LIST_OF(&record), &bundle), 0);
	if (!c)
		bundle.len = 0;
	assert_int_equal(publish_set(rig.publish, n, &bundle, &sequence), 0);
	publish_flush(rig.publish);
}

static void audit(uint64_t dps)
{
	const struct publish_audit_fns fns = {.done = done, .end = end};
	unsigned ended = told.ended;

	assert_int_equal(publish_audit(rig.publish, dps, &fns), 0);
	assert_int_equal(told.ended, ended);
	RIG_UNTIL(&rig, told.ended == ended + 1);
}

static struct publish_session_info info_of(unsigned dp)
{
	struct publish_session_info info;

	publish_session_info(rig.publish, dp, &info);
	return info;
}

static uint64_t counted(enum publish_counter counter)
{
	return publish_counters(rig.publish)[counter];
}

/* Flips one bit of a path that a data plane has. */
static void damage(struct fake *fake, unsigned n)
{
	struct object *path = (struct object *)fake_find(fake, OBJECT_PATH, 100000 + n);

	assert_non_null(path);
	path->path.remote.s6_addr[15] ^= 1;
}

static void all_is_as_it_should_be(void **state)
{
	struct bundle bundle;
	struct binding_record record = rig_record(9, 9);

	(void)state;
	assert_int_equal(publish_compile(&rig.config, BINDING_LIST_OF(&record), &bundle), 0);
	assert_int_equal(publish_restore(rig.publish, 9, &bundle), 0);
	rig_synchronise(&rig, &dp1, "dp1");
	audit(1);
	assert_true(told.result[0].compared && told.result[0].equal);
	assert_int_equal(told.result[0].wanted.kinds[OBJECT_LOCAL].count, 4);
	rig_synchronise(&rig, &dp2, "dp2");
	for (unsigned n = 1; n <= 50; n++)
		set(n, n);
	set(7, 0);
	set(8, 99);
	RIG_UNTIL(&rig, publish_acked(rig.publish, 1) == publish_sequence(rig.publish));
	told.done = 0;
	audit(3);
	assert_int_equal(told.done, 2);
	for (unsigned dp = 0; dp < 2; dp++) {
		assert_true(told.result[dp].compared && told.result[dp].equal);
		assert_int_equal(told.result[dp].found.kinds[OBJECT_PATH].count, 49);
		assert_int_equal(info_of(dp).audit, PUBLISH_AUDIT_EQUAL);
	}
	assert_int_equal(counted(PUBLISH_AUDIT_DIFFERS), 0);
	assert_int_equal(dp1.begins, 1);
}

static void a_flipped_bit_is_found_and_mended(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 50; n++)
		set(n, n);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	damage(&dp2, 17);
	audit(3);
	assert_true(told.result[0].equal);
	assert_true(told.result[1].compared);
	assert_false(told.result[1].equal);
	assert_int_equal(told.result[1].found.kinds[OBJECT_PATH].count, 50);
	assert_int_equal(told.differs, 1);
	assert_true(told.healing);
	assert_string_equal(info_of(1).fault, "its tables are not what they should be");
	/* It serves on while it is mended, and is looked at again at once. */
	assert_true(publish_ready(rig.publish, 1));
	RIG_UNTIL(&rig, info_of(1).audit == PUBLISH_AUDIT_EQUAL);
	assert_int_equal(dp2.begins, 2);
	assert_int_equal(dp1.begins, 1);
	assert_int_equal(fake_find(&dp2, OBJECT_PATH, 100017)->path.remote.s6_addr[15], 17);
	assert_int_equal(counted(PUBLISH_AUDIT_HEALED), 1);
}

static void what_is_too_much_or_too_little_is_found(void **state)
{
	struct fake_object *extra;

	(void)state;
	set(1, 1);
	rig_synchronise(&rig, &dp1, "dp1");
	extra = &dp1.objects[dp1.top++];
	*extra =
		(struct fake_object){.used = true, .object = *fake_find(&dp1, OBJECT_PATH, 100001)};
	extra->object.id = extra->object.path.id = 77;
	audit(1);
	assert_false(told.result[0].equal);
	RIG_UNTIL(&rig, info_of(0).audit == PUBLISH_AUDIT_EQUAL);
	assert_null(fake_find(&dp1, OBJECT_PATH, 77));
	for (size_t i = 0; i < dp1.top; i++)
		if (dp1.objects[i].object.kind == OBJECT_LINK)
			dp1.objects[i].used = false;
	audit(1);
	assert_false(told.result[0].equal);
	RIG_UNTIL(&rig, info_of(0).audit == PUBLISH_AUDIT_EQUAL);
	assert_int_equal(fake_count(&dp1, OBJECT_LINK), 1);
}

static void what_cannot_be_mended_is_not_tried_for_ever(void **state)
{
	(void)state;
	set(1, 1);
	set(2, 2);
	rig_connect(&rig, &dp1, "dp1");
	dp1.fail_error = ENOSPC;
	dp1.fail_id = 2; /* the subscriber: its path is taken */
	fake_hello(&dp1);
	RIG_UNTIL(&rig, publish_ready(rig.publish, 0));
	audit(1);
	assert_false(told.result[0].equal);
	RIG_UNTIL(&rig, info_of(0).audit == PUBLISH_AUDIT_DIFFERS_STILL);
	assert_int_equal(dp1.begins, 2);
	assert_int_equal(told.differs, 2);
	assert_false(told.healing);
	for (int i = 0; i < 3; i++)
		audit(1);
	assert_int_equal(dp1.begins, 2);
	/* With room again a new hello puts it right. */
	dp1.fail_id = 0;
	dp1.epoch = dp1.sequence = 0;
	fake_hello(&dp1);
	RIG_UNTIL(&rig, dp1.begins == 3 && info_of(0).state == PUBLISH_SYNCED);
	audit(1);
	assert_true(told.result[0].equal);
}

static void one_that_is_not_there_cannot_be_compared(void **state)
{
	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	audit(3);
	assert_true(told.result[0].equal);
	assert_false(told.result[1].compared);
	assert_int_equal(told.done, 2);
}

static void one_that_goes_is_not_waited_for(void **state)
{
	const struct publish_audit_fns fns = {.done = done, .end = end};

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.silent = true;
	assert_int_equal(publish_audit(rig.publish, 1, &fns), 0);
	RIG_UNTIL(&rig, dp1.audited == 1);
	assert_int_equal(told.ended, 0);
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, told.ended == 1);
	assert_false(told.result[0].compared);
}

static void the_answer_is_of_the_number_that_it_says(void **state)
{
	const struct publish_audit_fns fns = {.done = done, .end = end};

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.silent = true;
	assert_int_equal(publish_audit(rig.publish, 1, &fns), 0);
	RIG_UNTIL(&rig, dp1.audited == 1);
	/* More is applied before the answer, and still more is published after it was made. */
	set(1, 1);
	RIG_UNTIL(&rig, dp1.deltas == 1);
	fake_digest(&dp1);
	set(2, 2);
	RIG_UNTIL(&rig, told.ended == 1);
	assert_true(told.result[0].compared && told.result[0].equal);
	assert_int_equal(told.result[0].sequence, 1);
}

static void audits_come_by_themselves(void **state)
{
	(void)state;
	rig_close(&rig, false);
	open_with(
		"channel = { heartbeat = \"200ms\"; heartbeats_missed = 100; audit = \"30ms\"; };");
	set(1, 1);
	rig_synchronise(&rig, &dp1, "dp1");
	RIG_UNTIL(&rig, dp1.audited >= 3);
	damage(&dp1, 1);
	RIG_UNTIL(&rig, told.differs == 1);
	RIG_UNTIL(&rig, fake_find(&dp1, OBJECT_PATH, 100001)->path.remote.s6_addr[15] == 1);
}

/* The link is a port of one of them; the other one has a port of that name too, and then not. */
static void links_are_for_those_that_have_the_port(void **state)
{
	static const char *const named =
		"{ name = \"dp1\"; }, { name = \"dp2\"; } ); home_prefixes = ( "
		"{ prefix = \"2001:db8:100::/64\"; link = \"dp2:home\"; }";

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	dp2.no_ports = true;
	rig_synchronise(&rig, &dp2, "dp2");
	assert_int_equal(fake_count(&dp1, OBJECT_LINK), 1);
	assert_int_equal(fake_count(&dp2, OBJECT_LINK), 0);
	audit(3);
	assert_true(told.result[0].equal && told.result[1].equal);
	rig_close(&rig, false);

	rig.data_planes = named;
	rig.without_prefixes = true;
	open_with(NULL);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	assert_int_equal(fake_count(&dp1, OBJECT_LINK), 0);
	assert_int_equal(fake_count(&dp2, OBJECT_LINK), 1);
	audit(3);
	assert_true(told.result[0].equal && told.result[1].equal);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(all_is_as_it_should_be),
		T(a_flipped_bit_is_found_and_mended),
		T(what_is_too_much_or_too_little_is_found),
		T(what_cannot_be_mended_is_not_tried_for_ever),
		T(one_that_is_not_there_cannot_be_compared),
		T(one_that_goes_is_not_waited_for),
		T(the_answer_is_of_the_number_that_it_says),
		T(audits_come_by_themselves),
		T(links_are_for_those_that_have_the_port),
	};

	log_set_fd(-1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
