/*
 * The configuration reader's inner part: from what libconfig has parsed to the result struct, by
 * the tables. Only here and in config.c libconfig is known.
 */
#pragma once

#include "common/config.h"
#include "common/config_text.h"

#include <libconfig.h>

/* Reads all keys into *out, which is clear; the text that was parsed says what messages name.
 * Returns 0, -EINVAL (the report says what is wrong) or -ENOMEM. */
int config_read_keys(const struct config_text *text, const config_t *parsed,
	const struct config_key *keys, void *out, struct config_report *report);
