/* Flow bindings (RFC 6089, 4 and 5.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "rig.h"
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/mobility/codes.h"

#define COA1 RIG_CARE_OF
#define COA2 "2001:db8:b::6"

/* Sub-options (RFC 6089, 4.2.1): binding references; a selector of UDP from port 0x1388. */
#define TO(...)        2, (uint8_t)sizeof((uint8_t[]){__VA_ARGS__}), __VA_ARGS__
#define UDP_FROM(port) 3, 9, 2, 0, 0, 0x82, 0, 0, (uint8_t)((port) >> 8), (uint8_t)(port), 17

static struct rig *rig;

static int open_rig(void **state)
{
	(void)state;
	rig = rig_new();
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_free(rig);
	return 0;
}

/* The last acknowledgement. */
static struct {
	uint8_t status;
	char flows[200];  /* "FID:STATUS FID:STATUS" */
	unsigned octets;  /* of all sub-options */
	unsigned changes; /* of flow bindings that were committed for it */
} ba;

static void take_ba(void)
{
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	rig_ba(rig, &packet, &ip6, &mh);
	ba.status = mh.ba.status;
	ba.flows[0] = '\0';
	ba.octets = 0;
	for (unsigned i = 0; i < mh.option_count; i++) {
		const struct mh_option *o = &mh.options[i];

		if (o->type != OPTION_FLOW_ID)
			continue;
		snprintf(ba.flows + strlen(ba.flows), 16, "%s%u:%u", *ba.flows ? " " : "",
			o->flow_id.fid, o->flow_id.status);
		ba.octets += o->flow_id.subs.len;
	}
	assert_int_equal(mh.options[mh.option_count - 1].type, OPTION_AUTH);
}

/* Sends it, ends all that it commits, takes the answer. */
static uint8_t ask(const struct rig_bu *bu)
{
	rig_send(rig, bu);
	if (rig->commit_count)
		rig_commit(rig, 0);
	for (ba.changes = 0; rig->flow_commit_count; ba.changes++) {
		assert_int_equal(rig->packet_count, 0);
		rig_flow_commit(rig, 0);
	}
	assert_int_equal(rig->packet_count, 1);
	take_ba();
	return ba.status;
}

static uint16_t sequence;

/* An update that refreshes BIDs 1 and 2. */
static struct rig_bu update(void)
{
	struct rig_bu bu = rig_bu(rig, 0, ++sequence);

	bu.bid_count = 2;
	bu.bids[0] = (struct rig_bid){.bid = 1, .coa = COA1, .priority = 10};
	bu.bids[1] = (struct rig_bid){.bid = 2, .coa = COA2, .priority = 20};
	return bu;
}

static void name(
	struct rig_bu *bu, uint16_t fid, uint16_t priority, const uint8_t *subs, uint8_t len)
{
	bu->flows[bu->flow_count++] = (struct rig_flow){fid, priority, subs, len};
}

#define NAME(bu, fid, priority, ...)                                                               \
	do {                                                                                       \
		static const uint8_t subs_[] = {__VA_ARGS__};                                      \
		name(bu, fid, priority, subs_, sizeof(subs_));                                     \
	} while (0)

/* Flows of the node, in order: "FID@PRIORITY>BID,BID". */
static void assert_flows(const char *wanted)
{
	const struct binding *b = rig_binding(rig, RIG_HOME);
	char found[200] = "";

	for (unsigned i = 0; b && b->flows && i < b->flows->count; i++) {
		const struct flow_binding *flow = &b->flows->at[i];

		snprintf(found + strlen(found), 20, "%s%u@%u>", i ? " " : "", flow->fid,
			flow->priority);
		for (unsigned k = 0; k < flow->bid_count; k++)
			snprintf(found + strlen(found), 8, "%s%u", k ? "," : "", flow->bids[k]);
	}
	assert_string_equal(found, wanted);
}

/* BIDs 1 and 2, flow 1 to BID 1 and flow 2 to BID 2. */
static void bound(void)
{
	struct rig_bu bu;

	bu = update();
	bu.flags |= FLAGS_BU_O;
	NAME(&bu, 1, 100, TO(0, 1), UDP_FROM(5000));
	NAME(&bu, 2, 200, TO(0, 2), UDP_FROM(5001));
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "1:0 2:0");
	assert_int_equal(ba.changes, 2);
	assert_flows("1@100>1 2@200>2");
}

/* Added with the bindings that they name; the acknowledgement copies the options (5.3.5). */
static void added_with_their_bindings(void **state)
{
	(void)state;
	bound();
	assert_int_equal(ba.octets, 2 * (4 + 11));
}

/* The answer waits for the flows, which wait for the bindings (5.3.1). */
static void answer_waits(void **state)
{
	(void)state;
	struct rig_bu bu;
	struct rig_flow_commit c;

	bu = update();
	NAME(&bu, 7, 1, TO(0, 2), UDP_FROM(5000));
	rig_send(rig, &bu);
	assert_int_equal(rig->flow_commit_count, 0);
	rig_commit(rig, 0);
	assert_int_equal(rig->packet_count, 0);
	c = rig_flow_commit(rig, 0);
	assert_false(c.has_good);
	assert_true(c.has_to);
	assert_int_equal(c.to.fid, 7);
	take_ba();
	assert_string_equal(ba.flows, "7:0");
}

/* What is not named goes (5.3.4), what a summary names stays (5.3.3), twice or once. */
static void refreshed_or_removed(void **state)
{
	(void)state;
	const uint8_t one[] = {0, 1}, twice[] = {0, 2, 0, 2}, unknown[] = {0, 2, 0, 9};
	struct rig_bu bu;

	bound();
	bu = update();
	bu.summary = (const uint8_t[]){0, 1, 0, 2};
	bu.summary_len = 4;
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "");
	assert_int_equal(ba.changes, 0);
	assert_flows("1@100>1 2@200>2");
	bu = update();
	bu.summary = twice;
	bu.summary_len = sizeof(twice);
	assert_int_equal(ask(&bu), 0);
	assert_int_equal(ba.changes, 1);
	assert_flows("2@200>2");
	bu = update();
	bu.summary = unknown;
	bu.summary_len = sizeof(unknown);
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "9:132");
	assert_flows("2@200>2");
	bu = update();
	assert_int_equal(ask(&bu), 0);
	assert_int_equal(ba.changes, 1);
	assert_flows("");
	bu = update();
	bu.summary = one;
	bu.summary_len = sizeof(one);
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "1:132");
	assert_int_equal(rig_counter(rig, "flow_refused_132"), 2);
}

/* Priority, bindings and selector change, each alone if it is given alone (5.3.2.2). */
static void changed(void **state)
{
	(void)state;
	struct rig_bu bu;

	bound();
	bu = update();
	name(&bu, 1, 300, NULL, 0);
	NAME(&bu, 2, 200, TO(0, 1, 0, 2));
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "1:0 2:0");
	assert_flows("2@200>1,2 1@300>1");
	bu = update();
	NAME(&bu, 1, 300, UDP_FROM(6000));
	NAME(&bu, 2, 200, TO(0, 2, 0, 2));
	assert_int_equal(ask(&bu), 0);
	assert_flows("2@200>2 1@300>1");
	assert_int_equal(rig_binding(rig, RIG_HOME)->flows->at[1].selector[4], 6000 >> 8);
	/* Nothing new is no change. */
	bu = update();
	NAME(&bu, 1, 300, UDP_FROM(6000));
	name(&bu, 2, 200, NULL, 0);
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "1:0 2:0");
	assert_int_equal(ba.changes, 0);
	/* Two exchange their priorities. */
	bu = update();
	name(&bu, 1, 200, NULL, 0);
	name(&bu, 2, 300, NULL, 0);
	assert_int_equal(ask(&bu), 0);
	assert_flows("1@200>1 2@300>2");
}

/* Each is refused alone, with its status; the bindings and other flows stand. */
static void refused(void **state)
{
	(void)state;
	struct rig_bu bu;

	bound();
	bu = update();
	bu.summary = (const uint8_t[]){0, 1, 0, 2};
	bu.summary_len = 4;
	NAME(&bu, 0, 1, TO(0, 1), UDP_FROM(1));           /* FID 0 */
	NAME(&bu, 3, 0, TO(0, 1), UDP_FROM(1));           /* FID-PRI 0 */
	NAME(&bu, 4, 1, TO(0, 1));                        /* no selector */
	NAME(&bu, 5, 2, UDP_FROM(1));                     /* no binding */
	NAME(&bu, 6, 3, TO(0, 1, 0, 9), UDP_FROM(1));     /* unknown BID */
	NAME(&bu, 7, 4, TO(0, 1), 3, 2, 7, 0);            /* unknown format */
	NAME(&bu, 8, 5, TO(0, 1), TO(0, 1), UDP_FROM(1)); /* two references */
	NAME(&bu, 9, 6, TO(0, 1), 3, 9, 2);               /* truncated */
	NAME(&bu, 10, 100, TO(0, 1), UDP_FROM(1));        /* priority of flow 1 */
	NAME(&bu, 11, 7, TO(0, 2), UDP_FROM(7));
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(
		ba.flows, "0:130 3:130 4:130 5:130 6:131 7:133 8:130 9:130 10:129 11:0");
	assert_flows("11@7>2 1@100>1 2@200>2");
	assert_int_equal(rig_counter(rig, "flow_refused_130"), 6);
	assert_int_equal(rig_counter(rig, "flow_refused_131"), 1);
	assert_int_equal(rig_counter(rig, "flow_refused_133"), 1);
	/* A known one that is malformed stays as it was. */
	bu = update();
	bu.summary = (const uint8_t[]){0, 11};
	bu.summary_len = 2;
	NAME(&bu, 1, 100, TO(0, 3));
	NAME(&bu, 2, 200, 3, 11, 2, 0, 0, 0xc2, 0, 0, 0, 9, 0, 8, 17); /* a range backwards */
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "1:131 2:130");
	assert_int_equal(ba.changes, 0);
	assert_flows("11@7>2 1@100>1 2@200>2");
}

/* One FID in two options: all are rejected (5.3.2), and what they name stays. */
static void repeated(void **state)
{
	(void)state;
	struct rig_bu bu;

	bound();
	bu = update();
	name(&bu, 1, 300, NULL, 0);
	name(&bu, 1, 400, NULL, 0);
	NAME(&bu, 3, 500, TO(0, 1), UDP_FROM(1));
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "1:129 1:129 3:129");
	assert_int_equal(rig_counter(rig, "flow_refused_129"), 3);
	assert_flows("1@100>1");
}

/* More than a node may have, or none at all. */
static void limited(void **state)
{
	(void)state;
	struct rig_bu bu;

	bound();
	bu = update();
	bu.summary = (const uint8_t[]){0, 1, 0, 2};
	bu.summary_len = 4;
	NAME(&bu, 3, 1, TO(0, 1), UDP_FROM(1));
	NAME(&bu, 4, 2, TO(0, 1), UDP_FROM(2));
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "3:0 4:128");
	/* In the place of one that goes. */
	bu = update();
	bu.summary = (const uint8_t[]){0, 1, 0, 2};
	bu.summary_len = 4;
	NAME(&bu, 4, 2, TO(0, 1), UDP_FROM(2));
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "4:0");
	assert_flows("4@2>1 1@100>1 2@200>2");
	rig_free(rig);
	rig = rig_new();
	rig->config.flows.max = 0;
	rig_restart(rig);
	bu = update();
	NAME(&bu, 4, 2, TO(0, 1), UDP_FROM(2));
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "4:128");
	assert_int_equal(rig_counter(rig, "flow_refused_128"), 1);
}

/* A flow whose bindings are gone is inactive, not deleted (4.3, 5.2.4), and takes part again when
 * one of them is back. */
static void inactive(void **state)
{
	(void)state;
	const struct binding *b;
	struct binding_record room[BINDING_MAX];
	struct binding_list list;
	struct rig_bu bu;

	bound();
	bu = update();
	bu.bids[0] = bu.bids[1];
	bu.bid_count = 1;
	bu.lifetime = 0;
	bu.summary = (const uint8_t[]){0, 1, 0, 2};
	bu.summary_len = 4;
	assert_int_equal(ask(&bu), 0);
	assert_int_equal(ba.changes, 1);
	assert_flows("1@100>1 2@200>2");
	b = rig_binding(rig, RIG_HOME);
	list = binding_list(&b->now, b->more, room);
	assert_true(flow_is_active(&b->flows->at[0], &list));
	assert_false(flow_is_active(&b->flows->at[1], &list));
	bu = update();
	bu.summary = (const uint8_t[]){0, 1, 0, 2};
	bu.summary_len = 4;
	assert_int_equal(ask(&bu), 0);
	assert_int_equal(ba.changes, 1);
	b = rig_binding(rig, RIG_HOME);
	list = binding_list(&b->now, b->more, room);
	assert_true(flow_is_active(&b->flows->at[1], &list));
}

/* The end of all bindings is that of all flows, however it comes. */
static void end_of_all(void **state)
{
	(void)state;
	struct rig_bu bu;

	bound();
	bu = rig_bu(rig, 0, ++sequence);
	bu.lifetime = 0;
	bu.summary = (const uint8_t[]){0, 1, 0, 2};
	bu.summary_len = 4;
	assert_int_equal(ask(&bu), 0);
	assert_int_equal(ba.changes, 2);
	assert_flows("");
	bound();
	assert_int_equal(signalling_clear(rig->s, &(struct in6_addr){0}, 0, NULL, NULL), 0);
	rig_wait_ms(rig, 41000);
	rig_commit(rig, 0);
	assert_int_equal(rig->flow_commit_count, 2);
	assert_false(rig_flow_commit(rig, 0).has_to);
	assert_false(rig_flow_commit(rig, 0).has_to);
	assert_flows("");
}

/* Without BIDs in the update there is one binding, and flows of others are gone. */
static void plain_update(void **state)
{
	(void)state;
	struct rig_bu bu;

	bound();
	bu = rig_bu(rig, 0, ++sequence);
	NAME(&bu, 1, 100, TO(0, 1));
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "1:131");
	assert_flows("1@100>1");
	bu = rig_bu(rig, 0, ++sequence);
	assert_int_equal(ask(&bu), 0);
	assert_flows("");
}

/* What store or data plane refuses stays as it was; the rest of the message stands. */
static void not_committed(void **state)
{
	(void)state;
	struct rig_bu bu;

	bound();
	bu = update();
	name(&bu, 1, 300, NULL, 0);
	NAME(&bu, 3, 1, TO(0, 1), UDP_FROM(1));
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig->flow_commit_count, 3);
	rig_flow_commit(rig, -ETIMEDOUT); /* 1 changes */
	rig_flow_commit(rig, -EIO);       /* 2 goes */
	rig_flow_commit(rig, -ENOSPC);    /* 3 comes */
	take_ba();
	assert_int_equal(ba.status, 0);
	assert_string_equal(ba.flows, "1:129 3:129");
	assert_flows("1@100>1 2@200>2");
	assert_int_equal(rig_counter(rig, "flow_failed"), 3);
	rig->flow_refusal = -ENOMEM;
	bu = update();
	NAME(&bu, 3, 1, TO(0, 1), UDP_FROM(1));
	assert_int_equal(ask(&bu), 0);
	assert_string_equal(ba.flows, "3:129");
	assert_flows("1@100>1 2@200>2");
}

/* Two flows swap their priorities and only one can: it is the only one that is left, as no two may
 * have the same (4.2). */
static void half_of_a_swap(void **state)
{
	(void)state;
	struct rig_flow_commit end;
	struct rig_bu bu;

	bound();
	bu = update();
	NAME(&bu, 1, 200, TO(0, 1), UDP_FROM(5000));
	NAME(&bu, 2, 100, TO(0, 2), UDP_FROM(5001));
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig->flow_commit_count, 2);
	rig_flow_commit(rig, -ETIMEDOUT);
	rig_flow_commit(rig, 0);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig->flow_commit_count, 1);
	end = rig_flow_commit(rig, 0);
	assert_int_equal(end.good.fid, 1);
	assert_false(end.has_to);
	take_ba();
	assert_string_equal(ba.flows, "1:129 2:0");
	assert_flows("2@100>2");
}

/* Its end cannot be committed either: what store and data planes have is not forgotten. */
static void half_of_a_swap_that_stays(void **state)
{
	(void)state;
	struct rig_bu bu;

	bound();
	bu = update();
	NAME(&bu, 1, 200, TO(0, 1), UDP_FROM(5000));
	NAME(&bu, 2, 100, TO(0, 2), UDP_FROM(5001));
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	rig_flow_commit(rig, -ETIMEDOUT);
	rig_flow_commit(rig, 0);
	rig_flow_commit(rig, -EIO);
	take_ba();
	assert_string_equal(ba.flows, "1:129 2:0");
	assert_int_equal(rig_binding(rig, RIG_HOME)->flows->count, 2);
}

/* One update after the other, also while flows are being committed. */
static void one_at_a_time(void **state)
{
	(void)state;
	struct rig_bu first, second;

	bound();
	first = update();
	second = update();
	second.summary = (const uint8_t[]){0, 1};
	second.summary_len = 2;
	rig_send(rig, &first);
	rig_commit(rig, 0);
	rig_send(rig, &second);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig->flow_commit_count, 2);
	rig_flow_commit(rig, 0);
	rig_flow_commit(rig, 0);
	take_ba();
	assert_string_equal(ba.flows, "");
	rig_commit(rig, 0);
	take_ba();
	assert_string_equal(ba.flows, "1:132");
}

/* Records of the store: written and read, and whatever is wrong with them refused. */
static void records(void **state)
{
	(void)state;
	const struct in6_addr home = rig_addr(RIG_HOME);
	struct flow_binding flow = {.fid = 7,
		.priority = 9,
		.bids = {3, 1},
		.bid_count = 2,
		.format = 2,
		.selector_len = 5,
		.selector = {0, 0, 0, 2, 17}};
	uint8_t octets[FLOW_RECORD_SIZE];
	struct flow_binding got;
	struct in6_addr read;
	struct writer w;
	struct cursor c;
	size_t len;

	writer_init(&w, octets, sizeof(octets));
	assert_int_equal(flow_record_encode(&w, &home, &flow), 0);
	len = writer_len(&w);
	cursor_init(&c, octets, len);
	assert_int_equal(flow_record_decode(&c, &read, &got), 0);
	assert_true(addr_equal(&home, &read));
	assert_true(flow_is_same(&flow, &got));
	for (size_t cut = 0; cut < len; cut++) {
		cursor_init(&c, octets, cut);
		assert_int_equal(flow_record_decode(&c, &read, &got), -EBADMSG);
	}
	octets[0] = FLOW_RECORD_VERSION + 1;
	cursor_init(&c, octets, len);
	assert_int_equal(flow_record_decode(&c, &read, &got), -EPROTO);
}

static void restored(void **state)
{
	(void)state;
	const struct in6_addr home = rig_addr(RIG_HOME);
	const struct flow_binding flow = {.fid = 7, .priority = 9, .bids = {1}, .bid_count = 1},
				  other = {.fid = 8, .priority = 9, .bids = {1}, .bid_count = 1};
	struct binding_record record;

	bound();
	record = rig_binding(rig, RIG_HOME)->now;
	rig_restart(rig);
	assert_int_equal(signalling_restore_flow(rig->s, &home, &flow), -ENOENT);
	assert_int_equal(signalling_restore(rig->s, &record), 0);
	assert_int_equal(signalling_restore_flow(rig->s, &home, &flow), 0);
	assert_int_equal(signalling_restore_flow(rig->s, &home, &flow), -EEXIST);
	assert_int_equal(signalling_restore_flow(rig->s, &home, &other), 0);
	assert_flows("7@9>1 8@9>1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_rig, close_rig)
		TEST(added_with_their_bindings),
		TEST(answer_waits),
		TEST(refreshed_or_removed),
		TEST(changed),
		TEST(refused),
		TEST(repeated),
		TEST(limited),
		TEST(inactive),
		TEST(end_of_all),
		TEST(plain_update),
		TEST(not_committed),
		TEST(half_of_a_swap),
		TEST(half_of_a_swap_that_stays),
		TEST(one_at_a_time),
		TEST(records),
		TEST(restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
