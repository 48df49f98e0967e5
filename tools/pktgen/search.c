#include "tools/pktgen/search.h"

void search_begin(struct search *s, double low, double high, double resolution_percent)
{
	*s = (struct search){.low = low,
		.high = high,
		.resolution = high * resolution_percent / 100,
		.rate = high};
}

void search_next(struct search *s, bool passed)
{
	const bool last = s->rate <= s->low || s->rate >= s->high;

	if (passed) {
		s->low = s->rate;
		s->passed = true;
	} else
		s->high = s->rate;
	if (passed && last) {
		s->done = true;
		return;
	}
	if (s->high - s->low > s->resolution) {
		s->rate = (s->low + s->high) / 2;
		return;
	}
	/* The lower bound was assumed so far, and if it was just tried, it has failed. */
	s->done = s->passed || s->rate <= s->low;
	s->rate = s->low;
}
