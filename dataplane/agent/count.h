/*
 * The answer to a COUNT_REQUEST: what all workers have counted of some objects. Agent thread.
 */
#pragma once

#include "dataplane/tables/tables.h"
#include "proto/channel/update.h"

/*
 * Reads the request behind its head and writes the whole answer. 0; -EBADMSG: the request is not
 * what it should be; -ENOSPC.
 */
int count_answer(const struct tables *tables, const struct update_head *head,
	struct cursor *request, struct writer *w);
