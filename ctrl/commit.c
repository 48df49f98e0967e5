/*
 * Changes come, and end: acknowledged, refused, or late.
 */
#include "ctrl/commit_flight.h"

#include "common/clock.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct counter_def commit_counter_defs[COMMIT_COUNTERS] = {
	[COMMIT_CHANGES] = {"commit_changes", "changes of bindings submitted"},
	[COMMIT_TRANSACTIONS] = {"commit_transactions", "transactions of the store"},
	[COMMIT_DONE] = {"commit_done", "changes committed, published and acknowledged"},
	[COMMIT_NO_STORE] = {"commit_no_store", "changes failed: the store refused"},
	[COMMIT_NO_PEER] = {"commit_no_peer",
		"changes failed: the data plane that was to serve is not there"},
	[COMMIT_NO_ROOM] = {"commit_no_room", "changes failed: the data plane's table is full"},
	[COMMIT_NOT_APPLIED] = {"commit_not_applied",
		"changes failed: the data plane could not apply them"},
	[COMMIT_LATE] = {"commit_late", "changes failed: no acknowledgement in time"},
	[COMMIT_TAKEN_BACK] = {"commit_taken_back", "changes undone after a failure"},
};

static bool list_has(const struct binding_list *list, uint16_t bid)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->records[i].bid == bid && list->records[i].life == BINDING_LIVE)
			return true;
	return false;
}

/* Adds a data plane to those that the change waits for. */
static void add_wait(struct commit_change *c, uint64_t data_plane)
{
	for (unsigned i = 0; i < c->wait_count; i++)
		if (c->waits[i].data_plane == data_plane)
			return;
	c->waits[c->wait_count++] = (struct commit_wait){.change = c, .data_plane = data_plane};
}

/* Whose acknowledgement matters: those that are to serve what changed; when nothing is to be
 * served anew, the one that served what is gone. */
static void find_waits(const struct commit *commit, struct commit_change *c,
	const struct binding_list *good, const struct binding_list *to)
{
	for (unsigned i = 0; i < to->count; i++)
		if (to->changed >> i & 1 && to->records[i].life == BINDING_LIVE &&
			!publish_cut_off(commit->config, &to->records[i]))
			add_wait(c, to->records[i].data_plane);
	c->forwards = c->wait_count > 0;
	for (unsigned i = 0; good && i < good->count && !c->wait_count; i++)
		if (!list_has(to, good->records[i].bid))
			add_wait(c, good->records[i].data_plane);
	if (!c->wait_count)
		add_wait(c, to->records->data_plane);
}

/* Queues a change, whose image is there, behind those of its entry that are under way. */
static void submit(struct commit *commit, struct commit_flight *flight, struct commit_change *c)
{
	c->flight = flight;
	if (flight->first)
		flight->last->later = c;
	else
		flight->first = c;
	flight->last = c;
	commit->count++;
	counter_add(&commit->counters[COMMIT_CHANGES], 1);
	commit_queue_add(&commit->submitted, c);
}

/* The flight of these bindings, a new one if need be; NULL in *flight after an error. */
static int find_flight(struct commit *commit, const struct binding_list *good,
	const struct binding_list *to, struct commit_flight **flight)
{
	struct commit_flight_key key = commit_flight_key(&to->records->home);
	struct binding_record none = *to->records;
	const struct binding_list nothing = {.records = &none, .count = 1};
	struct commit_image *image;
	int error;

	*flight = commit_flight_find(commit, &key);
	if (*flight)
		return 0;
	none.life = BINDING_NONE;
	if (!good || good->records->life == BINDING_NONE)
		good = &nothing;
	error = commit_make_image(commit, good, &image);
	if (error)
		return error;
	*flight = commit_flight_new(commit, &key, image);
	if (!*flight)
		commit_image_free(commit, image);
	return *flight ? 0 : -ENOMEM;
}

int commit_submit(struct commit *commit, const struct binding_list *good,
	const struct binding_list *to, commit_done_fn *done, void *arg)
{
	struct commit_change *c = commit_change_new(commit, done, arg);
	struct commit_flight *flight;
	int error;

	if (!c)
		return -ENOMEM;
	find_waits(commit, c, good, to);
	error = commit_make_image(commit, to, &c->image);
	if (!error)
		error = find_flight(commit, good, to, &flight);
	if (error)
		commit_change_free(commit, c);
	else
		submit(commit, flight, c);
	return error;
}

/* The flight of an item, a new one if need be; NULL: no memory. */
static struct commit_flight *find_item_flight(
	struct commit *commit, const struct commit_item *good, const struct commit_item *item)
{
	struct commit_flight_key key = commit_flight_item_key(item);
	struct commit_flight *flight = commit_flight_find(commit, &key);
	struct commit_image *image;

	if (flight || commit_copy_image(commit, good ? good : item, &image))
		return flight;
	if (!good)
		image->at[0].len = image->bundle.len = 0;
	flight = commit_flight_new(commit, &key, image);
	if (!flight)
		commit_image_free(commit, image);
	return flight;
}

int commit_submit_item(struct commit *commit, const struct commit_item *good,
	const struct commit_item *item, commit_done_fn *done, void *arg)
{
	struct commit_change *c = commit_change_new(commit, done, arg);
	struct commit_flight *flight = NULL;

	if (!c)
		return -ENOMEM;
	for (unsigned i = 0; i < item->data_plane_count; i++)
		add_wait(c, item->data_planes[i]);
	if (!item->data_plane_count)
		add_wait(c, 0);
	c->forwards = item->bundle.len > 0;
	if (commit_copy_image(commit, item, &c->image) == 0)
		flight = find_item_flight(commit, good, item);
	if (!flight) {
		commit_change_free(commit, c);
		return -ENOMEM;
	}
	submit(commit, flight, c);
	return 0;
}

static void count_error(struct commit *commit, int error)
{
	enum commit_counter counter = COMMIT_NOT_APPLIED;

	if (error == 0)
		counter = COMMIT_DONE;
	else if (error == -EIO)
		counter = COMMIT_NO_STORE;
	else if (error == -ENOTCONN)
		counter = COMMIT_NO_PEER;
	else if (error == -ENOSPC)
		counter = COMMIT_NO_ROOM;
	else if (error == -ETIMEDOUT)
		counter = COMMIT_LATE;
	counter_add(&commit->counters[counter], 1);
}

/* The end of a change. Those of one entry are told in the order in which they were submitted. */
void commit_finish(struct commit *commit, struct commit_change *c, int error)
{
	struct commit_flight *flight = c->flight;

	count_error(commit, error);
	c->over = true;
	c->error = error;
	if (!error) {
		commit_image_free(commit, flight->good);
		flight->good = c->image;
		c->image = NULL;
	}
	if (flight->stored == c)
		flight->stored = NULL;
	while ((c = flight->first) && c->over) {
		flight->first = c->later;
		commit->count--;
		commit->culprit = c->culprit < 0 ? -ENOENT : c->culprit;
		if (c->done)
			c->done(c->arg, c->error);
		commit_change_free(commit, c);
	}
	commit_flight_put(commit, flight);
}

/*
 * A change that is stored and published is over. If it failed and no later one has taken its
 * place, it is taken back first, in the next flush.
 */
void commit_settle(struct commit *commit, struct commit_change *c, int error)
{
	if (error && !c->forwards)
		error = 0;
	if (!error || c->flight->stored != c) {
		commit_finish(commit, c, error);
		return;
	}
	c->error = error;
	if (!c->flight->take_back) {
		c->flight->take_back = true;
		commit->take_backs++;
	}
	commit_queue_add(&commit->failed, c);
}

/* What an acknowledgement says about a change: 0, -ENOSPC, -EPROTO. */
static int ack_error(const struct commit_change *c, const struct update_ack *ack)
{
	if (!ack || !ack->failure_total)
		return 0;
	for (size_t i = 0; i < ack->failure_count; i++) {
		const struct update_failure *f = &ack->failures[i];

		if (publish_bundle_has(&c->image->bundle, f->kind, f->id))
			return f->error == ENOSPC ? -ENOSPC : -EPROTO;
	}
	/* More failed than could be told: nobody knows whether this is one of them. */
	return ack->failure_total > ack->failure_count ? -EPROTO : 0;
}

void commit_waited(struct commit *commit, struct commit_wait *w, unsigned dp, int error)
{
	struct commit_change *c = w->change;

	if (error && !c->error) {
		c->error = error;
		c->culprit = (int8_t)dp;
	}
	if (--c->pending == 0)
		commit_settle(commit, c, c->error);
}

/* Tells the home addresses of the next changes that are acknowledged; returns how many changes were
 * looked at. */
static unsigned announce(
	const struct commit *commit, const struct commit_waits *waiting, uint64_t sequence)
{
	const struct commit_wait *w = waiting->first;
	uint64_t homes[COMMIT_AHEAD];
	unsigned count = 0, ahead = 0;

	for (; w && ahead < COMMIT_AHEAD && w->change->sequence <= sequence; w = w->next, ahead++) {
		const struct commit_flight_key *key = &w->change->flight->key;
		struct in6_addr home;

		if (key->table != STORE_BINDING)
			continue;
		memcpy(&home, key->octets, sizeof(home));
		homes[count++] = addr_hash(&home);
	}
	if (count > 1 && commit->expect)
		commit->expect(commit->expect_context, homes, count);
	return ahead;
}

void commit_acked(void *arg, unsigned dp, uint64_t sequence, const struct update_ack *ack)
{
	struct commit *commit = arg;
	struct commit_waits *waiting = &commit->waiting[dp];
	uint64_t timeout_ns = (uint64_t)commit->config->channel.ack_timeout_ms * CLOCK_NS_PER_MS;
	unsigned ahead = 0;

	while (waiting->first && waiting->first->change->sequence <= sequence) {
		if (!ahead)
			ahead = announce(commit, waiting, sequence);
		ahead--;
		struct commit_wait *w = commit_waits_take(waiting);

		if (ack)
			histogram_add(&commit->ack_times,
				loop_now_ns(commit->loop) + timeout_ns - w->change->deadline_ns);

		commit_waited(commit, w, dp, ack_error(w->change, ack));
	}
}

/*
 * When another can serve, nothing waits for one that is lost. Otherwise it may be back in time.
 */
static void session(void *arg, unsigned dp, bool up, const char *reason)
{
	struct commit *commit = arg;
	struct commit_wait *w;

	(void)reason;
	if (up || publish_first_ready(commit->publish) < 0)
		return;
	while ((w = commit_waits_take(&commit->waiting[dp])))
		commit_waited(commit, w, dp, -ENOTCONN);
	if (commit->failed.first)
		loop_arm_ms(commit->loop, &commit->again, 0);
}

void commit_arm_late(struct commit *commit)
{
	uint64_t first_ns = UINT64_MAX;

	for (size_t i = 0; i < commit->config->data_planes.count; i++) {
		const struct commit_wait *w = commit->waiting[i].first;

		if (w && w->change->deadline_ns < first_ns)
			first_ns = w->change->deadline_ns;
	}
	if (first_ns < UINT64_MAX)
		loop_arm_at(commit->loop, &commit->late, first_ns);
	else
		loop_cancel(commit->loop, &commit->late);
}

static void late(struct wheel_timer *timer, void *context)
{
	struct commit *commit = wheel_entry(timer, struct commit, late);
	uint64_t now = loop_now_ns(commit->loop);

	(void)context;
	for (unsigned i = 0; i < commit->config->data_planes.count; i++) {
		struct commit_waits *waiting = &commit->waiting[i];

		while (waiting->first && waiting->first->change->deadline_ns <= now)
			commit_waited(commit, commit_waits_take(waiting), i, -ETIMEDOUT);
	}
	commit_arm_late(commit);
}

/* Only wakes the loop: its hook flushes. */
static void flush_again(struct wheel_timer *timer, void *context)
{
	(void)timer;
	(void)context;
}

struct commit *commit_new(const struct ctrl_config *config, struct loop *loop, struct store *store,
	struct publish *publish)
{
	struct commit *commit = calloc(1, sizeof(*commit));
	const struct publish_handlers handlers = {
		.arg = commit, .acked = commit_acked, .session = session};

	if (!commit)
		return NULL;
	commit->config = config;
	commit->loop = loop;
	commit->store = store;
	commit->publish = publish;
	commit_queue_init(&commit->submitted);
	for (size_t i = 0; i < COMMIT_DATA_PLANES; i++)
		commit_waits_init(&commit->waiting[i]);
	commit_queue_init(&commit->failed);
	wheel_timer_init(&commit->late, late);
	wheel_timer_init(&commit->again, flush_again);
	if (publish_add_handlers(publish, &handlers) < 0) {
		free(commit);
		errno = ENOSPC;
		return NULL;
	}
	return commit;
}

void commit_free(struct commit *commit)
{
	if (!commit)
		return;
	loop_cancel(commit->loop, &commit->late);
	loop_cancel(commit->loop, &commit->again);
	commit_flights_free(commit);
	free(commit);
}

void commit_set_expect(struct commit *commit, commit_expect_fn *fn, void *context)
{
	commit->expect = fn;
	commit->expect_context = context;
}

int commit_culprit(const struct commit *commit)
{
	return commit->culprit;
}

size_t commit_count(const struct commit *commit)
{
	return commit->count;
}

const uint64_t *commit_counters(const struct commit *commit)
{
	return commit->counters;
}

const struct histogram *commit_store_times(const struct commit *commit)
{
	return &commit->store_times;
}

const struct histogram *commit_ack_times(const struct commit *commit)
{
	return &commit->ack_times;
}
