/*
 * Counting what subscribers send and get by each of their paths (path_traffic.h), and by which they
 * were heard last. For the nodes that take packets out of tunnels and put them in.
 */
#pragma once

#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"

/* A path carries an inner packet of so many octets. */
static inline void traffic_count(
	const struct worker *w, uint32_t path, enum path_direction way, uint32_t octets)
{
	path_traffic_count(&w->traffic, path, way, octets, path_traffic_tick(w->tsc));
}

/* The place of the path that leads to this outer address; the count of the list: none does. */
static inline uint32_t traffic_place(
	const struct path_table *t, const struct path_list *list, const struct in6_addr *remote)
{
	uint32_t i = 0;

	while (i < list->count && !addr_equal(&path_at(t, list->paths[i])->remote, remote))
		i++;
	return i;
}

/* From a subscriber, at an outer address that it may send from: the path that it came by;
 * POOL_NONE: none leads there. */
static inline uint32_t traffic_hear(
	struct worker *w, const struct subscriber_entry *entry, const struct in6_addr *remote)
{
	const struct path_table *t = &w->tables->paths;
	struct path_list *list;
	uint32_t place;

	if (likely(entry->paths == POOL_NONE))
		return entry->path;
	list = pool_at(&t->lists, entry->paths);
	place = traffic_place(t, list, remote);
	if (unlikely(place == list->count))
		return POOL_NONE;
	path_list_hear(list, place);
	return list->paths[place];
}

/* The same for an inner packet of len octets, which is counted. */
static inline void traffic_heard(struct worker *w, const struct subscriber_entry *entry,
	const struct in6_addr *remote, uint32_t len)
{
	const uint32_t path = traffic_hear(w, entry, remote);

	if (likely(path != POOL_NONE))
		traffic_count(w, path, PATH_IN, len);
}

/* For a subscriber on a link here, out of a tunnel with this outer header: an inner packet of len
 * octets. Its tunnels may all lead to one address, from several. */
static inline void traffic_arrived(struct worker *w, const struct subscriber_entry *entry,
	const struct rte_ipv6_hdr *outer, uint32_t len)
{
	const struct path_table *t = &w->tables->paths;
	const struct path_list *list;

	if (entry->paths == POOL_NONE)
		return;
	list = path_list_at(t, entry->paths);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct path *by = path_at(t, list->paths[i]);

		if (!addr_equal(&by->remote, ip6_src(outer)) ||
			!addr_equal(path_shape_local(path_shape_at(t, by->shape)), ip6_dst(outer)))
			continue;
		traffic_count(w, list->paths[i], PATH_IN, len);
		return;
	}
}

/* Signalling came from an outer address, which may be that of one of its paths. */
static inline void traffic_signalled(
	const struct worker *w, const struct subscriber_entry *entry, const struct in6_addr *remote)
{
	const struct path_table *t = &w->tables->paths;
	struct path_list *list;
	uint32_t place;

	if (entry->paths == POOL_NONE)
		return;
	list = pool_at(&t->lists, entry->paths);
	place = traffic_place(t, list, remote);
	if (place < list->count)
		path_list_hear(list, place);
}

/* To a subscriber, by the path of this number: m has what has been put in front of it. */
static inline void traffic_sent(struct worker *w, struct rte_mbuf *m, uint32_t path)
{
	const struct meta *meta = meta_of(m);
	uint32_t outer = meta->flags & META_ENCAPSULATED ? meta->outer : 0;

	traffic_count(w, path, PATH_OUT, m->pkt_len - outer);
}
