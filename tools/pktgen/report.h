/* Figures of trials, for people and as JSON. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "tools/pktgen/traffic.h"

/* Prints the head of the table of seconds, and one row of it. */
void report_head(FILE *to);
void report_row(FILE *to, uint32_t number, const struct traffic_row *row);

/* Prints the totals of a trial. */
void report_result(
	FILE *to, const struct pktgen_config *config, const struct traffic_result *result);

/* The result as JSON (keys: dmm-pktgen(1)). NULL when there is no memory. */
json_t *report_json(const struct pktgen_config *config, const struct traffic_result *result);

/* What the configuration asked for: subscribers, streams, sizes, distribution. */
json_t *report_json_traffic(const struct pktgen_config *config);

/* Percentiles of a histogram in microseconds. */
json_t *report_json_latency(const struct histogram *h);

/* Frames by what they were, as an object. */
json_t *report_json_others(const uint64_t others[static PACKET_KINDS]);

/* Packets that were offered, and of these lost: on the way, or because a device was full. */
struct report_loss {
	uint64_t offered, lost;
	double percent;
};
struct report_loss report_loss(
	const struct pktgen_config *config, const struct traffic_result *result);
