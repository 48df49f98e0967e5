#include "tools/pktgen/sizes.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Small packets as of acknowledgements, a middle, and full ones: 7 to 4 to 1. */
static const struct sizes imix = {
	.parts = {{64, 64, 7}, {576, 576, 11}, {1500, 1500, 12}}, .count = 3, .weights = 12};

static int refuse(char *why, size_t size, const char *text)
{
	snprintf(why, size,
		"\"%.60s\" is no list of sizes: \"64\", \"64,512\", \"64:7,576:4\", \"64-1460\" or "
		"\"imix\" are",
		text);
	return -EINVAL;
}

/* Digits at *at, which is moved behind them; -1 if there are none or too many. */
static long number(const char **at)
{
	char *end;
	long value;

	if (!isdigit((unsigned char)**at))
		return -1;
	errno = 0;
	value = strtol(*at, &end, 10);
	*at = end;
	return errno ? -1 : value;
}

static int add(struct sizes *s, long from, long to, long weight, long max, char *why, size_t size)
{
	if (from < SIZES_MIN || from > max || to > max) {
		snprintf(why, size, "%ld is not from %d to %ld",
			from < SIZES_MIN || from > max ? from : to, SIZES_MIN, max);
		return -EINVAL;
	}
	if (from > to) {
		snprintf(why, size, "%ld-%ld is the wrong way round", from, to);
		return -EINVAL;
	}
	if (weight < 1 || weight > SIZES_WEIGHT_MAX) {
		snprintf(why, size, "weight %ld is not from 1 to %d", weight, SIZES_WEIGHT_MAX);
		return -EINVAL;
	}
	if (s->count == SIZES_PARTS_MAX) {
		snprintf(why, size, "more than %d sizes", SIZES_PARTS_MAX);
		return -EINVAL;
	}
	s->weights += (uint32_t)weight;
	s->parts[s->count++] = (struct sizes_part){(uint16_t)from, (uint16_t)to, s->weights};
	return 0;
}

int sizes_parse(const char *text, uint16_t max, struct sizes *out, char *why, size_t why_size)
{
	const char *at = text;
	int rc;

	if (strcmp(text, "imix") == 0) {
		*out = imix;
		if (out->parts[2].to > max)
			out->parts[2].from = out->parts[2].to = max;
		return 0;
	}
	*out = (struct sizes){0};
	do {
		long from = number(&at), to = from, weight = 1;

		if (*at == '-' && at++)
			to = number(&at);
		if (*at == ':' && at++)
			weight = number(&at);
		if (from < 0 || to < 0 || weight < 0 || (*at && *at != ','))
			return refuse(why, why_size, text);
		rc = add(out, from, to, weight, max, why, why_size);
		if (rc < 0)
			return rc;
	} while (*at++ == ',');
	return 0;
}

double sizes_mean(const struct sizes *sizes)
{
	double sum = 0;
	uint32_t before = 0;

	for (uint32_t i = 0; i < sizes->count; i++) {
		const struct sizes_part *part = &sizes->parts[i];

		sum += (part->below - before) * (part->from + part->to) / 2.0;
		before = part->below;
	}
	return sum / sizes->weights;
}
