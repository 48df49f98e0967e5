#include "ctrl/serving.h"

#include "common/log.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/signalling.h"

#include <errno.h>
#include <stdlib.h>

enum {
	DATA_PLANES = 64,      /* at most in a configuration */
	BATCH = 2048,          /* bindings looked at in one round */
	PACE_MS = 20,          /* between batches that move back */
	BUSY_MS = 100,         /* until those are looked at again that had a change under way */
	WAIT_LEAST_MS = 3000,  /* at least so long, data planes are waited for at the start */
	RETRY_LEAST_MS = 1000, /* until those are looked at again that were to move; doubles */
	RETRY_MOST_MS = 60000,
};

const char *const serving_state_names[SERVING_STATES + 1] = {
	[SERVING_WAITED] = "waited-for",
	[SERVING_UP] = "up",
	[SERVING_HOLDING] = "holding",
	[SERVING_DOWN] = "down",
};

struct server {
	enum serving_state state;
	uint64_t ready_ns; /* HOLDING: when it came back */
};

struct serving {
	struct ctrl *ctrl;
	struct server servers[DATA_PLANES];
	uint64_t waited_ns; /* until then WAITED ones are waited for */
	/* The walk over the bindings, then over the sessions of the anchor. */
	bool walking;
	bool anew;   /* begin again at its end: something changed meanwhile */
	bool urgent; /* a data plane was lost: do not pause */
	size_t at, busy;
	bool on_sessions;
	uint64_t session;  /* number of the last one */
	size_t asked;      /* bindings that were to move in this walk: a move may fail */
	uint32_t retry_ms; /* until the next walk if there were any */
	unsigned pace;     /* bindings that may still move back in this batch */
	struct wheel_timer step, settle;
};

static void step_now(struct serving *v, uint32_t after_ms)
{
	loop_arm_ms(v->ctrl->loop, &v->step, after_ms);
}

/* Looks at all bindings, from the first one on. */
static void walk(struct serving *v, bool urgent)
{
	v->urgent |= urgent;
	v->retry_ms = RETRY_LEAST_MS;
	if (v->walking)
		v->anew = true;
	if (!v->walking || urgent)
		step_now(v, 0);
	v->walking = true;
}

static uint64_t set_of(const struct serving *v, bool up_only)
{
	uint64_t set = 0;

	for (unsigned dp = 0; dp < v->ctrl->config->data_planes.count; dp++)
		if (publish_ready(v->ctrl->publish, dp) &&
			(!up_only || v->servers[dp].state == SERVING_UP))
			set |= 1ull << dp;
	return set;
}

int serving_choose(const struct serving *v, const struct in6_addr *care_of, uint64_t tried,
	uint64_t *data_plane)
{
	const struct ctrl_config *config = v->ctrl->config;
	int dp;

	*data_plane = 0;
	if (!ctrl_config_addressed(config))
		return tried ? -ENOTCONN : publish_first_ready(v->ctrl->publish);
	dp = ctrl_config_prefer(config, care_of, set_of(v, true) & ~tried);
	if (dp < 0)
		dp = ctrl_config_prefer(config, care_of, set_of(v, false) & ~tried);
	if (dp < 0)
		return -ENOTCONN;
	*data_plane = ctrl_config_data_plane_id(config, (unsigned)dp);
	return dp;
}

int serving_choose_home(
	const struct serving *v, const struct in6_addr *home, uint64_t tried, uint64_t *data_plane)
{
	const struct ctrl_config *config = v->ctrl->config;
	const struct ctrl_config_home_prefix *prefix = ctrl_config_home_prefix(config, home);
	int dp = prefix ? ctrl_config_home_data_plane(config, prefix) : -ENOENT;
	bool others = config->data_planes.count > 1;

	*data_plane = 0;
	if (dp < 0 || tried >> dp & 1 || (others && v->servers[dp].state == SERVING_DOWN))
		return -ENOTCONN;
	*data_plane = ctrl_config_data_plane_id(config, (unsigned)dp);
	return dp;
}

enum serving_state serving_state(const struct serving *v, unsigned dp)
{
	return v->servers[dp].state;
}

/* Whether the binding is to have another data plane than the one it has. */
static enum signalling_wish wish_of(struct serving *v, const struct in6_addr *care_of, uint64_t id)
{
	int now = ctrl_config_data_plane_of_id(v->ctrl->config, id), best;
	uint64_t other;

	if (now >= 0 && v->servers[now].state == SERVING_WAITED)
		return SIGNALLING_STAYS;
	if (now < 0 || v->servers[now].state == SERVING_DOWN)
		return serving_choose(v, care_of, 0, &other) >= 0 && other != id ? SIGNALLING_GOES
										 : SIGNALLING_STAYS;
	best = ctrl_config_prefer(v->ctrl->config, care_of, set_of(v, true) | 1ull << now);
	if (best < 0 || best == now)
		return SIGNALLING_STAYS;
	if (!v->pace)
		return SIGNALLING_STOP;
	v->pace--;
	return SIGNALLING_GOES;
}

static enum signalling_wish wish(void *context, const struct in6_addr *care_of, uint64_t id)
{
	struct serving *v = context;
	enum signalling_wish wish = wish_of(v, care_of, id);

	v->asked += wish == SIGNALLING_GOES;
	return wish;
}

/* The end of a walk. What a disk or a data plane refused, no event would bring up again. */
static void rest(struct serving *v)
{
	v->at = 0;
	v->walking = v->anew || v->busy;
	if (v->walking) {
		step_now(v, v->anew && v->urgent ? 0 : BUSY_MS);
	} else if (v->asked) {
		step_now(v, v->retry_ms);
		v->retry_ms = 2 * v->retry_ms < RETRY_MOST_MS ? 2 * v->retry_ms : RETRY_MOST_MS;
	}
	v->urgent = v->anew && v->urgent;
	v->anew = false;
	v->busy = v->asked = 0;
}

/* Looks at some. False: all have been looked at. */
static bool redirect(struct serving *v)
{
	if (!v->on_sessions &&
		signalling_redirect(v->ctrl->signalling, &v->at, BATCH, wish, v, &v->busy))
		return true;
	v->on_sessions =
		v->ctrl->lma && lma_redirect(v->ctrl->lma, &v->session, BATCH, wish, v, &v->busy);
	return v->on_sessions;
}

static void step(struct wheel_timer *timer, void *context)
{
	struct serving *v = wheel_entry(timer, struct serving, step);
	uint32_t pace = v->ctrl->config->serving.moves_per_second * PACE_MS / 1000;

	(void)context;
	if (!v->ctrl->signalling || !ctrl_config_addressed(v->ctrl->config)) {
		v->walking = false;
		return;
	}
	v->walking = true;
	v->pace = pace ? pace : 1;
	if (redirect(v)) {
		step_now(v, v->urgent && v->pace ? 0 : PACE_MS);
		return;
	}
	rest(v);
}

static void enter(struct serving *v, unsigned dp, enum serving_state state)
{
	if (v->servers[dp].state == state)
		return;
	LOG_INFO("serving", "data-plane", "name=%s state=%s",
		ctrl_config_data_plane_name(v->ctrl->config, dp), serving_state_names[state]);
	v->servers[dp].state = state;
	walk(v, state == SERVING_DOWN);
}

/* What time alone decides; arms the timer for the next of it. */
static void settle(struct wheel_timer *timer, void *context)
{
	struct serving *v = wheel_entry(timer, struct serving, settle);
	uint64_t now = loop_now_ns(v->ctrl->loop), next = UINT64_MAX;
	uint64_t hold = (uint64_t)v->ctrl->config->serving.hold_down_ms * 1000000;

	(void)context;
	for (unsigned dp = 0; dp < v->ctrl->config->data_planes.count; dp++) {
		struct server *s = &v->servers[dp];
		bool waited = s->state == SERVING_WAITED, held = s->state == SERVING_HOLDING;
		uint64_t due = waited ? v->waited_ns : s->ready_ns + hold;

		if (!waited && !held)
			continue;
		if (due <= now)
			enter(v, dp, waited ? SERVING_DOWN : SERVING_UP);
		else if (due < next)
			next = due;
	}
	if (next < UINT64_MAX)
		loop_arm_at(v->ctrl->loop, &v->settle, next);
}

static void ready(void *arg, unsigned dp, bool is_ready)
{
	struct serving *v = arg;
	struct server *s = &v->servers[dp];

	if (!is_ready)
		return;
	if (s->state == SERVING_WAITED) {
		enter(v, dp, SERVING_UP);
	} else if (s->state == SERVING_DOWN) {
		s->ready_ns = loop_now_ns(v->ctrl->loop);
		enter(v, dp, SERVING_HOLDING);
		settle(&v->settle, NULL);
	}
	/* Bindings may have found nobody before it. */
	walk(v, false);
}

static void session(void *arg, unsigned dp, bool up, const char *reason)
{
	(void)reason;
	if (!up)
		enter(arg, dp, SERVING_DOWN);
}

struct serving *serving_new(struct ctrl *ctrl)
{
	struct serving *v = calloc(1, sizeof(*v));
	const struct publish_handlers handlers = {.arg = v, .ready = ready, .session = session};
	const struct ctrl_config_channel *channel = &ctrl->config->channel;
	uint64_t wait_ms = 3 * (uint64_t)channel->heartbeat_ms * channel->heartbeats_missed;

	if (!v)
		return NULL;
	v->ctrl = ctrl;
	v->waited_ns = loop_now_ns(ctrl->loop) +
		       1000000 * (wait_ms > WAIT_LEAST_MS ? wait_ms : WAIT_LEAST_MS);
	wheel_timer_init(&v->step, step);
	wheel_timer_init(&v->settle, settle);
	if (publish_add_handlers(ctrl->publish, &handlers) < 0) {
		free(v);
		errno = ENOSPC;
		return NULL;
	}
	return v;
}

void serving_start(struct serving *v)
{
	settle(&v->settle, NULL);
	walk(v, false);
}

void serving_free(struct serving *v)
{
	if (!v)
		return;
	loop_cancel(v->ctrl->loop, &v->step);
	loop_cancel(v->ctrl->loop, &v->settle);
	free(v);
}
