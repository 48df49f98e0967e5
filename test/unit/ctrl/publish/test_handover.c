/* What data planes are told of nodes between two gateways: nothing, or where their packets wait. */
#include "../rig.h"

#include "ctrl/binding/session.h"
#include "ctrl/publish/compile.h"
#include "ctrl/publish/path_policy.h"
#include "ctrl/publish/state.h"

enum { NUMBER = 7 };

static struct ctrl_config config;
static struct object objects[16];
static size_t object_count;

static void read_config(const char *format, const char *handover)
{
	struct config_report report = {0};
	char text[2048];

	snprintf(text, sizeof(text), format, handover);
	ctrl_config_free(&config);
	if (ctrl_config_load_text(&config, "t", text, &report) != 0)
		fail_msg("%s", report.text);
}

static const char *const anchor =
	"roles = [\"lma\"];\ndata_planes = ( { name = \"dp1\"; } );\n"
	"lma = { addresses = [\"2001:db8:1::1\"];\n"
	"gateways = ( { name = \"g\"; addresses = [\"2001:db8:a::1\"]; } );\n"
	"nodes = ( { match = \"*\"; prefixes = [\"2001:db8:f::/64\"]; } );\n%s };";
static const char *const gateway =
	"roles = [\"mag\"];\ndata_planes = ( { name = \"dp1\"; } );\n"
	"mag = { address = \"2001:db8:a::1\"; identifier = \"g@b\";\n"
	"anchors = ( { name = \"one\"; address = \"2001:db8:1::1\"; },\n"
	"            { name = \"two\"; address = \"2001:db8:2::1\"; } );\n"
	"paths = ( { bid = 1; address = \"2001:db8:a::1\"; },\n"
	"          { bid = 2; address = \"2001:db8:b::1\"; } );\n"
	"links = ( { port = \"access\"; } );\n"
	"nodes = ( { mn_id = \"a@b\"; link_address = \"02:00:00:00:00:01\"; } );\n%s };";

static int end(void **state)
{
	(void)state;
	ctrl_config_free(&config);
	return 0;
}

static int keep(void *arg, const struct object *object)
{
	(void)arg;
	objects[object_count++] = *object;
	return 0;
}

static struct session_record a_session(enum session_life life)
{
	static const uint8_t name[] = "a@b";
	struct session_record record = {.number = NUMBER,
		.mn_id = {.subtype = 1, .len = 3, .octets = name},
		.prefix_count = 1,
		.delegated_count = 1,
		.life = life};

	prefix6_parse("2001:db8:f::/64", &record.prefixes[0]);
	prefix6_parse("2001:db8:e::/56", &record.delegated[0]);
	addr_parse("2001:db8:1::1", &record.anchor);
	addr_parse("2001:db8:a::1", &record.care_of);
	return record;
}

static void compile(enum session_life life)
{
	const struct session_record record = a_session(life);
	struct path_policy policy;
	struct bundle bundle;
	char why[256];

	object_count = 0;
	assert_int_equal(path_policy_read(&policy, &config.lma.distribution, why, sizeof(why)), 0);
	assert_int_equal(publish_compile_session(&config, &record, &policy, &bundle), 0);
	state_each_encoded(bundle.octets, bundle.len, keep, NULL);
}

static void nothing_waits_unless_wanted(void **state)
{
	(void)state;
	read_config(anchor, "");
	assert_int_equal(config.lma.handover.buffer, 0);
	compile(SESSION_ENDING);
	assert_int_equal(object_count, 0);
}

static void packets_of_an_ending_session_wait(void **state)
{
	(void)state;
	read_config(anchor, "handover = { buffer = 100; hold = \"1500ms\"; };");
	compile(SESSION_ENDING);
	assert_int_equal(object_count, 2);
	assert_int_equal(objects[0].path.kind, PATH_HELD);
	assert_int_equal(objects[0].path.hold_packets, 100);
	assert_int_equal(objects[0].path.hold_ms, 1500);
	assert_true(addr_is_unspecified(&objects[0].path.local));
	assert_int_equal(objects[1].subscriber.path_count, 1);
	assert_int_equal(objects[1].subscriber.paths[0], objects[0].id);
	assert_int_equal(objects[1].subscriber.prefix_count, 2);
	assert_int_equal(objects[1].subscriber.prefixes[1].len, 56);
	/* The same objects, with a way, when it is live. */
	const uint64_t path = objects[0].id, subscriber = objects[1].id;

	compile(SESSION_LIVE);
	assert_int_equal(object_count, 2);
	assert_int_equal(objects[0].path.kind, PATH_IP6_IN_IP6);
	assert_true(objects[0].id == path && objects[1].id == subscriber);
}

static void out_of_the_tunnels_of_a_gateway(void **state)
{
	static const char *const ends[][2] = {{"2001:db8:a::1", "2001:db8:1::1"},
		{"2001:db8:a::1", "2001:db8:2::1"}, {"2001:db8:b::1", "2001:db8:1::1"},
		{"2001:db8:b::1", "2001:db8:2::1"}};
	struct bundle bundle;

	(void)state;
	read_config(gateway, "handover = { buffer = 10; };");
	assert_int_equal(ctrl_config_mag_tunnels(&config), 4);
	for (size_t i = 0; i < 4; i++) {
		struct in6_addr local, remote;

		addr_parse(ends[i][0], &local);
		addr_parse(ends[i][1], &remote);
		object_count = 0;
		assert_int_equal(publish_compile_held(&config, i, &bundle), 0);
		state_each_encoded(bundle.octets, bundle.len, keep, NULL);
		assert_int_equal(object_count, 1);
		assert_int_equal(objects[0].path.kind, PATH_HELD);
		assert_int_equal(objects[0].path.hold_packets, 10);
		assert_int_equal(objects[0].path.hold_ms, 2000);
		assert_true(addr_equal(&objects[0].path.local, &local));
		assert_true(addr_equal(&objects[0].path.remote, &remote));
	}
}

static void refuses(const char *format, const char *handover, const char *word)
{
	struct config_report report = {0};
	struct ctrl_config c;
	char text[2048];

	snprintf(text, sizeof(text), format, handover);
	assert_int_equal(ctrl_config_load_text(&c, "t", text, &report), -EINVAL);
	if (!strstr(report.text, word))
		fail_msg("%s does not say %s", report.text, word);
	config_report_free(&report);
	ctrl_config_free(&c);
}

static void bounds(void **state)
{
	(void)state;
	refuses(anchor, "handover = { buffer = 1025; };", "lma.handover.buffer");
	refuses(gateway, "handover = { buffer = -1; };", "mag.handover.buffer");
	refuses(gateway, "handover = { hold = \"0ms\"; };", "mag.handover.hold");
	refuses(anchor, "handover = { hold = \"61s\"; };", "lma.handover.hold");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(nothing_waits_unless_wanted, end),
		cmocka_unit_test_teardown(packets_of_an_ending_session_wait, end),
		cmocka_unit_test_teardown(out_of_the_tunnels_of_a_gateway, end),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
