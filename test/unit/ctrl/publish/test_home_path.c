/* What data planes are told of a node that is on its home link and away at once. */
#include "../rig.h"

#include "ctrl/publish/publish.h"
#include "ctrl/publish/state.h"

enum { AWAY, HOME, BINDINGS };

static struct ctrl_config config;
static struct binding_record records[BINDINGS];

/* What a bundle has. */
struct seen {
	unsigned paths;
	struct object_path on_link; /* id 0: none */
	struct object_subscriber subscriber;
};

static int look(void *arg, const struct object *object)
{
	struct seen *seen = arg;

	if (object->kind == OBJECT_SUBSCRIBER)
		seen->subscriber = object->subscriber;
	seen->paths += object->kind == OBJECT_PATH;
	if (object->kind == OBJECT_PATH && object->path.kind == PATH_ON_LINK)
		seen->on_link = object->path;
	return 0;
}

static struct seen compiled(unsigned count)
{
	const struct binding_list list = {
		.records = records + BINDINGS - count, .count = (uint8_t)count};
	struct seen seen = {0};
	struct bundle bundle;

	assert_int_equal(publish_compile(&config, &list, &bundle), 0);
	assert_int_equal(state_each_encoded(bundle.octets, bundle.len, look, &seen), 0);
	return seen;
}

/* The home link is the port "home" of dp2. */
static int set_up(void **state)
{
	static const char *const text =
		"roles = [\"ha\"];\n"
		"data_planes = ( { name = \"dp1\"; address = \"2001:db8:d::1\"; },\n"
		"  { name = \"dp2\"; address = \"2001:db8:d::2\"; } );\n"
		"home_agents = [\"2001:db8:100::1\"];\n"
		"home_prefixes = ( { prefix = \"2001:db8:100::/64\"; link = \"dp2:home\"; } );\n"
		"multihoming = { at_home = \"is-defended\"; };\n";
	struct config_report report = {0};

	(void)state;
	if (ctrl_config_load_text(&config, "t", text, &report) < 0)
		fail_msg("%s", report.text);
	for (unsigned i = 0; i < BINDINGS; i++) {
		records[i] = rig_record(7, 1);
		records[i].bid = (uint16_t)(i + 1);
		records[i].path_id += i;
		records[i].data_plane = ctrl_config_data_plane_id(&config, i);
	}
	records[HOME].at_home = 1;
	records[HOME].care_of = records[HOME].home;
	records[HOME].mac = (struct mac){{2, 0, 0, 0, 0, 9}};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ctrl_config_free(&config);
	return 0;
}

static void names_the_data_plane_of_the_home_link(void **state)
{
	struct seen seen = compiled(BINDINGS);

	(void)state;
	assert_int_equal(seen.paths, 2);
	assert_int_equal(seen.subscriber.path_count, 2);
	assert_int_equal(seen.on_link.id, records[HOME].path_id);
	assert_string_equal(seen.on_link.port, "home");
	assert_true(seen.on_link.data_plane == ctrl_config_data_plane_id(&config, 1));
	assert_true(mac_equal(&seen.on_link.mac, &records[HOME].mac));
}

/* While that is lost, packets take the others; a node that has no other waits for it. */
static void leaves_it_out_while_that_is_lost(void **state)
{
	struct seen seen;

	(void)state;
	records[HOME].data_plane = 0;
	assert_true(publish_cut_off(&config, &records[HOME]));
	assert_false(publish_cut_off(&config, &records[AWAY]));
	seen = compiled(BINDINGS);
	assert_int_equal(seen.paths, 1);
	assert_int_equal(seen.subscriber.path_count, 1);
	assert_int_equal(seen.subscriber.paths[0], records[AWAY].path_id);
	assert_int_equal(seen.on_link.id, 0);
	seen = compiled(1);
	assert_int_equal(seen.on_link.id, records[HOME].path_id);
	assert_true(seen.on_link.data_plane == ctrl_config_data_plane_id(&config, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			names_the_data_plane_of_the_home_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			leaves_it_out_while_that_is_lost, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
