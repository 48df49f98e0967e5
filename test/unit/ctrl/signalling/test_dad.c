/* Duplicate address detection and defence on the home link (RFC 6275, 10.3.1 and 10.4.1). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/mobility/icmp6.h"
#include "proto/mobility/nd.h"
#include "rig.h"

#define OTHER_CARE_OF "2001:db8:b::5"

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

/* What was sent on the home link next, decoded. */
static struct nd_message on_link(struct rig *rig, const char *ethernet_dst)
{
	struct rig_packet packet = rig_packet(rig);
	struct nd_message message;
	struct mac dst;

	assert_int_equal(mac_parse(ethernet_dst, &dst), 0);
	assert_int_equal(packet.how, PACKET_TO_PORT);
	assert_string_equal(packet.data_plane, "dp1");
	assert_string_equal(packet.port, "home0");
	assert_memory_equal(packet.octets, dst.b, 6);
	assert_memory_equal(packet.octets + 6, "\x02\x00\x00\x00\x00\x01\x86\xdd", 8);
	assert_int_equal(nd_decode(packet.octets + 14, packet.len - 14, &message), ND_FAULT_NONE);
	return message;
}

static void rival(struct rig *rig, struct nd_message *message, const char *port)
{
	uint8_t ip[ND_PACKET_MAX];
	ssize_t len = nd_encode(message, ip, sizeof(ip));

	assert_true(len > 0);
	rig_punt(rig, PACKET_NEIGHBOUR, port, ip, (size_t)len);
}

static void rival_advertises(struct rig *rig, const char *target, const char *port)
{
	struct nd_message message = {
		.type = ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT,
		.flags = ND_FLAG_OVERRIDE,
		.src = rig_addr("fe80::77"),
		.dst = rig_addr("ff02::1"),
		.target = rig_addr(target),
	};

	rival(rig, &message, port);
}

static void first_registration_probes_the_link(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);
	struct nd_message m;

	rig_send(rig, &bu);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig_binding(rig, RIG_LINK_HOME)->state, BINDING_STATE_DAD);
	m = on_link(rig, "33:33:ff:00:01:00");
	assert_int_equal(m.type, ICMP6_TYPE_NEIGHBOUR_SOLICITATION);
	assert_true(nd_is_dad(&m));
	assert_string_equal(ADDR_TEXT(&m.target), RIG_LINK_HOME);
	rig_wait_ms(rig, 999);
	assert_int_equal(rig->commit_count, 0);
	rig_wait_ms(rig, 3);
	assert_int_equal(rig->packet_count, 0); /* one probe suffices: RFC 4862, 5.1 */
	rig_commit(rig, 0);
	m = on_link(rig, "33:33:00:00:00:01");
	assert_int_equal(m.type, ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT);
	assert_int_equal(m.flags, ND_FLAG_OVERRIDE);
	assert_string_equal(ADDR_TEXT(&m.target), RIG_LINK_HOME);
	assert_string_equal(ADDR_TEXT(&m.src), RIG_AGENT);
	assert_true(m.has_link_address);
	assert_memory_equal(m.link_address.b, "\x02\x00\x00\x00\x00\x01", 6);
	assert_int_equal(rig_status(rig), 0);
	assert_int_equal(rig_counter(rig, "dad_passed"), 1);
}

static void only_the_first_registration(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig_bound(rig, 1, 1);
	bu = rig_bu(rig, 1, 2);
	bu.src = OTHER_CARE_OF;
	rig_send(rig, &bu);
	assert_int_equal(rig->commit_count, 1);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0); /* and no second advertisement */
	bu = rig_bu(rig, 1, 3);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	bu = rig_bu(rig, 1, 4); /* what is only remembered is not bound */
	rig_send(rig, &bu);
	assert_int_equal(rig->commit_count, 0);
	on_link(rig, "33:33:ff:00:01:00");
}

static void prefix_without_link_needs_none(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	rig_send(rig, &bu);
	assert_int_equal(rig->packet_count, 0);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	assert_int_equal(rig_counter(rig, "na_sent"), 0);
}

static void no_check_if_so_configured(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig->config.dad_transmits = 0;
	rig_restart(rig);
	bu = rig_bu(rig, 1, 1);
	rig_send(rig, &bu);
	assert_int_equal(rig->commit_count, 1);
}

static void advertisement_of_another(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);

	rig_send(rig, &bu);
	rig_packet(rig);
	rig_wait_ms(rig, 500);
	rival_advertises(rig, RIG_LINK_HOME, "home0");
	assert_int_equal(rig_status(rig), STATUS_BA_DAD_FAILED);
	assert_null(rig_binding(rig, RIG_LINK_HOME));
	rig_wait_ms(rig, 2000);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "dad_conflict"), 1);
}

static void probe_of_another(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);
	struct in6_addr home = rig_addr(RIG_LINK_HOME);
	struct nd_message message;

	rig_send(rig, &bu);
	rig_packet(rig);
	nd_dad_probe(&home, &message);
	rival(rig, &message, "home0");
	assert_int_equal(rig_status(rig), STATUS_BA_DAD_FAILED);
}

static void what_is_no_rival(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);
	struct nd_message question = {
		.type = ICMP6_TYPE_NEIGHBOUR_SOLICITATION,
		.src = rig_addr("fe80::77"),
		.dst = rig_addr("ff02::1:ff00:100"),
		.target = rig_addr(RIG_LINK_HOME),
	};

	rig_send(rig, &bu);
	rig_packet(rig);
	rival(rig, &question, "home0");                    /* only asks for the address */
	rival_advertises(rig, RIG_LINK_HOME, "core0");     /* another link */
	rival_advertises(rig, "2001:db8:1::101", "home0"); /* another address */
	rig_punt(rig, PACKET_NEIGHBOUR, "home0", (const uint8_t *)"\x60", 1);
	rig_wait_ms(rig, 1002);
	assert_int_equal(rig->commit_count, 1);
	assert_int_equal(rig_counter(rig, "drop_nd_other"), 3);
}

static void own_packets_are_no_rivals(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);

	rig_send(rig, &bu);
	rig_packet(rig);
	assert_int_equal(mac_parse("02:00:00:00:00:01", &rig->from), 0); /* that of the port */
	rival_advertises(rig, RIG_LINK_HOME, "home0");
	rig_wait_ms(rig, 1002);
	assert_int_equal(rig->commit_count, 1);
}

static void retransmissions_are_absorbed(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	rig_send(rig, &bu);
	rig_packet(rig);
	rig_wait_ms(rig, 500);
	rig_send(rig, &bu);
	bu = rig_bu(rig, 1, 2);
	rig_send(rig, &bu);
	rig_wait_ms(rig, 502); /* the wait does not begin anew */
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig->commit_count, 1);
	rig_commit(rig, 0);
	rig_packet(rig);
	rig_ba(rig, &packet, &ip6, &mh);
	assert_int_equal(mh.ba.sequence, 2);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "dad_started"), 1);
}

static void node_that_moves_meanwhile(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);
	struct rig_commit c;

	rig_send(rig, &bu);
	rig_packet(rig);
	bu = rig_bu(rig, 1, 2);
	bu.src = OTHER_CARE_OF;
	rig_send(rig, &bu);
	rig_wait_ms(rig, 1002);
	c = rig_commit(rig, 0);
	assert_string_equal(ADDR_TEXT(&c.to.care_of), OTHER_CARE_OF);
}

static void deregistration_meanwhile(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);

	rig_send(rig, &bu);
	rig_packet(rig);
	bu = rig_bu(rig, 1, 2);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_NOT_HOME_AGENT);
	assert_null(rig_binding(rig, RIG_LINK_HOME));
	rig_wait_ms(rig, 2000);
	assert_int_equal(rig->commit_count, 0);
}

static void clear_meanwhile(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);
	struct in6_addr home = rig_addr(RIG_LINK_HOME);

	rig_send(rig, &bu);
	rig_packet(rig);
	assert_int_equal(signalling_clear(rig->s, &home, 0, NULL, NULL), 1);
	assert_null(rig_binding(rig, RIG_LINK_HOME));
	rig_wait_ms(rig, 2000);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig->packet_count, 0);
}

static void no_home_link(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);

	rig->link_down = true;
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
	assert_int_equal(rig_counter(rig, "dad_unsent"), 1);
	assert_null(rig_binding(rig, RIG_LINK_HOME));
	rig->link_down = false;
	rig_bound(rig, 1, 2);
}

static void probe_that_cannot_be_sent(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig->config.dad_transmits = 2;
	rig_restart(rig);
	bu = rig_bu(rig, 1, 1);
	rig_send(rig, &bu);
	rig_packet(rig);
	rig->inject_refusal = -ENOBUFS;
	rig_wait_ms(rig, 999);
	assert_non_null(rig_binding(rig, RIG_LINK_HOME));
	rig_wait_ms(rig, 3);
	assert_int_equal(rig->commit_count, 0);
	assert_null(rig_binding(rig, RIG_LINK_HOME));
	assert_int_equal(rig_counter(rig, "dad_lost"), 1);
	assert_int_equal(rig_counter(rig, "dad_passed"), 0);
	assert_int_equal(rig_counter(rig, "ba_refused_130"), 1);
}

/* Its data plane died and may be back: an advertisement of another may have been missed. */
static void link_that_was_lost_meanwhile(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);

	rig_send(rig, &bu);
	rig_packet(rig);
	rig->link_losses++;
	rig_wait_ms(rig, 1002);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
	bu = rig_bu(rig, 1, 2);
	rig_send(rig, &bu);
	rig_packet(rig);
	rig->link_down = true;
	rig_wait_ms(rig, 1002);
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
	assert_int_equal(rig_counter(rig, "dad_lost"), 2);
	rig->link_down = false;
	rig_bound(rig, 1, 3);
}

static void passes_once_for_each_attempt(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);

	rig_send(rig, &bu);
	rig_packet(rig);
	rig_wait_ms(rig, 1002);
	rig_commit(rig, -ENOSPC);
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
	bu = rig_bu(rig, 1, 2);
	rig_send(rig, &bu);
	assert_int_equal(rig->commit_count, 0);
	on_link(rig, "33:33:ff:00:01:00");
}

static void rival_of_a_bound_address_is_counted(void **state)
{
	struct rig *rig = *state;

	rig_bound(rig, 1, 1);
	rival_advertises(rig, RIG_LINK_HOME, "home0");
	assert_int_equal(rig_counter(rig, "nd_rival"), 1);
	assert_true(binding_is_live(rig_binding(rig, RIG_LINK_HOME)));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(first_registration_probes_the_link),
		T(only_the_first_registration),
		T(prefix_without_link_needs_none),
		T(no_check_if_so_configured),
		T(advertisement_of_another),
		T(probe_of_another),
		T(what_is_no_rival),
		T(own_packets_are_no_rivals),
		T(retransmissions_are_absorbed),
		T(node_that_moves_meanwhile),
		T(deregistration_meanwhile),
		T(clear_meanwhile),
		T(no_home_link),
		T(probe_that_cannot_be_sent),
		T(link_that_was_lost_meanwhile),
		T(passes_once_for_each_attempt),
		T(rival_of_a_bound_address_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
