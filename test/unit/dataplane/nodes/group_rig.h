/* Groups, members and multicast packets in the laboratory of the nodes. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"

#define GROUP   "ff3e::99"
#define OTHER   "ff3e::98"
#define REMOTE2 "2001:db8:f::22"
#define REMOTE4 "2001:db8:f::44"

enum { ANY = 1, SOURCE = 2, MANY = 300, FIRST = 1000 };

static inline void set_group(struct lab *lab, uint64_t id, const char *source, const char *group,
	const char *port, int rc)
{
	struct object o = {.kind = OBJECT_GROUP, .op = OBJECT_SET, .id = id};

	o.group = (struct object_group){
		.id = id, .source = packet_addr(source), .group = packet_addr(group)};
	strcpy(o.group.port, port);
	lab_apply(lab, &o, rc);
}

static inline void set_member(struct lab *lab, uint64_t id, uint64_t group, enum member_kind kind,
	uint64_t target, const char *port, int rc)
{
	struct object o = {.kind = OBJECT_MEMBER, .op = OBJECT_SET, .id = id};

	o.member = (struct object_member){.id = id, .group = group, .kind = kind, .target = target};
	strcpy(o.member.port, port);
	lab_apply(lab, &o, rc);
}

static inline void make(struct packet *p, const char *group, uint16_t size)
{
	packet_udp(p, LAB_PEER, group, size);
}

static inline void multicast_frame(struct packet *p, enum lab_port port)
{
	struct mac dst = {{0x33, 0x33, 0, 0, 0, 0x99}}, src = lab_peer_mac(port);

	packet_ether(p, &dst, &src);
}

static inline void arrive(struct lab *lab, const struct packet *p, enum lab_port port)
{
	struct packet f = *p;

	multicast_frame(&f, port);
	lab_receive(lab, port, &f);
	lab_walk(lab);
}

static inline void drop(struct lab *lab, const struct packet *p, enum drop_reason reason)
{
	struct packet f = *p;

	multicast_frame(&f, LAB_CORE);
	lab_expect_drop(lab, LAB_CORE, &f, reason);
}

/* A tunnel packet with the packet, one hop older, has left for a care-of address. */
static inline void expect_tunnel(struct lab *lab, const struct packet *p, const char *care_of)
{
	struct packet out, inner = *p;
	struct mac dst = lab_peer_mac(LAB_VISITED), src = lab_mac(LAB_VISITED);

	packet_set_hop_limit(&inner, 63);
	lab_sent(lab, LAB_VISITED, &out);
	packet_assert_ether(&out, &dst, &src);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, care_of);
	assert_int_equal(out.data[6], 41);
	assert_int_equal(out.data[7], 64);
	assert_int_equal(packet_payload(&out), p->len);
	assert_int_not_equal(packet_label(&out), 0);
	packet_cut(&out, PACKET_IP6);
	packet_assert_equal(&out, &inner);
}

/* What was counted of a member. */
static inline void expect_copies(struct lab *lab, uint64_t id, uint64_t packets, uint64_t octets)
{
	const struct group_table *t = &lab->tables->groups;
	const struct member_counters sum =
		group_counts_member_sum(&t->counts, group_table_member_by_id(t, id));

	assert_int_equal(sum.packets, packets);
	assert_int_equal(sum.octets, octets);
}

static inline void set_way(struct lab *lab, uint64_t id, uint64_t path, uint32_t rate)
{
	struct object o = {.kind = OBJECT_GROUP, .op = OBJECT_SET, .id = id};

	o.group = (struct object_group){
		.id = id, .group = packet_addr(GROUP), .path = path, .rate = rate};
	lab_apply(lab, &o, 0);
}

static inline void arrive_by_tunnel(struct lab *lab, const struct packet *p, const char *from)
{
	const struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	struct packet f = *p;

	packet_wrap(&f, from, LAB_LOCAL);
	packet_ether(&f, &dst, &src);
	lab_receive(lab, LAB_VISITED, &f);
	lab_walk(lab);
}
