/*
 * The tests that a Binding Update has to pass: RFC 6275, 9.5.1, 10.3.1 and 10.3.2; RFC 4285, 5 and
 * 6. They have no effect on anything but the counters.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ctrl/signalling/counter.h"
#include "ctrl/signalling/ha.h"

enum ha_outcome {
	HA_PASS = 0,
	HA_DROP,   /* silently, under `counter` */
	HA_REFUSE, /* with a Binding Acknowledgement of `status` */
};

struct ha_verdict {
	enum ha_outcome outcome;
	enum signalling_counter counter;
	uint8_t status;
};

/* A Binding Update under test. */
struct ha_check {
	struct signalling *s;
	const uint8_t *octets; /* the message as it came */
	const struct mh *mh;
	const struct ha_update *update;
	/* Found by the tests: */
	struct subscriber *owner;      /* of the home address */
	struct subscriber *subscriber; /* whose it is */
	struct binding *binding; /* of its home address, if that is its subscriber's, or NULL */
	bool stamped;            /* its timestamp protects it, not its sequence number */
};

/* Runs the tests up to the first that fails. */
struct ha_verdict ha_check(struct ha_check *c);
