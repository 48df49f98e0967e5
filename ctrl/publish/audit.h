/*
 * Audits of data planes. Private to ctrl/publish/.
 */
#pragma once

#include "ctrl/publish/session.h"

/* Audits: made ready (0 or -ENOMEM) and ended, without calls. */
int audit_open(struct publish *p);
void audit_close(struct publish *p);

/* What is wanted now is what is wanted at the newest number. */
void audit_remember(struct publish *p);

/* A digest of the current epoch that a data plane sent. */
void audit_answer(
	struct session *s, const struct update_head *head, const struct update_digest *digest);

/* It has acknowledged a snapshot: if that was to mend its tables, they are looked at again. */
void audit_healed(struct session *s);

/* It said hello, or went: what it was asked it does not answer any more. */
void audit_gone(struct session *s);
