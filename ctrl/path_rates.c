#include "ctrl/path_rates.h"

#include "common/clock.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"
#include "ctrl/signalling/proxy/path_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PERIOD_MS = 1000,
	VALUES = UPDATE_COUNT_OUT_OCTETS + 1,
};

/* A path by a tunnel. */
struct counted_path {
	uint64_t id;
	uint32_t tunnel; /* its place */
	bool answered;
	uint64_t values[VALUES];
};

struct counted_tunnel {
	struct in6_addr local, remote;
	uint32_t paths; /* by it */
	bool uncounted; /* some of these */
	uint64_t risen[VALUES];
};

/* All that was asked at one time. */
struct reading {
	struct counted_path *paths; /* by id */
	size_t path_count, path_room;
	struct counted_tunnel *tunnels; /* by local and remote address */
	size_t tunnel_count;
	uint64_t ns;
	/* Which data planes answered, and what they were: equal when they are the same and none has
	 * come again in between. */
	uint64_t who, numbers;
	bool known;       /* risen is: there was one before */
	uint64_t over_ns; /* since that */
};

struct path_rates {
	struct loop *loop;
	struct publish *publish;
	const struct path_watch *watch;
	struct wheel_timer timer;
	struct reading last, next; /* finished; under way */
	size_t asked, asking;      /* of next.paths: those before, and those of the question */
	bool failed;               /* the one under way will not be whole */
};

static void clear(struct reading *r)
{
	free(r->paths);
	free(r->tunnels);
	*r = (struct reading){0};
}

static int compare_tunnels(const void *a, const void *b)
{
	const struct counted_tunnel *x = a, *y = b;
	int order = memcmp(&x->local, &y->local, sizeof(x->local));

	return order ? order : memcmp(&x->remote, &y->remote, sizeof(x->remote));
}

static struct counted_tunnel *tunnel_of(
	const struct reading *r, const struct in6_addr *local, const struct in6_addr *remote)
{
	const struct counted_tunnel key = {.local = *local, .remote = *remote};

	return r->tunnel_count ? bsearch(&key, r->tunnels, r->tunnel_count, sizeof(r->tunnels[0]),
					 compare_tunnels)
			       : NULL;
}

static int compare_paths(const void *a, const void *b)
{
	const struct counted_path *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct counted_path *path_of(const struct reading *r, uint64_t id)
{
	const struct counted_path key = {.id = id};

	return r->path_count
		       ? bsearch(&key, r->paths, r->path_count, sizeof(r->paths[0]), compare_paths)
		       : NULL;
}

static int add_path(struct reading *r, const struct object_path *path)
{
	struct counted_tunnel *t = tunnel_of(r, &path->local, &path->remote);

	if (path->kind == PATH_ON_LINK || path->kind == PATH_HELD || !t)
		return 0;
	if (r->path_count == r->path_room) {
		size_t room = r->path_room ? 2 * r->path_room : 64;
		struct counted_path *more = realloc(r->paths, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		r->paths = more;
		r->path_room = room;
	}
	t->paths++;
	r->paths[r->path_count++] =
		(struct counted_path){.id = path->id, .tunnel = (uint32_t)(t - r->tunnels)};
	return 0;
}

/* Data planes do not count what takes the only path of its subscriber, which comes behind it. */
static int take_object(void *arg, const struct object *object)
{
	struct reading *r = arg;
	const struct counted_path *last = r->path_count ? &r->paths[r->path_count - 1] : NULL;

	if (object->kind == OBJECT_PATH)
		return add_path(r, &object->path);
	if (object->kind == OBJECT_SUBSCRIBER && object->subscriber.path_count == 1 && last &&
		last->id == object->subscriber.paths[0])
		r->tunnels[last->tunnel].uncounted = true;
	return 0;
}

/* Which tunnels there are, and which paths go by them. */
static int begin(struct path_rates *r)
{
	struct reading *next = &r->next;
	const struct path_watch_tunnel *t;
	int error;

	clear(next);
	if (publish_count(r->publish) > PATH_RATES_BUNDLES_MAX)
		return -E2BIG;
	next->tunnels = calloc(PATH_WATCH_TUNNELS_MAX, sizeof(*next->tunnels));
	if (!next->tunnels)
		return -ENOMEM;
	for (t = NULL; (t = path_watch_next(r->watch, t));)
		next->tunnels[next->tunnel_count++] =
			(struct counted_tunnel){.local = t->use.local, .remote = t->use.remote};
	error = publish_each_object(r->publish, take_object, next);
	if (!error && next->path_count)
		qsort(next->paths, next->path_count, sizeof(next->paths[0]), compare_paths);
	next->ns = loop_now_ns(r->loop);
	r->asked = r->asking = 0;
	r->failed = error != 0;
	return error;
}

/* What a path carried since the last time; one that was not there then is new. */
static void add_risen(struct path_rates *r, const struct counted_path *path)
{
	const struct counted_path *before = path_of(&r->last, path->id);
	struct counted_tunnel *t = &r->next.tunnels[path->tunnel];

	if (!before || !before->answered || !path->answered)
		return;
	for (unsigned i = 0; i < VALUES; i++)
		if (path->values[i] > before->values[i])
			t->risen[i] += path->values[i] - before->values[i];
}

/* All answers are here. */
static void finish(struct path_rates *r)
{
	struct reading *next = &r->next;

	next->known = next->who && r->last.who == next->who && r->last.numbers == next->numbers &&
		      next->ns > r->last.ns;
	next->over_ns = next->ns - r->last.ns;
	for (size_t i = 0; next->known && i < next->path_count; i++)
		add_risen(r, &next->paths[i]);
	clear(&r->last);
	r->last = *next;
	*next = (struct reading){0};
}

static void take_count(void *arg, unsigned dp, const struct update_count *count)
{
	const struct path_rates *r = arg;
	struct counted_path *path =
		count->kind == OBJECT_PATH ? path_of(&r->next, count->id) : NULL;

	(void)dp;
	if (!path)
		return;
	path->answered = true;
	for (unsigned i = 0; i < VALUES; i++)
		path->values[i] += count->values[i];
}

static void take_done(void *arg, unsigned dp, bool answered)
{
	struct path_rates *r = arg;

	r->failed |= !answered;
	r->next.who |= 1ull << dp;
	r->next.numbers += publish_session_number(r->publish, dp);
}

static void take_end(void *arg)
{
	struct path_rates *r = arg;

	r->asked += r->asking;
	if (!r->failed && r->asked >= r->next.path_count)
		finish(r);
	loop_arm_ms(r->loop, &r->timer, PERIOD_MS);
}

/* About the next paths. */
static void ask(struct path_rates *r)
{
	const struct publish_counted_fns fns = {
		.arg = r, .record = take_count, .done = take_done, .end = take_end};
	const size_t left = r->next.path_count - r->asked;
	uint64_t ids[UPDATE_COUNT_IDS_MAX];

	r->asking = left < UPDATE_COUNT_IDS_MAX ? left : UPDATE_COUNT_IDS_MAX;
	for (size_t i = 0; i < r->asking; i++)
		ids[i] = r->next.paths[r->asked + i].id;
	if (publish_counted(r->publish, OBJECT_PATH, ids, r->asking, &fns) == 0)
		return;
	r->failed = true;
	loop_arm_ms(r->loop, &r->timer, PERIOD_MS);
}

/* Time for the next question, or for all of them again. */
static void turn(struct wheel_timer *timer, void *context)
{
	struct path_rates *r = wheel_entry(timer, struct path_rates, timer);
	bool over = r->failed || r->asked >= r->next.path_count;

	(void)context;
	if (r->failed)
		clear(&r->last);
	if (over && (begin(r) < 0 || !r->next.path_count)) {
		clear(&r->next);
		clear(&r->last);
		loop_arm_ms(r->loop, &r->timer, PERIOD_MS);
		return;
	}
	ask(r);
}

struct path_rates *path_rates_new(
	struct loop *loop, struct publish *publish, const struct path_watch *watch)
{
	struct path_rates *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->loop = loop;
	r->publish = publish;
	r->watch = watch;
	wheel_timer_init(&r->timer, turn);
	loop_arm_ms(loop, &r->timer, PERIOD_MS);
	return r;
}

void path_rates_free(struct path_rates *r)
{
	if (!r)
		return;
	loop_cancel(r->loop, &r->timer);
	clear(&r->last);
	clear(&r->next);
	free(r);
}

bool path_rates_get(const struct path_rates *r, const struct in6_addr *local,
	const struct in6_addr *remote, struct path_rate *out)
{
	const struct counted_tunnel *t = r ? tunnel_of(&r->last, local, remote) : NULL;
	double seconds;

	if (!t || !t->paths || t->uncounted || !r->last.known)
		return false;
	seconds = (double)r->last.over_ns / CLOCK_NS_PER_S;
	*out = (struct path_rate){.in_packets = (double)t->risen[UPDATE_COUNT_IN_PACKETS] / seconds,
		.in_octets = (double)t->risen[UPDATE_COUNT_IN_OCTETS] / seconds,
		.out_packets = (double)t->risen[UPDATE_COUNT_OUT_PACKETS] / seconds,
		.out_octets = (double)t->risen[UPDATE_COUNT_OUT_OCTETS] / seconds};
	return true;
}
