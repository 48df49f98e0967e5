/* rtnetlink messages as the kernel sends them, and cut or contradictory ones. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/mirror/kmsg.h"

/* A message being built; netlink is in host byte order. */
struct message {
	uint8_t buf[512] __attribute__((aligned(8)));
	size_t len;
};

static void start(struct message *m, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	struct nlmsghdr head = {.nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = 9};

	memset(m, 0, sizeof(*m));
	memcpy(m->buf, &head, sizeof(head));
	memcpy(m->buf + sizeof(head), body, len);
	m->len = NLMSG_ALIGN(sizeof(head) + len);
}

static void end(struct message *m)
{
	uint32_t len = (uint32_t)m->len;

	memcpy(m->buf, &len, sizeof(len));
}

static size_t attribute(struct message *m, uint16_t type, const void *value, size_t len)
{
	struct rtattr head = {.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type};
	size_t at = m->len;

	memcpy(m->buf + at, &head, sizeof(head));
	memcpy(m->buf + at + sizeof(head), value, len);
	m->len += RTA_SPACE(len);
	end(m);
	return at;
}

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static void attribute_addr(struct message *m, uint16_t type, const char *text)
{
	struct in6_addr a = addr(text);

	attribute(m, type, &a, sizeof(a));
}

static void attribute_u32(struct message *m, uint16_t type, uint32_t value)
{
	attribute(m, type, &value, sizeof(value));
}

static struct kmsg decode(const struct message *m)
{
	struct cursor c;
	struct kmsg msg;

	cursor_init(&c, m->buf, m->len);
	assert_int_equal(kmsg_decode(&c, &msg), 0);
	assert_int_equal(cursor_left(&c), 0);
	return msg;
}

/* Every shorter message is refused or at least harmless: the sanitizers watch. */
static void cut_everywhere(const struct message *m)
{
	for (size_t len = 0; len < m->len; len++) {
		struct message shorter = *m;
		struct cursor c;
		struct kmsg msg;

		cursor_init(&c, shorter.buf, len);
		assert_int_equal(kmsg_decode(&c, &msg), -EBADMSG);
		shorter.len = len;
		end(&shorter);
		cursor_init(&c, shorter.buf, len);
		kmsg_decode(&c, &msg);
	}
}

static void start_route(struct message *m, uint16_t type, uint16_t flags, uint8_t len, uint8_t kind)
{
	const struct rtmsg body = {.rtm_family = AF_INET6,
		.rtm_dst_len = len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_type = kind};

	start(m, type, flags, &body, sizeof(body));
	end(m);
}

static void test_route_by_gateway(void **state)
{
	struct message m;

	(void)state;
	start_route(&m, RTM_NEWROUTE, 0, 48, RTN_UNICAST);
	attribute_addr(&m, RTA_DST, "2001:db8:7::");
	attribute_addr(&m, RTA_GATEWAY, "fe80::1");
	attribute_u32(&m, RTA_OIF, 3);
	attribute_u32(&m, RTA_PRIORITY, 1024);
	attribute_u32(&m, RTA_TABLE, RT_TABLE_MAIN);
	struct kmsg msg = decode(&m);
	assert_int_equal(msg.kind, KMSG_ROUTE);
	assert_false(msg.removed);
	assert_int_equal(msg.sequence, 9);
	assert_int_equal(msg.route.type, KMSG_ROUTE_UNICAST);
	assert_int_equal(msg.route.prefix.len, 48);
	struct in6_addr dst = addr("2001:db8:7::"), via = addr("fe80::1");
	assert_memory_equal(&msg.route.prefix.addr, &dst, 16);
	assert_memory_equal(&msg.route.via, &via, 16);
	assert_true(msg.route.gateway);
	assert_int_equal(msg.route.ifindex, 3);
	assert_int_equal(msg.route.metric, 1024);
	assert_false(msg.route.partial);
	cut_everywhere(&m);
}

static void test_default_route_on_link(void **state)
{
	struct message m;

	(void)state;
	start_route(&m, RTM_DELROUTE, 0, 0, RTN_UNICAST);
	attribute_u32(&m, RTA_OIF, 4);
	struct kmsg msg = decode(&m);
	assert_true(msg.removed);
	assert_int_equal(msg.route.type, KMSG_ROUTE_UNICAST);
	assert_int_equal(msg.route.prefix.len, 0);
	assert_false(msg.route.gateway);
}

static void test_routes_that_refuse(void **state)
{
	static const struct {
		uint8_t kind;
		enum kmsg_route_type type;
	} cases[] = {
		{RTN_UNREACHABLE, KMSG_ROUTE_UNREACHABLE}, {RTN_PROHIBIT, KMSG_ROUTE_UNREACHABLE},
		{RTN_THROW, KMSG_ROUTE_UNREACHABLE}, {RTN_BLACKHOLE, KMSG_ROUTE_BLACKHOLE},
		{RTN_MULTICAST, KMSG_ROUTE_IGNORED}, {RTN_LOCAL, KMSG_ROUTE_IGNORED},
		{RTN_UNICAST, KMSG_ROUTE_IGNORED}, /* to nowhere */
	};
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start_route(&m, RTM_NEWROUTE, 0, 64, cases[i].kind);
		attribute_addr(&m, RTA_DST, "2001:db8::");
		assert_int_equal(decode(&m).route.type, cases[i].type);
	}
}

static void test_routes_that_are_not_ours(void **state)
{
	struct rtmsg body = {
		.rtm_family = AF_INET6, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST};
	struct message m;

	(void)state;
	/* A table number above 255 stands in an attribute. */
	start_route(&m, RTM_NEWROUTE, 0, 0, RTN_UNICAST);
	attribute_u32(&m, RTA_OIF, 3);
	attribute_u32(&m, RTA_TABLE, 1000);
	assert_int_equal(decode(&m).route.type, KMSG_ROUTE_UNICAST);
	assert_true(decode(&m).route.elsewhere);

	body.rtm_table = RT_TABLE_LOCAL;
	start(&m, RTM_NEWROUTE, 0, &body, sizeof(body));
	attribute_u32(&m, RTA_OIF, 3);
	assert_int_equal(decode(&m).route.type, KMSG_ROUTE_IGNORED);
	body.rtm_table = RT_TABLE_MAIN;

	body.rtm_flags = RTM_F_CLONED;
	start(&m, RTM_NEWROUTE, 0, &body, sizeof(body));
	attribute_u32(&m, RTA_OIF, 3);
	assert_int_equal(decode(&m).route.type, KMSG_ROUTE_IGNORED);

	/* Of packets from some sources alone. */
	struct in6_addr source = {.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = 9}};

	body.rtm_flags = 0;
	body.rtm_src_len = 64;
	start(&m, RTM_NEWROUTE, 0, &body, sizeof(body));
	attribute_u32(&m, RTA_OIF, 3);
	attribute(&m, RTA_SRC, &source, sizeof(source));
	assert_int_equal(decode(&m).route.type, KMSG_ROUTE_UNICAST);
	struct kmsg got = decode(&m);

	assert_string_equal(PREFIX6_TEXT(&got.route.source), "2001:db8::/64");

	body = (struct rtmsg){.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
	start(&m, RTM_NEWROUTE, 0, &body, sizeof(body));
	attribute_u32(&m, RTA_OIF, 3);
	assert_int_equal(decode(&m).kind, KMSG_OTHER);

	body = (struct rtmsg){.rtm_family = AF_INET6, .rtm_dst_len = 129};
	start(&m, RTM_NEWROUTE, 0, &body, sizeof(body));
	end(&m);
	struct cursor c;
	struct kmsg msg;
	cursor_init(&c, m.buf, m.len);
	assert_int_equal(kmsg_decode(&c, &msg), -EBADMSG);
}

static void test_multipath_takes_the_first_that_lives(void **state)
{
	struct {
		struct rtnexthop hop;
		struct rtattr attribute;
		struct in6_addr via;
	} hops[3] = {
		{.hop = {.rtnh_ifindex = 3, .rtnh_flags = RTNH_F_DEAD}, .via = addr("fe80::1")},
		{.hop = {.rtnh_ifindex = 4}, .via = addr("fe80::2")},
		{.hop = {.rtnh_ifindex = 5}, .via = addr("fe80::3")},
	};
	struct message m;

	(void)state;
	for (int i = 0; i < 3; i++) {
		hops[i].hop.rtnh_len = sizeof(hops[i]);
		hops[i].attribute = (struct rtattr){
			.rta_len = RTA_LENGTH(sizeof(struct in6_addr)), .rta_type = RTA_GATEWAY};
	}
	start_route(&m, RTM_NEWROUTE, NLM_F_MULTI, 0, RTN_UNICAST);
	attribute(&m, RTA_MULTIPATH, hops, sizeof(hops));
	struct kmsg msg = decode(&m);
	struct in6_addr via = addr("fe80::2");
	assert_true(msg.dump);
	assert_true(msg.route.partial);
	assert_int_equal(msg.route.ifindex, 4);
	assert_memory_equal(&msg.route.via, &via, 16);
	cut_everywhere(&m);

	hops[1].hop.rtnh_len = sizeof(hops[1]) + 400;
	start_route(&m, RTM_NEWROUTE, 0, 0, RTN_UNICAST);
	attribute(&m, RTA_MULTIPATH, hops, sizeof(hops));
	struct cursor c;
	cursor_init(&c, m.buf, m.len);
	assert_int_equal(kmsg_decode(&c, &msg), -EBADMSG);
}

static void test_partial_changes(void **state)
{
	struct message m;

	(void)state;
	for (int i = 0; i < 2; i++) {
		start_route(&m, RTM_NEWROUTE, i ? NLM_F_APPEND : NLM_F_REPLACE, 0, RTN_UNICAST);
		attribute_u32(&m, RTA_OIF, 3);
		assert_true(decode(&m).route.partial);
	}
}

static struct kmsg neighbour(uint16_t type, uint16_t nud, uint8_t flags, bool with_mac)
{
	const struct ndmsg body = {
		.ndm_family = AF_INET6, .ndm_ifindex = 3, .ndm_state = nud, .ndm_flags = flags};
	struct message m;

	start(&m, type, 0, &body, sizeof(body));
	attribute_addr(&m, NDA_DST, "2001:db8::5");
	if (with_mac)
		attribute(&m, NDA_LLADDR, "\2\0\0\0\0\5", 6);
	cut_everywhere(&m);
	return decode(&m);
}

static void test_neighbours(void **state)
{
	(void)state;
	struct kmsg msg = neighbour(RTM_NEWNEIGH, NUD_REACHABLE, 0, true);
	struct in6_addr a = addr("2001:db8::5");
	assert_int_equal(msg.kind, KMSG_NEIGHBOUR);
	assert_int_equal(msg.neighbour.ifindex, 3);
	assert_memory_equal(&msg.neighbour.addr, &a, 16);
	assert_memory_equal(msg.neighbour.mac.b, "\2\0\0\0\0\5", 6);
	assert_true(msg.neighbour.usable);
	assert_false(msg.neighbour.stale);

	static const uint16_t usable[] = {NUD_STALE, NUD_DELAY, NUD_PROBE, NUD_PERMANENT};
	for (size_t i = 0; i < 4; i++)
		assert_true(neighbour(RTM_NEWNEIGH, usable[i], 0, true).neighbour.usable);
	assert_true(neighbour(RTM_NEWNEIGH, NUD_STALE, 0, true).neighbour.stale);
	assert_false(neighbour(RTM_NEWNEIGH, NUD_INCOMPLETE, 0, false).neighbour.usable);
	assert_false(neighbour(RTM_NEWNEIGH, NUD_REACHABLE, 0, false).neighbour.usable);
	msg = neighbour(RTM_NEWNEIGH, NUD_FAILED, 0, true);
	assert_false(msg.neighbour.usable);
	assert_true(msg.neighbour.failed);
	assert_true(neighbour(RTM_DELNEIGH, NUD_STALE, 0, true).removed);
	assert_int_equal(neighbour(RTM_NEWNEIGH, NUD_REACHABLE, NTF_PROXY, true).kind, KMSG_OTHER);
}

static void test_addresses_and_links(void **state)
{
	const struct ifaddrmsg address = {.ifa_family = AF_INET6, .ifa_index = 3};
	struct ifinfomsg link = {.ifi_index = 3, .ifi_flags = IFF_UP};
	struct message m;

	(void)state;
	start(&m, RTM_NEWADDR, 0, &address, sizeof(address));
	attribute_addr(&m, IFA_ADDRESS, "2001:db8::1");
	struct kmsg msg = decode(&m);
	struct in6_addr a = addr("2001:db8::1");
	assert_int_equal(msg.kind, KMSG_ADDRESS);
	assert_memory_equal(&msg.address.addr, &a, 16);
	cut_everywhere(&m);

	/* Point to point: whichever comes first, ours is IFA_LOCAL. */
	attribute_addr(&m, IFA_LOCAL, "2001:db8::2");
	a = addr("2001:db8::2");
	msg = decode(&m);
	assert_memory_equal(&msg.address.addr, &a, 16);
	start(&m, RTM_NEWADDR, 0, &address, sizeof(address));
	attribute_addr(&m, IFA_LOCAL, "2001:db8::2");
	attribute_addr(&m, IFA_ADDRESS, "2001:db8::1");
	msg = decode(&m);
	assert_memory_equal(&msg.address.addr, &a, 16);

	start(&m, RTM_NEWLINK, 0, &link, sizeof(link));
	attribute_u32(&m, IFLA_MTU, 1400);
	msg = decode(&m);
	assert_int_equal(msg.kind, KMSG_LINK);
	assert_true(msg.link.up);
	assert_int_equal(msg.link.mtu, 1400);
	link.ifi_family = AF_BRIDGE;
	start(&m, RTM_NEWLINK, 0, &link, sizeof(link));
	attribute_u32(&m, IFLA_MTU, 1400);
	assert_int_equal(decode(&m).kind, KMSG_OTHER);
}

static void test_several_in_one_datagram(void **state)
{
	struct message first, second;
	uint8_t both[1024];
	struct cursor c;
	struct kmsg msg;

	(void)state;
	start_route(&first, RTM_NEWROUTE, 0, 0, RTN_BLACKHOLE);
	start(&second, NLMSG_DONE, 0, "\0\0\0\0", 4);
	end(&second);
	memcpy(both, first.buf, first.len);
	memcpy(both + first.len, second.buf, second.len);
	cursor_init(&c, both, first.len + second.len);
	assert_int_equal(kmsg_decode(&c, &msg), 0);
	assert_int_equal(msg.kind, KMSG_ROUTE);
	assert_int_equal(kmsg_decode(&c, &msg), 0);
	assert_int_equal(msg.kind, KMSG_DONE);
	assert_int_equal(cursor_left(&c), 0);
}

static void test_errors(void **state)
{
	int32_t error = -ENOENT;
	struct message m;

	(void)state;
	start(&m, NLMSG_ERROR, 0, &error, sizeof(error));
	end(&m);
	struct kmsg msg = decode(&m);
	assert_int_equal(msg.kind, KMSG_ERROR);
	assert_int_equal(msg.error, -ENOENT);
	/* A length that is less than a head must not be believed. */
	uint32_t wrong = 4;
	memcpy(m.buf, &wrong, sizeof(wrong));
	struct cursor c;
	cursor_init(&c, m.buf, m.len);
	assert_int_equal(kmsg_decode(&c, &msg), -EBADMSG);
}

static void test_requests(void **state)
{
	struct in6_addr a = addr("2001:db8::5");
	struct nlmsghdr head;
	uint8_t buf[128];

	(void)state;
	int len = kmsg_dump_encode(buf, sizeof(buf), RTM_GETROUTE, 7);
	memcpy(&head, buf, sizeof(head));
	assert_int_equal(head.nlmsg_len, len);
	assert_int_equal(head.nlmsg_seq, 7);
	assert_int_equal(head.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	assert_int_equal(kmsg_dump_encode(buf, 8, RTM_GETROUTE, 7), -ENOSPC);
	/* What is asked reads back as a message about that neighbour. */
	len = kmsg_use_encode(buf, sizeof(buf), 3, &a);
	struct cursor c;
	struct kmsg msg;
	cursor_init(&c, buf, (size_t)len);
	assert_int_equal(kmsg_decode(&c, &msg), 0);
	assert_int_equal(msg.kind, KMSG_NEIGHBOUR);
	assert_int_equal(msg.neighbour.ifindex, 3);
	assert_memory_equal(&msg.neighbour.addr, &a, 16);
	assert_int_equal(kmsg_use_encode(buf, 8, 3, &a), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_by_gateway),
		cmocka_unit_test(test_default_route_on_link),
		cmocka_unit_test(test_routes_that_refuse),
		cmocka_unit_test(test_routes_that_are_not_ours),
		cmocka_unit_test(test_multipath_takes_the_first_that_lives),
		cmocka_unit_test(test_partial_changes),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_addresses_and_links),
		cmocka_unit_test(test_several_in_one_datagram),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
