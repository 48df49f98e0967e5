#include "ctrl/signalling/proxy/path_watch.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/cursor.h"
#include "proto/channel/probe.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"

enum {
	DELAY_SHARE = 8,      /* a new delay counts for one part of so many */
	FIRST_WAIT_MS = 1000, /* for an answer, while the delay is not known */
	HELD_UP = 2,          /* a round so many intervals late is our own delay */
};

struct path_watch {
	struct path_watch_config config;
	struct path_watch_ops ops;
	struct wheel wheel;
	uint64_t cookie;
	uint64_t turned_ns; /* when a timer was last served */
	size_t count;
	struct path_watch_tunnel *tunnels[PATH_WATCH_TUNNELS_MAX]; /* in order */
	uint64_t counters[PATH_WATCH_COUNTERS];
};

const char *const path_watch_state_names[PATH_WATCH_STATES + 1] = {
	[PATH_WATCH_UNKNOWN] = "unknown",
	[PATH_WATCH_UP] = "up",
	[PATH_WATCH_DOWN] = "down",
};

const struct counter_def path_watch_counter_defs[PATH_WATCH_COUNTERS] = {
	[PATH_WATCH_SENT] = {"path_probes", "probes of tunnels sent"},
	[PATH_WATCH_ANSWERED] = {"path_probes_answered", "probes that were answered"},
	[PATH_WATCH_LOST] = {"path_probes_lost", "probes that were not answered in time"},
	[PATH_WATCH_NOT_SENT] = {"path_probes_not_sent", "probes that no data plane could send"},
	[PATH_WATCH_STRAY] = {"path_probes_stray",
		"answers to probes that are not ours, or not waited for"},
	[PATH_WATCH_WENT_DOWN] = {"path_down", "tunnels that went down"},
	[PATH_WATCH_CAME_UP] = {"path_up", "tunnels that came up again"},
	[PATH_WATCH_FULL] = {"path_watch_full",
		"registrations by tunnels that are not probed, since there are too many"},
};

static uint64_t now_of(const struct path_watch *w)
{
	return w->ops.now_ns(w->ops.context);
}

static void count(struct path_watch *w, enum path_watch_counter counter)
{
	counter_add(&w->counters[counter], 1);
}

struct path_watch *path_watch_new(
	const struct path_watch_config *config, const struct path_watch_ops *ops, uint64_t cookie)
{
	struct path_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->config = *config;
	w->ops = *ops;
	w->cookie = cookie;
	wheel_init(&w->wheel, now_of(w), w);
	return w;
}

void path_watch_free(struct path_watch *w)
{
	for (size_t i = 0; w && i < w->count; i++)
		free(w->tunnels[i]);
	free(w);
}

struct wheel *path_watch_wheel(struct path_watch *w)
{
	return &w->wheel;
}

static int compare(const struct path_watch_tunnel *t, const struct in6_addr *local,
	const struct in6_addr *remote)
{
	int order = memcmp(&t->use.local, local, sizeof(*local));

	return order ? order : memcmp(&t->use.remote, remote, sizeof(*remote));
}

/* Where it is, or would be. */
static size_t place_of(const struct path_watch *w, const struct in6_addr *local,
	const struct in6_addr *remote, bool *found)
{
	size_t first = 0, last = w->count;

	while (first < last) {
		size_t middle = (first + last) / 2;
		int order = compare(w->tunnels[middle], local, remote);

		*found = order == 0;
		if (*found)
			return middle;
		if (order < 0)
			first = middle + 1;
		else
			last = middle;
	}
	*found = false;
	return first;
}

/* So long an answer is waited for. */
static uint64_t patience(const struct path_watch_tunnel *t)
{
	const uint64_t interval = t->watch->config.interval_ms * CLOCK_NS_PER_MS;
	const uint64_t most = interval * (PATH_WATCH_OUTSTANDING / 2);
	uint64_t wait = t->delay_ns ? 2 * t->delay_ns : FIRST_WAIT_MS * CLOCK_NS_PER_MS;

	wait = wait > most ? most : wait;
	return wait > interval ? wait : interval;
}

static void enter(struct path_watch_tunnel *t, enum path_watch_state state)
{
	const enum path_watch_state before = t->state;

	t->state = state;
	t->since_ns = now_of(t->watch);
	t->lost_row = t->good_row = 0;
	if (state == PATH_WATCH_UP && before == PATH_WATCH_UNKNOWN)
		return;
	count(t->watch, state == PATH_WATCH_DOWN ? PATH_WATCH_WENT_DOWN : PATH_WATCH_CAME_UP);
	t->watch->ops.changed(t->watch->ops.context, t);
}

/* Whether the peer is known to answer, by another tunnel. */
static bool is_answering(const struct path_watch_tunnel *t)
{
	const struct path_watch *w = t->watch;

	for (size_t i = 0; i < w->count; i++)
		if (w->tunnels[i]->state == PATH_WATCH_UP &&
			strcmp(w->tunnels[i]->use.peer, t->use.peer) == 0)
			return true;
	return false;
}

/* What became of the next probe that was not judged yet. */
static void judge(struct path_watch_tunnel *t, bool lost)
{
	const struct path_watch_config *config = &t->watch->config;

	t->judged++;
	t->history = t->history << 1 | lost;
	if (t->history_count < PATH_WATCH_HISTORY)
		t->history_count++;
	if (!lost) {
		t->lost_row = 0;
		if (++t->good_row >= (t->state == PATH_WATCH_DOWN ? config->answered : 1) &&
			t->state != PATH_WATCH_UP)
			enter(t, PATH_WATCH_UP);
		return;
	}
	count(t->watch, PATH_WATCH_LOST);
	t->good_row = 0;
	if (++t->lost_row >= config->missed &&
		(t->state == PATH_WATCH_UP || (t->state == PATH_WATCH_UNKNOWN && is_answering(t))))
		enter(t, PATH_WATCH_DOWN);
}

static uint64_t *sent_at(struct path_watch_tunnel *t, uint16_t sequence)
{
	return &t->sent_ns[sequence % PATH_WATCH_OUTSTANDING];
}

/* Judges the probes that need not be waited for, in their order. */
static void judge_due(struct path_watch_tunnel *t, uint64_t now)
{
	while (t->judged != t->sequence) {
		const uint64_t sent = *sent_at(t, (uint16_t)(t->judged + 1));

		if (sent && now - sent < patience(t))
			return;
		judge(t, sent != 0);
	}
}

/* The same, but more answers may be waiting to be read. */
static void judge_answered(struct path_watch_tunnel *t)
{
	while (t->judged != t->sequence && !*sent_at(t, (uint16_t)(t->judged + 1)))
		judge(t, false);
}

static void probe(struct path_watch_tunnel *t, uint64_t now)
{
	struct path_watch *w = t->watch;
	const uint16_t sequence = (uint16_t)(t->sequence + 1);
	const struct ip6_build head = {.src = t->use.local,
		.dst = t->use.remote,
		.payload_len = PROBE_LEN,
		.proto = ICMP6_NEXT_HEADER};
	uint8_t data[PROBE_LEN - ICMP6_HEADER_SIZE], packet[IP6_HEADER_SIZE + PROBE_LEN];
	struct icmp6_message echo = {.type = ICMP6_TYPE_ECHO_REQUEST,
		.value = (uint32_t)PROBE_IDENTIFIER << 16 | sequence,
		.body = data,
		.body_len = sizeof(data)};
	struct writer to;

	writer_init(&to, data, sizeof(data));
	writer_u32(&to, PROBE_MAGIC);
	writer_u64(&to, w->cookie);
	ip6_build(&head, packet, sizeof(packet));
	if (icmp6_encode(&t->use.local, &t->use.remote, &echo, packet + IP6_HEADER_SIZE,
		    PROBE_LEN) < 0 ||
		w->ops.send(w->ops.context, t->use.data_plane, packet, sizeof(packet)) < 0) {
		count(w, PATH_WATCH_NOT_SENT);
		return;
	}
	count(w, PATH_WATCH_SENT);
	t->sent++;
	t->sequence = sequence;
	*sent_at(t, sequence) = now;
}

/* Answers may be here that we had no time to read. */
static void forgive(struct path_watch *w, uint64_t late)
{
	for (size_t i = 0; i < w->count; i++)
		for (unsigned k = 0; k < PATH_WATCH_OUTSTANDING; k++)
			if (w->tunnels[i]->sent_ns[k])
				w->tunnels[i]->sent_ns[k] += late;
}

static void drop(struct path_watch *w, struct path_watch_tunnel *t)
{
	bool found, down = t->state == PATH_WATCH_DOWN;
	size_t at = place_of(w, &t->use.local, &t->use.remote, &found);

	memmove(&w->tunnels[at], &w->tunnels[at + 1], (--w->count - at) * sizeof(w->tunnels[0]));
	/* Who asks which are down no longer finds it. */
	if (down)
		w->ops.changed(w->ops.context, NULL);
	free(t);
}

static void turn(struct wheel_timer *timer, void *context)
{
	struct path_watch_tunnel *t = wheel_entry(timer, struct path_watch_tunnel, timer);
	struct path_watch *w = context;
	const uint64_t now = now_of(w), interval = w->config.interval_ms * CLOCK_NS_PER_MS;
	const uint64_t due = wheel_expiry_ns(timer);

	if (now > due + HELD_UP * interval && w->turned_ns < due)
		forgive(w, now - due);
	w->turned_ns = now;
	if (w->ops.real_ns(w->ops.context) >= t->until_real_ns) {
		drop(w, t);
		return;
	}
	judge_due(t, now);
	probe(t, now);
	wheel_arm(&w->wheel, &t->timer, now + interval);
}

static struct path_watch_tunnel *add(
	struct path_watch *w, size_t at, const struct path_watch_use *use)
{
	struct path_watch_tunnel *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->use = *use;
	t->watch = w;
	t->since_ns = now_of(w);
	memmove(&w->tunnels[at + 1], &w->tunnels[at], (w->count++ - at) * sizeof(w->tunnels[0]));
	w->tunnels[at] = t;
	wheel_timer_init(&t->timer, turn);
	wheel_arm(&w->wheel, &t->timer, now_of(w));
	return t;
}

int path_watch_use(struct path_watch *w, const struct path_watch_use *use, uint64_t until_real_ns)
{
	bool found;
	size_t at = place_of(w, &use->local, &use->remote, &found);
	struct path_watch_tunnel *t = found ? w->tunnels[at] : NULL;

	if (!t && w->count == PATH_WATCH_TUNNELS_MAX) {
		count(w, PATH_WATCH_FULL);
		return -ENOSPC;
	}
	if (!t)
		t = add(w, at, use);
	if (!t)
		return -ENOMEM;
	t->use = *use;
	if (until_real_ns > t->until_real_ns)
		t->until_real_ns = until_real_ns;
	return 0;
}

static void take(struct path_watch_tunnel *t, uint16_t sequence)
{
	const uint64_t now = now_of(t->watch);
	uint64_t *sent = sent_at(t, sequence), delay;

	/* Already judged, or not yet sent. */
	if ((uint16_t)(sequence - t->judged - 1) >= (uint16_t)(t->sequence - t->judged) || !*sent) {
		count(t->watch, PATH_WATCH_STRAY);
		return;
	}
	delay = now > *sent ? now - *sent : 1;
	t->delay_ns =
		t->delay_ns ? t->delay_ns - t->delay_ns / DELAY_SHARE + delay / DELAY_SHARE : delay;
	*sent = 0;
	t->answers++;
	count(t->watch, PATH_WATCH_ANSWERED);
	judge_answered(t);
}

bool path_watch_receive(struct path_watch *w, const uint8_t *packet, size_t len)
{
	struct in6_addr from, to;
	struct icmp6_message echo;
	struct cursor c;
	bool found;
	size_t at;

	if (len < IP6_HEADER_SIZE + PROBE_LEN || packet[6] != ICMP6_NEXT_HEADER ||
		packet[IP6_HEADER_SIZE] != ICMP6_TYPE_ECHO_REPLY)
		return false;
	memcpy(&from, packet + 8, sizeof(from));
	memcpy(&to, packet + 24, sizeof(to));
	at = place_of(w, &to, &from, &found);
	if (!found || icmp6_decode(&from, &to, packet + IP6_HEADER_SIZE, PROBE_LEN, &echo) < 0) {
		count(w, PATH_WATCH_STRAY);
		return true;
	}
	cursor_init(&c, echo.body, echo.body_len);
	if (cursor_u32(&c) != PROBE_MAGIC || cursor_u64(&c) != w->cookie ||
		echo.value >> 16 != PROBE_IDENTIFIER) {
		count(w, PATH_WATCH_STRAY);
		return true;
	}
	take(w->tunnels[at], (uint16_t)echo.value);
	return true;
}

const struct path_watch_tunnel *path_watch_find(
	const struct path_watch *w, const struct in6_addr *local, const struct in6_addr *remote)
{
	bool found;
	size_t at = place_of(w, local, remote, &found);

	return found ? w->tunnels[at] : NULL;
}

const struct path_watch_tunnel *path_watch_next(
	const struct path_watch *w, const struct path_watch_tunnel *prev)
{
	bool found = false;
	size_t at = prev ? place_of(w, &prev->use.local, &prev->use.remote, &found) + found : 0;

	return at < w->count ? w->tunnels[at] : NULL;
}

unsigned path_watch_loss(const struct path_watch_tunnel *t)
{
	uint64_t told = t->history_count == PATH_WATCH_HISTORY ? UINT64_MAX
							       : (1ull << t->history_count) - 1;

	if (!t->history_count)
		return 0;
	return (unsigned)__builtin_popcountll(t->history & told) * 1000 / t->history_count;
}

bool path_watch_measured(const struct path_watch_tunnel *t, struct path_watch_figures *figures)
{
	*figures = (struct path_watch_figures){.delay_ns = t->delay_ns,
		.loss = t->state == PATH_WATCH_DOWN ? PATH_WATCH_LOSS_ALL : path_watch_loss(t)};
	return t->state == PATH_WATCH_DOWN ||
	       (t->delay_ns && t->history_count >= PATH_WATCH_MEASURED);
}

bool path_watch_is_told(const struct path_watch_tunnel *t)
{
	return now_of(t->watch) < t->told_until_ns;
}

void path_watch_worsen(struct path_watch_figures *figures, const struct path_watch_figures *by)
{
	if (by->loss > figures->loss)
		figures->loss = by->loss;
	if (by->delay_ns > figures->delay_ns)
		figures->delay_ns = by->delay_ns;
}

bool path_watch_figures(const struct path_watch_tunnel *t, struct path_watch_figures *figures)
{
	if (!path_watch_measured(t, figures))
		return false;
	if (path_watch_is_told(t))
		path_watch_worsen(figures, &t->told);
	return true;
}

void path_watch_tell(struct path_watch *w, const char *peer, uint8_t bid,
	const struct path_watch_figures *figures, uint64_t lasts_ns)
{
	for (size_t i = 0; i < w->count; i++) {
		struct path_watch_tunnel *t = w->tunnels[i];

		if (t->use.bid != bid || strcmp(t->use.peer, peer) != 0)
			continue;
		t->told = *figures;
		t->told_until_ns = now_of(w) + lasts_ns;
	}
}

const uint64_t *path_watch_counters(const struct path_watch *w)
{
	return w->counters;
}
