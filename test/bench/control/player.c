#include "player.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tools/pktgen/pace.h"

enum { BURST = 64, SYNC_LIMIT_S = 300, DRAIN_LIMIT_S = 120 };

#define IDLE_NS  (500 * 1000ull)
#define CHECK_NS (200 * CLOCK_NS_PER_MS)

/* A home address as control published it. */
struct published {
	uint64_t path;
	bool there;
};

struct stranger {
	uint16_t len;
	uint8_t octets[BINDING_PACKET_MAX];
};

struct player {
	struct rig *rig;
	struct channel *channel;
	struct binding_keys *keys;
	struct fleet *fleet;
	struct player_result *result; /* of the phase under way */
	struct published *published;  /* by node */
	uint32_t *node_of;            /* by id of subscriber: node + 1 */
	struct in6_addr *paths;       /* by id */
	size_t room;                  /* of the two */
	struct stranger *strangers;
	uint32_t next_stranger;
	uint64_t now_ns;
	bool deaf; /* nodes do not refresh when they are asked to */
};

static void send_update(void *context, uint32_t node)
{
	struct player *p = context;
	const struct fleet_node *n = fleet_node(p->fleet, node);
	const struct binding_update update = {.node = node,
		.place = n->wish,
		.lifetime_s =
			n->op == PKTGEN_DEREGISTER ? 0 : p->rig->load.signalling.lifetime_ms / 1000,
		.sequence = n->sequence};
	uint8_t packet[BINDING_PACKET_MAX];
	const ssize_t len = binding_write(
		&p->rig->load, p->keys, &update, clock_real_ns(), packet, sizeof(packet));

	if ((len < 0 || channel_put(p->channel, n->bound ? CHANNEL_KNOWN : CHANNEL_NEW, packet,
				(size_t)len) < 0) &&
		p->result)
		p->result->unsent++;
}

static void take_packet(void *context, const uint8_t *ip, size_t len)
{
	struct player *p = context;
	struct binding_answer answer;
	uint64_t now = clock_mono_ns();

	switch (binding_read(&p->rig->load, p->keys, ip, len, &answer)) {
	case BINDING_REFRESH_REQUEST:
		if (!p->deaf)
			fleet_refresh(p->fleet, answer.node, now);
		break;
	case BINDING_ACK: {
		const uint64_t asked_ns = fleet_node(p->fleet, answer.node)->asked_ns;

		if (fleet_answer(p->fleet, answer.node, answer.status, answer.sequence, now) &&
			p->result && answer.status == 0)
			histogram_add(&p->result->latency, now - asked_ns);
		break;
	}
	default:
		break;
	}
}

static void grow(struct player *p, uint64_t id)
{
	size_t room = p->room ? p->room : 1024;

	while (room <= id)
		room *= 2;
	p->node_of = realloc(p->node_of, room * sizeof(*p->node_of));
	p->paths = realloc(p->paths, room * sizeof(*p->paths));
	if (!p->node_of || !p->paths)
		rig_die("the oracle", "no memory");
	memset(p->node_of + p->room, 0, (room - p->room) * sizeof(*p->node_of));
	p->room = room;
}

static void begin_snapshot(void *context)
{
	struct player *p = context;

	memset(p->published, 0, p->rig->nodes * sizeof(*p->published));
	if (p->room)
		memset(p->node_of, 0, p->room * sizeof(*p->node_of));
}

static void take_subscriber(struct player *p, const struct object *o)
{
	const struct population *population = &p->rig->load.subscribers;
	uint32_t low, node;

	if (o->op == OBJECT_DELETE) {
		if (o->id < p->room && p->node_of[o->id])
			p->published[p->node_of[o->id] - 1].there = false;
		return;
	}
	memcpy(&low, o->subscriber.prefixes[0].addr.s6_addr + 12, sizeof(low));
	node = (uint32_t)(be32toh(low) - population->first);
	if (node >= p->rig->nodes)
		rig_die("control", "published a home address of nobody");
	if (o->id >= p->room)
		grow(p, o->id);
	p->node_of[o->id] = node + 1;
	p->published[node] = (struct published){.path = o->subscriber.paths[0], .there = true};
}

static void take_object(void *context, const struct object *o)
{
	struct player *p = context;

	if (o->kind == OBJECT_SUBSCRIBER && o->id >> 63 == 0) {
		take_subscriber(p, o);
	} else if (o->kind == OBJECT_PATH && o->op == OBJECT_SET) {
		if (o->id >= p->room)
			grow(p, o->id);
		p->paths[o->id] = o->path.remote;
	}
}

/* Spoils the authenticator, not the checksum: two of its 16-bit words change places. */
static void spoil(struct stranger *s)
{
	static const uint8_t option[] = {9, 17, 1}; /* MN-HA authentication (RFC 4285, 5.1) */
	enum { DATA = 7 };

	for (uint8_t *at = s->octets + s->len - DATA - 12; at > s->octets; at--) {
		uint16_t a, b;

		if (memcmp(at, option, sizeof(option)) != 0)
			continue;
		memcpy(&a, at + DATA, sizeof(a));
		memcpy(&b, at + DATA + 2, sizeof(b));
		memcpy(at + DATA, &b, sizeof(b));
		memcpy(at + DATA + 2, &a, sizeof(a));
		return;
	}
	rig_die("a stranger", "its update has no authenticator");
}

/* Updates of subscribers that are not bound, wrongly signed: what costs control most. */
static void make_strangers(struct player *p)
{
	p->strangers = malloc(RIG_STRANGERS * sizeof(*p->strangers));
	if (!p->strangers)
		rig_die("strangers", "no memory");
	for (uint32_t i = 0; i < RIG_STRANGERS; i++) {
		const struct binding_update update = {
			.node = p->rig->nodes + i, .place = 3, .lifetime_s = 60};
		struct stranger *s = &p->strangers[i];
		ssize_t len = binding_write(&p->rig->load, p->keys, &update, clock_real_ns(),
			s->octets, sizeof(s->octets));

		if (len < 0)
			rig_die("a stranger", strerror((int)-len));
		s->len = (uint16_t)len;
		spoil(s);
	}
}

struct player *player_open(struct rig *rig)
{
	struct player *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		rig_die("player", "no memory");
	const struct channel_fns fns = {.context = p,
		.packet = take_packet,
		.begin = begin_snapshot,
		.object = take_object};

	p->rig = rig;
	rig->load.subscribers.count = rig->nodes + RIG_STRANGERS;
	p->keys = binding_keys_new(&rig->load);
	rig->load.subscribers.count = rig->nodes;
	p->fleet = fleet_open(&rig->load, clock_mono_ns(), send_update, p);
	p->published = calloc(rig->nodes, sizeof(*p->published));
	if (!p->keys || !p->fleet || !p->published)
		rig_die("player", "no memory");
	make_strangers(p);
	rc = channel_open(&p->channel, rig->update, rig->packet, "dp1", &fns);
	if (rc < 0)
		rig_die("channel", strerror(-rc));
	return p;
}

void player_close(struct player *p)
{
	channel_close(p->channel);
	fleet_close(p->fleet);
	binding_keys_free(p->keys);
	free(p->published);
	free(p->node_of);
	free(p->paths);
	free(p->strangers);
	free(p);
}

double player_sync(struct player *p, uint64_t since_ns)
{
	while (!channel_synced(p->channel)) {
		uint64_t now = clock_mono_ns();

		if (now - since_ns > SYNC_LIMIT_S * CLOCK_NS_PER_S)
			rig_die("dmm-ctrl", "does not bring the data plane up to date");
		rig_check(p->rig);
		if (!channel_work(p->channel, now))
			channel_wait(p->channel, IDLE_NS);
	}
	return (double)(clock_mono_ns() - since_ns) / CLOCK_NS_PER_S;
}

void player_lost(struct player *p)
{
	channel_resync(p->channel);
}

double player_resync(struct player *p)
{
	uint64_t since_ns = clock_mono_ns();

	channel_resync(p->channel);
	return player_sync(p, since_ns);
}

static void put_strangers(struct player *p, struct pace *pace)
{
	uint32_t due = pace_due(pace, p->now_ns, 8 * BURST);

	for (; due; due--) {
		const struct stranger *s = &p->strangers[p->next_stranger++ % RIG_STRANGERS];

		p->result->strangers++;
		if (channel_put(p->channel, CHANNEL_NEW, s->octets, s->len) < 0)
			p->result->unsent++;
	}
}

static bool begin_due(struct player *p, const struct player_phase *phase, struct pace *pace)
{
	uint32_t asking = fleet_asking(p->fleet), due;

	/* What control cannot take now is begun later, unless it is to be more than it can take. */
	if (asking >= phase->outstanding ||
		(!phase->strangers && (channel_full(p->channel, CHANNEL_KNOWN) ||
					      channel_full(p->channel, CHANNEL_NEW))))
		return false;
	due = phase->outstanding - asking;
	due = pace_due(pace, p->now_ns, due < BURST ? due : BURST);
	if (!due)
		return false;
	while (due && fleet_begin(p->fleet, p->now_ns))
		due--;
	return due == 0;
}

static bool is_over(const struct player *p, const struct player_phase *phase, uint64_t until_ns)
{
	return p->now_ns >= until_ns ||
	       (phase->bound && fleet_bound(p->fleet) + fleet_asking(p->fleet) >= phase->bound);
}

/* One round of everything; waits a little when there is nothing to do. */
static void play(struct player *p, bool busy)
{
	fleet_advance(p->fleet, p->now_ns);
	channel_flush(p->channel);
	busy |= channel_work(p->channel, p->now_ns);
	if (!busy)
		channel_wait(p->channel, IDLE_NS);
	p->now_ns = clock_mono_ns();
}

static void tally(const struct player *p, struct player_result *r, int sign)
{
	for (enum pktgen_op op = 0; op < PKTGEN_OPS; op++) {
		const struct fleet_count *c = fleet_count(p->fleet, op);
		uint64_t s = (uint64_t)(int64_t)sign;

		r->asked += s * c->asked;
		r->accepted += s * c->accepted;
		r->lost += s * c->lost;
		r->repeated += s * c->repeated;
		for (unsigned i = 0; i < FLEET_STATUSES; i++)
			r->rejected += s * c->rejected[i];
	}
}

static void drain(struct player *p)
{
	uint64_t end_ns = p->now_ns + DRAIN_LIMIT_S * CLOCK_NS_PER_S;

	while (fleet_asking(p->fleet) && p->now_ns < end_ns)
		play(p, false);
	if (fleet_asking(p->fleet))
		rig_die("dmm-ctrl", "leaves updates without an answer");
}

void player_run(struct player *p, const struct player_phase *phase, struct player_result *r)
{
	struct rig_time used = rig_time(p->rig);
	struct pace pace, strangers;
	uint64_t begun_ns = p->now_ns = clock_mono_ns(), check_ns = begun_ns;

	memset(r, 0, sizeof(*r));
	p->result = r;
	p->deaf = phase->deaf;
	memcpy(p->rig->load.signalling.weight, phase->weight, sizeof(phase->weight));
	tally(p, r, -1);
	pace_begin(&pace, phase->rate, CLOCK_NS_PER_S, begun_ns);
	pace_begin(&strangers, phase->strangers, CLOCK_NS_PER_S, begun_ns);
	while (!is_over(p, phase, begun_ns + (uint64_t)(phase->seconds * CLOCK_NS_PER_S))) {
		bool busy = begin_due(p, phase, &pace);

		if (phase->strangers)
			put_strangers(p, &strangers);
		play(p, busy);
		if (p->now_ns >= check_ns) {
			rig_check(p->rig);
			check_ns = p->now_ns + CHECK_NS;
		}
	}
	r->seconds = (double)(p->now_ns - begun_ns) / CLOCK_NS_PER_S;
	r->used = rig_time(p->rig);
	r->used.loop -= used.loop;
	r->used.all -= used.all;
	tally(p, r, 1);
	if (phase->drain)
		drain(p);
	p->result = NULL;
}

double player_until_served(struct player *p, uint64_t since_ns)
{
	const struct player_phase one = {
		.weight = {[PKTGEN_REFRESH] = 1}, .outstanding = 1, .seconds = 0.02};
	struct player_result r;

	do
		player_run(p, &one, &r);
	while (!r.accepted && clock_mono_ns() - since_ns < SYNC_LIMIT_S * CLOCK_NS_PER_S);
	return (double)(clock_mono_ns() - since_ns) / CLOCK_NS_PER_S;
}

/* Whether what is published for a node can be what became of an operation without an answer. */
static bool may_be(const struct player *p, uint32_t node, const struct fleet_node *n)
{
	const struct in6_addr asked = population_care_of(&p->rig->load.subscribers, node, n->wish);
	const struct published *is = &p->published[node];

	if (n->sure && !n->asking)
		return false;
	if (!is->there)
		return n->op == PKTGEN_DEREGISTER;
	return n->op != PKTGEN_DEREGISTER && addr_equal(&p->paths[is->path], &asked);
}

struct player_verdict player_compare(struct player *p)
{
	struct player_verdict v = {0};

	for (uint32_t node = 0; node < p->rig->nodes; node++) {
		const struct fleet_node *n = fleet_node(p->fleet, node);
		const struct in6_addr bound =
			population_care_of(&p->rig->load.subscribers, node, n->place);
		const struct published *is = &p->published[node];
		bool right = is->there == n->bound &&
			     (!n->bound || addr_equal(&p->paths[is->path], &bound));

		v.known += n->bound;
		if (right || may_be(p, node, n))
			continue;
		if (n->bound)
			v.missing++;
		else
			v.invented++;
	}
	return v;
}

const struct fleet *player_fleet(const struct player *p)
{
	return p->fleet;
}
