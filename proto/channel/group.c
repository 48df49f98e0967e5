#include "proto/channel/group.h"

#include "common/addr.h"
#include "proto/channel/digest.h"
#include "proto/channel/record.h"

static const char *const member_kind_names[] = {
	[MEMBER_SUBSCRIBER] = "subscriber",
	[MEMBER_PATH] = "path",
	[MEMBER_LINK] = "link",
};

const char *member_kind_name(enum member_kind kind)
{
	unsigned i = (unsigned)kind;

	return i >= MEMBER_SUBSCRIBER && i <= MEMBER_LINK ? member_kind_names[i] : "unknown";
}

bool group_addr_ok(const struct in6_addr *group)
{
	const unsigned scope = group->s6_addr[1] & 0x0f;

	return addr_is_multicast(group) && scope >= GROUP_SCOPE_MIN && scope <= GROUP_SCOPE_MAX;
}

bool group_ok(const struct object_group *g)
{
	return group_addr_ok(&g->group) && !addr_is_multicast(&g->source) &&
	       !addr_is_link_local(&g->source) && !addr_is_loopback(&g->source) &&
	       record_text_ok(g->port, 0, GROUP_PORT_MAX, false) && !(g->path && g->port[0]);
}

void group_encode(struct writer *w, const struct object_group *g)
{
	writer_addr6(w, &g->source);
	writer_addr6(w, &g->group);
	record_text_encode(w, g->port);
	writer_u64(w, g->path);
	writer_u32(w, g->rate);
}

void group_decode(struct cursor *c, struct object_group *g)
{
	*g = (struct object_group){.id = g->id};
	g->source = cursor_addr6(c);
	g->group = cursor_addr6(c);
	record_text_decode(c, g->port, 0, GROUP_PORT_MAX, false);
	g->path = cursor_u64(c);
	g->rate = cursor_u32(c);
	if (!group_ok(g))
		cursor_fail(c);
}

uint64_t group_digest(uint64_t h, const struct object_group *g)
{
	h = digest_addr(digest_addr(h, &g->source), &g->group);
	return digest_text(digest_mix(digest_mix(h, g->path, 5), g->rate, 6), g->port);
}

/* A link has a port and nothing else, the others a target and no port. */
bool member_ok(const struct object_member *m)
{
	if (m->group == 0 || m->kind < MEMBER_SUBSCRIBER || m->kind > MEMBER_LINK)
		return false;
	if (m->kind == MEMBER_LINK)
		return m->target == 0 && record_text_ok(m->port, 1, GROUP_PORT_MAX, false);
	return m->target != 0 && m->port[0] == '\0';
}

void member_encode(struct writer *w, const struct object_member *m)
{
	writer_u64(w, m->group);
	writer_u8(w, (uint8_t)m->kind);
	writer_u64(w, m->target);
	record_text_encode(w, m->port);
}

void member_decode(struct cursor *c, struct object_member *m)
{
	*m = (struct object_member){.id = m->id};
	m->group = cursor_u64(c);
	m->kind = cursor_u8(c);
	m->target = cursor_u64(c);
	record_text_decode(c, m->port, 0, GROUP_PORT_MAX, false);
	if (!member_ok(m))
		cursor_fail(c);
}

uint64_t member_digest(uint64_t h, const struct object_member *m)
{
	return digest_text(
		digest_mix(digest_mix(h, m->group, (uint64_t)m->kind), m->target, 4), m->port);
}
