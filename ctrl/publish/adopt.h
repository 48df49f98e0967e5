/*
 * Adoption: a data plane comes with tables that another control made, or this one so long ago that
 * the deltas are gone. Its digest is compared with what is wanted now, and only what differs is
 * sent. Private to ctrl/publish/.
 */
#pragma once

#include "ctrl/publish/session.h"

/* It said hello with what we cannot go on from: asks for a digest, perhaps again. */
void adopt_ask(struct session *s);

/*
 * A digest came. False: it was not asked for, or by another control. What it is of is for the data
 * plane to remember: it is not adopted if it has changed meanwhile.
 */
bool adopt_answer(struct session *s, const struct update_head *head,
	const struct update_digest_answer *answer);

/* Looks whether the digest is overdue: then it gets a snapshot. */
void adopt_tick(struct session *s);
