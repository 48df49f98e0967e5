/*
 * Snapshots: the desired state, or some buckets of it, sent to one data plane a message at a time,
 * while changes go on: the deltas made meanwhile are sent after it and say again what it may have
 * had too soon. Private to ctrl/publish/.
 */
#pragma once

#include "ctrl/publish/session.h"

/* Starts one of everything, in the place of any other. */
void snapshot_start(struct session *s);

/* Starts one for a data plane that goes on serving with what it has. */
void snapshot_heal(struct session *s);

/*
 * Takes over what a data plane has, but for these buckets, which are sent. s->adopt says what it
 * has.
 */
void snapshot_adopt(struct session *s, const struct object_buckets *buckets);

/* Sends the next message: 0, or what sending it said; -EINPROGRESS: enough was looked at for now.
 */
int snapshot_send(struct session *s);

/*
 * Whether an object that does not change is for this data plane. A link is for the one that has the
 * port: where there are several, those that have no such port are not told of it.
 */
bool snapshot_has(const struct session *s, size_t fixed);
