/*
 * Questions for statistics and counts that data planes have not answered yet. Private to
 * ctrl/publish/.
 */
#pragma once

#include "common/cursor.h"
#include "ctrl/publish/session.h"

/* Takes an answer to a statistics request. 0 or -EBADMSG. */
int stats_answer(struct session *s, struct cursor *c);

/* The same to a request for counts. */
int count_answer(struct session *s, struct cursor *c);

/* A data plane went: no answer will come. */
void stats_gone(struct publish *p, unsigned dp);

/* Ends all requests, without calls. */
void stats_clear(struct publish *p);
