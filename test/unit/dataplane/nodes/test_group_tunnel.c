/* Multicast that another router brings by a tunnel (RFC 6224, 4.2). */
#include "group_rig.h"

#include "dataplane/nodes/replicate.h"

/* What a router brings by a tunnel is not what another one brings by its own, nor what comes by
 * ports (RFC 6224, 4.2). */
static void by_its_tunnel(void **state)
{
	struct lab *lab = *state;
	struct packet p;

	lab_set_path(lab, 2, REMOTE2, 0, 0);
	lab_set_path(lab, 4, REMOTE4, 0, 0);
	set_way(lab, ANY, 2, 0);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	make(&p, GROUP, 100);
	arrive_by_tunnel(lab, &p, REMOTE2);
	expect_tunnel(lab, &p, LAB_CARE_OF);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_decapsulated), 1);
	arrive_by_tunnel(lab, &p, LAB_CARE_OF);
	arrive_by_tunnel(lab, &p, "2001:db8:f::66");
	assert_int_equal(lab_drops(lab, DROP_tunnel_multicast), 2);
	drop(lab, &p, DROP_multicast);
	make(&p, OTHER, 100);
	arrive_by_tunnel(lab, &p, REMOTE2);
	assert_int_equal(lab_drops(lab, DROP_tunnel_multicast), 3);
	lab_nothing(lab);
	/* The same group by another tunnel, whose path comes later, and by ports. */
	set_way(lab, ANY + 1, 3, 0);
	set_member(lab, 2, ANY + 1, MEMBER_PATH, 4, "", 0);
	set_way(lab, ANY + 2, 0, 0);
	set_member(lab, 3, ANY + 2, MEMBER_PATH, 2, "", 0);
	make(&p, GROUP, 100);
	arrive_by_tunnel(lab, &p, "2001:db8:f::66");
	assert_int_equal(lab_drops(lab, DROP_tunnel_multicast), 4);
	lab_set_path(lab, 3, "2001:db8:f::66", 0, 0);
	arrive_by_tunnel(lab, &p, "2001:db8:f::66");
	expect_tunnel(lab, &p, REMOTE4);
	lab_nothing(lab);
	arrive_by_tunnel(lab, &p, REMOTE2);
	expect_tunnel(lab, &p, LAB_CARE_OF);
	lab_nothing(lab);
	arrive(lab, &p, LAB_CORE);
	expect_tunnel(lab, &p, REMOTE2);
	lab_nothing(lab);
	/* The path goes elsewhere: so does what its tunnel is. */
	lab_set_path(lab, 3, "2001:db8:f::67", 0, 0);
	arrive_by_tunnel(lab, &p, "2001:db8:f::66");
	assert_int_equal(lab_drops(lab, DROP_tunnel_multicast), 5);
	arrive_by_tunnel(lab, &p, "2001:db8:f::67");
	expect_tunnel(lab, &p, REMOTE4);
	lab_nothing(lab);
}

/* A source that nobody behind one tunnel wants is one that others may want of another tunnel. */
static void sources_by_tunnel(void **state)
{
	struct object o = {.kind = OBJECT_GROUP, .op = OBJECT_SET, .id = ANY + 2};
	struct lab *lab = *state;
	struct packet p;

	lab_set_path(lab, 2, REMOTE2, 0, 0);
	lab_set_path(lab, 4, REMOTE4, 0, 0);
	set_way(lab, ANY, 2, 0);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	set_way(lab, ANY + 1, 4, 0);
	set_member(lab, 2, ANY + 1, MEMBER_SUBSCRIBER, 1, "", 0);
	o.group = (struct object_group){.id = ANY + 2,
		.source = packet_addr(LAB_PEER),
		.group = packet_addr(GROUP),
		.path = 2};
	lab_apply(lab, &o, 0);
	make(&p, GROUP, 100);
	arrive_by_tunnel(lab, &p, REMOTE2);
	assert_int_equal(lab_drops(lab, DROP_multicast_member), 1);
	lab_nothing(lab);
	arrive_by_tunnel(lab, &p, REMOTE4);
	expect_tunnel(lab, &p, LAB_CARE_OF);
	lab_nothing(lab);
}

/* A host on a link gets a frame of its own (RFC 6085), wherever the packet came from but there. */
static void host_on_a_link(void **state)
{
	const struct mac mac = {{2, 0, 0, 0, 5, 1}}, home = lab_mac(LAB_HOME);
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 40};
	struct lab *lab = *state;
	struct packet p, out, expected;

	o.path = (struct object_path){.id = 40, .kind = PATH_ON_LINK, .port = "home", .mac = mac};
	set_way(lab, ANY, 2, 0);
	set_member(lab, 1, ANY, MEMBER_PATH, 40, "", 0);
	lab_set_path(lab, 2, REMOTE2, 0, 0);
	make(&p, GROUP, 100);
	arrive_by_tunnel(lab, &p, REMOTE2);
	lab_nothing(lab);
	lab_apply(lab, &o, 0);
	for (uint16_t size = 0; size < 1400; size = (uint16_t)(size + 200)) {
		make(&p, GROUP, size);
		arrive_by_tunnel(lab, &p, REMOTE2);
		lab_sent(lab, LAB_HOME, &out);
		packet_assert_ether(&out, &mac, &home);
		packet_unether(&out);
		expected = p;
		packet_set_hop_limit(&expected, 63);
		packet_assert_equal(&out, &expected);
		lab_nothing(lab);
	}
	expect_copies(lab, 1, 7, 7 * 48 + (0 + 200 + 400 + 600 + 800 + 1000 + 1200));
	set_way(lab, ANY + 1, 0, 0);
	set_member(lab, 2, ANY + 1, MEMBER_PATH, 40, "", 0);
	arrive(lab, &p, LAB_HOME);
	lab_nothing(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_its_tunnel, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(sources_by_tunnel, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(host_on_a_link, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
