/*
 * The digest of what control has set, computed from what readers use: every object is put together
 * again from the entries, shapes and sets that workers look at, and reached as they reach it. What
 * a worker would not find, or would find otherwise than it was set, is missing from the digest.
 *
 * A million subscribers take the better part of a second, so the digest is computed in steps,
 * between which tables change. What was already counted and changes is counted anew.
 * Rules are counted with their subscriber, if what workers look into is what they compile to.
 * Memory while it is computed: 8 octets for each path, entry and rule that there is.
 *
 * Agent thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables/tables.h"
#include "proto/channel/update.h"

struct tables_digest_part {
	uint64_t *counted; /* digest of what a number leads to; 0: not counted */
	uint32_t next;     /* number that the next step begins with */
	uint32_t count;
	uint64_t sum;
};

struct tables_digest {
	struct tables *tables; /* NULL: none is being computed */
	struct tables_digest_part paths, subscribers, rules;
	uint64_t buckets[OBJECT_BUCKETS];
};

/* Begins; *d is zero or has ended. 0 or -ENOMEM. */
int tables_digest_start(struct tables_digest *d, struct tables *t);

/*
 * Looks at some more numbers, at most `most`. True: that was the last step, *answer holds what the
 * tables are now (but not who asked), and *d has ended.
 */
bool tables_digest_step(
	struct tables_digest *d, uint32_t most, struct update_digest_answer *answer);

/* Ends early, or does nothing if none is being computed. */
void tables_digest_cancel(struct tables_digest *d);
