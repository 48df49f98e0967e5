/*
 * The first part of replicate: who gets the copies of a walk, and by what way. Its stages ask for
 * the memory that the next one needs, all members of the walk together.
 */
#pragma once

#include "dataplane/nodes/encap.h"
#include "dataplane/nodes/replicate.h"
#include "dataplane/port.h"

/* A member on its way to a copy. */
struct target {
	const struct group_member *member;
	const struct sig_bucket *bucket; /* where its subscriber or path should be */
	const uint8_t *header;           /* of its tunnel, or one that is none */
	const struct in6_addr *remote;   /* where that leads; as it may be in a path on a link */
	uint32_t counters;               /* number */
	uint32_t number;                 /* of what may be its entry or path */
	uint32_t path;                   /* number */
	uint16_t sig;
	uint16_t most; /* octets of an outer packet there */
};

/* The members of one step. */
struct batch {
	struct worker *w;
	struct replicate_job *job;
	uint16_t count;
	uint16_t tunnels; /* of those that get a copy */
	struct target targets[REPLICATE_BUDGET];
	struct in6_addr to[REPLICATE_BUDGET]; /* their remotes, once they are known */
};

/* Takes members from the list, at most `most`; scan: places that may be looked at. Returns whether
 * more may follow. */
static inline bool target_gather(
	struct batch *b, const struct group_entry *entry, uint16_t most, uint32_t *scan)
{
	const struct group_table *t = &b->w->tables->groups;
	const struct group_list *list = group_list(entry);
	const struct member_counters *counters = group_counts_member_at(&t->counts, b->w->index, 0);
	const uint32_t used = list ? group_list_used(list) : 0, from = b->job->place;
	const uint32_t end = RTE_MIN(used, from + *scan);
	struct target *at = b->targets;
	uint32_t place = from;

	for (; place < end && at < b->targets + most; place++) {
		const uint32_t number = group_list_at(list, place);

		if (unlikely(number >= GROUP_FREE))
			continue;
		at->member = group_member_at(t, number);
		at->counters = number;
		rte_prefetch0(at->member);
		rte_prefetch0(&counters[number]);
		at++;
	}
	b->count = (uint16_t)(at - b->targets);
	b->job->place = place;
	*scan -= place - from;
	return place < used;
}

/* Asks for the bucket of the subscriber or path; of a link for any. */
static inline void target_look(struct batch *b)
{
	const struct tables *t = b->w->tables;
	const struct sig_array *subscribers = sig_index_array(&t->subscribers.by_id);
	const struct sig_array *paths = sig_index_array(&t->paths.by_id);

	for (struct target *at = b->targets; at < b->targets + b->count; at++) {
		const bool is_subscriber = at->member->kind == MEMBER_SUBSCRIBER;
		const struct sig_array *array = is_subscriber ? subscribers : paths;
		const uint64_t hash = table_hash_id(at->member->target);

		at->sig = sig_index_sig(hash);
		at->bucket = &array->buckets[sig_index_home(array, hash)];
		rte_prefetch0(at->bucket);
	}
}

/* Asks for the entry or path that a bucket leads to. False: to none. */
static inline bool target_enter(const struct tables *t, struct target *at)
{
	const uint32_t found = sig_index_match(at->bucket, at->sig);

	at->number = SIG_INDEX_NONE;
	if (unlikely(!found))
		return false;
	at->number = sig_index_value(at->bucket, found);
	if (likely(at->member->kind == MEMBER_SUBSCRIBER))
		rte_prefetch0(subscriber_at(&t->subscribers, at->number));
	else
		rte_prefetch0(path_at(&t->paths, at->number));
	return true;
}

/* Looks into the buckets; those that have nothing have it in their other one. */
static inline void target_match(struct batch *b)
{
	const struct tables *t = b->w->tables;
	const struct sig_array *subscribers = sig_index_array(&t->subscribers.by_id);
	struct target *rest[REPLICATE_BUDGET];
	unsigned n = 0;

	for (struct target *at = b->targets; at < b->targets + b->count; at++) {
		if (likely(target_enter(t, at)))
			continue;
		if (unlikely(at->member->kind != MEMBER_SUBSCRIBER))
			continue;
		at->bucket = &subscribers->buckets[sig_index_other(
			subscribers, (uint32_t)(at->bucket - subscribers->buckets), at->sig)];
		rte_prefetch0(at->bucket);
		rest[n++] = at;
	}
	for (unsigned i = 0; i < n; i++)
		target_enter(t, rest[i]);
}

/* Its way is that of this shape; mtu: largest outer packet, 0: any. */
static inline void target_set(const struct tables *t, struct target *at, uint16_t shape,
	uint16_t mtu, const struct in6_addr *remote)
{
	at->header = path_shape_at(&t->paths, shape)->header;
	at->remote = remote;
	at->most = mtu ? mtu : UINT16_MAX;
}

static inline bool target_subscriber(const struct tables *t, struct target *at)
{
	const struct subscriber_entry *entry = NULL;

	if (likely(at->number != SIG_INDEX_NONE))
		entry = subscriber_at(&t->subscribers, at->number);
	if (unlikely(!entry || entry->id != at->member->target))
		entry = subscriber_table_by_id(&t->subscribers, at->member->target);
	if (unlikely(!entry || entry->relayed))
		return false;
	target_set(t, at, entry->shape, entry->mtu, &entry->remote);
	at->path = entry->path;
	return !path_header_on_link(at->header);
}

static inline bool target_path(const struct tables *t, struct target *at)
{
	const struct path *path = NULL;

	if (likely(at->number != SIG_INDEX_NONE))
		path = path_at(&t->paths, at->number);
	if (unlikely(!path || path->id != at->member->target)) {
		at->number = path_table_find(&t->paths, at->member->target);
		path = at->number == POOL_NONE ? NULL : path_at(&t->paths, at->number);
	}
	if (unlikely(!path || path->data_plane & PATH_RELAYED))
		return false;
	target_set(t, at, path->shape, path->mtu, &path->remote);
	at->path = at->number;
	return true;
}

/* Where a copy onto a link goes: to all there, or to the interface that a path names. */
static inline struct path_on_link target_on_link(
	const struct target *at, const struct rte_ipv6_hdr *ip)
{
	struct path_on_link to = {.port = at->member->port, .mac = {{0x33, 0x33}}};

	if (at->member->kind == MEMBER_LINK)
		memcpy(to.mac.b + 2, ip->dst_addr + 12, 4);
	else
		memcpy(&to, at->remote, sizeof(to));
	return to;
}

/* Whether a member gets a copy. */
static inline bool target_is(const struct batch *b, struct target *at)
{
	static const uint8_t none[PATH_HEADER_LEN];
	const struct tables *t = b->w->tables;
	uint16_t port;

	if (likely(at->member->kind == MEMBER_SUBSCRIBER))
		return target_subscriber(t, at);
	if (at->member->kind == MEMBER_PATH) {
		if (!target_path(t, at))
			return false;
		if (likely(!path_header_on_link(at->header)))
			return true;
	} else {
		at->header = none;
		at->remote = &in6addr_any;
		at->most = UINT16_MAX;
	}
	port = target_on_link(at, ip6_of(b->job->m)).port;
	return port != b->job->port && port_get(port);
}

/* Only those stay that get a copy. Returns how many do not. */
static inline uint16_t target_resolve(struct batch *b)
{
	const uint16_t count = b->count;
	uint16_t stay = 0;

	b->tunnels = 0;
	for (uint16_t i = 0; i < count; i++) {
		struct target *at = &b->targets[i];

		if (unlikely(!target_is(b, at)))
			continue;
		b->to[stay] = *at->remote;
		b->tunnels += !path_header_on_link(at->header);
		if (unlikely(stay != i))
			b->targets[stay] = *at;
		stay++;
	}
	b->count = stay;
	return (uint16_t)(count - stay);
}
