/*
 * The search for the no-drop rate (RFC 2544, 26.1): trials at rates between a lower and an upper
 * bound, halving what lies between them, until they are as close as was asked for. Pure: the caller
 * runs the trials.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct search {
	double low;        /* packets a second: the best rate that passed, or the lower bound */
	double high;       /* the least that failed, or the upper bound */
	double resolution; /* packets a second: closer bounds end the search */
	double rate;       /* of the next trial */
	bool passed;       /* one trial did */
	bool done;
};

/* Starts a search between two rates; resolution in percent of the upper one. The first trial is at
 * the upper rate: what passes that is limited by something else. */
void search_begin(struct search *s, double low, double high, double resolution_percent);

/* Tells how the trial at s->rate went, and chooses the next one or sets done. When no trial has
 * passed above the lower bound, that itself is tried last. */
void search_next(struct search *s, bool passed);

/* The no-drop rate, once done: 0 when no trial passed. */
static inline double search_result(const struct search *s)
{
	return s->passed ? s->low : 0;
}
