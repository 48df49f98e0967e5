/* Plain packets have a way of their own through express. Here each goes twice: as it is, and with
 * an octet of padding behind it, which makes it one of those that all steps look at. What becomes
 * of the two must be the same, whatever has happened to the packet before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"

#define OWN "2001:db8:ffff::a" /* data plane 1: us */
#define FAR "2001:db8:ffff::b" /* data plane 2 */

enum {
	ROUNDS = 5000,
	LENGTH_AT = PACKET_ETHER + 4, /* of the payload, two octets */
	HEADERS = PACKET_ETHER + 2 * PACKET_IP6 + 8,
	PAYLOAD = 100,
	FIRST_PORT = 1000,
	MARKS = 4, /* of congestion (RFC 3168, 5) */
	SMALL_MTU = PACKET_IP6 + PACKET_IP6 + 8 + PAYLOAD - 1,
};

enum kind {
	DOWN,
	DOWN_NET,
	DOWN_NARROW,
	DOWN_RULES,
	DOWN_SHARED,
	UP,
	UP_NET,
	TO_EACH_OTHER,
	RELAYED,
	RELAYED_NET,
	RELAYED_RULES,
	RELAYED_LIMIT,
	DOWN_FAR,
	PASSING,
	TO_US,
	ESP,
	TCP,
	KINDS
};

/* All that can be seen of what has become of a packet. */
struct outcome {
	uint64_t counters[WORKER_COUNTERS_COUNT], drops[DROP_COUNT];
	unsigned sent[LAB_PORTS];
	struct packet last;
};

static void subscribe(struct lab *lab)
{
	lab_set_path(lab, 2, "2001:db8:f::22", 0, 0);
	lab_set_subscriber(lab, 2, "2001:db8:2:2::/64", 0, (const uint64_t[]){2}, 1, 0);
	lab_set_path(lab, 3, "2001:db8:f::33", SMALL_MTU, 0);
	lab_set_subscriber(lab, 3, "2001:db8:1::33/128", 0, (const uint64_t[]){3}, 1, 0);
}

static void set_data_plane(struct lab *lab, uint64_t id, const char *name, const char *addr)
{
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = id};

	o.data_plane = (struct object_data_plane){.id = id, .addr = packet_addr(addr)};
	strcpy(o.data_plane.name, name);
	lab_apply(lab, &o, 0);
}

/* A subscriber that data plane 2 serves. */
static void subscribe_far(struct lab *lab)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 6};

	set_data_plane(lab, 1, LAB_NAME, OWN);
	set_data_plane(lab, 2, "far", FAR);
	o.path = (struct object_path){.id = 6,
		.kind = PATH_IP6_IN_IP6,
		.local = packet_addr(FAR),
		.remote = packet_addr("2001:db8:e::66"),
		.data_plane = 2};
	lab_apply(lab, &o, 0);
	lab_set_subscriber(lab, 6, "2001:db8:1::66/128", 0, (const uint64_t[]){6}, 1, 0);
}

/* A subscriber with two paths. */
static void subscribe_twice(struct lab *lab, uint64_t id, const char *home, enum steering steering)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = id};

	o.subscriber = (struct object_subscriber){.id = id,
		.prefix_count = 1,
		.path_count = 2,
		.steering = (uint8_t)steering,
		.prefixes = {{packet_addr(home), 128}},
		.paths = {4, 5},
		.weights = {1, 1}};
	lab_apply(lab, &o, 0);
}

/* UDP from a port goes by these paths, or is dropped. */
static void set_rule(struct lab *lab, uint64_t id, uint16_t port, unsigned paths)
{
	struct object o = {.kind = OBJECT_RULE, .op = OBJECT_SET, .id = id};

	o.rule = (struct object_rule){.id = id,
		.subscriber = 4,
		.priority = (uint16_t)id,
		.action = paths ? RULE_TO_PATHS : RULE_DROP,
		.path_count = (uint8_t)paths,
		.paths = {5, 4}};
	o.rule.selector = (struct rule_selector){.version = 6,
		.fields = 1 << RULE_SOURCE_PORT | 1 << RULE_PROTOCOL,
		.numbers[RULE_SOURCE_PORT] = {port, port},
		.numbers[RULE_PROTOCOL] = {IPPROTO_UDP, IPPROTO_UDP}};
	lab_apply(lab, &o, 0);
}

static void subscribe_steered(struct lab *lab)
{
	lab_set_path(lab, 4, "2001:db8:f::44", 0, 0);
	lab_set_path(lab, 5, "2001:db8:f::55", SMALL_MTU, 0);
	subscribe_twice(lab, 4, "2001:db8:1::44", STEERING_FIRST);
	subscribe_twice(lab, 5, "2001:db8:1::55", STEERING_FLOW);
	for (uint16_t paths = 0; paths <= 2; paths++)
		set_rule(lab, paths + 1u, (uint16_t)(FIRST_PORT + paths), paths);
}

/* By the other data plane; perhaps with a Tunnel Encapsulation Limit (RFC 2473, 4.1.1). */
static void make_relayed(struct packet *p, enum kind kind)
{
	static const uint8_t limit[] = {IPPROTO_NONE, 0, 4, 1, 5, 1, 1, 0};
	const char *to = LAB_HOME_OF;

	if (kind == RELAYED_NET)
		to = "2001:db8:2:2::7";
	else if (kind == RELAYED_RULES)
		to = "2001:db8:1::44";
	packet_udp(p, LAB_PEER, to, PAYLOAD);
	if (kind == RELAYED_LIMIT) {
		p->data[6] = IPPROTO_DSTOPTS;
		memcpy(p->data + PACKET_IP6, limit, sizeof(limit));
	}
	packet_set_class(p, (uint8_t)(random() % MARKS));
	packet_wrap(p, FAR, OWN);
}

static void make(struct packet *p, enum kind kind, enum lab_port *port)
{
	const uint16_t from = (uint16_t)(FIRST_PORT + random() % 4);

	struct mac dst, src;

	*port = kind == UP || kind == UP_NET || kind == TO_EACH_OTHER ? LAB_VISITED : LAB_CORE;
	switch (kind) {
	case DOWN_NET:
		packet_udp(p, LAB_PEER, "2001:db8:2:2::5", PAYLOAD);
		break;
	case DOWN_NARROW:
		packet_udp(p, LAB_PEER, "2001:db8:1::33", PAYLOAD);
		break;
	case DOWN_RULES:
	case DOWN_SHARED:
		packet_udp(p, LAB_PEER, kind == DOWN_RULES ? "2001:db8:1::44" : "2001:db8:1::55",
			PAYLOAD - random() % 2);
		p->data[PACKET_IP6] = from >> 8;
		p->data[PACKET_IP6 + 1] = (uint8_t)from;
		break;
	case UP:
		packet_udp(p, LAB_HOME_OF, LAB_PEER, PAYLOAD);
		packet_set_class(p, (uint8_t)(random() % MARKS));
		packet_wrap(p, LAB_CARE_OF, LAB_LOCAL);
		break;
	case UP_NET:
		packet_udp(p, "2001:db8:2:2::7", LAB_PEER, PAYLOAD);
		packet_wrap(p, "2001:db8:f::22", LAB_LOCAL);
		break;
	case TO_EACH_OTHER:
		packet_udp(p, LAB_HOME_OF, "2001:db8:2:2::7", PAYLOAD);
		packet_wrap(p, LAB_CARE_OF, LAB_LOCAL);
		break;
	case RELAYED:
	case RELAYED_NET:
	case RELAYED_RULES:
	case RELAYED_LIMIT:
		make_relayed(p, kind);
		break;
	case DOWN_FAR:
		packet_udp(p, LAB_PEER, "2001:db8:1::66", PAYLOAD);
		break;
	case PASSING:
		packet_udp(p, LAB_PEER, "2001:db8:f::77", PAYLOAD);
		break;
	case TO_US:
		packet_udp(p, LAB_PEER, LAB_LOCAL, PAYLOAD);
		break;
	default:
		packet_udp(p, LAB_PEER, LAB_HOME_OF, PAYLOAD);
		break;
	}
	if (kind == ESP || kind == TCP)
		p->data[6] = kind == ESP ? IPPROTO_ESP : IPPROTO_TCP;
	packet_set_class(p, (uint8_t)(random() % MARKS)); /* outside, if it is in a tunnel */
	dst = lab_mac(*port);
	src = lab_peer_mac(*port);
	packet_ether(p, &dst, &src);
}

static uint8_t likely_octet(void)
{
	static const uint8_t octets[] = {0, 1, 2, 3, 0x10, 0x20, 0x30, 58, 60, 0x80, 0xfe, 0xff};

	return octets[random() % (long)sizeof(octets)];
}

/* Something has happened to it, but not to its length, which padding adds to. */
static void spoil_once(struct packet *p)
{
	static const uint8_t fields[] = {1, 6, 7, 8, 24};
	const unsigned header = PACKET_ETHER + (random() % 2 ? PACKET_IP6 : 0);
	const unsigned field = header + fields[random() % (long)sizeof(fields)];
	const unsigned any = (unsigned)random() % HEADERS;

	switch (random() % 4) {
	case 0:
		p->data[field] = likely_octet();
		break;
	case 1:
		memset(p->data + header + (random() % 2 ? 8 : 24), 0, random() % 2 ? 8 : 16);
		break;
	default:
		if (any != LENGTH_AT && any != LENGTH_AT + 1)
			p->data[any] = random() % 2 ? likely_octet() : (uint8_t)random();
		break;
	}
}

static void spoil(struct packet *p)
{
	for (long n = random() % 3; n > 0; n--)
		spoil_once(p);
}

static void send_one(
	struct lab *lab, enum lab_port port, const struct packet *p, struct outcome *out)
{
	const struct worker *w = lab->worker;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < WORKER_COUNTERS_COUNT; i++)
		out->counters[i] = 0 - lab_counter(lab, (enum worker_counter)i);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		out->drops[i] = 0 - w->drops[i];
	lab_receive(lab, port, p);
	lab_walk(lab);
	for (int i = 0; i < LAB_PORTS; i++)
		for (; lab_pending(lab, (enum lab_port)i); out->sent[i]++)
			lab_sent(lab, (enum lab_port)i, &out->last);
	lab_drain(lab);
	for (unsigned i = 0; i < WORKER_COUNTERS_COUNT; i++)
		out->counters[i] += lab_counter(lab, (enum worker_counter)i);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		out->drops[i] += w->drops[i];
	out->counters[WORKER_walks] = out->counters[WORKER_idle_walks] = 0;
}

static void expect_same(const struct outcome *a, const struct outcome *b)
{
	assert_memory_equal(a->counters, b->counters, sizeof(a->counters));
	assert_memory_equal(a->drops, b->drops, sizeof(a->drops));
	assert_memory_equal(a->sent, b->sent, sizeof(a->sent));
	packet_assert_equal(&a->last, &b->last);
}

static void test_same_as_all_others(void **state)
{
	struct lab *lab = *state;
	static struct outcome plain, padded;
	uint64_t left = 0, relayed = 0;

	subscribe(lab);
	subscribe_steered(lab);
	subscribe_far(lab);
	srandom(1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct packet p;
		enum lab_port port;

		make(&p, (enum kind)(round % KINDS), &port);
		spoil(&p);
		send_one(lab, port, &p, &plain);
		p.data[p.len++] = 0;
		send_one(lab, port, &p, &padded);
		expect_same(&plain, &padded);
		left += plain.sent[LAB_CORE] + plain.sent[LAB_VISITED];
		relayed += plain.counters[WORKER_relayed_in];
	}
	assert_true(left > ROUNDS / 3);
	assert_true(relayed > ROUNDS / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_as_all_others, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
