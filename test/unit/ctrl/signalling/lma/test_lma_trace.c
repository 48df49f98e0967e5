/* What a gateway asks an anchor beside registrations, as somebody hears of it who traces the node.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../proxy/proxy_rig.h"
#include "lma_rig.h"

static char traced[1024];

/* A line for each message that is no registration. */
static void take_trace(void *context, const struct tracer_item *item)
{
	(void)context;
	if (item->kind == TRACER_EVENT || strncmp(item->what, "proxy-", 6) == 0 ||
		strcmp(item->mn_id, LMA_RIG_NODE) != 0)
		return;
	assert_non_null(item->octets);
	assert_string_equal(ADDR_TEXT(item->care_of), LMA_RIG_MAG2);
	snprintf(traced + strlen(traced), sizeof(traced) - strlen(traced), "%s %s %s\n",
		tracer_kind_name(item->kind), item->what, item->outcome ? item->outcome : "-");
}

static void assert_traced(const char *wanted)
{
	assert_string_equal(traced, wanted);
	traced[0] = '\0';
}

static int open_rig(void **state)
{
	lma_rig_setup(state);
	lma_set_tracer(rig->lma, (struct tracer){.fn = take_trace});
	traced[0] = '\0';
	return 0;
}

/* The second gateway, whose messages something else protects, says that a node is to end. */
static void indicate(const char *id, uint8_t trigger)
{
	const struct ip6_build head = {
		.src = lma_rig_addr(LMA_RIG_MAG2), .dst = lma_rig_addr(LMA_RIG_ANCHOR)};
	struct mh mh = {.type = MH_REVOCATION,
		.revocation = {.type = CODES_REVOCATION_INDICATION,
			.trigger = trigger,
			.sequence = 9,
			.flags = FLAGS_REVOCATION_P}};
	struct mh_option *o = option_add(&mh, OPTION_MN_ID);
	struct proxy_rig_message message;

	o->mn_id.subtype = OPTION_MN_ID_NAI;
	o->mn_id.id.at = (const uint8_t *)id;
	o->mn_id.id.len = (uint8_t)strlen(id);
	proxy_rig_message(&message, &head, &mh, &head.src, NULL);
	lma_receive(rig->lma, &message.packet, &message.mh);
}

static void what_a_gateway_revokes_is_traced(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	pbu.src = LMA_RIG_MAG2;
	lma_rig_bound(rig, &pbu);
	assert_traced("");
	indicate("other@example.org", CODES_BRI_ADMINISTRATIVE);
	assert_traced("");
	indicate(LMA_RIG_NODE, CODES_BRI_PER_PEER - 1);
	assert_traced("received binding-revocation-indication taken\n"
		      "sent binding-revocation-acknowledgement revocation trigger not supported\n");
	indicate(LMA_RIG_NODE, CODES_BRI_ADMINISTRATIVE);
	assert_traced("received binding-revocation-indication taken\n");
	lma_rig_commit(rig, 0);
	assert_traced("sent binding-revocation-acknowledgement success\n");
	assert_int_equal(rig->notifications, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_a_gateway_revokes_is_traced, open_rig, lma_rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
