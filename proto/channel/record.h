/*
 * What the records of both channels have in common: all-or-nothing writing, and short texts.
 * Internal to proto/channel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/cursor.h"

/*
 * A place in a writer to come back to: a record that does not fit leaves no part of itself
 * behind, and the writer as able to take a shorter one as it was before.
 */
struct record_mark {
	uint8_t *pos;
	bool overflow;
};

static inline struct record_mark record_begin(const struct writer *w)
{
	return (struct record_mark){.pos = w->pos, .overflow = w->overflow};
}

/* Ends a record: returns 0 if all of it was written, else takes it back and returns -ENOSPC. */
int record_end(struct writer *w, struct record_mark mark);

/*
 * True if text is made of min to max octets of printable ASCII before its NUL, and the NUL comes
 * within them or just behind. Names may have no space (space false). Nothing else is let through,
 * because these texts end in logs and in JSON.
 */
bool record_text_ok(const char *text, size_t min, size_t max, bool space);

/* Writes a text that is fine as one octet of length and the characters. */
void record_text_encode(struct writer *w, const char *text);

/*
 * Reads a text of min to max octets under the rules of record_text_ok() into out, which has room
 * for max + 1 octets; the cursor fails if it breaks them.
 */
void record_text_decode(struct cursor *c, char *out, size_t min, size_t max, bool space);

/* Reads one octet that must be 0 or 1; the cursor fails for others. */
bool record_bool_decode(struct cursor *c);
