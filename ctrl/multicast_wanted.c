/*
 * What attached nodes want, by their anchors. An instance of the proxy (RFC 6224, 4.2) is what the
 * nodes of one anchor want, the listener in the tunnel to it, and what comes out of that tunnel: of
 * one instance nothing gets to the nodes of another one.
 *
 * While all nodes on a link have the same anchor, what some of them want is one copy for the link.
 * When there are nodes of several anchors, each that wants something gets copies of its own, to its
 * link-layer address (RFC 6085), and sees none of the others'.
 */
#include <stdlib.h>
#include <string.h>

#include "ctrl/ctrl.h"
#include "ctrl/loop.h"
#include "ctrl/mcast/merge.h"
#include "ctrl/multicast_nodes_state.h"
#include "ctrl/signalling/mag/mag.h"

#define LINK_IDS (1ull << 57) /* in ids of access links among members */

static const struct mcast_state nothing;

/* ---- links -------------------------------------------------------------------------------- */

static uint32_t *here_at(const struct multicast_nodes *nodes, const struct mag_link *link)
{
	return nodes->here + mag_link_index(nodes->given.ctrl->mag, link) * nodes->anchor_count;
}

/* Whether nodes of several anchors are on a link. */
static bool is_shared(const struct multicast_nodes *nodes, const struct mag_link *link)
{
	const uint32_t *here = here_at(nodes, link);
	size_t anchors = 0;

	for (size_t i = 0; i < nodes->anchor_count; i++)
		anchors += here[i] > 0;
	return anchors > 1;
}

static uint64_t path_of(const struct multicast_nodes *nodes, const struct wanted *w)
{
	return nodes->anchors[w->key.anchor].path;
}

/* What nodes on a link want of a group, or, for NULL, all. */
static struct mcast_state merged(const struct wanted *w, const struct mag_link *link)
{
	struct mcast_state state;

	mcast_state_clear(&state);
	for (size_t i = 0; i < w->count; i++)
		if (!link || w->wants[i].node->link == link)
			merge_add(&state, &w->key.group, &w->wants[i].state);
	return state;
}

/* Without memory the next change tries again; so do all who copy. */
static void copy_to_link(const struct multicast_nodes *nodes, const struct wanted *w,
	const struct mag_link *link, const struct mcast_state *state)
{
	membership_set_link(nodes->given.members, &w->key.group, path_of(nodes, w),
		LINK_IDS + mag_link_index(nodes->given.ctrl->mag, link), link->port, state);
}

static void copy_to_node(const struct multicast_nodes *nodes, const struct wanted *w,
	const struct node *node, const struct mcast_state *state)
{
	membership_set_host(nodes->given.members, &w->key.group, path_of(nodes, w), node->path,
		&node->mac, state);
}

/* What a link gets of a group is now one copy, or one for each who wants it. Nobody goes without
 * one in between. */
static void divide(const struct multicast_nodes *nodes, const struct wanted *w,
	const struct mag_link *link, bool shared)
{
	const struct mcast_state state = merged(w, link);

	if (!shared)
		copy_to_link(nodes, w, link, &state);
	for (size_t i = 0; i < w->count; i++)
		if (w->wants[i].node->link == link)
			copy_to_node(
				nodes, w, w->wants[i].node, shared ? &w->wants[i].state : &nothing);
	if (shared)
		copy_to_link(nodes, w, link, &nothing);
}

/* A node comes to its link or leaves it. */
static void step(struct multicast_nodes *nodes, const struct node *node, uint32_t by)
{
	const bool before = is_shared(nodes, node->link);
	bool shared;

	here_at(nodes, node->link)[node->anchor] += by;
	shared = is_shared(nodes, node->link);
	if (shared == before)
		return;
	nodes->changed = true;
	for (const struct wanted *w = nodes->groups; w; w = w->hh.next)
		divide(nodes, w, node->link, shared);
}

/* ---- wants -------------------------------------------------------------------------------- */

static struct want *find_want(struct wanted *w, const struct node *node)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->wants[i].node == node)
			return &w->wants[i];
	return NULL;
}

static struct wanted *find_group(const struct node *node, const struct in6_addr *group)
{
	const struct wanted_key key = {.group = *group, .anchor = node->anchor};
	struct wanted *w;

	HASH_FIND(hh, node->owner->groups, &key, sizeof(key), w);
	return w;
}

static void drop_unwanted(struct multicast_nodes *nodes, struct wanted *w)
{
	if (w->count)
		return;
	HASH_DEL(nodes->groups, w);
	free(w->wants);
	free(w);
}

/* The group with room for one more; NULL: no memory. */
static struct wanted *group_for(const struct node *node, const struct in6_addr *group)
{
	struct wanted *w = find_group(node, group);

	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return NULL;
		w->key = (struct wanted_key){.group = *group, .anchor = node->anchor};
		HASH_ADD(hh, node->owner->groups, key, sizeof(w->key), w);
	}
	if (w->count == w->room) {
		const size_t room = w->room ? 2 * w->room : 4;
		struct want *wants = realloc(w->wants, room * sizeof(*wants));

		if (!wants) {
			drop_unwanted(node->owner, w);
			return NULL;
		}
		w->wants = wants;
		w->room = room;
	}
	return w;
}

/* After a change of what a node wants, which is this now. The group may be gone afterwards. */
static void follow(struct multicast_nodes *nodes, struct wanted *w, const struct node *node,
	const struct mcast_state *state)
{
	const struct mcast_state all = merged(w, NULL);

	nodes->changed = true;
	if (is_shared(nodes, node->link)) {
		copy_to_node(nodes, w, node, state);
	} else {
		const struct mcast_state there = merged(w, node->link);

		copy_to_link(nodes, w, node->link, &there);
	}
	reporter_set(nodes->anchors[w->key.anchor].reporter, &w->key.group, &all,
		loop_now_ns(nodes->given.ctrl->loop));
	drop_unwanted(nodes, w);
}

static void take_out(struct wanted *w, struct want *want)
{
	const size_t at = (size_t)(want - w->wants);

	memmove(want, want + 1, (--w->count - at) * sizeof(*want));
}

void wanted_set(
	const struct node *node, const struct in6_addr *group, const struct mcast_state *state)
{
	struct wanted *w = find_group(node, group);
	struct want *want = w ? find_want(w, node) : NULL;

	if (!want && !state->count)
		return;
	if (!want) {
		w = group_for(node, group);
		if (!w)
			return;
		want = &w->wants[w->count++];
		*want = (struct want){.node = node};
	}
	want->state = *state;
	if (!state->count)
		take_out(w, want);
	follow(node->owner, w, node, state);
}

void wanted_join(struct multicast_nodes *nodes, const struct node *node)
{
	step(nodes, node, 1);
}

void wanted_leave(struct multicast_nodes *nodes, const struct node *node)
{
	struct wanted *next;

	for (struct wanted *w = nodes->groups; w; w = next) {
		struct want *want = find_want(w, node);

		next = w->hh.next;
		if (!want)
			continue;
		take_out(w, want);
		follow(nodes, w, node, &nothing);
	}
	step(nodes, node, UINT32_MAX);
}

void wanted_free(struct multicast_nodes *nodes)
{
	struct wanted *w, *next;

	HASH_ITER (hh, nodes->groups, w, next) {
		HASH_DEL(nodes->groups, w);
		free(w->wants);
		free(w);
	}
	free(nodes->here);
}
