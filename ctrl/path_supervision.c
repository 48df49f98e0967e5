#include "ctrl/path_supervision.h"

#include "common/clock.h"
#include "common/hmac.h"
#include "ctrl/config.h"
#include "ctrl/config_distribution.h"
#include "ctrl/config_supervision.h"
#include "ctrl/events.h"
#include "ctrl/loop.h"
#include "ctrl/path_rates.h"
#include "ctrl/publish/publish.h"
#include "ctrl/role.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/mag/mag.h"
#include "ctrl/signalling/proxy/path_choice.h"
#include "ctrl/signalling/proxy/path_order.h"

#include <errno.h>
#include <stdlib.h>

enum {
	ETHER_SIZE = 14,
	TURN_MS = 500, /* between comparisons */
};

/* Compares the tunnels from time to time. */
struct path_chooser {
	struct ctrl *ctrl;
	struct path_choice *choice; /* NULL: nobody wants to know */
	struct path_order *order;   /* likewise */
	const struct ctrl_config_order *order_config;
	struct wheel_timer timer;
};

static int op_send(void *context, uint64_t data_plane, const uint8_t *packet, size_t len)
{
	const struct packet_inject inject = {
		.how = PACKET_TO_ROUTE, .length = (uint16_t)len, .frame = packet};
	const struct ctrl *ctrl = context;
	int dp = ctrl_config_data_plane_of_id(ctrl->config, data_plane);

	return role_inject(ctrl,
		dp < 0 ? NULL : ctrl_config_data_plane_name(ctrl->config, (unsigned)dp), &inject);
}

static uint64_t op_now(void *context)
{
	const struct ctrl *ctrl = context;

	return loop_now_ns(ctrl->loop);
}

static uint64_t op_real(void *context)
{
	const struct ctrl *ctrl = context;

	return loop_real_ns(ctrl->loop);
}

/* All that are down. */
static void tell_data_planes(const struct ctrl *ctrl)
{
	struct down_tunnels *down = calloc(1, sizeof(*down));

	if (!down)
		return;
	for (const struct path_watch_tunnel *t = NULL; (t = path_watch_next(ctrl->path_watch, t));)
		if (t->state == PATH_WATCH_DOWN && down->count < DOWN_TUNNELS_MAX)
			down->tunnels[down->count++] =
				(struct down_tunnel){t->use.local, t->use.remote};
	publish_down(ctrl->publish, down);
	free(down);
}

static void tell_people(const struct ctrl *ctrl, const struct path_watch_tunnel *t)
{
	const bool down = t->state == PATH_WATCH_DOWN;
	const struct event event = {.severity = down ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
		.event = down ? "path-down" : "path-up",
		.care_of_address = ctrl->lma ? &t->use.remote : &t->use.local};

	if (down)
		events_post(ctrl->events, &event,
			"path %u to %s, %s to %s: probes are not answered", t->use.bid, t->use.peer,
			ADDR_TEXT(&t->use.local), ADDR_TEXT(&t->use.remote));
	else
		events_post(ctrl->events, &event,
			"path %u to %s, %s to %s: probes are answered, delay %.1f ms", t->use.bid,
			t->use.peer, ADDR_TEXT(&t->use.local), ADDR_TEXT(&t->use.remote),
			(double)t->delay_ns / CLOCK_NS_PER_MS);
}

static void op_changed(void *context, const struct path_watch_tunnel *tunnel)
{
	const struct ctrl *ctrl = context;

	tell_data_planes(ctrl);
	if (tunnel)
		tell_people(ctrl, tunnel);
}

static void renew(const struct ctrl *ctrl, const char *peer)
{
	if (ctrl->lma)
		lma_renew_paths(ctrl->lma, peer);
	if (ctrl->mag)
		mag_renew_paths(ctrl->mag, peer);
}

/* Packets to that peer are kept in order from now on, or cannot be. */
static void op_order(
	void *context, const char *peer, enum path_policy_order state, uint64_t difference_ns)
{
	const struct ctrl *ctrl = context;
	const struct ctrl_config_order *config = ctrl->path_chooser->order_config;
	const bool kept = state == PATH_POLICY_ORDER_KEPT;
	const double ms = (double)difference_ns / CLOCK_NS_PER_MS;
	const struct event event = {.severity = kept ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
		.event = kept ? "path-order-kept" : "path-order-refused"};

	if (kept)
		events_post(ctrl->events, &event,
			"packets to %s are shared out one by one and kept in order: the delays of "
			"its paths differ by %.1f ms",
			peer, ms);
	else if (state == PATH_POLICY_ORDER_UNEVEN)
		events_post(ctrl->events, &event,
			"packets to %s could not be kept in order, and flows are shared out: the "
			"delays of its paths differ by %.1f ms, more than %u ms",
			peer, ms, config->delay_difference_ms);
	else
		events_post(ctrl->events, &event,
			"packets to %s could not be kept in order, and flows are shared out: the "
			"delay of a path is not known",
			peer);
	renew(ctrl, peer);
}

/* Packets to and from that peer take another way. */
static void op_best(void *context, const char *peer, uint8_t bid, uint8_t was)
{
	static const struct event event = {.severity = LOG_LEVEL_INFO, .event = "path-best"};
	const struct ctrl *ctrl = context;

	if (was)
		events_post(ctrl->events, &event, "path %u to %s is the best, no longer path %u",
			bid, peer, was);
	else
		events_post(ctrl->events, &event, "path %u to %s is the best", bid, peer);
	renew(ctrl, peer);
}

static void turn(struct wheel_timer *timer, void *context)
{
	struct path_chooser *chooser = wheel_entry(timer, struct path_chooser, timer);
	struct ctrl *ctrl = chooser->ctrl;

	(void)context;
	if (chooser->choice)
		path_choice_turn(chooser->choice, loop_now_ns(ctrl->loop), op_best, ctrl);
	if (chooser->order)
		path_order_turn(chooser->order, loop_now_ns(ctrl->loop), op_order, ctrl);
	loop_arm_ms(ctrl->loop, timer, TURN_MS);
}

static bool is_best(
	const void *context, const struct in6_addr *local, const struct in6_addr *remote)
{
	return path_choice_is_best(context, local, remote);
}

static enum path_policy_order order_of(
	const void *context, const struct in6_addr *local, const struct in6_addr *remote)
{
	return path_order_of(context, local, remote, NULL);
}

static int open_choice(struct ctrl *ctrl, const struct ctrl_config_best *config)
{
	struct path_chooser *chooser = ctrl->path_chooser;
	const struct path_choice_config choice = {
		.delay_margin_ns = config->delay_margin_ms * CLOCK_NS_PER_MS,
		.loss_margin = config->loss_margin * PATH_WATCH_LOSS_ALL / 100u,
		.hold_ns = config->hold_ms * CLOCK_NS_PER_MS};

	chooser->choice = path_choice_new(&choice, ctrl->path_watch);
	if (!chooser->choice)
		return -ENOMEM;
	ctrl->path_policy->is_best = is_best;
	ctrl->path_policy->best_context = chooser->choice;
	return 0;
}

static int open_order(struct ctrl *ctrl, const struct ctrl_config_order *config)
{
	const struct path_order_config order = {
		.limit_ns = config->delay_difference_ms * CLOCK_NS_PER_MS,
		.hold_ns = config->hold_ms * CLOCK_NS_PER_MS};
	struct path_chooser *chooser = ctrl->path_chooser;

	chooser->order_config = config;
	chooser->order = path_order_new(&order, ctrl->path_watch);
	if (!chooser->order)
		return -ENOMEM;
	ctrl->path_policy->order_of = order_of;
	ctrl->path_policy->order_context = chooser->order;
	return 0;
}

static int open_chooser(struct ctrl *ctrl, const struct ctrl_config_distribution *distribution)
{
	struct path_chooser *chooser = calloc(1, sizeof(*chooser));
	int error = 0;

	if (!chooser)
		return -ENOMEM;
	ctrl->path_chooser = chooser;
	chooser->ctrl = ctrl;
	wheel_timer_init(&chooser->timer, turn);
	if (distribution->steering == PATH_POLICY_BEST)
		error = open_choice(ctrl, &distribution->best);
	if (!error && distribution->order.numbers)
		error = open_order(ctrl, &distribution->order);
	if (!error)
		loop_arm_ms(ctrl->loop, &chooser->timer, TURN_MS);
	return error;
}

static void close_chooser(struct ctrl *ctrl)
{
	if (!ctrl->path_chooser)
		return;
	ctrl->path_policy->is_best = NULL;
	ctrl->path_policy->order_of = NULL;
	loop_cancel(ctrl->loop, &ctrl->path_chooser->timer);
	path_choice_free(ctrl->path_chooser->choice);
	path_order_free(ctrl->path_chooser->order);
	free(ctrl->path_chooser);
	ctrl->path_chooser = NULL;
}

int path_supervision_open(struct ctrl *ctrl, const struct ctrl_config_supervision *config,
	const struct ctrl_config_distribution *distribution)
{
	const struct path_watch_config watch = {.interval_ms = config->interval_ms,
		.missed = config->missed,
		.answered = config->answered};
	const struct path_watch_ops ops = {.context = ctrl,
		.send = op_send,
		.changed = op_changed,
		.now_ns = op_now,
		.real_ns = op_real};
	uint64_t cookie;
	int error = hmac_random(&cookie, sizeof(cookie));

	if (error || !config->interval_ms)
		return error;
	ctrl->path_watch = path_watch_new(&watch, &ops, cookie);
	if (!ctrl->path_watch)
		return -ENOMEM;
	ctrl->path_rates = path_rates_new(ctrl->loop, ctrl->publish, ctrl->path_watch);
	if (!ctrl->path_rates)
		return -ENOMEM;
	tell_data_planes(ctrl);
	if (distribution->steering == PATH_POLICY_BEST || distribution->order.numbers)
		error = open_chooser(ctrl, distribution);
	return error ? error : loop_add_wheel(ctrl->loop, path_watch_wheel(ctrl->path_watch));
}

bool path_supervision_order(const struct ctrl *ctrl, const struct in6_addr *local,
	const struct in6_addr *remote, enum path_policy_order *state, uint64_t *difference_ns)
{
	if (!ctrl->path_chooser || !ctrl->path_chooser->order)
		return false;
	*state = path_order_of(ctrl->path_chooser->order, local, remote, difference_ns);
	return true;
}

void path_supervision_close(struct ctrl *ctrl)
{
	close_chooser(ctrl);
	path_rates_free(ctrl->path_rates);
	ctrl->path_rates = NULL;
	path_watch_free(ctrl->path_watch);
	ctrl->path_watch = NULL;
}

void path_supervision_use(
	const struct ctrl *ctrl, const struct path_watch_use *use, uint64_t until_real_ns)
{
	if (ctrl->path_watch)
		path_watch_use(ctrl->path_watch, use, until_real_ns);
}

void path_supervision_tell(const struct ctrl *ctrl, const char *peer, const struct metrics_way *way)
{
	const struct path_watch_figures figures = {
		.loss = way->loss, .delay_ns = way->delay_us * CLOCK_NS_PER_US};

	static_assert((int)METRICS_LOSS_ALL == (int)PATH_WATCH_LOSS_ALL, "in the same units");
	if (ctrl->path_watch)
		path_watch_tell(ctrl->path_watch, peer, way->bid, &figures,
			METRICS_LASTS_S * CLOCK_NS_PER_S);
}

bool path_supervision_take(const struct ctrl *ctrl, const struct packet_punt *punt)
{
	return ctrl->path_watch && punt->reason == PACKET_ICMP && !punt->subscriber &&
	       punt->length > ETHER_SIZE &&
	       path_watch_receive(
		       ctrl->path_watch, punt->frame + ETHER_SIZE, punt->length - ETHER_SIZE);
}
