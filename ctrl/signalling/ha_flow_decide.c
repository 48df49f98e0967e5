#include "ctrl/signalling/ha_flow_decide.h"

#include <string.h>

#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/flow.h"

/* What an option asks for: the entry as it is to be. */
struct wish {
	struct flow_binding flow;
	bool has_selector, has_bids;
};

/* Whether every range ends where it begins or behind. */
static bool is_ascending(const struct traffic_selector *selector)
{
	for (unsigned i = 0; i < TRAFFIC_FIELD_COUNT; i++) {
		const struct traffic_range *range = &selector->ranges[i];
		const struct traffic_def *def = traffic_def_find(selector->format, i);

		if (!def || !range->has_end)
			continue;
		if (def->mask ? (range->end.number & def->mask) < (range->start.number & def->mask)
			      : memcmp(&range->end, &range->start, def->size) < 0)
			return false;
	}
	return true;
}

/* The bindings that an option names, each once (4.2.1.3). */
static uint8_t read_bids(const struct binding *b, const struct flow *flow, struct wish *wish)
{
	struct flow_binding *to = &wish->flow;

	if (!flow->has_bids)
		return 0;
	if (flow->bids.len < 2)
		return CODES_FLOW_MALFORMED;
	wish->has_bids = true;
	for (unsigned i = 0; i < flow->bids.len / 2; i++) {
		uint16_t bid = field_list16(&flow->bids, i);
		bool again = false;

		if (!bid || !binding_record_of(b, bid))
			return CODES_FLOW_NO_BID;
		for (unsigned k = 0; k < to->bid_count; k++)
			again |= to->bids[k] == bid;
		if (!again)
			to->bids[to->bid_count++] = bid;
	}
	return 0;
}

static uint8_t read_selector(const struct flow *flow, struct wish *wish)
{
	ssize_t len;

	if (!flow->has_selector)
		return 0;
	if (!flow_is_supported_format(flow->format))
		return CODES_FLOW_FORMAT;
	if (!is_ascending(&flow->selector))
		return CODES_FLOW_MALFORMED;
	len = traffic_selector_encode(
		&flow->selector, wish->flow.selector, sizeof(wish->flow.selector));
	if (len < 0)
		return CODES_FLOW_MALFORMED;
	wish->has_selector = true;
	wish->flow.format = flow->format;
	wish->flow.selector_len = (uint8_t)len;
	return 0;
}

/* Reads an option; returns its status (5.3.2.1). */
static uint8_t read_wish(
	const struct binding *b, const struct ha_flow *option, bool is_new, struct wish *wish)
{
	const struct field_bytes subs = {option->subs, option->subs_len};
	struct flow flow;
	uint8_t status;

	*wish = (struct wish){.flow = {.fid = option->fid, .priority = option->priority}};
	if (option->fid == 0 || option->priority == 0 || flow_decode(&subs, &flow, NULL))
		return CODES_FLOW_MALFORMED;
	if (is_new && !flow.has_selector)
		return CODES_FLOW_MALFORMED;
	status = read_selector(&flow, wish);
	if (status)
		return status;
	if (is_new && !flow.has_bids)
		return CODES_FLOW_MALFORMED;
	return read_bids(b, &flow, wish);
}

/* What an option does not say stays as it was (5.3.2.2). */
static void keep_rest(struct wish *wish, const struct flow_binding *before)
{
	struct flow_binding *to = &wish->flow;

	if (!wish->has_bids) {
		to->bid_count = before->bid_count;
		memcpy(to->bids, before->bids, sizeof(to->bids));
	}
	if (!wish->has_selector) {
		to->format = before->format;
		to->selector_len = before->selector_len;
		memcpy(to->selector, before->selector, sizeof(to->selector));
	}
}

/* One Flow Identification option. */
static uint8_t take(struct binding *b, const struct ha_flow *option, struct flow_set *to)
{
	struct flow_binding *before = flow_set_find(b->flows, option->fid);
	struct wish wish;
	uint8_t status;

	status = read_wish(b, option, !before, &wish);
	if (status)
		return status;
	if (before)
		keep_rest(&wish, before);
	flow_set_put(to, &wish.flow);
	return 0;
}

/* All that an update names stays, until its options change it. */
static void keep_named(const struct binding *b, const struct ha_flows *flows, struct flow_set *to)
{
	for (unsigned i = 0; flows && i < flows->count; i++) {
		const struct flow_binding *flow = flow_set_find(b->flows, flows->at[i].fid);

		if (flow)
			flow_set_put(to, flow);
	}
}

/* The option that made a flow what it is, if it was accepted. */
static struct ha_flow *option_of(struct ha_flows *flows, uint16_t fid)
{
	for (unsigned i = 0; i < flows->count; i++)
		if (flows->at[i].fid == fid && !flows->at[i].refresh && flows->at[i].status == 0)
			return &flows->at[i];
	return NULL;
}

/* Takes an option back. */
static void reject(
	struct binding *b, struct ha_flow *option, enum codes_flow status, struct flow_set *to)
{
	const struct flow_binding *before = flow_set_find(b->flows, option->fid);

	option->status = (uint8_t)status;
	if (before)
		flow_set_put(to, before);
	else
		flow_set_remove(to, option->fid);
}

/* Two flows may not have the same priority (4.2): of those that would, a changed one is rejected,
 * which may bring back an earlier priority and so another such pair. */
static void make_unique(struct binding *b, struct ha_flows *flows, struct flow_set *to)
{
	for (unsigned i = 1; i < to->count;) {
		struct ha_flow *option;

		if (to->at[i - 1].priority != to->at[i].priority) {
			i++;
			continue;
		}
		option = option_of(flows, to->at[i].fid);
		if (!option)
			option = option_of(flows, to->at[i - 1].fid);
		if (!option)
			return;
		reject(b, option, CODES_FLOW_REJECTED, to);
		i = 1;
	}
}

/* Of the new ones that are more than a node may have the last are refused. */
static void make_few(struct binding *b, struct ha_flows *flows, unsigned most, struct flow_set *to)
{
	for (unsigned i = flows->count; i-- > 0 && to->count > most;) {
		struct ha_flow *f = &flows->at[i];

		if (!f->refresh && f->status == 0 && !flow_set_find(b->flows, f->fid))
			reject(b, f, CODES_FLOW_PROHIBITED, to);
	}
}

/* How many flows the node of a binding may have. */
static unsigned most_of(const struct signalling *s, const struct binding *b)
{
	const struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &b->now.home, NULL);
	unsigned configured = s->config.flows.max;

	return subscriber ? subscriber_max_flows(subscriber, configured) : configured;
}

/* The status of a Flow Identification option, of which none of the message is repeated. */
static uint8_t ask(
	struct binding *b, const struct ha_flow *option, unsigned most, struct flow_set *to)
{
	return most ? take(b, option, to) : CODES_FLOW_PROHIBITED;
}

void ha_flow_decide(
	struct signalling *s, struct binding *b, struct ha_flows *flows, struct flow_set *to)
{
	unsigned most = flows ? most_of(s, b) : 0;

	keep_named(b, flows, to);
	for (unsigned i = 0; flows && i < flows->count; i++) {
		struct ha_flow *f = &flows->at[i];

		if (f->refresh)
			f->status = flow_set_find(b->flows, f->fid) ? 0 : CODES_FLOW_NO_FID;
		else
			f->status = flows->repeated ? CODES_FLOW_REJECTED : ask(b, f, most, to);
	}
	if (!flows)
		return;
	make_unique(b, flows, to);
	make_few(b, flows, most, to);
}

static bool same_path(
	const struct binding_list *before, const struct binding_list *after, uint16_t bid)
{
	uint64_t path[2] = {0, 0};
	const struct binding_list *lists[] = {before, after};

	for (unsigned l = 0; l < 2; l++)
		for (unsigned i = 0; i < lists[l]->count; i++) {
			const struct binding_record *record = &lists[l]->records[i];

			if (record->bid == bid && record->life == BINDING_LIVE)
				path[l] = record->path_id;
		}
	return path[0] == path[1];
}

bool ha_flow_moves(const struct flow_binding *flow, const struct binding_list *before,
	const struct binding_list *after)
{
	for (unsigned i = 0; i < flow->bid_count; i++)
		if (!same_path(before, after, flow->bids[i]))
			return true;
	return false;
}
