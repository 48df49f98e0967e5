/*
 * The answer to a COUNT_REQUEST: what all workers have counted of some objects. Agent thread.
 */
#pragma once

#include "dataplane/agent/upstream.h"
#include "dataplane/tables/tables.h"
#include "proto/channel/update.h"

/* Where it is counted. */
struct count_of {
	const struct tables *tables;
	const struct upstream *upstream; /* NULL: no port is upstream of multicast */
};

/*
 * Reads the request behind its head and writes the whole answer. 0; -EBADMSG: the request is not
 * what it should be; -ENOSPC.
 */
int count_answer(const struct count_of *of, const struct update_head *head, struct cursor *request,
	struct writer *w);
