/* A node on a link of one data plane and away at once: the others relay what is for the link. */
#include <errno.h>
#include <string.h>

#include "choose_rig.h"
#include "dataplane/port.h"

enum { AWAY = 1, ON_LINK = 2, HOME_PORT = 5000 };

static const struct mac node_mac = {{2, 0, 0, 0, 4, 1}};

static void set_data_plane(struct lab *lab, uint64_t id, const char *name, const char *addr)
{
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = id};

	o.data_plane = (struct object_data_plane){.id = id, .addr = packet_addr(addr)};
	strcpy(o.data_plane.name, name);
	lab_apply(lab, &o, 0);
}

/* Where a node is on its link: at a port of this data plane. */
static void set_on_link(struct lab *lab, const char *port, uint64_t data_plane, int expected)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = ON_LINK};

	o.path = (struct object_path){
		.id = ON_LINK, .kind = PATH_ON_LINK, .mac = node_mac, .data_plane = data_plane};
	strcpy(o.path.port, port);
	lab_apply(lab, &o, expected);
}

static struct object_path on_link(struct lab *lab)
{
	const struct path_table *paths = &lab->tables->paths;

	return path_table_object(paths, path_table_find(paths, ON_LINK));
}

/* The node is served by us while away, and on a link of the other data plane, which a rule says
 * that packets from HOME_PORT go to. */
static int setup_both(void **state)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = AWAY};
	int err = lab_setup(state);

	if (err)
		return err;
	set_data_plane(*state, US, LAB_NAME, OWN);
	set_data_plane(*state, THEM, "far", FAR);
	o.path = (struct object_path){.id = AWAY,
		.kind = PATH_IP6_IN_IP6,
		.local = packet_addr(OWN),
		.remote = packet_addr(WLAN),
		.data_plane = US};
	lab_apply(*state, &o, 0);
	set_on_link(*state, "cellar", THEM, 0);
	set_paths(*state, 2, STEERING_FIRST, NULL);
	port_rule(*state, 1, HOME_PORT, ON_LINK);
	return 0;
}

/* What comes in for the node, as relayed by the other data plane or not. */
static void arrives(struct lab *lab, uint16_t port, bool relayed)
{
	const struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);
	struct packet p;

	make(&p, port);
	if (relayed)
		packet_wrap(&p, FAR, OWN);
	packet_ether(&p, &dst, &src);
	lab_receive(lab, LAB_CORE, &p);
	lab_walk(lab);
}

static void expect_tunnel(struct lab *lab, enum lab_port port, const char *src, const char *dst)
{
	struct packet out;

	lab_sent(lab, port, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, src, dst);
	assert_int_equal(out.data[0] >> 4, 6);
	assert_int_equal(out.data[6], IPPROTO_IPV6);
	assert_int_equal(out.data[7], PATH_HOP_LIMIT);
}

static void expect_on_link(struct lab *lab)
{
	const struct mac gateway = lab_mac(LAB_HOME);
	struct packet out;

	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
	packet_assert_ether(&out, &node_mac, &gateway);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_PEER, LAB_HOME_OF);
}

/* By rules, and by shares of flows. */
static void test_relayed_by_choice(void **state)
{
	struct lab *lab = *state;

	arrives(lab, HOME_PORT, false);
	expect_tunnel(lab, LAB_CORE, OWN, FAR);
	arrives(lab, HOME_PORT + 1, false);
	expect_tunnel(lab, LAB_VISITED, OWN, WLAN);
	assert_int_equal(lab_counter(lab, WORKER_relayed_out), 1);
	set_paths(lab, 2, STEERING_FLOW, (uint8_t[]){0, 1});
	arrives(lab, HOME_PORT + 1, false);
	expect_tunnel(lab, LAB_CORE, OWN, FAR);
}

/* At home alone: everything. */
static void test_relayed_always(void **state)
{
	struct lab *lab = *state;
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = NODE};

	o.subscriber = (struct object_subscriber){.id = NODE,
		.link_id = 7,
		.prefix_count = 1,
		.prefixes = {{packet_addr(LAB_HOME_OF), 128}},
		.path_count = 1,
		.paths = {ON_LINK}};
	lab_apply(lab, &o, 0);
	arrives(lab, HOME_PORT + 1, false);
	expect_tunnel(lab, LAB_CORE, OWN, FAR);
	set_on_link(lab, "home", US, 0);
	arrives(lab, HOME_PORT + 1, false);
	expect_on_link(lab);
}

/* With the link here, the other one relays: it goes to the link, and so does what comes in here. */
static void test_link_is_here(void **state)
{
	struct lab *lab = *state;

	set_on_link(lab, "home", US, 0);
	arrives(lab, HOME_PORT, true);
	expect_on_link(lab);
	arrives(lab, HOME_PORT, false);
	expect_on_link(lab);
	arrives(lab, HOME_PORT + 1, false);
	expect_tunnel(lab, LAB_VISITED, OWN, WLAN);
	assert_int_equal(lab_counter(lab, WORKER_relayed_in), 1);
	assert_int_equal(lab_counter(lab, WORKER_relayed_out), 0);
}

/* Relayed here by who has the link: not back, and there is no other way to a link. */
static void test_never_back(void **state)
{
	struct lab *lab = *state;

	set_paths(lab, 1, STEERING_FIRST, NULL);
	lab_delete(lab, OBJECT_SUBSCRIBER, NODE);
	lab_delete(lab, OBJECT_PATH, AWAY);
	lab_set_subscriber(lab, NODE, LAB_HOME_OF "/128", 7, &(const uint64_t){ON_LINK}, 1, 0);
	arrives(lab, HOME_PORT, true);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_relay_twice), 1);
	/* One of two, to which a rule leads. */
	lab_set_path(lab, AWAY, WLAN, 0, 0);
	set_paths(lab, 2, STEERING_FIRST, NULL);
	port_rule(lab, 1, HOME_PORT, ON_LINK);
	arrives(lab, HOME_PORT, true);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_relay_twice), 2);
}

/* It is told as it was set, whoever has the port; ours must be there. */
static void test_object(void **state)
{
	struct lab *lab = *state;
	const uint32_t shapes = lab->tables->paths.shapes.used;
	struct object_path found = on_link(lab);

	assert_int_equal(found.kind, PATH_ON_LINK);
	assert_int_equal(found.data_plane, THEM);
	assert_string_equal(found.port, "cellar");
	assert_true(mac_equal(&found.mac, &node_mac));
	set_on_link(lab, "home", US, 0);
	found = on_link(lab);
	assert_int_equal(found.data_plane, US);
	assert_string_equal(found.port, "home");
	set_on_link(lab, "cellar", US, -ENOENT);
	assert_string_equal(on_link(lab).port, "home");
	set_on_link(lab, "fifteen-octets!", THEM, 0);
	assert_string_equal(on_link(lab).port, "fifteen-octets!");
	set_on_link(lab, "cellar", THEM, 0);
	worker_leave(lab->worker);
	tables_quiesce(lab->tables);
	worker_enter(lab->worker);
	assert_int_equal(lab->tables->paths.shapes.used, shapes);
}

/* The data plane that has the link is we ourselves, as after a change of configuration. */
static void test_it_becomes_ours(void **state)
{
	struct lab *lab = *state;

	set_on_link(lab, "home", THEM, 0);
	set_data_plane(lab, THEM, LAB_NAME, OWN);
	assert_string_equal(on_link(lab).port, "home");
	arrives(lab, HOME_PORT, false);
	expect_on_link(lab);
}

/* What the tables hold is sound, and is kept when they are looked through after a crash. */
static void test_repair(void **state)
{
	struct lab *lab = *state;

	worker_leave(lab->worker);
	assert_int_equal(tables_repair(lab->tables), 0);
	worker_enter(lab->worker);
	assert_string_equal(on_link(lab).port, "cellar");
	arrives(lab, HOME_PORT, false);
	expect_tunnel(lab, LAB_CORE, OWN, FAR);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_both, lab_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_relayed_by_choice),
		TEST(test_relayed_always),
		TEST(test_link_is_here),
		TEST(test_never_back),
		TEST(test_object),
		TEST(test_it_becomes_ours),
		TEST(test_repair),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
