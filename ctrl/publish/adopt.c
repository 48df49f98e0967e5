#include "ctrl/publish/adopt.h"

#include "common/log.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publisher.h"
#include "ctrl/publish/snapshot.h"

#include <string.h>

enum {
	WAIT_MS = 5000,            /* for a digest; a million subscribers take less than a second */
	MOST = OBJECT_BUCKETS / 2, /* buckets that differ; with more a snapshot costs hardly more */
};

void adopt_ask(struct session *s)
{
	struct publish *p = s->publish;
	struct writer w;

	if (!s->adopt.asked)
		s->adopt.asked_ns = loop_now_ns(p->loop);
	s->adopt.asked = true;
	/* One that does not go now is missed in time. */
	session_start(p, &w, UPDATE_DIGEST_REQUEST, 0);
	session_message(s, &w);
}

/* Which buckets it has otherwise than they are wanted. */
static struct object_buckets compare(const struct session *s, const uint64_t found[OBJECT_BUCKETS])
{
	const struct publish *p = s->publish;
	struct object_buckets differing = {0};
	struct state_sums wanted = p->state.sums;

	for (size_t i = 0; i < p->fixed_count; i++)
		if (snapshot_has(s, i))
			state_sum(&wanted, p->fixed[i].octets, p->fixed[i].len, 1);
	for (uint32_t i = 0; i < OBJECT_BUCKETS; i++)
		if (wanted.buckets[i] != found[i])
			object_buckets_add(&differing, i);
	return differing;
}

bool adopt_answer(struct session *s, const struct update_head *head,
	const struct update_digest_answer *answer)
{
	struct publish *p = s->publish;
	struct object_buckets differing;
	unsigned count;

	if (!s->adopt.asked || answer->asked != p->epoch || head->epoch == 0)
		return false;
	s->adopt.epoch = head->epoch;
	s->adopt.sequence = head->sequence;
	differing = compare(s, answer->buckets);
	count = object_buckets_count(&differing);
	LOG_INFO("publish", "data-plane-compared", "name=%s from=%llu newest=%llu buckets=%u/%u",
		s->name, (unsigned long long)head->sequence,
		(unsigned long long)publish_sequence(p), count, OBJECT_BUCKETS);
	if (count <= MOST)
		snapshot_adopt(s, &differing);
	else
		snapshot_start(s);
	return true;
}

void adopt_tick(struct session *s)
{
	struct publish *p = s->publish;

	if (!s->adopt.asked ||
		loop_now_ns(p->loop) - s->adopt.asked_ns < (uint64_t)WAIT_MS * 1000000)
		return;
	LOG_WARN("publish", "data-plane-not-compared", "name=%s", s->name);
	snapshot_start(s);
}
