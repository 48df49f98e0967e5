/*
 * The configuration reader's inner part: one value from its text. Defaults and files go the same
 * way, so that they cannot differ.
 */
#pragma once

#include "common/config.h"

/* Reads a scalar's text into member, which is key->size octets of the type that key->kind says.
 * Returns 0, or -EINVAL with the reason (which value, what is allowed) in why, or -ENOMEM. A string
 * is allocated, and the one that was there before is freed. */
int config_value_parse(
	const struct config_key *key, const char *text, void *member, char *why, size_t why_size);

/* Writes what a key of this kind allows, for messages and the reference: "an integer from 1 to 9".
 */
void config_value_allowed(const struct config_key *key, char *buf, size_t size);

/* Whether a member of this kind is a struct config_list. */
bool config_value_is_list(enum config_kind kind);

/* For a list of scalars: the key that describes one item (GROUPS: CONFIG_NONE). */
struct config_key config_value_item(const struct config_key *list);
