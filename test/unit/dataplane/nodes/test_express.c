/* Bursts: packets of all kinds side by side, more than a stage takes at a time. What happens to a
 * single packet of each kind is the business of the other tests, through the same node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"

enum {
	HOSTS = 20, /* subscribers with an address of their own */
	NETS = 20,  /* subscribers with a prefix */
	FIRST_NET = 1000,
	PACKETS = 150,
};

enum kind { TO_HOST, TO_NET, FROM_HOST, FROM_NET, PASSING, FOREIGN, USED_UP, KINDS };

struct text {
	char s[48];
};

static struct text text(const char *format, unsigned i)
{
	struct text t;

	snprintf(t.s, sizeof(t.s), format, i);
	return t;
}

static void subscribe(struct lab *lab)
{
	for (uint64_t i = 2; i < 2 + HOSTS; i++) {
		lab_set_path(lab, i, text("2001:db8:f::1:%x", (unsigned)i).s, 0, 0);
		lab_set_subscriber(
			lab, i, text("2001:db8:1::%x/128", 0x100 + (unsigned)i).s, 0, &i, 1, 0);
	}
	for (uint64_t i = FIRST_NET; i < FIRST_NET + NETS; i++) {
		lab_set_path(lab, i, text("2001:db8:f::2:%x", (unsigned)i).s, 0, 0);
		lab_set_subscriber(lab, i, text("2001:db8:2:%x::/64", (unsigned)i).s, 0, &i, 1, 0);
	}
}

/* Packet number at; its payload has as many octets, so that it is known again. */
static void receive(struct lab *lab, enum kind kind, unsigned at)
{
	const unsigned host = 2 + at * 7 % HOSTS, net = FIRST_NET + at * 7 % NETS;
	const struct text home = text("2001:db8:1::%x", 0x100 + host);
	const struct text inside = text("2001:db8:2:%x::5", net);
	const bool up = kind == FROM_HOST || kind == FROM_NET;
	const enum lab_port port = up ? LAB_VISITED : LAB_CORE;
	struct mac dst = lab_mac(kind == FOREIGN ? LAB_HOME : port), src = lab_peer_mac(port);
	struct packet p;

	switch (kind) {
	case FROM_HOST:
		packet_udp(&p, home.s, LAB_PEER, (uint16_t)at);
		packet_wrap(&p, text("2001:db8:f::1:%x", host).s, LAB_LOCAL);
		break;
	case FROM_NET:
		packet_udp(&p, inside.s, LAB_PEER, (uint16_t)at);
		packet_wrap(&p, text("2001:db8:f::2:%x", net).s, LAB_LOCAL);
		break;
	case PASSING:
		packet_udp(&p, LAB_PEER, "2001:db8:f::77", (uint16_t)at);
		break;
	default:
		packet_udp(&p, LAB_PEER, kind == TO_NET ? inside.s : home.s, (uint16_t)at);
		break;
	}
	if (kind == USED_UP)
		packet_set_hop_limit(&p, 1);
	packet_ether(&p, &dst, &src);
	lab_receive(lab, port, &p);
}

/* The packet is in the tunnel of the subscriber that it is for. */
static void expect_own_tunnel(const struct packet *p)
{
	struct packet inner = *p;
	struct in6_addr remote = packet_dst(p), dst, expected;
	unsigned net, host;

	assert_int_equal(p->data[7], 64);
	packet_cut(&inner, PACKET_IP6);
	assert_int_equal(inner.data[7], 63);
	dst = packet_dst(&inner);
	net = (unsigned)dst.s6_addr[6] << 8 | dst.s6_addr[7];
	host = (unsigned)dst.s6_addr[14] << 8 | dst.s6_addr[15];
	expected = net ? packet_addr(text("2001:db8:f::2:%x", net).s)
		       : packet_addr(text("2001:db8:f::1:%x", host - 0x100).s);
	assert_true(addr_equal(&remote, &expected));
}

/* Takes what left towards the nodes: each in the tunnel of its subscriber, in the order of arrival.
 */
static void expect_tunnelled(struct lab *lab, unsigned count, unsigned passing)
{
	unsigned last = 0;

	while (count + passing) {
		struct packet p;

		lab_sent(lab, LAB_VISITED, &p);
		packet_unether(&p);
		if (p.data[6] == IPPROTO_IPV6) {
			expect_own_tunnel(&p);
			assert_true(p.len > last);
			last = p.len;
			assert_true(count-- > 0);
		} else {
			assert_int_equal(p.data[7], 63);
			assert_true(passing-- > 0);
		}
	}
}

static void test_mixed_burst(void **state)
{
	struct lab *lab = *state;
	unsigned counts[KINDS] = {0};

	subscribe(lab);
	for (unsigned at = 0; at < PACKETS; at++) {
		enum kind kind = (enum kind)(at * 13 / 3 % KINDS);

		receive(lab, kind, at);
		counts[kind]++;
	}
	for (int i = 0; i < KINDS; i++)
		assert_true(counts[i] > 0);
	lab_walk(lab);
	expect_tunnelled(lab, counts[TO_HOST] + counts[TO_NET], counts[PASSING]);
	/* The core gets what nodes sent, and the errors for its own. */
	for (unsigned n = 0; n < counts[FROM_HOST] + counts[FROM_NET] + counts[USED_UP]; n++) {
		struct packet p;

		lab_sent(lab, LAB_CORE, &p);
		packet_unether(&p);
		assert_int_equal(p.data[7], p.data[6] == IPPROTO_UDP ? 63 : 64);
	}
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), counts[TO_HOST] + counts[TO_NET]);
	assert_int_equal(
		lab_counter(lab, WORKER_decapsulated), counts[FROM_HOST] + counts[FROM_NET]);
	assert_int_equal(lab_counter(lab, WORKER_forwarded),
		counts[FROM_HOST] + counts[FROM_NET] + counts[PASSING]);
	assert_int_equal(lab_counter(lab, WORKER_icmp6_errors), counts[USED_UP]);
	assert_int_equal(lab_drops(lab, DROP_foreign_mac), counts[FOREIGN]);
}

/* Every number of packets, so that each stage ends once at each place of its stride. */
static void test_burst_sizes(void **state)
{
	struct lab *lab = *state;
	uint64_t total = 0;

	subscribe(lab);
	for (unsigned size = 1; size <= 100; size++) {
		for (unsigned at = 0; at < size; at++)
			receive(lab, TO_HOST, at);
		lab_walk(lab);
		expect_tunnelled(lab, size, 0);
		lab_nothing(lab);
		total += size;
		assert_int_equal(lab_counter(lab, WORKER_encapsulated), total);
	}
}

/* Prefixes of one length below 128, and no host, still come first. */
static void test_prefixes_alone(void **state)
{
	struct lab *lab = *state;

	subscribe(lab);
	for (uint64_t i = 1; i < 2 + HOSTS; i++)
		lab_delete(lab, OBJECT_SUBSCRIBER, i);
	for (unsigned at = 0; at < PACKETS; at++)
		receive(lab, at % 2 ? TO_NET : PASSING, at);
	lab_walk(lab);
	expect_tunnelled(lab, PACKETS / 2, PACKETS / 2);
	lab_nothing(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mixed_burst, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_burst_sizes, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_prefixes_alone, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
