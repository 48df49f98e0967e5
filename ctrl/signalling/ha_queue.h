/*
 * The changes of the bindings of a home address, one after the other: at most one is with the
 * commit (`running`), others wait. A waiting Binding Update that a newer one overtakes is
 * forgotten: its node has given it up, since it sent the newer one (RFC 6275, 11.7.1). One with
 * BIDs overtakes only those that it names all BIDs of, or with the O flag. Each that runs is
 * answered when it is a fact, or refused when it could not become one; the cache changes only with
 * facts.
 */
#pragma once

#include "ctrl/signalling/ha.h"

/* Hands a request to its binding, which it may change, or end and recycle, before the return. */
void ha_queue_put(struct signalling *s, struct binding *b, struct ha_request *request);

/* Goes on with what waits; if nothing does, the binding comes to rest, which may recycle it. */
void ha_queue_next(struct signalling *s, struct binding *b);

/* Answers the waiting request with a refusal, and goes on. */
void ha_queue_refuse(struct signalling *s, struct binding *b, uint8_t status);

/* What waits or runs is given up without a word (the end of the process). */
void ha_queue_forget(struct signalling *s, struct binding *b);
