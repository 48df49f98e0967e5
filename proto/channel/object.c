#include "proto/channel/object.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "proto/channel/digest.h"
#include "proto/channel/record.h"

/*
 * Body of a set, after the id (64 bits):
 *
 *   local        address (16 octets)
 *   link         watch_dad (8), access (8), local_routing (8), name (8 length, text)
 *   path         kind (8), local (16 octets), remote (16 octets), data plane (64), mtu (16),
 *                GRE: keyed (8), key out (32), key in (32);
 *                held: packets (16), ms (16);
 *                on link: kind (8), MAC (6 octets), mtu (16), port (8 length, text)
 *   subscriber   domain (32), link id (64), prefix count (8), path count (8),
 *                prefixes (16 octets address, 8 length), path ids (64), steering (8),
 *                weights (8 for each path), order: numbered (8), packets (16), ms (16)
 *   data plane   address (16 octets), name (8 length, text)
 *   rule         rule.h
 *   group, member  group.h
 */

enum {
	RECORD_HEAD_LEN = 4,
	ID_LEN = 8,
};

static const char *const path_kind_names[] = {
	[PATH_IP6_IN_IP6] = "ip6-in-ip6",
	[PATH_ON_LINK] = "on-link",
	[PATH_GRE] = "gre",
	[PATH_HELD] = "held",
};

const char *path_kind_name(enum path_kind kind)
{
	size_t i = (size_t)kind;

	if (i >= sizeof(path_kind_names) / sizeof(path_kind_names[0]) || !path_kind_names[i])
		return "unknown";
	return path_kind_names[i];
}

static const char *const steering_names[STEERING_COUNT] = {
	[STEERING_FIRST] = "first",
	[STEERING_FLOW] = "flow",
	[STEERING_PACKET] = "packet",
	[STEERING_HEARD] = "heard",
};

const char *steering_name(enum steering steering)
{
	return steering < STEERING_COUNT ? steering_names[steering] : "unknown";
}

static bool path_kind_known(unsigned kind)
{
	return kind >= PATH_IP6_IN_IP6 && kind <= PATH_HELD;
}

static bool local_ok(const struct object *obj)
{
	return obj->local.id == obj->id;
}

static void local_encode(struct writer *w, const struct object *obj)
{
	writer_addr6(w, &obj->local.addr);
}

static void local_decode(struct cursor *c, struct object *obj)
{
	obj->local = (struct object_local){.id = obj->id, .addr = cursor_addr6(c)};
}

static uint64_t local_digest(uint64_t h, const struct object *obj)
{
	return digest_addr(h, &obj->local.addr);
}

static bool link_ok(const struct object *obj)
{
	return obj->link.id == obj->id && (obj->link.access || !obj->link.local_routing) &&
	       record_text_ok(obj->link.port, 1, OBJECT_PORT_NAME_MAX, false);
}

static void link_encode(struct writer *w, const struct object *obj)
{
	writer_u8(w, obj->link.watch_dad);
	writer_u8(w, obj->link.access);
	writer_u8(w, obj->link.local_routing);
	record_text_encode(w, obj->link.port);
}

static void link_decode(struct cursor *c, struct object *obj)
{
	obj->link = (struct object_link){.id = obj->id};
	obj->link.watch_dad = record_bool_decode(c);
	obj->link.access = record_bool_decode(c);
	obj->link.local_routing = record_bool_decode(c);
	if (obj->link.local_routing && !obj->link.access)
		cursor_fail(c);
	record_text_decode(c, obj->link.port, 1, OBJECT_PORT_NAME_MAX, false);
}

static uint64_t link_digest(uint64_t h, const struct object *obj)
{
	const uint64_t access = obj->link.access | (uint64_t)obj->link.local_routing << 1;

	return digest_text(digest_mix(h, obj->link.watch_dad, access), obj->link.port);
}

/* A held path, and no other, says how much is held; it has both addresses or none, and no MTU. */
static bool held_ok(const struct object_path *p)
{
	if (p->kind != PATH_HELD)
		return p->hold_packets == 0 && p->hold_ms == 0;
	return p->hold_packets >= 1 && p->hold_packets <= OBJECT_HOLD_PACKETS_MAX &&
	       p->hold_ms >= 1 && p->hold_ms <= OBJECT_HOLD_MS_MAX && p->mtu == 0 &&
	       p->data_plane == 0 &&
	       addr_is_unspecified(&p->local) == addr_is_unspecified(&p->remote);
}

static bool path_ok(const struct object *obj)
{
	static const struct mac none;
	const struct object_path *p = &obj->path;

	if (p->id != obj->id || !path_kind_known(p->kind) || (p->keyed && p->kind != PATH_GRE) ||
		(!p->keyed && (p->key_out || p->key_in)) || !held_ok(p))
		return false;
	if (p->kind != PATH_ON_LINK)
		return p->port[0] == '\0' && mac_equal(&p->mac, &none);
	return addr_is_unspecified(&p->local) && addr_is_unspecified(&p->remote) &&
	       record_text_ok(p->port, 1, OBJECT_PORT_NAME_MAX, false);
}

static void on_link_encode(struct writer *w, const struct object_path *p)
{
	writer_bytes(w, p->mac.b, sizeof(p->mac.b));
	writer_u64(w, p->data_plane);
	writer_u16(w, p->mtu);
	record_text_encode(w, p->port);
}

static void on_link_decode(struct cursor *c, struct object_path *p)
{
	cursor_copy(c, p->mac.b, sizeof(p->mac.b));
	p->data_plane = cursor_u64(c);
	p->mtu = cursor_u16(c);
	record_text_decode(c, p->port, 1, OBJECT_PORT_NAME_MAX, false);
}

static void path_encode(struct writer *w, const struct object *obj)
{
	writer_u8(w, (uint8_t)obj->path.kind);
	if (obj->path.kind == PATH_ON_LINK) {
		on_link_encode(w, &obj->path);
		return;
	}
	writer_addr6(w, &obj->path.local);
	writer_addr6(w, &obj->path.remote);
	writer_u64(w, obj->path.data_plane);
	writer_u16(w, obj->path.mtu);
	if (obj->path.kind == PATH_HELD) {
		writer_u16(w, obj->path.hold_packets);
		writer_u16(w, obj->path.hold_ms);
	}
	if (obj->path.kind != PATH_GRE)
		return;
	writer_u8(w, obj->path.keyed);
	writer_u32(w, obj->path.key_out);
	writer_u32(w, obj->path.key_in);
}

static void path_decode(struct cursor *c, struct object *obj)
{
	obj->path = (struct object_path){.id = obj->id};
	obj->path.kind = cursor_u8(c);
	if (obj->path.kind == PATH_ON_LINK) {
		on_link_decode(c, &obj->path);
		return;
	}
	obj->path.local = cursor_addr6(c);
	obj->path.remote = cursor_addr6(c);
	obj->path.data_plane = cursor_u64(c);
	obj->path.mtu = cursor_u16(c);
	if (obj->path.kind == PATH_GRE) {
		obj->path.keyed = record_bool_decode(c);
		obj->path.key_out = cursor_u32(c);
		obj->path.key_in = cursor_u32(c);
	} else if (obj->path.kind == PATH_HELD) {
		obj->path.hold_packets = cursor_u16(c);
		obj->path.hold_ms = cursor_u16(c);
	}
	if (!path_ok(obj))
		cursor_fail(c);
}

static uint64_t path_digest(uint64_t h, const struct object *obj)
{
	const struct object_path *p = &obj->path;

	uint64_t mac = 0;

	h = digest_addr(digest_addr(h, &p->local), &p->remote);
	h = digest_mix(h, p->data_plane, (uint64_t)p->kind << 16 | p->mtu);
	if (p->kind == PATH_GRE)
		h = digest_mix(h, p->keyed, (uint64_t)p->key_out << 32 | p->key_in);
	if (p->kind == PATH_HELD)
		h = digest_mix(h, p->hold_packets, p->hold_ms);
	if (p->kind != PATH_ON_LINK)
		return h;
	memcpy(&mac, p->mac.b, sizeof(p->mac.b));
	return digest_text(digest_mix(h, be64toh(mac), 0), p->port);
}

static bool prefix_ok(const struct prefix6 *p)
{
	struct prefix6 canonical;

	if (p->len > 128)
		return false;
	canonical = prefix6_of(&p->addr, p->len);
	return addr_equal(&canonical.addr, &p->addr);
}

static bool counts_ok(const struct object_subscriber *s)
{
	return s->prefix_count >= 1 && s->prefix_count <= OBJECT_PREFIXES_MAX &&
	       s->path_count >= 1 && s->path_count <= OBJECT_PATHS_MAX;
}

/* Those that share out have something to share among, others have no shares. */
static bool steering_ok(const struct object_subscriber *s)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < s->path_count; i++)
		sum += s->weights[i];
	bool shares = s->steering == STEERING_FLOW || s->steering == STEERING_PACKET;

	return s->steering < STEERING_COUNT && shares == (sum != 0);
}

static bool order_ok(const struct object_order *o)
{
	return (o->numbered || !o->packets) && !o->packets == !o->ms &&
	       o->packets <= OBJECT_ORDER_PACKETS_MAX && o->ms <= OBJECT_ORDER_MS_MAX;
}

static bool subscriber_ok(const struct object *obj)
{
	const struct object_subscriber *s = &obj->subscriber;

	if (s->id != obj->id || !counts_ok(s) || !steering_ok(s) || !order_ok(&s->order))
		return false;
	for (unsigned i = 0; i < s->prefix_count; i++)
		if (!prefix_ok(&s->prefixes[i]))
			return false;
	for (unsigned i = 0; i < s->path_count; i++)
		if (s->paths[i] == 0)
			return false;
	return true;
}

static void subscriber_encode(struct writer *w, const struct object *obj)
{
	const struct object_subscriber *s = &obj->subscriber;

	writer_u32(w, s->domain);
	writer_u64(w, s->link_id);
	writer_u8(w, s->prefix_count);
	writer_u8(w, s->path_count);
	for (unsigned i = 0; i < s->prefix_count; i++) {
		writer_addr6(w, &s->prefixes[i].addr);
		writer_u8(w, s->prefixes[i].len);
	}
	for (unsigned i = 0; i < s->path_count; i++)
		writer_u64(w, s->paths[i]);
	writer_u8(w, s->steering);
	for (unsigned i = 0; i < s->path_count; i++)
		writer_u8(w, s->weights[i]);
	writer_u8(w, s->order.numbered);
	writer_u16(w, s->order.packets);
	writer_u16(w, s->order.ms);
}

static void subscriber_decode(struct cursor *c, struct object *obj)
{
	struct object_subscriber *s = &obj->subscriber;

	*s = (struct object_subscriber){.id = obj->id};
	s->domain = cursor_u32(c);
	s->link_id = cursor_u64(c);
	s->prefix_count = cursor_u8(c);
	s->path_count = cursor_u8(c);
	if (!counts_ok(s)) {
		cursor_fail(c);
		return;
	}
	for (unsigned i = 0; i < s->prefix_count; i++) {
		s->prefixes[i].addr = cursor_addr6(c);
		s->prefixes[i].len = cursor_u8(c);
	}
	for (unsigned i = 0; i < s->path_count; i++)
		s->paths[i] = cursor_u64(c);
	s->steering = cursor_u8(c);
	for (unsigned i = 0; i < s->path_count; i++)
		s->weights[i] = cursor_u8(c);
	s->order.numbered = record_bool_decode(c);
	s->order.packets = cursor_u16(c);
	s->order.ms = cursor_u16(c);
	if (!subscriber_ok(obj))
		cursor_fail(c);
}

static uint64_t subscriber_digest(uint64_t h, const struct object *obj)
{
	const struct object_subscriber *s = &obj->subscriber;

	h = digest_mix(h, s->link_id,
		(uint64_t)s->domain << 16 | (uint64_t)s->prefix_count << 8 | s->path_count);
	for (unsigned i = 0; i < s->prefix_count; i++)
		h = digest_mix(digest_addr(h, &s->prefixes[i].addr), s->prefixes[i].len, 2);
	for (unsigned i = 0; i < s->path_count; i++)
		h = digest_mix(h, s->paths[i], 3 + ((uint64_t)s->weights[i] << 8));
	if (s->steering)
		h = digest_mix(h, s->steering, 5);
	return s->order.numbered ? digest_mix(h, (uint64_t)s->order.packets << 16 | s->order.ms, 7)
				 : h;
}

static bool data_plane_ok(const struct object *obj)
{
	return obj->data_plane.id == obj->id &&
	       record_text_ok(obj->data_plane.name, 1, OBJECT_NAME_MAX, false);
}

static void data_plane_encode(struct writer *w, const struct object *obj)
{
	writer_addr6(w, &obj->data_plane.addr);
	record_text_encode(w, obj->data_plane.name);
}

static void data_plane_decode(struct cursor *c, struct object *obj)
{
	obj->data_plane = (struct object_data_plane){.id = obj->id, .addr = cursor_addr6(c)};
	record_text_decode(c, obj->data_plane.name, 1, OBJECT_NAME_MAX, false);
}

static uint64_t data_plane_digest(uint64_t h, const struct object *obj)
{
	return digest_text(digest_addr(h, &obj->data_plane.addr), obj->data_plane.name);
}

static bool rule_object_ok(const struct object *obj)
{
	return obj->rule.id == obj->id && rule_ok(&obj->rule);
}

static void rule_object_encode(struct writer *w, const struct object *obj)
{
	rule_encode(w, &obj->rule);
}

static void rule_object_decode(struct cursor *c, struct object *obj)
{
	obj->rule.id = obj->id;
	rule_decode(c, &obj->rule);
}

static uint64_t rule_object_digest(uint64_t h, const struct object *obj)
{
	return rule_digest(h, &obj->rule);
}

static bool group_object_ok(const struct object *obj)
{
	return obj->group.id == obj->id && group_ok(&obj->group);
}

static void group_object_encode(struct writer *w, const struct object *obj)
{
	group_encode(w, &obj->group);
}

static void group_object_decode(struct cursor *c, struct object *obj)
{
	obj->group.id = obj->id;
	group_decode(c, &obj->group);
}

static uint64_t group_object_digest(uint64_t h, const struct object *obj)
{
	return group_digest(h, &obj->group);
}

static bool member_object_ok(const struct object *obj)
{
	return obj->member.id == obj->id && member_ok(&obj->member);
}

static void member_object_encode(struct writer *w, const struct object *obj)
{
	member_encode(w, &obj->member);
}

static void member_object_decode(struct cursor *c, struct object *obj)
{
	obj->member.id = obj->id;
	member_decode(c, &obj->member);
}

static uint64_t member_object_digest(uint64_t h, const struct object *obj)
{
	return member_digest(h, &obj->member);
}

/* All that differs from kind to kind. */
static const struct kind {
	const char *name;
	bool (*ok)(const struct object *obj);
	void (*encode)(struct writer *w, const struct object *obj);
	void (*decode)(struct cursor *c, struct object *obj);
	uint64_t (*digest)(uint64_t h, const struct object *obj);
} kinds[] = {
	[OBJECT_LOCAL] = {"local", local_ok, local_encode, local_decode, local_digest},
	[OBJECT_LINK] = {"link", link_ok, link_encode, link_decode, link_digest},
	[OBJECT_PATH] = {"path", path_ok, path_encode, path_decode, path_digest},
	[OBJECT_SUBSCRIBER] = {"subscriber", subscriber_ok, subscriber_encode, subscriber_decode,
		subscriber_digest},
	[OBJECT_DATA_PLANE] = {"data-plane", data_plane_ok, data_plane_encode, data_plane_decode,
		data_plane_digest},
	[OBJECT_RULE] = {"rule", rule_object_ok, rule_object_encode, rule_object_decode,
		rule_object_digest},
	[OBJECT_GROUP] = {"group", group_object_ok, group_object_encode, group_object_decode,
		group_object_digest},
	[OBJECT_MEMBER] = {"member", member_object_ok, member_object_encode, member_object_decode,
		member_object_digest},
};

static const struct kind *kind_find(unsigned kind)
{
	if (kind >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[kind].name)
		return NULL;
	return &kinds[kind];
}

bool object_kind_known(enum object_kind kind)
{
	return kind_find((unsigned)kind) != NULL;
}

const char *object_kind_name(enum object_kind kind)
{
	const struct kind *k = kind_find((unsigned)kind);

	return k ? k->name : "unknown";
}

static bool object_ok(const struct object *obj)
{
	const struct kind *k = kind_find((unsigned)obj->kind);

	if (!k || obj->id == 0)
		return false;
	return obj->op == OBJECT_DELETE || (obj->op == OBJECT_SET && k->ok(obj));
}

int object_encode(struct writer *w, const struct object *obj)
{
	struct record_mark mark = record_begin(w);
	size_t start;

	if (!object_ok(obj))
		return -EINVAL;
	writer_u8(w, (uint8_t)obj->kind);
	writer_u8(w, (uint8_t)obj->op);
	start = writer_offset(w);
	writer_u16(w, 0);
	writer_u64(w, obj->id);
	if (obj->op == OBJECT_SET)
		kind_find((unsigned)obj->kind)->encode(w, obj);
	writer_put_u16_at(w, start, (uint16_t)(writer_offset(w) - start - 2));
	return record_end(w, mark);
}

int object_decode(struct cursor *c, struct object *obj)
{
	const struct kind *k = kind_find(cursor_u8(c));
	uint8_t op = cursor_u8(c);
	uint16_t len = cursor_u16(c);
	struct cursor body;

	if (!k || (op != OBJECT_SET && op != OBJECT_DELETE) ||
		len > OBJECT_WIRE_MAX - RECORD_HEAD_LEN || len < ID_LEN)
		cursor_fail(c);
	cursor_sub(c, len, &body);
	if (!cursor_ok(c))
		return -EBADMSG;
	obj->kind = (enum object_kind)(k - kinds);
	obj->op = op;
	obj->id = cursor_u64(&body);
	if (op == OBJECT_SET)
		k->decode(&body, obj);
	if (obj->id == 0 || !cursor_ok(&body) || cursor_left(&body) != 0) {
		cursor_fail(c);
		return -EBADMSG;
	}
	return 0;
}

uint64_t object_digest(const struct object *obj)
{
	const struct kind *k = kind_find((unsigned)obj->kind);

	if (!k || obj->id == 0 || !k->ok(obj))
		return 0;
	return digest_mix(k->digest(digest_mix(0, obj->id, obj->kind), obj), 0, 0);
}
