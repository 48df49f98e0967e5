/*
 * The key under which ids of groups are made (ctrl/mcast/membership.h): random, made at the first
 * start, and kept in the store, so that ids stay the same. For the control thread.
 */
#pragma once

#include <stdint.h>

#include "ctrl/mcast/membership.h"

struct store;

/* Reads the key, or makes it. 0; -EPROTO (of another release), -EBADMSG, -EIO, or what the store
 * says. */
int multicast_key_open(struct store *store, uint8_t key[static MEMBERSHIP_KEY]);
