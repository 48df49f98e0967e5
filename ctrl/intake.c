#include "ctrl/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/clock.h"
#include "ctrl/loop.h"

enum {
	ROUND_PACKETS = 2048, /* handed on in a round at most */
	SOURCES = 1 << 15,    /* a power of two */
	HEAD = 48,            /* struct waiting, in front of a frame */
	ALIGN = 16,
	TURN_MAX = 16, /* of all classes */
};

#define ROUND_NS (10 * CLOCK_NS_PER_MS) /* spent on a round at most */

const char *const intake_class_names[INTAKE_CLASSES + 1] = {
	"link", "known", "end", "new", "rest", NULL};

/* Octets of the queue of each class, and packets that it hands on in its turn. */
static const struct {
	size_t room;
	unsigned turn;
} classes[INTAKE_CLASSES] = {
	[INTAKE_LINK] = {512 * 1024, 8},
	[INTAKE_KNOWN] = {2560 * 1024, 16},
	[INTAKE_END] = {512 * 1024, 4},
	[INTAKE_NEW] = {2560 * 1024, 4},
	[INTAKE_REST] = {256 * 1024, 1},
};

const struct counter_def intake_counter_defs[INTAKE_COUNTERS] = {
	[INTAKE_TAKEN] = {"intake_taken", "packets taken out of the queues"},
	[INTAKE_SHED_LINK] = {"shed_link", "shed: the queue of packets of home links is full"},
	[INTAKE_SHED_KNOWN] = {"shed_known", "shed: the queue of updates of bound nodes is full"},
	[INTAKE_SHED_END] = {"shed_end", "shed: the queue of deregistrations is full"},
	[INTAKE_SHED_NEW] = {"shed_new", "shed: the queue of first registrations is full"},
	[INTAKE_SHED_REST] = {"shed_rest", "shed: the queue of other messages is full"},
	[INTAKE_SHED_LATE] = {"shed_late", "shed: waited longer than senders wait"},
	[INTAKE_SHED_SOURCE] = {"shed_source", "shed: more from one source than is configured"},
	[INTAKE_SHED_SIZE] = {"shed_size", "shed: longer than a mobility message may be"},
	[INTAKE_PAUSES] = {"intake_pauses", "rounds without new packets: too many changes are "
					    "under way"},
};

/* A packet in a queue; its frame follows. 0 octets: the queue goes on at its beginning. */
struct waiting {
	uint32_t octets; /* with this head, a multiple of ALIGN */
	uint16_t length; /* of the frame */
	uint8_t dp;
	uint8_t reason;
	uint64_t subscriber;
	uint64_t since_ns;
	char port[OBJECT_PORT_NAME_MAX + 1];
	uint64_t hint; /* of fns.classify */
};
static_assert(sizeof(struct waiting) == HEAD, "as documented");

/* A ring of octets: what waits is from head to tail, which are equal when it is empty. */
struct queue {
	uint8_t *octets;
	size_t room, head, tail, count;
};

/* A source, as far as it is remembered: another one of the same place takes it over. */
struct source {
	uint64_t hash;
	uint32_t tokens;
	uint32_t since_ms;
};

struct intake {
	struct intake_config config;
	struct intake_fns fns;
	struct loop *loop;
	struct queue queues[INTAKE_CLASSES];
	struct source *sources;
	uint64_t total_ns; /* the time up to which total_rate is used up */
	uint64_t shed_real_ns;
	struct wheel_timer again;
	uint64_t counters[INTAKE_COUNTERS];
	struct histogram waits;
};

/* Only wakes the loop: its hook goes on. */
static void run_again(struct wheel_timer *timer, void *context)
{
	(void)timer;
	(void)context;
}

struct intake *intake_new(
	const struct intake_config *config, const struct intake_fns *fns, struct loop *loop)
{
	struct intake *in = calloc(1, sizeof(*in));
	bool made = in;

	if (!in)
		return NULL;
	in->config = *config;
	in->fns = *fns;
	in->loop = loop;
	wheel_timer_init(&in->again, run_again);
	in->sources = calloc(SOURCES, sizeof(*in->sources));
	made = in->sources;
	for (int i = 0; i < INTAKE_CLASSES; i++) {
		in->queues[i].room = classes[i].room;
		in->queues[i].octets = malloc(classes[i].room);
		made = made && in->queues[i].octets;
	}
	if (made)
		return in;
	intake_free(in);
	return NULL;
}

void intake_free(struct intake *in)
{
	if (!in)
		return;
	loop_cancel(in->loop, &in->again);
	for (int i = 0; i < INTAKE_CLASSES; i++)
		free(in->queues[i].octets);
	free(in->sources);
	free(in);
}

static void shed(struct intake *in, enum intake_counter counter)
{
	counter_add(&in->counters[counter], 1);
	in->shed_real_ns = loop_real_ns(in->loop);
}

/* Room for so many octets in one piece, at the tail; NULL: none. One packet's room stays free, so
 * that a full queue is not taken for an empty one. */
static struct waiting *queue_room(struct queue *q, size_t octets)
{
	if (q->tail >= q->head) {
		if (q->room - q->tail > octets)
			return (struct waiting *)(void *)(q->octets + q->tail);
		if (q->head <= octets)
			return NULL;
		if (q->room - q->tail >= sizeof(uint32_t))
			memset(q->octets + q->tail, 0, sizeof(uint32_t));
		q->tail = 0;
	}
	return q->head - q->tail > octets ? (struct waiting *)(void *)(q->octets + q->tail) : NULL;
}

static struct waiting *queue_first(struct queue *q)
{
	struct waiting *w = (struct waiting *)(void *)(q->octets + q->head);

	if (q->head == q->tail)
		return NULL;
	if (q->head > q->tail && (q->room - q->head < sizeof(uint32_t) || w->octets == 0)) {
		q->head = 0;
		w = (struct waiting *)(void *)q->octets;
	}
	return w;
}

static void queue_drop(struct queue *q, const struct waiting *w)
{
	q->head += w->octets;
	q->count--;
}

/* Whether one more packet of a source may come in. */
static bool admit(struct intake *in, const struct in6_addr *addr)
{
	const uint32_t now_ms = (uint32_t)(loop_now_ns(in->loop) / CLOCK_NS_PER_MS);
	const uint64_t rate = in->config.source_rate;

	if (!rate || addr_equal(addr, &in6addr_any))
		return true;
	const struct prefix6 source = prefix6_of(addr, in->config.source_prefix);
	const uint64_t hash = addr_hash(&source.addr);
	struct source *s = &in->sources[hash & (SOURCES - 1)];

	if (s->hash != hash) {
		*s = (struct source){.hash = hash, .tokens = (uint32_t)rate, .since_ms = now_ms};
	} else {
		uint64_t earned = (now_ms - s->since_ms) * rate / 1000;

		if (earned) {
			uint64_t tokens = s->tokens + earned;

			s->tokens = (uint32_t)(tokens < rate ? tokens : rate);
			s->since_ms = now_ms;
		}
	}
	if (!s->tokens)
		return false;
	s->tokens--;
	return true;
}

static void put(struct intake *in, unsigned dp, const struct packet_punt *punt,
	const struct intake_sight *sight)
{
	const size_t octets = (HEAD + punt->length + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct queue *q = &in->queues[sight->class];
	struct waiting *w;

	if (octets > PACKET_FRAME_MAX) {
		shed(in, INTAKE_SHED_SIZE);
		return;
	}
	if (!admit(in, &sight->source)) {
		shed(in, INTAKE_SHED_SOURCE);
		return;
	}
	w = queue_room(q, octets);
	if (!w) {
		shed(in, INTAKE_SHED_LINK + (enum intake_counter)sight->class);
		return;
	}
	*w = (struct waiting){.octets = (uint32_t)octets,
		.length = punt->length,
		.dp = (uint8_t)dp,
		.reason = (uint8_t)punt->reason,
		.subscriber = punt->subscriber,
		.since_ns = loop_now_ns(in->loop),
		.hint = sight->hint};
	memcpy(w->port, punt->port, sizeof(w->port));
	memcpy(w + 1, punt->frame, punt->length);
	q->tail += octets;
	q->count++;
}

void intake_put(struct intake *in, unsigned dp, const struct packet_punt punts[], unsigned count)
{
	struct intake_sight sights[PACKET_BURST];

	assert(count <= PACKET_BURST);
	in->fns.classify(in->fns.context, punts, count, sights);
	for (unsigned i = 0; i < count; i++)
		put(in, dp, &punts[i], &sights[i]);
}

static void hand_on(struct intake *in, const struct waiting *w)
{
	struct packet_punt punt = {.reason = (enum packet_reason)w->reason,
		.subscriber = w->subscriber,
		.time_ns = w->since_ns,
		.length = w->length,
		.frame = (const uint8_t *)(w + 1)};

	memcpy(punt.port, w->port, sizeof(punt.port));
	counter_add(&in->counters[INTAKE_TAKEN], 1);
	histogram_add(&in->waits, loop_now_ns(in->loop) - w->since_ns);
	in->fns.take(in->fns.context, w->dp, &punt);
}

/* Packets that total_rate allows now: what was not used in the last tenth of a second is lost. */
static unsigned allowance(struct intake *in)
{
	const uint64_t rate = in->config.total_rate, now = loop_now_ns(in->loop);
	const uint64_t burst_ns = CLOCK_NS_PER_S / 10;
	uint64_t due;

	if (!rate)
		return ROUND_PACKETS;
	if (in->total_ns + burst_ns < now)
		in->total_ns = now - burst_ns;
	due = (now - in->total_ns) * rate / CLOCK_NS_PER_S;
	return due < ROUND_PACKETS ? (unsigned)due : ROUND_PACKETS;
}

/* Tells what a class hands on next. What lies behind the end of the ring is not looked for. */
static void announce(const struct intake *in, struct queue *q, unsigned most)
{
	const struct waiting *w = queue_first(q);
	size_t at = q->head, end = q->head <= q->tail ? q->tail : q->room;
	uint64_t hints[TURN_MAX];
	unsigned count = 0;

	if (!in->fns.expect || !w)
		return;
	for (; most && at + sizeof(*w) <= end; most--, at += w->octets) {
		w = (const struct waiting *)(const void *)(q->octets + at);
		if (!w->octets)
			break;
		if (w->hint)
			hints[count++] = w->hint;
	}
	if (count > 1)
		in->fns.expect(in->fns.context, hints, count);
}

/* The turn of a class: at most `most` packets are handed on. Returns how many. */
static unsigned take_turn(struct intake *in, enum intake_class class, unsigned most)
{
	const uint64_t now = loop_now_ns(in->loop);
	const uint64_t wait_ns = in->config.wait_ms * CLOCK_NS_PER_MS;
	struct queue *q = &in->queues[class];
	unsigned count = 0;

	if (most > classes[class].turn)
		most = classes[class].turn;
	announce(in, q, most);
	while (count < most) {
		struct waiting *w = queue_first(q);

		if (!w)
			break;
		if (now - w->since_ns > wait_ns) {
			shed(in, INTAKE_SHED_LATE);
		} else {
			hand_on(in, w);
			count++;
		}
		queue_drop(q, w);
	}
	return count;
}

/* What waits is looked at again at once, or when total_rate allows more. */
static void go_on(struct intake *in)
{
	bool left = false;

	for (int i = 0; i < INTAKE_CLASSES; i++)
		left |= in->queues[i].count > 0;
	if (left && in->config.total_rate)
		loop_arm_ms(in->loop, &in->again, 1);
	else if (left)
		loop_hurry(in->loop);
}

void intake_run(struct intake *in)
{
	const uint64_t end_ns = clock_mono_ns() + ROUND_NS;
	unsigned room = allowance(in), taken = 0, turn;

	if (in->fns.under_way(in->fns.context) > in->config.under_way_max) {
		counter_add(&in->counters[INTAKE_PAUSES], 1);
		loop_arm_ms(in->loop, &in->again, 1);
		return;
	}
	do {
		turn = 0;
		for (int class = 0; class < INTAKE_CLASSES && taken + turn < room; class ++)
			turn += take_turn(in, (enum intake_class) class, room - taken - turn);
		taken += turn;
	} while (turn && taken < room && clock_mono_ns() < end_ns);
	if (in->config.total_rate)
		in->total_ns += taken * CLOCK_NS_PER_S / in->config.total_rate;
	go_on(in);
}

size_t intake_waiting(const struct intake *in, enum intake_class which)
{
	return in->queues[which].count;
}

uint64_t intake_shed(const struct intake *in)
{
	uint64_t sum = 0;

	for (int i = INTAKE_SHED_LINK; i <= INTAKE_SHED_SIZE; i++)
		sum += counter_get(&in->counters[i]);
	return sum;
}

uint64_t intake_shed_real_ns(const struct intake *in)
{
	return in->shed_real_ns;
}

const uint64_t *intake_counters(const struct intake *in)
{
	return in->counters;
}

const struct histogram *intake_waits(const struct intake *in)
{
	return &in->waits;
}
