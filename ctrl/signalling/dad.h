/*
 * Duplicate address detection on a home link, before a home address is bound for the first time
 * (RFC 6275, 10.3.1; RFC 4862, 5.4). The registration waits in its binding meanwhile.
 */
#pragma once

#include <stdbool.h>

#include "ctrl/binding/binding.h"
#include "ctrl/signalling/receive.h"

/* Whether the waiting first registration of a binding still needs it: its home prefix is on a link,
 * and it has not passed. */
bool dad_wanted(const struct signalling *s, const struct binding *b);

/* Sends the first probe and waits. 0, or a negative errno if the link cannot be reached. */
int dad_start(struct signalling *s, struct binding *b);

/* The binding's timer, in BINDING_STATE_DAD: nobody has answered the last probe. */
void dad_timer(struct signalling *s, struct binding *b);

/* Neighbour Discovery of a home link: rivals of an address under test, or of one that is bound. */
void dad_receive(struct signalling *s, const struct receive_packet *packet);
