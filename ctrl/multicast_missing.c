#include "ctrl/multicast_missing.h"

#include <stdlib.h>
#include <string.h>

#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"

enum {
	SOON_MS = 100, /* so that one walk answers for several acknowledgements */
	NEXT_MS = 1,   /* between two questions */
};

struct multicast_missing {
	struct multicast_missing_config given;
	struct wheel_timer timer;
	uint64_t suspects; /* data planes, by index, for the next walk */
	bool walking, later;
	uint64_t asked;    /* data planes that this walk is about */
	uint64_t answered; /* of them, those that have answered the question */
	bool members;      /* groups are done */
	size_t place;      /* of publish_list() */
	unsigned count;    /* of the question that is under way; 0: none is */
	uint64_t ids[UPDATE_COUNT_IDS_MAX];
	uint64_t has[UPDATE_COUNT_IDS_MAX]; /* data planes; all: what is not to be told */
	unsigned next;                      /* answers come in the order of the question */
};

static void arm(struct multicast_missing *m, uint64_t ms)
{
	loop_cancel(m->given.loop, &m->timer);
	loop_arm_ms(m->given.loop, &m->timer, ms);
}

/* ---- a question --------------------------------------------------------------------------- */

static void take(void *arg, unsigned dp, const struct update_count *count)
{
	struct multicast_missing *m = arg;

	for (unsigned tried = 0; tried < m->count; tried++, m->next++) {
		const unsigned at = m->next % m->count;

		if (m->ids[at] != count->id)
			continue;
		m->has[at] |= 1ull << dp;
		return;
	}
}

static void done(void *arg, unsigned dp, bool answered)
{
	struct multicast_missing *m = arg;

	if (answered)
		m->answered |= 1ull << dp;
}

static bool tell(struct multicast_missing *m, unsigned at, uint64_t lacking)
{
	const enum object_kind kind = m->members ? OBJECT_MEMBER : OBJECT_GROUP;
	bool kept = true;

	for (unsigned dp = 0; lacking; dp++, lacking >>= 1)
		if (lacking & 1)
			kept &= m->given.lacks(m->given.context, dp, kind, m->ids[at]);
	return kept;
}

static void end(void *arg)
{
	struct multicast_missing *m = arg;
	const uint64_t answered = m->asked & m->answered, silent = m->asked & ~m->answered;
	bool kept = true;

	for (unsigned i = 0; i < m->count && kept; i++)
		kept = tell(m, i, answered & ~m->has[i]);
	m->count = 0;
	/* Of who says nothing, or of whom nothing more can be kept, all is asked again. */
	m->suspects |= kept ? silent : m->asked;
	m->later |= silent || !kept;
	m->asked = kept ? answered : 0;
	arm(m, NEXT_MS);
}

static void ask(struct multicast_missing *m)
{
	const struct publish_counted_fns fns = {.arg = m, .record = take, .done = done, .end = end};

	m->answered = 0;
	m->next = 0;
	memset(m->has, 0, sizeof(m->has));
	if (!m->count)
		arm(m, NEXT_MS);
	else if (publish_counted(m->given.publish, m->members ? OBJECT_MEMBER : OBJECT_GROUP,
			 m->ids, m->count, &fns) < 0)
		end(m);
}

/* ---- a walk ------------------------------------------------------------------------------- */

/* Who has been sent all that there is, so that a question comes behind it. */
static uint64_t can_be_asked(struct multicast_missing *m, uint64_t among)
{
	struct publish_session_info info;
	uint64_t can = 0;

	publish_flush(m->given.publish);
	for (unsigned dp = 0; dp < 64; dp++) {
		if (!(among >> dp & 1))
			continue;
		publish_session_info(m->given.publish, dp, &info);
		if ((info.state == PUBLISH_SYNCED || info.state == PUBLISH_LAGGING) &&
			info.sequence_sent == publish_sequence(m->given.publish))
			can |= 1ull << dp;
		else if (info.state == PUBLISH_DOWN || info.state == PUBLISH_COMPARING)
			m->suspects &= ~(1ull << dp); /* it tells anew when it is back */
		else
			m->later = true;
	}
	return can;
}

static void start(struct multicast_missing *m)
{
	m->later = false;
	m->asked = can_be_asked(m, m->suspects);
	m->suspects &= ~m->asked;
	m->walking = m->asked != 0;
	m->members = false;
	m->place = 0;
}

static void finish(struct multicast_missing *m)
{
	m->walking = false;
	if (m->suspects)
		arm(m, m->later ? m->given.later_ms : SOON_MS);
}

static void step(struct wheel_timer *timer, void *context)
{
	struct multicast_missing *m = wheel_entry(timer, struct multicast_missing, timer);
	uint64_t ready;

	(void)context;
	if (!m->walking)
		start(m);
	if (m->walking && m->place == SIZE_MAX && !m->members) {
		m->members = true;
		m->place = 0;
	}
	ready = m->walking ? can_be_asked(m, m->asked) : 0;
	m->suspects |= m->asked & ~ready;
	m->asked = ready;
	if (!m->asked || m->place == SIZE_MAX) {
		finish(m);
		return;
	}
	m->count = publish_list(
		m->given.publish, !m->members, m->ids, UPDATE_COUNT_IDS_MAX, &m->place);
	ask(m);
}

struct multicast_missing *multicast_missing_new(const struct multicast_missing_config *config)
{
	struct multicast_missing *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->given = *config;
	wheel_timer_init(&m->timer, step);
	return m;
}

void multicast_missing_free(struct multicast_missing *m)
{
	if (!m)
		return;
	loop_cancel(m->given.loop, &m->timer);
	free(m);
}

void multicast_missing_suspect(struct multicast_missing *m, unsigned dp)
{
	if (!m->suspects && !m->walking)
		arm(m, SOON_MS);
	m->suspects |= 1ull << dp;
}

void multicast_missing_forget(struct multicast_missing *m, uint64_t id)
{
	for (unsigned i = 0; i < m->count; i++)
		if (m->ids[i] == id)
			m->has[i] = UINT64_MAX;
}
