/*
 * The Binding Acknowledgement (RFC 6275, 6.1.8, 9.5.4, 10.3.1 and 10.3.2), authenticated whenever
 * its node has a security association, also when it refuses (RFC 4285, 5.1.1).
 */
#pragma once

#include <stdint.h>

#include "ctrl/signalling/ha.h"

/* Sends status 0 with the lifetime granted, in units (0: the binding has ended). */
void ha_accept(struct signalling *s, const struct ha_update *update,
	const struct subscriber *subscriber, uint16_t lifetime);

/* Sends a refusal (status from 128 on), counts it and tells of it. */
void ha_refuse(struct signalling *s, const struct ha_update *update,
	const struct subscriber *subscriber, uint8_t status, uint16_t sequence);
