/*
 * Groups and members as data planes are told of them.
 *
 * Ids are digests under a key of this gateway: nobody else can name groups and sources whose
 * objects would have one id (59 bits, so that a million objects have accidents once in a million
 * gateways).
 */
#include <endian.h>
#include <string.h>
#include <sys/uio.h>

#include "common/hmac.h"
#include "ctrl/mcast/membership_state.h"

static uint64_t digest(const struct membership *m, const struct iovec *pieces, size_t count)
{
	uint8_t mac[HMAC_SHA1_LEN];
	uint64_t out;

	/* Without libcrypto there is none of the channels either. */
	hmac_sha1(m->hmac, m->config.key, sizeof(m->config.key), pieces, count, mac);
	memcpy(&out, mac, sizeof(out));
	return be64toh(out);
}

uint64_t membership_group_id(
	const struct membership *m, const struct group_key *group, const struct in6_addr *source)
{
	const uint64_t path = htobe64(group->path);
	const struct iovec pieces[] = {
		{(void *)(uintptr_t)&group->addr, sizeof(group->addr)},
		{(void *)(uintptr_t)source, sizeof(*source)},
		{(void *)(uintptr_t)&path, sizeof(path)},
	};

	return publish_group_id(digest(m, pieces, path ? 3 : 2));
}

uint64_t membership_member_id(
	const struct membership *m, uint64_t group, const struct member *member)
{
	const uint64_t name[] = {htobe64(group), htobe64((uint64_t)member->kind),
		htobe64(member->key.link ? member->key.link : member->target)};
	const struct iovec piece = {(void *)(uintptr_t)name, sizeof(name)};

	return publish_member_id(digest(m, &piece, 1));
}

static bool publish(struct membership *m, uint64_t id, const struct object *object)
{
	struct bundle bundle = {.len = 0};
	struct writer w;

	writer_init(&w, bundle.octets, sizeof(bundle.octets));
	if (object && object_encode(&w, object) == 0)
		bundle.len = (uint16_t)writer_len(&w);
	return m->config.publish(m->config.context, id, &bundle) == 0;
}

void membership_set_group(
	struct membership *m, const struct group *g, const struct in6_addr *source)
{
	const uint64_t id = membership_group_id(m, &g->key, source);
	struct object object = {.kind = OBJECT_GROUP, .op = OBJECT_SET, .id = id};

	object.group = (struct object_group){
		.id = id, .source = *source, .group = g->key.addr, .path = g->key.path};
	if (m->config.rate)
		object.group.rate = m->config.rate(m->config.context, &g->key.addr);
	m->group_objects += publish(m, id, &object);
}

void membership_unset_group(
	struct membership *m, const struct group *g, const struct in6_addr *source)
{
	m->group_objects -= publish(m, membership_group_id(m, &g->key, source), NULL);
}

void membership_set_member(struct membership *m, const struct group *g,
	const struct in6_addr *source, const struct member *member, bool gets)
{
	const uint64_t group = membership_group_id(m, &g->key, source);
	const uint64_t id = membership_member_id(m, group, member);
	struct object object = {.kind = OBJECT_MEMBER, .op = OBJECT_SET, .id = id};

	object.member = (struct object_member){
		.id = id, .group = group, .kind = member->kind, .target = member->target};
	memcpy(object.member.port, member->port, sizeof(object.member.port));
	if (publish(m, id, gets ? &object : NULL))
		m->member_objects += gets ? 1 : (size_t)-1;
}
