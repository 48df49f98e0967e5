#include "ctrl/rates.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"
#include "ctrl/loop.h"

enum { SAMPLES = 61, SAMPLE_MS = 1000 };

const unsigned rates_spans[RATES_SPANS] = {1, 10, 60};

/* All counters at a time. */
struct sample {
	uint64_t ns;
	uint64_t values[RATES_MAX];
};

struct rates {
	struct loop *loop;
	struct rates_item items[RATES_MAX];
	size_t count;
	uint64_t taken; /* samples so far; the n-th one, from 0, is at n % SAMPLES */
	struct sample samples[SAMPLES];
	struct wheel_timer timer;
};

static void take_sample(struct wheel_timer *timer, void *context)
{
	struct rates *r = wheel_entry(timer, struct rates, timer);
	struct sample *s = &r->samples[r->taken++ % SAMPLES];

	(void)context;
	s->ns = loop_now_ns(r->loop);
	for (size_t i = 0; i < r->count; i++)
		s->values[i] = counter_get(r->items[i].counter);
	loop_arm_ms(r->loop, &r->timer, SAMPLE_MS);
}

struct rates *rates_new(struct loop *loop, const struct rates_item *items, size_t count)
{
	struct rates *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->loop = loop;
	r->count = count < RATES_MAX ? count : RATES_MAX;
	memcpy(r->items, items, r->count * sizeof(*items));
	wheel_timer_init(&r->timer, take_sample);
	take_sample(&r->timer, NULL);
	return r;
}

void rates_add(struct rates *r, const char *name, const uint64_t *counter)
{
	if (!r || r->count == RATES_MAX)
		return;
	for (size_t i = 0; i < SAMPLES; i++)
		r->samples[i].values[r->count] = counter_get(counter);
	r->items[r->count++] = (struct rates_item){name, counter};
}

void rates_free(struct rates *r)
{
	if (!r)
		return;
	loop_cancel(r->loop, &r->timer);
	free(r);
}

size_t rates_count(const struct rates *r)
{
	return r->count;
}

const char *rates_name(const struct rates *r, size_t item)
{
	return r->items[item].name;
}

double rates_per_second(const struct rates *r, size_t item, unsigned span)
{
	const uint64_t newest = r->taken - 1;
	const uint64_t back = rates_spans[span] < newest ? rates_spans[span] : newest;
	const struct sample *to = &r->samples[newest % SAMPLES];
	const struct sample *from = &r->samples[(newest - back) % SAMPLES];

	if (to->ns <= from->ns)
		return 0;
	return (double)(to->values[item] - from->values[item]) * CLOCK_NS_PER_S /
	       (double)(to->ns - from->ns);
}
