#include "common/wheel.h"

#include <string.h>

/* A slot of level n holds timers that expire within one step of that level, 256^n ticks. When the
 * wheel's tick reaches the first tick of the step, the slot's timers move to lower levels, or to
 * the expired list when their tick is this very one. A timer is always put where the distance to
 * the present fits the level, never in the slot of the current step: that one was emptied when the
 * step began. */

static void list_init(struct wheel_link *head)
{
	head->next = head->prev = head;
}

static bool list_empty(const struct wheel_link *head)
{
	return head->next == head;
}

static void list_add(struct wheel_link *head, struct wheel_link *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

static void list_remove(struct wheel_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = link->prev = NULL;
}

/* Moves all of from to the end of to. */
static void list_splice(struct wheel_link *to, struct wheel_link *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

static unsigned slot_of(uint64_t tick, unsigned level)
{
	return (tick >> level * WHEEL_SLOT_BITS) & (WHEEL_SLOTS - 1);
}

void wheel_init(struct wheel *w, uint64_t now_ns, void *context)
{
	memset(w, 0, sizeof(*w));
	w->tick = now_ns / WHEEL_TICK_NS;
	w->context = context;
	list_init(&w->moving);
	list_init(&w->expired);
	for (unsigned level = 0; level < WHEEL_LEVELS; level++)
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
}

void wheel_timer_init(struct wheel_timer *t, wheel_fn *fn)
{
	*t = (struct wheel_timer){.fn = fn};
}

/* Puts a timer whose tick is in the future into its slot. */
static void place(struct wheel *w, struct wheel_timer *t)
{
	const uint64_t reach = 1ull << WHEEL_LEVELS * WHEEL_SLOT_BITS;
	uint64_t distance = t->tick - w->tick;
	uint64_t tick = t->tick;
	unsigned level = 0;

	if (distance >= reach) {
		distance = reach - 1;
		tick = w->tick + distance;
	}
	while (distance >> (level + 1) * WHEEL_SLOT_BITS)
		level++;
	unsigned slot = slot_of(tick, level);
	w->used[level][slot / 64] |= 1ull << slot % 64;
	list_add(&w->slots[level][slot], &t->link);
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, uint64_t at_ns)
{
	wheel_cancel(w, t);
	t->tick = at_ns / WHEEL_TICK_NS + (at_ns % WHEEL_TICK_NS != 0);
	/* Past times wait for the next tick: a callback that re-arms itself for "now" cannot keep
	 * wheel_advance() from ending. */
	if (t->tick <= w->tick)
		t->tick = w->tick + 1;
	place(w, t);
	w->armed++;
}

/* Clears the bit of a slot whose last timer is about to go; other list heads have none. */
static void forget_slot(struct wheel *w, const struct wheel_link *head)
{
	uintptr_t first = (uintptr_t)w->slots, at = (uintptr_t)head;

	if (at < first || at >= first + sizeof(w->slots))
		return;
	size_t index = (at - first) / sizeof(*head);
	unsigned slot = index % WHEEL_SLOTS;
	w->used[index / WHEEL_SLOTS][slot / 64] &= ~(1ull << slot % 64);
}

void wheel_cancel(struct wheel *w, struct wheel_timer *t)
{
	if (!wheel_armed(t))
		return;
	if (t->link.next == t->link.prev)
		forget_slot(w, t->link.next);
	list_remove(&t->link);
	w->armed--;
}

/* Distance, 1 to 256, from the slot `from` to the next used one in a level's circle; 0: none. */
static unsigned next_used(const uint64_t used[WHEEL_SLOTS / 64], unsigned from)
{
	const unsigned words = WHEEL_SLOTS / 64;
	unsigned start = (from + 1) % WHEEL_SLOTS;

	for (unsigned i = 0; i <= words; i++) {
		unsigned word = (start / 64 + i) % words;
		uint64_t bits = used[word];

		if (i == 0)
			bits &= ~0ull << start % 64;
		if (bits) {
			unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);
			unsigned distance = (slot - from) % WHEEL_SLOTS;
			return distance ? distance : WHEEL_SLOTS;
		}
	}
	return 0;
}

/* The next tick at which any slot has to be emptied. */
static uint64_t next_tick(const struct wheel *w)
{
	uint64_t next = UINT64_MAX;

	if (w->armed == 0)
		return next;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		unsigned steps = next_used(w->used[level], slot_of(w->tick, level));
		unsigned shift = level * WHEEL_SLOT_BITS;
		uint64_t tick = ((w->tick >> shift) + steps) << shift;

		if (steps && tick < next)
			next = tick;
	}
	return next;
}

static void empty_slot(struct wheel *w, unsigned level, struct wheel_link *to)
{
	unsigned slot = slot_of(w->tick, level);

	w->used[level][slot / 64] &= ~(1ull << slot % 64);
	list_splice(to, &w->slots[level][slot]);
}

/* Takes out what the new current tick is the first tick of. */
static void begin_tick(struct wheel *w)
{
	for (unsigned level = 1; level < WHEEL_LEVELS; level++) {
		if (w->tick & ((1ull << level * WHEEL_SLOT_BITS) - 1))
			break;
		empty_slot(w, level, &w->moving);
	}
	empty_slot(w, 0, &w->expired);
}

static struct wheel_timer *pop(struct wheel_link *head)
{
	struct wheel_timer *t = wheel_entry(head->next, struct wheel_timer, link);

	list_remove(&t->link);
	return t;
}

/* Sorts moving timers in; false when the budget ended before them. */
static bool move_down(struct wheel *w, size_t *budget)
{
	for (; !list_empty(&w->moving) && *budget; --*budget) {
		struct wheel_timer *t = pop(&w->moving);

		if (t->tick <= w->tick)
			list_add(&w->expired, &t->link);
		else
			place(w, t);
	}
	return list_empty(&w->moving);
}

/* Calls what is due; false when the budget ended before it. */
static bool call_expired(struct wheel *w, size_t *budget, size_t *called)
{
	for (; !list_empty(&w->expired) && *budget; --*budget) {
		struct wheel_timer *t = pop(&w->expired);

		w->armed--;
		++*called;
		t->fn(t, w->context);
	}
	return list_empty(&w->expired);
}

size_t wheel_advance(struct wheel *w, uint64_t now_ns, size_t max)
{
	uint64_t target = now_ns / WHEEL_TICK_NS;
	size_t budget = max ? max : SIZE_MAX;
	size_t called = 0;

	while (move_down(w, &budget) && call_expired(w, &budget, &called) && w->tick < target) {
		uint64_t next = next_tick(w);

		w->tick = next < target ? next : target;
		if (next <= target)
			begin_tick(w);
	}
	return called;
}

uint64_t wheel_next_ns(const struct wheel *w)
{
	uint64_t tick = list_empty(&w->moving) && list_empty(&w->expired) ? next_tick(w) : w->tick;

	return tick > UINT64_MAX / WHEEL_TICK_NS ? UINT64_MAX : tick * WHEEL_TICK_NS;
}
