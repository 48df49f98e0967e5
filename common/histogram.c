#include "common/histogram.h"

#include <math.h>
#include <string.h>

uint64_t histogram_slot_end(unsigned slot)
{
	if (slot < HISTOGRAM_LINEAR)
		return slot;

	const unsigned shift = slot / HISTOGRAM_LINEAR - 1;

	return ((uint64_t)(slot % HISTOGRAM_LINEAR + HISTOGRAM_LINEAR + 1) << shift) - 1;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (from->count == 0)
		return;
	if (to->count == 0 || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->count += from->count;
	to->sum += from->sum;
	for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++)
		to->slots[i] += from->slots[i];
}

void histogram_clear(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
	uint64_t wanted = (uint64_t)ceil((double)h->count * percent / 100), seen = 0;

	if (h->count == 0)
		return 0;
	if (wanted == 0)
		wanted = 1;
	for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++) {
		seen += h->slots[i];
		if (seen >= wanted) {
			const uint64_t end = histogram_slot_end(i);

			return end < h->max && i < HISTOGRAM_SLOTS - 1 ? end : h->max;
		}
	}
	return h->max;
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}

uint64_t histogram_up_to(const struct histogram *h, uint64_t ns)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < HISTOGRAM_SLOTS && histogram_slot_end(i) <= ns; i++)
		sum += h->slots[i];
	return sum;
}
