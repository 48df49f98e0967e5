/* What data planes are told of sessions with several ways: shares, and rules by label. */
#include "../rig.h"

#include "ctrl/binding/session.h"
#include "ctrl/publish/path_policy.h"
#include "ctrl/publish/state.h"

enum { NUMBER = 7, RED = 9, BLUE = 11 };

static const char *const head =
	"roles = [\"lma\"];\ndata_planes = ( { name = \"dp1\"; address = \"2001:db8:1::d\"; } );\n"
	"lma = { addresses = [\"2001:db8:1::1\"];\n"
	"gateways = ( { name = \"g\"; addresses = [\"2001:db8:a::1\"]; } );\n"
	"nodes = ( { match = \"*\"; prefixes = [\"2001:db8:f::/64\"]; } );\n";

static struct ctrl_config config;
static struct path_policy policy;
static struct session_record record;
static struct object objects[16];
static size_t object_count;

static void read_policy(const char *distribution)
{
	struct config_report report = {0};
	char text[2048], why[256];

	snprintf(text, sizeof(text), "%sdistribution = { %s }; };", head, distribution);
	ctrl_config_free(&config);
	if (ctrl_config_load_text(&config, "t", text, &report) != 0)
		fail_msg("%s", report.text);
	assert_int_equal(path_policy_read(&policy, &config.lma.distribution, why, sizeof(why)), 0);
}

static void refuses(const char *distribution, const char *word)
{
	struct config_report report = {0};
	struct ctrl_config c;
	char text[4096];

	snprintf(text, sizeof(text), "%sdistribution = { %s }; };", head, distribution);
	assert_int_equal(ctrl_config_load_text(&c, "t", text, &report), -EINVAL);
	if (!strstr(report.text, word))
		fail_msg("%s does not say %s", report.text, word);
	config_report_free(&report);
	ctrl_config_free(&c);
}

static int start(void **state)
{
	static const uint8_t name[] = "a@b";

	(void)state;
	record = (struct session_record){.number = NUMBER,
		.mn_id = {.subtype = 1, .len = 3, .octets = name},
		.prefix_count = 1,
		.life = SESSION_LIVE};
	prefix6_parse("2001:db8:f::/64", &record.prefixes[0]);
	addr_parse("2001:db8:1::1", &record.anchor);
	addr_parse("2001:db8:a::1", &record.care_of);
	read_policy("");
	return 0;
}

static int end(void **state)
{
	(void)state;
	ctrl_config_free(&config);
	return 0;
}

static void add_path(uint8_t bid, uint8_t label)
{
	struct session_path path = {.bid = bid, .label = label, .anchor = record.anchor};

	path.care_of = record.care_of;
	path.care_of.s6_addr[15] = bid;
	session_path_put(&record, &path);
}

static int keep(void *arg, const struct object *object)
{
	(void)arg;
	objects[object_count++] = *object;
	return 0;
}

static void compile(void)
{
	struct bundle bundle;

	object_count = 0;
	assert_int_equal(publish_compile_session(&config, &record, &policy, &bundle), 0);
	state_each_encoded(bundle.octets, bundle.len, keep, NULL);
}

static uint64_t way(uint8_t bid)
{
	return publish_way_id(publish_session_id(NUMBER), bid);
}

static void one_way_is_as_before(void **state)
{
	(void)state;
	read_policy("steering = \"packet\"; rules = ( { protocol = 6; labels = [9]; } );");
	compile();
	assert_int_equal(object_count, 2);
	assert_int_equal(objects[0].id, publish_session_id(NUMBER));
	assert_int_equal(objects[1].subscriber.steering, STEERING_FIRST);
	assert_int_equal(objects[1].subscriber.path_count, 1);
}

static void ways_have_the_weights_of_their_labels(void **state)
{
	(void)state;
	read_policy("weights = ( { label = 9; weight = 3; } );");
	add_path(1, RED);
	add_path(2, BLUE);
	compile();
	assert_int_equal(object_count, 3);
	assert_int_equal(objects[0].path.remote.s6_addr[15], 1);
	assert_int_equal(objects[2].subscriber.steering, STEERING_FLOW);
	assert_int_equal(objects[2].subscriber.paths[0], way(1));
	assert_int_equal(objects[2].subscriber.paths[1], way(2));
	assert_int_equal(objects[2].subscriber.weights[0], 3);
	assert_int_equal(objects[2].subscriber.weights[1], 1);
	/* Where nothing is to be shared, the first is taken. */
	policy.weights[RED] = policy.weights[BLUE] = 0;
	compile();
	assert_int_equal(objects[2].subscriber.steering, STEERING_FLOW);
	assert_int_equal(objects[2].subscriber.weights[0], 1);
	assert_int_equal(objects[2].subscriber.weights[1], 0);
}

static uint8_t best; /* last octet of the Proxy-CoA of the best way */

static bool is_best(
	const void *context, const struct in6_addr *local, const struct in6_addr *remote)
{
	assert_ptr_equal(context, &best);
	assert_true(addr_equal(local, &record.anchor));
	return remote->s6_addr[15] == best;
}

/* All by it; by the first as long as it is not known. The others are for when it is down. */
static void all_by_the_best(void **state)
{
	(void)state;
	read_policy("steering = \"best\"; weights = ( { label = 9; weight = 3; } );");
	add_path(1, RED);
	add_path(2, BLUE);
	compile();
	assert_int_equal(objects[2].subscriber.steering, STEERING_FLOW);
	assert_int_equal(objects[2].subscriber.weights[0], 1);
	assert_int_equal(objects[2].subscriber.weights[1], 0);
	policy.is_best = is_best;
	policy.best_context = &best;
	for (best = 1; best <= 2; best++) {
		compile();
		assert_int_equal(objects[2].subscriber.steering, STEERING_FLOW);
		assert_int_equal(objects[2].subscriber.weights[0], best == 1);
		assert_int_equal(objects[2].subscriber.weights[1], best == 2);
	}
}

static enum path_policy_order known;

static enum path_policy_order order_of(
	const void *context, const struct in6_addr *local, const struct in6_addr *remote)
{
	assert_ptr_equal(context, &known);
	assert_int_equal(local->s6_addr[5], 1);
	assert_true(remote->s6_addr[15] == 1 || remote->s6_addr[15] == 2);
	return known;
}

static void expect_order(enum path_policy_order order, enum steering steering, bool numbered)
{
	compile();
	assert_int_equal(publish_session_order(&config, &record, &policy), order);
	assert_int_equal(objects[2].subscriber.steering, steering);
	assert_int_equal(objects[2].subscriber.order.numbered, numbered);
	assert_int_equal(objects[2].subscriber.order.packets, numbered ? 32 : 0);
	assert_int_equal(objects[2].subscriber.order.ms, numbered ? 60 : 0);
}

/* Where order is wanted and cannot be kept, flows are shared out; what comes is put in order as
 * long as numbers are possible at all. */
static void packets_in_order(void **state)
{
	(void)state;
	read_policy(
		"steering = \"packet\"; order = { numbers = true; buffer = 32; wait = \"60ms\"; "
		"};");
	policy.one_data_plane = true;
	add_path(1, RED);
	add_path(2, BLUE);
	expect_order(PATH_POLICY_ORDER_NO_KEYS, STEERING_FLOW, false);
	for (int i = 0; i < 2; i++)
		record.paths[i].encapsulation.gre = SESSION_GRE_KEYED;
	expect_order(PATH_POLICY_ORDER_UNMEASURED, STEERING_FLOW, true);
	policy.order_of = order_of;
	policy.order_context = &known;
	known = PATH_POLICY_ORDER_UNEVEN;
	expect_order(PATH_POLICY_ORDER_UNEVEN, STEERING_FLOW, true);
	known = PATH_POLICY_ORDER_KEPT;
	expect_order(PATH_POLICY_ORDER_KEPT, STEERING_PACKET, true);
	/* Several could count on their own, unless one serves all. */
	policy.one_data_plane = false;
	expect_order(PATH_POLICY_ORDER_SPLIT, STEERING_FLOW, false);
	for (int i = 0; i < 2; i++)
		record.paths[i].data_plane = ctrl_config_data_plane_id(&config, 0);
	expect_order(PATH_POLICY_ORDER_KEPT, STEERING_PACKET, true);
	record.paths[1].encapsulation.gre = SESSION_GRE_PLAIN;
	expect_order(PATH_POLICY_ORDER_NO_KEYS, STEERING_FLOW, false);
	record.path_count = 1;
	compile();
	assert_int_equal(publish_session_order(&config, &record, &policy), PATH_POLICY_ORDER_OFF);
	assert_int_equal(objects[1].subscriber.steering, STEERING_FIRST);
	assert_false(objects[1].subscriber.order.numbered);
}

/* Not asked for, nothing changes; counting alone holds nothing. */
static void order_is_an_option(void **state)
{
	(void)state;
	read_policy("steering = \"packet\";");
	add_path(1, RED);
	add_path(2, BLUE);
	compile();
	assert_int_equal(objects[2].subscriber.steering, STEERING_PACKET);
	assert_false(objects[2].subscriber.order.numbered);
	read_policy("steering = \"packet\"; order = { numbers = true; buffer = 0; };");
	assert_true(policy.order.numbered);
	assert_int_equal(policy.order.packets, 0);
	assert_int_equal(policy.order.ms, 0);
}

/* "The web by RED, else by BLUE", seen from both ends. */
static void rules_lead_to_labels_in_order(void **state)
{
	const struct object_rule *rule = &objects[4].rule;
	struct bundle bundle = {.len = 0};
	const struct path_policy_way ways[] = {
		{.path = 1, .label = BLUE}, {.path = 2, .label = RED}};
	struct object_subscriber subscriber = {
		.id = 1, .prefix_count = 1, .path_count = 1, .paths = {77}};

	(void)state;
	read_policy("rules = ( { protocol = 6; remote_port = \"80-81\"; labels = [9, 11]; },"
		    " { remote = \"2001:db8:c::/48\"; labels = [33]; },"
		    " { remote = \"2001:db8:c::/47\"; labels = [11]; } );");
	add_path(1, BLUE);
	add_path(2, RED);
	add_path(3, RED);
	compile();
	assert_int_equal(object_count, 6); /* nobody has the label 33 */
	assert_int_equal(rule->id, publish_policy_rule_id(NUMBER));
	assert_int_equal(rule->subscriber, publish_session_id(NUMBER));
	assert_int_equal(rule->action, RULE_TO_FIRST);
	assert_int_equal(rule->path_count, 3);
	assert_int_equal(rule->paths[0], way(2));
	assert_int_equal(rule->paths[1], way(3));
	assert_int_equal(rule->paths[2], way(1));
	assert_int_equal(rule->selector.fields, 1 << RULE_PROTOCOL | 1 << RULE_SOURCE_PORT);
	assert_int_equal(rule->selector.numbers[RULE_SOURCE_PORT].last, 81);
	rule = &objects[5].rule;
	assert_true(rule->priority > objects[4].rule.priority);
	assert_string_equal(ADDR_TEXT(&rule->selector.addresses[RULE_SOURCE].last),
		"2001:db8:d:ffff:ffff:ffff:ffff:ffff");
	path_policy_compile(&policy, true, 5, ways, 2, &subscriber, &bundle);
	object_count = 0;
	state_each_encoded(bundle.octets, bundle.len, keep, NULL);
	assert_int_equal(objects[0].subscriber.path_count, 3);
	assert_int_equal(objects[0].subscriber.weights[0], 0);
	assert_int_equal(
		objects[1].rule.selector.fields, 1 << RULE_PROTOCOL | 1 << RULE_DESTINATION_PORT);
}

static void bad_words_are_refused(void **state)
{
	(void)state;
	refuses("steering = \"worst\";", "steering");
	refuses("steering = \"best\"; }; supervision = { interval = \"0s\";", "supervision");
	refuses("best = { loss_margin = 101; };", "loss_margin");
	refuses("order = { numbers = true; };", "packet");
	refuses("steering = \"packet\"; order = { numbers = true; }; }; gre = \"never\"; "
		"supervision = { interval = \"100ms\";",
		"GRE");
	refuses("steering = \"packet\"; order = { numbers = true; }; }; supervision = { interval = "
		"\"0s\";",
		"supervision");
	refuses("steering = \"packet\"; order = { numbers = true; wait = \"30ms\"; };",
		"delay_difference");
	refuses("order = { buffer = 257; };", "buffer");
	refuses("rules = ( { remote_port = \"80-\"; labels = [1]; } );", "80-");
	refuses("rules = ( { remote_port = \"-80\"; labels = [1]; } );", "-80");
	refuses("rules = ( { remote_port = \"90-80\"; labels = [1]; } );", "90-80");
	refuses("rules = ( { remote_port = \"65536\"; labels = [1]; } );", "65536");
	refuses("rules = ( { protocol = 6; } );", "labels");
	refuses("rules = ( { labels = [1, 2, 3, 4, 5]; } );", "labels");
	refuses("rules = ( { labels = [256]; } );", "256");
	refuses("weights = ( { label = 1; weight = 256; } );", "256");
}

/* Whatever the configuration lets pass, a session with all that it may have can be told. */
static void what_is_accepted_fits(void **state)
{
	char text[2048] = "rules = (";

	(void)state;
	for (int i = 0; i < 8; i++)
		sprintf(text + strlen(text),
			"%s{ protocol = 6; remote_port = \"%d\"; labels = [9]; }", i ? "," : "",
			i + 1);
	strcat(text, ");");
	read_policy(text);
	for (uint8_t bid = 1; bid <= SESSION_PATHS_MAX; bid++)
		add_path(bid, RED);
	record.prefix_count = SESSION_PREFIXES_MAX;
	for (unsigned i = 1; i < SESSION_PREFIXES_MAX; i++) {
		record.prefixes[i] = record.prefixes[0];
		record.prefixes[i].addr.s6_addr[7] = (uint8_t)i;
	}
	record.delegated_count = SESSION_DELEGATED_MAX;
	for (unsigned i = 0; i < SESSION_DELEGATED_MAX; i++)
		prefix6_parse("2001:db8:e::/56", &record.delegated[i]);
	compile();
	assert_int_equal(object_count, SESSION_PATHS_MAX + 1 + 8);
	assert_int_equal(objects[SESSION_PATHS_MAX].subscriber.prefix_count, 8);
	assert_int_equal(objects[SESSION_PATHS_MAX].subscriber.prefixes[3].len, 64);
	assert_int_equal(objects[SESSION_PATHS_MAX].subscriber.prefixes[4].len, 56);
	strcpy(text, "rules = (");
	for (int i = 0; i < 8; i++)
		sprintf(text + strlen(text), "%s{ remote = \"2001:db8:%d::/48\"; labels = [9]; }",
			i ? "," : "", i + 1);
	strcat(text, ");");
	refuses(text, "so many rules");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
	const struct CMUnitTest tests[] = {
		TEST(one_way_is_as_before),
		TEST(ways_have_the_weights_of_their_labels),
		TEST(all_by_the_best),
		TEST(packets_in_order),
		TEST(order_is_an_option),
		TEST(rules_lead_to_labels_in_order),
		TEST(bad_words_are_refused),
		TEST(what_is_accepted_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
