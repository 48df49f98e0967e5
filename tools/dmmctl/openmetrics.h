/*
 * The result of `stats` as OpenMetrics text, for a textfile collector or any scraper: counters of
 * control as dmm_control_NAME_total, its times as histograms in seconds, what there is now as
 * gauges; figures of data planes as dmm_data_plane_* with the labels data_plane and counter,
 * reason, node, port or table.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* Writes all of it, up to and including "# EOF". */
void openmetrics_print(FILE *to, const json_t *stats);
