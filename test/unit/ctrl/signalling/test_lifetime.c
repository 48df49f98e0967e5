/* What happens to a binding by time, and by a restart. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "rig.h"

static int set_up(void **state)
{
	*state = rig_new();
	return 0;
}

static int tear_down(void **state)
{
	rig_free(*state);
	return 0;
}

static void take_refresh_request(struct rig *rig)
{
	struct rig_packet packet = rig_packet(rig);
	struct in6_addr care_of = rig_addr(RIG_CARE_OF), home = rig_addr(RIG_HOME);
	struct ip6_packet ip6;
	struct mh mh;

	assert_int_equal(packet.how, PACKET_TO_ROUTE);
	assert_int_equal(ip6_packet_decode(packet.octets, packet.len, &ip6, NULL), 0);
	assert_true(addr_equal(&ip6.dst, &care_of));
	assert_true(ip6.has_routing2);
	assert_true(addr_equal(&ip6.routing2, &home));
	assert_true(mh_checksum_ok(&ip6.src, &home, packet.octets + ip6.offset, ip6.len));
	assert_int_equal(mh_decode(packet.octets + ip6.offset, ip6.len, &mh, NULL), 0);
	assert_int_equal(mh.type, MH_BRR);
}

static void refresh_is_requested_before_the_end(void **state)
{
	struct rig *rig = *state;

	rig_bound(rig, 0, 1); /* 40 s */
	rig_wait_ms(rig, 29999);
	assert_int_equal(rig->packet_count, 0);
	rig_wait_ms(rig, 3);
	take_refresh_request(rig);
	assert_int_equal(rig_binding(rig, RIG_HOME)->state, BINDING_STATE_EXPIRING);
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME)));
	rig_wait_ms(rig, 5000);
	take_refresh_request(rig);
	rig_wait_ms(rig, 4990);
	assert_int_equal(rig->packet_count, 1);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig_counter(rig, "brr_sent"), 3);
}

static void refreshed_binding_is_not_asked_again(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig_bound(rig, 0, 1);
	rig_wait_ms(rig, 30002);
	take_refresh_request(rig);
	bu = rig_bu(rig, 0, 2);
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	assert_int_equal(rig_binding(rig, RIG_HOME)->state, BINDING_STATE_ACTIVE);
	rig_wait_ms(rig, 29000);
	assert_int_equal(rig->packet_count, 0);
	rig_wait_ms(rig, 1002);
	take_refresh_request(rig);
}

static void ends_with_its_lifetime_and_not_before(void **state)
{
	struct rig *rig = *state;
	struct rig_commit c;

	rig_bound(rig, 0, 1);
	rig_wait_ms(rig, 39999);
	assert_int_equal(rig->commit_count, 0);
	rig_wait_ms(rig, 3);
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME))); /* until it is a fact */
	c = rig_commit(rig, 0);
	assert_int_equal(c.to.life, BINDING_DELETED);
	assert_int_equal(rig_binding(rig, RIG_HOME)->state, BINDING_STATE_DELETED);
	assert_int_equal(rig->events[rig->event_count - 1].kind, SIGNALLING_EXPIRED);
	assert_int_equal(rig_counter(rig, "expired"), 1);
	assert_int_equal(signalling_live(rig->s), 0);
	rig_wait_ms(rig, 14002);
	assert_int_equal(rig_commit(rig, 0).to.life, BINDING_NONE);
	assert_null(rig_binding(rig, RIG_HOME));
	assert_int_equal(binding_cache_count(signalling_cache(rig->s)), 0);
}

static void setting_the_clock_changes_no_lifetime(void **state)
{
	struct rig *rig = *state;

	rig_bound(rig, 0, 1);
	rig->real -= 3600 * CLOCK_NS_PER_S;
	rig_wait_ms(rig, 39999);
	assert_int_equal(rig->commit_count, 0);
	rig_wait_ms(rig, 3);
	assert_int_equal(rig_commit(rig, 0).to.life, BINDING_DELETED);
	rig->real += 7200 * CLOCK_NS_PER_S;
	rig_wait_ms(rig, 13990);
	assert_int_equal(rig->commit_count, 0);
	rig_wait_ms(rig, 12);
	assert_int_equal(rig_commit(rig, 0).to.life, BINDING_NONE);
}

static void shortest_lifetime(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.lifetime = 1;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	rig_wait_ms(rig, 3002);
	take_refresh_request(rig);
	rig_wait_ms(rig, 1000);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig->commit_count, 1);
}

static void end_that_the_store_refuses_is_tried_again(void **state)
{
	struct rig *rig = *state;

	rig_bound(rig, 0, 1);
	rig_wait_ms(rig, 40002);
	rig_commit(rig, -EIO);
	rig_wait_ms(rig, 500);
	assert_int_equal(rig->commit_count, 0); /* not at once */
	rig_wait_ms(rig, 502);
	rig_commit(rig, 0);
	assert_int_equal(rig_binding(rig, RIG_HOME)->state, BINDING_STATE_DELETED);
}

static void update_meets_the_end(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig_bound(rig, 0, 1);
	rig_wait_ms(rig, 40002);
	while (rig->packet_count)
		rig_packet(rig);
	bu = rig_bu(rig, 0, 2);
	rig_send(rig, &bu);
	rig_commit(rig, 0); /* the end */
	assert_int_equal(rig->packet_count, 0);
	rig_commit(rig, 0); /* the new registration */
	assert_int_equal(rig_status(rig), 0);
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME)));
	assert_int_equal(signalling_live(rig->s), 1);
}

/* Takes a record through its form in the store. */
static struct binding_record stored(const struct binding_record *record)
{
	uint8_t buf[BINDING_RECORD_SIZE];
	struct binding_record out;
	struct writer w;
	struct cursor c;

	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(binding_record_encode(&w, record), 0);
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(binding_record_decode(&c, &out), 0);
	return out;
}

static void restart_keeps_bindings_and_their_end(void **state)
{
	struct rig *rig = *state;
	struct binding_record record;
	struct rig_bu bu;

	rig_bound(rig, 0, 5);
	record = stored(&rig_binding(rig, RIG_HOME)->now);
	record.path_id = 50;
	bu = rig_bu(rig, 0, 5); /* a copy of what was accepted */
	rig_wait_ms(rig, 2000);
	rig_restart(rig);
	assert_int_equal(signalling_restore(rig->s, &record), 0);
	assert_int_equal(signalling_restore(rig->s, &record), -EEXIST);
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME)));
	assert_int_equal(signalling_live(rig->s), 1);
	assert_int_equal(rig_subscriber(rig, 0)->last_timestamp, bu.timestamp);
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_ID_MISMATCH);
	bu = rig_bu(rig, 1, 1); /* ids in use are not given to another */
	rig_send(rig, &bu);
	assert_true(rig_binding(rig, RIG_LINK_HOME)->now.path_id > record.path_id);
	rig_packet(rig);
	rig_wait_ms(rig, 37990);
	while (rig->commit_count)
		rig_commit(rig, 0);
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME)));
	rig_wait_ms(rig, 20);
	assert_int_equal(rig->commit_count, 1);
	assert_string_equal(ADDR_TEXT(&rig->commits[0].to.home), RIG_HOME);
	assert_int_equal(rig->commits[0].to.life, BINDING_DELETED);
}

static void restart_keeps_the_sequence_number(void **state)
{
	struct rig *rig = *state;
	struct binding_record record;
	struct rig_bu bu;

	rig_subscriber(rig, 0)->replay = SUBSCRIBER_REPLAY_SEQUENCE;
	rig_bound(rig, 0, 5);
	bu = rig_bu(rig, 0, 6);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	record = stored(&rig_binding(rig, RIG_HOME)->now);
	rig_restart(rig);
	assert_int_equal(signalling_restore(rig->s, &record), 0);
	assert_int_equal(signalling_live(rig->s), 0);
	bu = rig_bu(rig, 0, 6);
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_SEQUENCE);
}

static void clock_set_back_between_gives_no_more_than_was_granted(void **state)
{
	struct rig *rig = *state;
	struct binding_record record;

	rig_bound(rig, 0, 5); /* 40 s */
	record = stored(&rig_binding(rig, RIG_HOME)->now);
	rig->real -= 3600 * CLOCK_NS_PER_S;
	rig_restart(rig);
	assert_int_equal(signalling_restore(rig->s, &record), 0);
	rig_wait_ms(rig, 39990);
	assert_int_equal(rig->commit_count, 0);
	rig_wait_ms(rig, 12);
	rig_commit(rig, 0);
	assert_int_equal(rig_counter(rig, "expired"), 1);

	record = stored(&rig_binding(rig, RIG_HOME)->now);
	assert_int_equal(record.life, BINDING_DELETED);
	rig->real -= 3600 * CLOCK_NS_PER_S;
	rig_restart(rig);
	assert_int_equal(signalling_restore(rig->s, &record), 0);
	rig_wait_ms(rig, 13990);
	assert_int_equal(rig->commit_count, 0);
	rig_wait_ms(rig, 12);
	assert_int_equal(rig_commit(rig, 0).to.life, BINDING_NONE);
}

static void what_ended_meanwhile_ends_at_once(void **state)
{
	struct rig *rig = *state;
	struct binding_record record;

	rig_bound(rig, 0, 5);
	record = stored(&rig_binding(rig, RIG_HOME)->now);
	rig->real += 3600 * CLOCK_NS_PER_S;
	rig_restart(rig);
	assert_int_equal(signalling_restore(rig->s, &record), 0);
	assert_int_equal(rig->commit_count, 0);
	rig_wait_ms(rig, 2);
	assert_int_equal(rig_commit(rig, 0).to.life, BINDING_DELETED);
	assert_int_equal(rig_counter(rig, "expired"), 1);
	assert_int_equal(rig->packet_count, 0);
}

static void what_is_no_longer_served_ends_at_once(void **state)
{
	struct rig *rig = *state;
	struct binding_record record;

	rig_bound(rig, 0, 5);
	record = stored(&rig_binding(rig, RIG_HOME)->now);
	rig->config.policy.prefix_count = 1;
	rig_restart(rig);
	assert_int_equal(signalling_restore(rig->s, &record), 0);
	rig_wait_ms(rig, 2);
	assert_int_equal(rig_commit(rig, 0).to.life, BINDING_DELETED);
}

static void record_without_life(void **state)
{
	struct rig *rig = *state;
	struct binding_record record = {.life = BINDING_NONE};

	assert_int_equal(signalling_restore(rig->s, &record), -EINVAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(refresh_is_requested_before_the_end),
		T(refreshed_binding_is_not_asked_again),
		T(ends_with_its_lifetime_and_not_before),
		T(setting_the_clock_changes_no_lifetime),
		T(shortest_lifetime),
		T(end_that_the_store_refuses_is_tried_again),
		T(update_meets_the_end),
		T(restart_keeps_bindings_and_their_end),
		T(restart_keeps_the_sequence_number),
		T(clock_set_back_between_gives_no_more_than_was_granted),
		T(what_ended_meanwhile_ends_at_once),
		T(what_is_no_longer_served_ends_at_once),
		T(record_without_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
