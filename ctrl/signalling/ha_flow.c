#include "ctrl/signalling/ha_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/wait_group.h"
#include "ctrl/signalling/ha_flow_decide.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/codes.h"

enum {
	/* Of flow options in an acknowledgement, so that it needs no fragments (RFC 6089, 6). */
	REPLY_OCTETS_MAX = 800,
};

static unsigned count_options(const struct mh *mh)
{
	unsigned n = 0;

	for (unsigned i = 0; i < mh->option_count; i++) {
		const struct mh_option *o = &mh->options[i];

		if (o->type == OPTION_FLOW_ID)
			n++;
		else if (o->type == OPTION_FLOW_SUMMARY)
			n += o->flow_summary.fids.len / 2;
	}
	return n;
}

static bool stands(const struct ha_flows *flows, uint16_t fid, bool refresh)
{
	for (unsigned i = 0; i < flows->count; i++)
		if (flows->at[i].fid == fid && flows->at[i].refresh == refresh)
			return true;
	return false;
}

static void read_id(const struct option_flow_id *option, struct ha_flows *flows)
{
	struct ha_flow *f;

	flows->repeated |= stands(flows, option->fid, false);
	f = &flows->at[flows->count++];
	f->fid = option->fid;
	f->priority = option->priority;
	f->subs_len = (uint8_t)option->subs.len;
	if (option->subs.len)
		memcpy(f->subs, option->subs.at, option->subs.len);
}

/* The same FID again says nothing new (RFC 6089, 5.3.3). */
static void read_summary(const struct option_flow_summary *option, struct ha_flows *flows)
{
	for (unsigned i = 0; i < option->fids.len / 2; i++) {
		uint16_t fid = field_list16(&option->fids, i);

		if (!stands(flows, fid, true))
			flows->at[flows->count++] = (struct ha_flow){.fid = fid, .refresh = true};
	}
}

int ha_flow_read(const struct mh *mh, struct ha_flows **out)
{
	unsigned room = count_options(mh);
	struct ha_flows *flows;

	*out = NULL;
	if (room == 0)
		return 0;
	flows = calloc(1, sizeof(*flows) + room * sizeof(flows->at[0]));
	if (!flows)
		return -ENOMEM;
	for (unsigned i = 0; i < mh->option_count; i++)
		if (mh->options[i].type == OPTION_FLOW_ID)
			read_id(&mh->options[i].flow_id, flows);
	for (unsigned i = 0; i < mh->option_count; i++)
		if (mh->options[i].type == OPTION_FLOW_SUMMARY)
			read_summary(&mh->options[i].flow_summary, flows);
	*out = flows;
	return 0;
}

bool ha_flow_concerns(const struct binding *b, const struct ha_request *r)
{
	return b->flows || r->update.flows;
}

/* A flow whose record or rule changes. */
struct step {
	struct work *work;
	uint16_t fid;
	int error;
};

/* Changes of flow bindings under way, of one request. */
struct work {
	struct signalling *s;
	struct ha_request *r;
	ha_flow_done *done;
	struct flow_set *to; /* what they become */
	struct wait_group group;
	unsigned asked; /* steps that were asked for; those behind take back what failed */
	unsigned count;
	struct step steps[];
};

static void submit(struct work *w, const struct signalling_flow *change, uint16_t fid);

static bool priority_taken(const struct flow_set *set, const struct flow_binding *flow)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->at[i].priority == flow->priority && set->at[i].fid != flow->fid)
			return true;
	return false;
}

/* What could not become a fact stays as it was. Where that has given its priority to a flow that
 * did, it ends: no two may have the same (RFC 6089, 4.2). */
static void take_back(struct work *w, const struct step *step, struct signalling_flow *change)
{
	const struct flow_binding *before = flow_set_find(w->r->binding->flows, step->fid);
	struct ha_flows *flows = w->r->update.flows;

	flow_set_remove(w->to, step->fid);
	if (before && !priority_taken(w->to, before)) {
		flow_set_put(w->to, before);
	} else if (before) {
		change->good = before;
		submit(w, change, step->fid);
	}
	state_count(w->s, SIGNALLING_N_FLOW_FAILED);
	for (unsigned i = 0; flows && i < flows->count; i++)
		if (flows->at[i].fid == step->fid && !flows->at[i].refresh)
			flows->at[i].status = CODES_FLOW_REJECTED;
}

static void take_back_all(struct work *w)
{
	struct binding_record rooms[2][BINDING_MAX];
	struct ha_request *r = w->r;
	struct binding *b = r->binding;
	const struct binding_list before = binding_list(&r->to, r->more, rooms[0]);
	const struct binding_list after = binding_list(&b->now, b->more, rooms[1]);
	struct signalling_flow change = {.home = &b->now.home, .before = &before, .after = &after};

	for (unsigned i = 0; i < w->asked; i++)
		if (w->steps[i].error)
			take_back(w, &w->steps[i], &change);
}

static void count_refusals(struct signalling *s, const struct ha_flows *flows)
{
	static const enum signalling_counter counters[] = {
		[CODES_FLOW_PROHIBITED - 128] = SIGNALLING_N_FLOW_128,
		[CODES_FLOW_REJECTED - 128] = SIGNALLING_N_FLOW_129,
		[CODES_FLOW_MALFORMED - 128] = SIGNALLING_N_FLOW_130,
		[CODES_FLOW_NO_BID - 128] = SIGNALLING_N_FLOW_131,
		[CODES_FLOW_NO_FID - 128] = SIGNALLING_N_FLOW_132,
		[CODES_FLOW_FORMAT - 128] = SIGNALLING_N_FLOW_133,
	};

	for (unsigned i = 0; flows && i < flows->count; i++)
		if (flows->at[i].status >= CODES_FLOW_PROHIBITED)
			state_count(s, counters[flows->at[i].status - 128]);
}

/* What failed is taken back, too. */
static void finish(void *context, int error)
{
	struct work *w = context;
	struct binding *b = w->r->binding;
	struct ha_request *r = w->r;
	ha_flow_done *done = w->done;

	(void)error;
	for (unsigned i = w->asked; i < w->count; i++)
		if (w->steps[i].error)
			flow_set_put(w->to, flow_set_find(b->flows, w->steps[i].fid));
	count_refusals(w->s, r->update.flows);
	free(b->flows);
	b->flows = w->to;
	if (b->flows->count == 0) {
		free(b->flows);
		b->flows = NULL;
	}
	free(w);
	done(r);
}

/* All that was asked for has become a fact, or failed. */
static void all_asked(void *context, int error)
{
	struct work *w = context;

	(void)error;
	w->asked = w->count;
	wait_group_init(&w->group, finish, w);
	take_back_all(w);
	wait_group_done(&w->group, 0);
}

static void step_done(void *context, int error)
{
	struct step *step = context;

	step->error = error;
	wait_group_done(&step->work->group, error);
}

static void submit(struct work *w, const struct signalling_flow *change, uint16_t fid)
{
	struct step *step = &w->steps[w->count++];
	int error;

	*step = (struct step){.work = w, .fid = fid};
	wait_group_add(&w->group);
	error = w->s->ops.commit_flow(w->s->ops.context, change, step_done, step);
	if (error)
		step_done(step, error);
}

/* Submits what is new, gone, or leads elsewhere. */
static void submit_all(
	struct work *w, const struct binding_list *before, const struct binding_list *after)
{
	struct binding *b = w->r->binding;
	struct signalling_flow change = {.home = &b->now.home, .before = before, .after = after};

	for (unsigned i = 0; b->flows && i < b->flows->count; i++) {
		change.good = &b->flows->at[i];
		change.to = flow_set_find(w->to, change.good->fid);
		if (!change.to || !flow_is_same(change.good, change.to) ||
			ha_flow_moves(change.to, before, after))
			submit(w, &change, change.good->fid);
	}
	change.good = NULL;
	for (unsigned i = 0; i < w->to->count; i++) {
		change.to = &w->to->at[i];
		if (!flow_set_find(b->flows, change.to->fid))
			submit(w, &change, change.to->fid);
	}
}

/* What the flow bindings are to become. NULL: no memory. */
static struct flow_set *decide(
	struct signalling *s, struct binding *b, struct ha_request *r, unsigned room)
{
	struct flow_set *to = flow_set_new(room);

	if (!to || b->now.life != BINDING_LIVE)
		return to;
	if (r->kind == HA_REGISTER || r->kind == HA_DEREGISTER)
		ha_flow_decide(s, b, r->update.flows, to);
	else
		for (unsigned i = 0; i < b->flows->count; i++)
			flow_set_put(to, &b->flows->at[i]);
	return to;
}

void ha_flow_begin(
	struct signalling *s, struct binding *b, struct ha_request *r, ha_flow_done *done)
{
	struct binding_record rooms[2][BINDING_MAX];
	const struct binding_list before = binding_list(&r->to, r->more, rooms[0]);
	const struct binding_list after = binding_list(&b->now, b->more, rooms[1]);
	unsigned room =
		(b->flows ? b->flows->count : 0) + (r->update.flows ? r->update.flows->count : 0);
	struct work *w = calloc(1, sizeof(*w) + 2 * (size_t)room * sizeof(w->steps[0]));
	struct flow_set *to = decide(s, b, r, room);

	if (!w || !to) {
		free(w);
		free(to);
		state_count(s, SIGNALLING_N_NO_MEMORY);
		done(r);
		return;
	}
	*w = (struct work){.s = s, .r = r, .done = done, .to = to};
	wait_group_init(&w->group, all_asked, w);
	submit_all(w, &before, &after);
	wait_group_done(&w->group, 0);
}

static size_t option_octets(const struct ha_flow *f, bool subs)
{
	return 8 + (subs ? f->subs_len : 0u);
}

/* Whether all options fit with these sub-options. */
static bool fits(const struct ha_flows *flows, bool accepted, bool refused)
{
	size_t octets = 0;

	for (unsigned i = 0; i < flows->count; i++)
		octets += option_octets(&flows->at[i], flows->at[i].status ? refused : accepted);
	return octets <= REPLY_OCTETS_MAX;
}

void ha_flow_reply(const struct ha_flows *flows, unsigned spare, struct mh *mh)
{
	bool refused, accepted;

	if (!flows)
		return;
	accepted = fits(flows, true, true);
	refused = accepted || fits(flows, false, true);
	for (unsigned i = 0; i < flows->count; i++) {
		const struct ha_flow *f = &flows->at[i];
		struct mh_option *option;

		if (mh->option_count + spare >= MH_OPTIONS_MAX)
			return;
		if (f->refresh && f->status == 0)
			continue;
		option = option_add(mh, OPTION_FLOW_ID);
		option->flow_id.fid = f->fid;
		option->flow_id.priority = f->priority;
		option->flow_id.status = f->status;
		if (f->status ? refused : accepted)
			option->flow_id.subs = (struct field_bytes){f->subs, f->subs_len};
	}
}
