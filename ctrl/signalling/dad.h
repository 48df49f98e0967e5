/*
 * Duplicate address detection on a home link, before a home address is bound for the first time
 * (RFC 6275, 10.3.1; RFC 4862, 5.4). The registration waits in its binding meanwhile.
 */
#pragma once

#include <stdbool.h>

#include "ctrl/binding/binding.h"
#include "ctrl/signalling/receive.h"

/*
 * Sees to it that the addresses of the waiting first registration of a binding, whose update has
 * these flags, are unique on its home link: the home address and, with L, the link-local address.
 * Returns 1 when they are, or when its home prefix is on no link; 0 when that is being found out
 * (the binding is in BINDING_STATE_DAD until ha_queue_next() or ha_queue_refuse()); -EEXIST when
 * somebody is known to have the link-local address; another negative errno if the link cannot be
 * reached.
 */
int dad_check(struct signalling *s, struct binding *b, uint16_t flags);

/* The binding's timer, in BINDING_STATE_DAD: nobody has answered the last probe. The registration
 * is refused with status 130 when another cannot be sent, or when the data plane that has the home
 * link was lost meanwhile: then an answer may have been missed. */
void dad_timer(struct signalling *s, struct binding *b);

/* Neighbour Discovery of a home link: rivals of an address under test, or of one that is bound. */
void dad_receive(struct signalling *s, const struct receive_packet *packet);
