/*
 * The keys of the channels to control when they are on tcp: our own secret one, and the public ones
 * that control may have. Read at start, and again when the main thread is told to; the threads that
 * hold a connection notice by the generation. Any thread, once keys_open() has returned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/curve.h"

struct dp_config;

enum { KEYS_CONTROL_MAX = 2 };

/* Reads the keys that a configuration names, to see that they are there: the last step of its
 * check. What is wrong stands in the report. */
void keys_check(const struct dp_config *config, const char *file, struct config_report *report);

/* Reads the keys of a checked configuration, `file` its path. 0, or -EINVAL after a log line. */
int keys_open(const struct dp_config *config, const char *file);

/* Reads the configuration file again and takes over its keys, nothing else. 0, or a negative errno
 * after a log line: then they stay as they are. */
int keys_reload(void);

/* Wipes them. */
void keys_close(void);

/* Changes whenever the keys do. */
uint32_t keys_generation(void);

/* Copies our secret key, which the caller wipes, and the one of control's keys that is to be tried
 * at this attempt (counted from 0: they take turns). Returns the generation, 0 when there are none.
 */
uint32_t keys_get(unsigned attempt, struct curve_key *secret, struct curve_key *control);
