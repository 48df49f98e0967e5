/*
 * The Binding Refresh Request before a binding ends (RFC 6275, 6.1.2 and 9.5.5).
 */
#pragma once

#include <stdint.h>

struct binding;
struct signalling;

/*
 * Another data plane serves the node: asks it for an update, which is answered with where its
 * tunnel ends, or tells it at once when so configured; again each second until it sends one, a few
 * times.
 */
void refresh_tell(struct signalling *s, struct binding *b);

/* When the next one is due, on the clock of b->end_ns; when none is, the end of the binding that
 * ends first. */
uint64_t refresh_due_ns(const struct binding *b);

/* Asks the node to refresh its binding, or tells it again of its data plane. */
void refresh_send(struct signalling *s, struct binding *b);
