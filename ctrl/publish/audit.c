/*
 * Audits: a data plane tells the digest of its tables at some number, and the digest of what was
 * wanted at that number is remembered here. It answers at its own speed and goes on applying
 * meanwhile, hence the memory of digests.
 */
#include "ctrl/publish/audit.h"

#include "common/log.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publisher.h"
#include "ctrl/publish/snapshot.h"

#include <errno.h>
#include <stdlib.h>

enum {
	PAST = 1024,     /* numbers whose digests are remembered; a power of two */
	WAIT_MS = 10000, /* for an answer: a million objects take a second */
};

const char *const publish_audit_names[PUBLISH_AUDIT_STATES + 1] = {
	[PUBLISH_AUDIT_NEVER] = "never",
	[PUBLISH_AUDIT_RUNNING] = "running",
	[PUBLISH_AUDIT_EQUAL] = "equal",
	[PUBLISH_AUDIT_DIFFERS_STILL] = "differs",
	[PUBLISH_AUDIT_UNKNOWN] = "unknown",
};

struct audit_past {
	uint64_t sequence;
	struct update_digest digest;
};
static_assert(sizeof(struct audit_past) == 264, "264 KiB for the memory of a process");

struct audit_request {
	struct publish *publish;
	struct audit_request *next;
	uint64_t missing; /* bit: data plane that has not answered */
	uint64_t absent;  /* bit: data plane that could not be asked */
	struct publish_audit_fns fns;
	struct wheel_timer timer;
};

void audit_remember(struct publish *p)
{
	uint64_t newest = publish_sequence(p);
	struct audit_past *past = &p->past[newest % PAST];

	past->sequence = newest;
	past->digest = p->state.sums.digest;
}

static void finish(struct audit_request *r)
{
	const struct publish_audit_result nothing = {0};
	struct publish *p = r->publish;

	for (struct audit_request **at = &p->audits; *at; at = &(*at)->next) {
		if (*at != r)
			continue;
		*at = r->next;
		break;
	}
	loop_cancel(p->loop, &r->timer);
	for (unsigned dp = 0; dp < p->session_count; dp++)
		if ((r->missing | r->absent) >> dp & 1)
			r->fns.done(r->fns.arg, dp, &nothing);
	r->fns.end(r->fns.arg);
	free(r);
}

/* Tells the requests that wait for it what an audit said. */
static void tell(struct session *s, const struct publish_audit_result *result)
{
	struct audit_request *next;

	for (struct audit_request *r = s->publish->audits; r; r = next) {
		next = r->next;
		if (!(r->missing >> s->dp & 1))
			continue;
		r->missing &= ~(1ull << s->dp);
		r->fns.done(r->fns.arg, s->dp, result);
		if (!r->missing)
			finish(r);
	}
}

static void ask(struct session *s)
{
	struct publish *p = s->publish;
	struct writer w;

	if (!s->ready || s->snapshot.active || s->snapshot.unacked || s->audit.asked)
		return;
	session_start(p, &w, UPDATE_DIGEST_REQUEST, 0);
	if (session_message(s, &w))
		return;
	s->audit.asked = true;
	s->audit.asked_ns = loop_now_ns(p->loop);
	s->audit.state = PUBLISH_AUDIT_RUNNING;
}

/* It was asked and says nothing that could be compared. */
static void give_up(struct session *s)
{
	const struct publish_audit_result nothing = {0};

	if (s->audit.asked) {
		s->audit.asked = false;
		s->audit.state = PUBLISH_AUDIT_UNKNOWN;
	}
	tell(s, &nothing);
}

void audit_gone(struct session *s)
{
	give_up(s);
	s->audit.state = PUBLISH_AUDIT_NEVER;
	s->audit.healing = false;
}

static bool same(const struct update_digest *a, const struct update_digest *b, size_t kind)
{
	return a->kinds[kind].count == b->kinds[kind].count &&
	       a->kinds[kind].sum == b->kinds[kind].sum;
}

static bool all_same(const struct update_digest *a, const struct update_digest *b)
{
	for (size_t kind = 0; kind < UPDATE_DIGEST_KINDS; kind++)
		if (!same(a, b, kind))
			return false;
	return true;
}

void audit_healed(struct session *s)
{
	if (s->audit.healing)
		ask(s);
}

/* A table that could not take everything would differ again after each snapshot. */
static void differs(struct session *s, struct publish_audit_result *result)
{
	struct publish *p = s->publish;
	bool hopeless = s->audit.healing && s->failures;

	counter_add(&p->counters[PUBLISH_AUDIT_DIFFERS], 1);
	session_fault(s, "its tables are not what they should be");
	for (size_t i = 0; i < UPDATE_DIGEST_KINDS; i++)
		if (!same(&result->wanted, &result->found, i))
			LOG_ERROR("publish", "audit-differs",
				"name=%s sequence=%llu kind=%s wanted=%u found=%u", s->name,
				(unsigned long long)result->sequence, object_kind_name(i),
				result->wanted.kinds[i].count, result->found.kinds[i].count);
	s->audit.state = hopeless ? PUBLISH_AUDIT_DIFFERS_STILL : PUBLISH_AUDIT_RUNNING;
	result->healing = !hopeless;
	if (!hopeless) {
		counter_add(&p->counters[PUBLISH_AUDIT_HEALED], 1);
		snapshot_heal(s);
	}
	for (size_t i = 0; i < p->handler_count; i++)
		if (p->handlers[i].differs)
			p->handlers[i].differs(p->handlers[i].arg, s->dp, result);
}

void audit_answer(
	struct session *s, const struct update_head *head, const struct update_digest *digest)
{
	struct publish *p = s->publish;
	const struct audit_past *past = &p->past[head->sequence % PAST];
	struct publish_audit_result result = {.sequence = head->sequence, .found = *digest};
	struct state_sums wanted;

	session_heard(s);
	if (!s->audit.asked || s->snapshot.active) {
		counter_add(&p->counters[PUBLISH_UNEXPECTED], 1);
		return;
	}
	if (past->sequence != head->sequence || head->sequence > s->sent) {
		give_up(s);
		return;
	}
	counter_add(&p->counters[PUBLISH_AUDITS], 1);
	s->audit.asked = false;
	s->audit.real_ns = loop_real_ns(p->loop);
	s->audit.sequence = head->sequence;
	s->audit.state = PUBLISH_AUDIT_EQUAL;
	result.compared = true;
	wanted.digest = past->digest;
	for (size_t i = 0; i < p->fixed_count; i++)
		if (snapshot_has(s, i))
			state_sum(&wanted, p->fixed[i].octets, p->fixed[i].len, 1);
	result.wanted = wanted.digest;
	result.equal = all_same(&result.wanted, &result.found);
	if (result.equal)
		s->audit.healing = false;
	else
		differs(s, &result);
	tell(s, &result);
}

/* No answer is an answer too, after a while. */
static void timed_out(struct wheel_timer *timer, void *context)
{
	(void)context;
	finish(wheel_entry(timer, struct audit_request, timer));
}

int publish_audit(struct publish *p, uint64_t set, const struct publish_audit_fns *fns)
{
	struct audit_request *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->publish = p;
	r->fns = *fns;
	for (size_t i = 0; i < p->session_count; i++) {
		if (!(set >> i & 1))
			continue;
		ask(&p->sessions[i]);
		*(p->sessions[i].audit.asked ? &r->missing : &r->absent) |= 1ull << i;
	}
	r->next = p->audits;
	p->audits = r;
	wheel_timer_init(&r->timer, timed_out);
	loop_arm_ms(p->loop, &r->timer, r->missing ? WAIT_MS : 0);
	return 0;
}

/* The regular audit of all. What one did not answer last time it will not answer any more. */
static void audit_all(struct wheel_timer *timer, void *context)
{
	struct publish *p = wheel_entry(timer, struct publish, audit);

	(void)context;
	for (size_t i = 0; i < p->session_count; i++) {
		struct session *s = &p->sessions[i];

		if (s->audit.asked &&
			loop_now_ns(p->loop) - s->audit.asked_ns > (uint64_t)WAIT_MS * 1000000)
			give_up(s);
		ask(s);
	}
	loop_arm_ms(p->loop, &p->audit, p->config->channel.audit_ms);
}

int audit_open(struct publish *p)
{
	p->past = calloc(PAST, sizeof(*p->past));
	if (!p->past)
		return -ENOMEM;
	for (size_t i = 0; i < PAST; i++)
		p->past[i].sequence = UINT64_MAX;
	audit_remember(p);
	wheel_timer_init(&p->audit, audit_all);
	if (p->config->channel.audit_ms)
		loop_arm_ms(p->loop, &p->audit, p->config->channel.audit_ms);
	return 0;
}

void audit_close(struct publish *p)
{
	while (p->audits) {
		struct audit_request *r = p->audits;

		p->audits = r->next;
		loop_cancel(p->loop, &r->timer);
		free(r);
	}
	if (p->past)
		loop_cancel(p->loop, &p->audit);
	free(p->past);
	p->past = NULL;
}
