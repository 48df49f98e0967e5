#include "dataplane/agent/fold.h"

#include <string.h>

#include "common/addr.h"

/* The same thing happened again; value is what may differ. */
static bool same(const struct update_event *a, const struct update_event *b)
{
	return a->kind == b->kind && a->subscriber == b->subscriber &&
	       addr_equal(&a->inner, &b->inner) && addr_equal(&a->outer, &b->outer) &&
	       a->icmp_type == b->icmp_type && a->icmp_code == b->icmp_code &&
	       !strcmp(a->port, b->port);
}

static struct fold_slot *find(struct fold *f, const struct update_event *event, uint64_t now_ms)
{
	struct fold_slot *free_slot = NULL;

	for (unsigned i = 0; i < FOLD_SLOTS; i++) {
		struct fold_slot *slot = &f->slots[i];

		if (slot->used && same(&slot->event, event))
			return slot;
		bool idle = !slot->used ||
			    (!slot->pending && now_ms - slot->told_ms >= FOLD_INTERVAL_MS);
		if (idle && !free_slot)
			free_slot = slot;
	}
	if (free_slot)
		*free_slot = (struct fold_slot){.used = true, .told_ms = now_ms};
	return free_slot;
}

static void tell(struct fold_slot *slot, uint64_t now_ms, fold_fn *fn, void *context)
{
	fn(context, &slot->event);
	slot->told_ms = now_ms;
	slot->pending = false;
	if (slot->event.kind == UPDATE_EVENT_WRONG_SOURCE)
		slot->event.value = 0;
}

void fold_add(struct fold *f, const struct update_event *event, uint64_t now_ms, fold_fn *fn,
	void *context)
{
	/* Up and down are a history, not repetitions, and are rare. */
	if (event->kind == UPDATE_EVENT_PORT) {
		fn(context, event);
		return;
	}
	struct fold_slot *slot = find(f, event, now_ms);
	if (!slot) {
		f->dropped++;
		return;
	}
	bool first = slot->event.kind == 0;
	uint32_t before = event->kind == UPDATE_EVENT_WRONG_SOURCE ? slot->event.value : 0;

	slot->event = *event;
	slot->event.value += before;
	if (first || now_ms - slot->told_ms >= FOLD_INTERVAL_MS)
		tell(slot, now_ms, fn, context);
	else
		slot->pending = true;
}

void fold_tick(struct fold *f, uint64_t now_ms, fold_fn *fn, void *context)
{
	for (unsigned i = 0; i < FOLD_SLOTS; i++) {
		struct fold_slot *slot = &f->slots[i];

		if (slot->used && slot->pending && now_ms - slot->told_ms >= FOLD_INTERVAL_MS)
			tell(slot, now_ms, fn, context);
	}
}
