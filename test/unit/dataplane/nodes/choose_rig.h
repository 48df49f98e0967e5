/* A node with three paths, rules and packets for it, and which path they take. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../lab/lab.h"

#define WLAN    "2001:db8:f::10"
#define LTE     "2001:db8:f::20"
#define CABLE   "2001:db8:f::30"
#define OWN     "2001:db8:ffff::a"
#define FAR     "2001:db8:ffff::b"
#define FAR_COA "2001:db8:e::40"

enum { NODE = 1, SERVER_PORT = 1000, NODE_PORT = 2000, US = 1, THEM = 2 };

static const char *const remotes[] = {WLAN, LTE, CABLE};

static inline void set_paths(
	struct lab *lab, unsigned count, enum steering steering, const uint8_t weights[])
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = NODE};

	o.subscriber = (struct object_subscriber){.id = NODE,
		.link_id = 7,
		.prefix_count = 1,
		.path_count = (uint8_t)count,
		.steering = (uint8_t)steering,
		.prefixes = {{packet_addr(LAB_HOME_OF), 128}}};
	for (unsigned i = 0; i < count; i++) {
		o.subscriber.paths[i] = i + 1;
		o.subscriber.weights[i] = weights ? weights[i] : 0;
	}
	lab_apply(lab, &o, 0);
}

static inline int setup(void **state)
{
	int err = lab_setup(state);

	if (err)
		return err;
	for (unsigned i = 0; i < 3; i++)
		lab_set_path(*state, i + 1, remotes[i], 0, 0);
	set_paths(*state, 3, STEERING_FIRST, NULL);
	return 0;
}

static inline struct object_rule rule_for(uint64_t id, uint64_t path)
{
	return (struct object_rule){.id = id,
		.subscriber = NODE,
		.priority = (uint16_t)id,
		.action = path ? RULE_TO_PATHS : RULE_DROP,
		.path_count = path ? 1 : 0,
		.paths = {path}};
}

static inline void set_rule(struct lab *lab, const struct object_rule *rule)
{
	const struct object o = {
		.kind = OBJECT_RULE, .op = OBJECT_SET, .id = rule->id, .rule = *rule};

	lab_apply(lab, &o, 0);
}

/* UDP from a port of the server goes by this path. */
static inline void port_rule(struct lab *lab, uint64_t id, uint16_t port, uint64_t path)
{
	struct object_rule rule = rule_for(id, path);

	rule.selector = (struct rule_selector){.version = 6,
		.fields = 1 << RULE_SOURCE_PORT | 1 << RULE_PROTOCOL,
		.numbers[RULE_SOURCE_PORT] = {port, port},
		.numbers[RULE_PROTOCOL] = {IPPROTO_UDP, IPPROTO_UDP}};
	set_rule(lab, &rule);
}

static inline void set_ports(struct packet *p, uint16_t from, uint16_t to)
{
	p->data[40] = (uint8_t)(from >> 8);
	p->data[41] = (uint8_t)from;
	p->data[42] = (uint8_t)(to >> 8);
	p->data[43] = (uint8_t)to;
}

static inline void make(struct packet *p, uint16_t port)
{
	packet_udp(p, LAB_PEER, LAB_HOME_OF, 100);
	set_ports(p, port, NODE_PORT);
}

static inline void arrive(struct lab *lab, const struct packet *p)
{
	struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);
	struct packet f = *p;

	packet_ether(&f, &dst, &src);
	lab_receive(lab, LAB_CORE, &f);
	lab_walk(lab);
}

/* The path (1, 2, ...) of the next tunnel packet. */
static inline unsigned taken(struct lab *lab)
{
	struct packet out;
	struct in6_addr dst;

	lab_sent(lab, LAB_VISITED, &out);
	packet_unether(&out);
	dst = packet_dst(&out);
	for (unsigned i = 0; i < 3; i++) {
		struct in6_addr remote = packet_addr(remotes[i]);

		if (addr_equal(&dst, &remote))
			return i + 1;
	}
	fail_msg("sent to nobody");
	return 0;
}

static inline unsigned path_of(struct lab *lab, const struct packet *p)
{
	unsigned path;

	arrive(lab, p);
	path = taken(lab);
	lab_nothing(lab);
	return path;
}
