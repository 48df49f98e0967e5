#include "ctrl/binding/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct flow_set *flow_set_new(unsigned room)
{
	return calloc(1, sizeof(struct flow_set) + room * sizeof(struct flow_binding));
}

struct flow_binding *flow_set_find(struct flow_set *set, uint16_t fid)
{
	for (unsigned i = 0; set && i < set->count; i++)
		if (set->at[i].fid == fid)
			return &set->at[i];
	return NULL;
}

void flow_set_remove(struct flow_set *set, uint16_t fid)
{
	struct flow_binding *at = flow_set_find(set, fid);

	if (!at)
		return;
	set->count--;
	memmove(at, at + 1, (size_t)(&set->at[set->count] - at) * sizeof(*at));
}

void flow_set_put(struct flow_set *set, const struct flow_binding *flow)
{
	struct flow_binding copy = *flow;
	unsigned i;

	flow_set_remove(set, flow->fid);
	for (i = set->count++; i && set->at[i - 1].priority > copy.priority; i--)
		set->at[i] = set->at[i - 1];
	set->at[i] = copy;
}

bool flow_is_same(const struct flow_binding *a, const struct flow_binding *b)
{
	return a->fid == b->fid && a->priority == b->priority && a->bid_count == b->bid_count &&
	       a->format == b->format && a->selector_len == b->selector_len &&
	       memcmp(a->bids, b->bids, a->bid_count * sizeof(a->bids[0])) == 0 &&
	       memcmp(a->selector, b->selector, a->selector_len) == 0;
}

static bool is_live(const struct binding_list *bindings, uint16_t bid)
{
	for (unsigned i = 0; i < bindings->count; i++)
		if (bindings->records[i].bid == bid && bindings->records[i].life == BINDING_LIVE)
			return true;
	return false;
}

bool flow_is_active(const struct flow_binding *flow, const struct binding_list *bindings)
{
	for (unsigned i = 0; i < flow->bid_count; i++)
		if (is_live(bindings, flow->bids[i]))
			return true;
	return false;
}

void flow_key(const struct in6_addr *home, uint16_t fid, uint8_t key[FLOW_KEY_SIZE])
{
	memcpy(key, home, sizeof(*home));
	key[16] = (uint8_t)(fid >> 8);
	key[17] = (uint8_t)fid;
}

int flow_record_encode(
	struct writer *w, const struct in6_addr *home, const struct flow_binding *flow)
{
	writer_u8(w, FLOW_RECORD_VERSION);
	writer_addr6(w, home);
	writer_u16(w, flow->fid);
	writer_u16(w, flow->priority);
	writer_u8(w, flow->bid_count);
	for (unsigned i = 0; i < flow->bid_count; i++)
		writer_u16(w, flow->bids[i]);
	writer_u8(w, flow->format);
	writer_u8(w, flow->selector_len);
	writer_bytes(w, flow->selector, flow->selector_len);
	return writer_ok(w) ? 0 : -ENOSPC;
}

int flow_record_decode(struct cursor *c, struct in6_addr *home, struct flow_binding *flow)
{
	const uint8_t *selector;

	if (cursor_u8(c) != FLOW_RECORD_VERSION)
		return cursor_ok(c) ? -EPROTO : -EBADMSG;
	*flow = (struct flow_binding){0};
	*home = cursor_addr6(c);
	flow->fid = cursor_u16(c);
	flow->priority = cursor_u16(c);
	flow->bid_count = cursor_u8(c);
	if (!cursor_ok(c) || flow->bid_count == 0 || flow->bid_count > BINDING_MAX)
		return -EBADMSG;
	for (unsigned i = 0; i < flow->bid_count; i++)
		flow->bids[i] = cursor_u16(c);
	flow->format = cursor_u8(c);
	flow->selector_len = cursor_u8(c);
	if (!cursor_ok(c) || flow->selector_len > FLOW_SELECTOR_MAX)
		return -EBADMSG;
	selector = cursor_bytes(c, flow->selector_len);
	if (!selector || cursor_left(c) || flow->fid == 0 || flow->priority == 0)
		return -EBADMSG;
	memcpy(flow->selector, selector, flow->selector_len);
	return 0;
}
