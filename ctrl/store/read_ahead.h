/*
 * Records that one thread reads while another one uses those before them: half of the time of a
 * restart goes into the engine, the other half into what its records become.
 *
 * Records travel in a few blocks of READ_AHEAD_BLOCK octets, each of which belongs to one of the
 * two at a time, so nothing is locked per record. Cost: 1 MiB while it lasts, one thread.
 */
#pragma once

#include "ctrl/store/store.h"

enum {
	READ_AHEAD_BLOCK = 256 << 10,
	READ_AHEAD_BLOCKS = 4,
};

struct read_ahead;

/*
 * Puts all records, in order, by read_ahead_put(); runs on the thread that reads. When that does
 * not return 0, nobody wants more: it ends. Returns 0 or a negative errno, the result of the walk
 * once all that was put has been used.
 */
typedef int read_ahead_source_fn(void *arg, struct read_ahead *ahead);

/* Called by the source only. Key and record are copied. Returns 0, or -ECANCELED. */
int read_ahead_put(struct read_ahead *ahead, const void *key, size_t key_len, const void *record,
	size_t record_len);

/*
 * Calls fn, on the calling thread, for each record of the source until fn does not return 0, whose
 * result it then returns; the source has ended by then. Otherwise returns what the source did, or
 * -ENOMEM or -EAGAIN: there is no memory or no thread for it.
 */
int read_ahead_run(read_ahead_source_fn *source, void *source_arg, store_each_fn *fn, void *fn_arg);
