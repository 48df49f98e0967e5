/* A Binding Update List entry, driven by a clock of the test's own. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "common/addr.h"
#include "common/clock.h"
#include "tools/mn/bul.h"

#define MS CLOCK_NS_PER_MS
#define S  CLOCK_NS_PER_S

enum { SENT_MAX = 256, LIFETIME_S = 420 };

struct fixture {
	struct wheel wheel;
	struct bul_entry bul;
	uint64_t now, start;
	uint64_t ntp; /* at `start` */
	unsigned count, changes;
	int send_result;
	struct bul_update sent[SENT_MAX];
	uint64_t at[SENT_MAX]; /* since start */
};

static inline int take(const struct bul_update *update, void *context)
{
	struct fixture *f = context;

	assert_true(f->count < SENT_MAX);
	f->at[f->count] = f->now - f->start;
	f->sent[f->count++] = *update;
	return f->send_result;
}

static inline void changed(const struct bul_entry *entry, void *context)
{
	struct fixture *f = context;

	assert_ptr_equal(entry, &f->bul);
	f->changes++;
}

static inline uint64_t mono_ns(void *context)
{
	return ((struct fixture *)context)->now;
}

static inline uint64_t ntp(void *context)
{
	struct fixture *f = context;
	uint64_t since = f->now - f->start;

	return f->ntp + (since / S << 32) + ((since % S) << 32) / S;
}

static const struct bul_ops ops = {
	.send = take, .changed = changed, .mono_ns = mono_ns, .ntp = ntp};

static const struct in6_addr coa_a = {{{0x20, 1, 0xd, 0xb8, 0, 0xa, [15] = 1}}};
static const struct in6_addr coa_b = {{{0x20, 1, 0xd, 0xb8, 0, 0xb, [15] = 1}}};
static const struct in6_addr home = {{{0x20, 1, 0xd, 0xb8, 1, 0, [15] = 0x10}}};

static inline void begin(struct fixture *f, bool use_timestamps)
{
	memset(f, 0, sizeof(*f));
	f->now = f->start = 1000 * S;
	f->ntp = 0xe9d6a1b280000000;
	wheel_init(&f->wheel, f->now, NULL);
	bul_init(&f->bul, &ops, f, &f->wheel, LIFETIME_S, use_timestamps, 65534);
}

static inline int setup(void **state)
{
	static struct fixture f;

	begin(&f, true);
	*state = &f;
	return 0;
}

/* Lets time pass, timer by timer, as the program's loop does. */
static inline void pass(struct fixture *f, uint64_t ns)
{
	uint64_t end = f->now + ns;

	while (f->now < end) {
		uint64_t next = wheel_next_ns(&f->wheel);

		f->now = next > end ? end : next > f->now ? next : f->now + MS;
		if (f->now > end)
			f->now = end;
		wheel_advance(&f->wheel, f->now, 0);
	}
}

static inline struct bul_answer answer_to(const struct bul_update *u, uint8_t status)
{
	return (struct bul_answer){.status = status,
		.sequence = u->sequence,
		.lifetime_s = u->lifetime_s,
		.has_timestamp = true,
		.timestamp = u->timestamp};
}

static inline const struct bul_update *last(const struct fixture *f)
{
	assert_true(f->count > 0);
	return &f->sent[f->count - 1];
}

static inline int answer_last(struct fixture *f, uint8_t status)
{
	struct bul_answer a = answer_to(last(f), status);

	return bul_answered(&f->bul, &a);
}

static inline void bind_at(struct fixture *f, const struct in6_addr *coa)
{
	bul_register(&f->bul, coa);
	assert_int_equal(answer_last(f, 0), 0);
	assert_int_equal(f->bul.state, BUL_BOUND);
}
