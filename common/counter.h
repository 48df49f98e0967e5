/*
 * Named counters: a module declares an enum of its counters, a table of the same order that names
 * and explains them, and an array of values.
 *
 *	enum ha_counter { HA_BU_RECEIVED, HA_BU_BAD_SPI, HA_COUNTERS };
 *	const struct counter_def ha_counter_defs[HA_COUNTERS] = {
 *		[HA_BU_RECEIVED] = {"bu_received", "Binding Updates received"}, ... };
 *
 * A value has one writer thread and any number of readers.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct counter_def {
	const char *name; /* stable: programs read it; lower_case_with_underscores */
	const char *help; /* one line for people */
};

/* Adds n; for the one writer. Readers in other threads never see a torn value. */
static inline void counter_add(uint64_t *value, uint64_t n)
{
	__atomic_store_n(value, __atomic_load_n(value, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* Reads a value from any thread. */
static inline uint64_t counter_get(const uint64_t *value)
{
	return __atomic_load_n(value, __ATOMIC_RELAXED);
}

/* A new JSON object {name: value, ...} of all counters, in the order of the table. The caller owns
 * it. NULL: no memory. */
json_t *counter_json(const struct counter_def *defs, const uint64_t *values, size_t count);

/* A new JSON object {name: help, ...}: what the counters mean. NULL: no memory. */
json_t *counter_json_help(const struct counter_def *defs, size_t count);
