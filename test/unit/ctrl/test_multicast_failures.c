/* What data planes could not take of multicast, and did not name. */
#include "rig.h"

#include "ctrl/multicast_failures.h"
#include "ctrl/publish/compile.h"

enum { ROOM = 10, MEMBERS = ROOM + 3 * UPDATE_FAILURES_MAX, RETRY_MS = 300 };

static struct rig rig;
static struct fake dp1, dp2;
static struct multicast_failures *failures;

static void connect_one(struct fake *fake, const char *name, unsigned dp)
{
	fake->counts = true;
	rig_connect(&rig, fake, name);
	fake_hello(fake);
	RIG_UNTIL(&rig, publish_ready(rig.publish, dp));
}

static int open_rig(void **state)
{
	(void)state;
	rig_open(&rig, NULL);
	failures = multicast_failures_new(&rig.config, rig.publish, rig.loop, RETRY_MS);
	assert_non_null(failures);
	memset(&dp1, 0, sizeof(dp1));
	memset(&dp2, 0, sizeof(dp2));
	dp1.members_max = ROOM;
	connect_one(&dp1, "dp1", 0);
	connect_one(&dp2, "dp2", 1);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	multicast_failures_free(failures);
	rig_close(&rig, false);
	return 0;
}

static uint64_t group_id(void)
{
	return publish_group_id(1 << 5);
}

static uint64_t member_id(uint64_t n)
{
	return publish_member_id(n << 4);
}

/* NULL: it is withdrawn. */
static void set(uint64_t id, const struct object *object)
{
	struct bundle bundle = {.len = 0};
	uint64_t sequence;

	if (object)
		assert_int_equal(publish_bundle_add(&bundle, object), 0);
	multicast_failures_forget(failures, id);
	assert_int_equal(publish_set(rig.publish, id, &bundle, &sequence), 0);
}

/* In one delta. */
static void set_members(uint64_t count)
{
	struct object object = {.kind = OBJECT_GROUP, .op = OBJECT_SET, .id = group_id()};

	object.group = (struct object_group){.id = object.id};
	object.group.group.s6_addr[0] = 0xff;
	object.group.group.s6_addr[1] = 0x1e;
	set(object.id, &object);
	for (uint64_t n = 1; n <= count; n++) {
		object = (struct object){
			.kind = OBJECT_MEMBER, .op = OBJECT_SET, .id = member_id(n)};
		object.member = (struct object_member){.id = object.id,
			.group = group_id(),
			.kind = MEMBER_SUBSCRIBER,
			.target = n};
		set(object.id, &object);
	}
	publish_flush(rig.publish);
}

static size_t missing(void)
{
	return uninstalled_count(multicast_failures_all(failures));
}

static uint64_t counter(enum uninstalled_counter which)
{
	return uninstalled_counters(multicast_failures_all(failures))[which];
}

/* Those that an acknowledgement had no room to name are found, and all are there in the end. */
static void found_out_and_tried_again(void **state)
{
	(void)state;
	set_members(MEMBERS);
	RIG_UNTIL(&rig, missing() == MEMBERS - ROOM);
	assert_true(counter(UNINSTALLED_UNKNOWN) >= 2 * UPDATE_FAILURES_MAX);
	assert_int_equal(fake_count(&dp1, OBJECT_MEMBER), ROOM);
	for (uint64_t n = 1; n <= MEMBERS; n++)
		assert_int_equal(multicast_failures_at(failures, member_id(n), NULL),
			fake_find(&dp1, OBJECT_MEMBER, member_id(n)) ? 0 : 1);
	/* Who goes meanwhile is missed no more. */
	set(member_id(MEMBERS), NULL);
	publish_flush(rig.publish);
	assert_int_equal(missing(), MEMBERS - ROOM - 1);
	dp1.members_max = 0;
	RIG_UNTIL(&rig, missing() == 0);
	assert_int_equal(fake_count(&dp1, OBJECT_MEMBER), MEMBERS - 1);
	assert_int_equal(counter(UNINSTALLED_LATE), MEMBERS - ROOM - 1);
}

/* One that does not answer is asked again, and is missed nothing of meanwhile. */
static void asked_again(void **state)
{
	(void)state;
	dp1.counts = false;
	set_members(MEMBERS);
	RIG_UNTIL(&rig, dp1.asked == 1);
	assert_int_equal(missing(), UPDATE_FAILURES_MAX);
	dp1.counts = true;
	RIG_UNTIL(&rig, missing() == MEMBERS - ROOM);
	assert_true(dp1.asked > 2);
	assert_int_equal(multicast_failures_at(failures, group_id(), NULL), 0);
}

/* A data plane that goes is not asked; a snapshot tells of its failures when it is back. */
static void gone_and_back(void **state)
{
	(void)state;
	dp1.counts = false;
	set_members(MEMBERS);
	RIG_UNTIL(&rig, dp1.asked == 1);
	rig_disconnect(&rig, &dp1);
	memset(&dp1, 0, sizeof(dp1));
	connect_one(&dp1, "dp1", 0);
	RIG_UNTIL(&rig, fake_count(&dp1, OBJECT_MEMBER) == MEMBERS);
	RIG_UNTIL(&rig, missing() == 0);
	assert_int_equal(fake_count(&dp2, OBJECT_MEMBER), MEMBERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(found_out_and_tried_again, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(asked_again, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(gone_and_back, open_rig, close_rig),
	};

	return cmocka_run_group_tests_name("multicast_failures", tests, NULL, NULL);
}
