#include "tools/pktgen/fleet.h"

#include <stdlib.h>

#include "common/clock.h"
#include "proto/mobility/status.h"

/* Idle nodes, for a choice at random in constant time. */
struct list {
	uint32_t *nodes;
	uint32_t count;
};

struct fleet {
	const struct pktgen_config *config;
	fleet_send_fn *send;
	void *context;
	struct fleet_node *nodes;
	struct list bound, free; /* idle ones */
	uint32_t asking, bound_count;
	uint64_t now_ns;
	struct random random;
	struct fleet_count counts[PKTGEN_OPS];
	struct wheel wheel;
};

static void put(struct fleet *f, uint32_t node)
{
	struct list *list = f->nodes[node].bound ? &f->bound : &f->free;

	f->nodes[node].listed = list->count;
	list->nodes[list->count++] = node;
}

static void take(struct fleet *f, uint32_t node)
{
	struct list *list = f->nodes[node].bound ? &f->bound : &f->free;
	const uint32_t last = list->nodes[--list->count];

	list->nodes[f->nodes[node].listed] = last;
	f->nodes[last].listed = f->nodes[node].listed;
}

/* Initial waits (RFC 6275, 11.8: a first registration leaves time for duplicate address
 * detection), doubled for each try. */
static uint64_t wait_ns(const struct fleet *f, const struct fleet_node *n)
{
	const struct pktgen_config_signalling *c = &f->config->signalling;
	uint64_t ms = c->timeout_ms;

	if (n->op == PKTGEN_REGISTER)
		ms += ms / 2;
	for (uint8_t i = 1; i < n->tries && ms < c->timeout_max_ms; i++)
		ms *= 2;
	return (ms < c->timeout_max_ms ? ms : c->timeout_max_ms) * CLOCK_NS_PER_MS;
}

static void ask(struct fleet *f, uint32_t node)
{
	struct fleet_node *n = &f->nodes[node];

	n->sequence++;
	n->tries++;
	wheel_arm(&f->wheel, &n->timer, f->now_ns + wait_ns(f, n));
	f->send(f->context, node);
}

static void end(struct fleet *f, uint32_t node)
{
	wheel_cancel(&f->wheel, &f->nodes[node].timer);
	f->nodes[node].asking = false;
	f->asking--;
	put(f, node);
}

static void expired(struct wheel_timer *timer, void *context)
{
	struct fleet *f = context;
	struct fleet_node *n = wheel_entry(timer, struct fleet_node, timer);
	const uint32_t node = (uint32_t)(n - f->nodes);

	if (n->tries < f->config->signalling.tries) {
		f->counts[n->op].repeated++;
		ask(f, node);
		return;
	}
	f->counts[n->op].lost++;
	n->sure = false;
	end(f, node);
}

struct fleet *fleet_open(
	const struct pktgen_config *config, uint64_t now_ns, fleet_send_fn *send, void *context)
{
	const uint32_t count = config->subscribers.count;
	struct fleet *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->config = config;
	f->send = send;
	f->context = context;
	f->random.state = config->traffic.seed;
	f->nodes = calloc(count, sizeof(*f->nodes));
	f->bound.nodes = calloc(count, sizeof(uint32_t));
	f->free.nodes = calloc(count, sizeof(uint32_t));
	if (!f->nodes || !f->bound.nodes || !f->free.nodes) {
		fleet_close(f);
		return NULL;
	}
	wheel_init(&f->wheel, now_ns, f);
	for (uint32_t i = 0; i < count; i++) {
		wheel_timer_init(&f->nodes[i].timer, expired);
		f->nodes[i].sequence = (uint16_t)random_next(&f->random);
		put(f, i);
	}
	return f;
}

void fleet_close(struct fleet *f)
{
	if (!f)
		return;
	free(f->nodes);
	free(f->bound.nodes);
	free(f->free.nodes);
	free(f);
}

static void begin(struct fleet *f, uint32_t node, enum pktgen_op op, uint32_t wish)
{
	struct fleet_node *n = &f->nodes[node];

	take(f, node);
	n->op = (uint8_t)op;
	n->wish = wish;
	n->tries = 0;
	n->first_sequence = (uint16_t)(n->sequence + 1);
	n->asked_ns = f->now_ns;
	n->asking = true;
	f->asking++;
	f->counts[op].asked++;
	ask(f, node);
}

static uint32_t weight_of(const struct fleet *f, enum pktgen_op op)
{
	const struct list *list = op == PKTGEN_REGISTER ? &f->free : &f->bound;

	return list->count ? f->config->signalling.weight[op] : 0;
}

/* Another place than the present one: a care-of prefix each, two addresses if there is but one. */
static uint32_t other_place(struct fleet *f, uint32_t place)
{
	const uint32_t prefixes = (uint32_t)f->config->subscribers.care_of_prefixes.count;
	const uint32_t places = prefixes > 1 ? prefixes : 2;

	return (place + 1 + random_below(&f->random, places - 1)) % places;
}

bool fleet_begin(struct fleet *f, uint64_t now_ns)
{
	uint32_t sum = 0, turn, op = 0;

	f->now_ns = now_ns;
	for (uint32_t i = 0; i < PKTGEN_OPS; i++)
		sum += weight_of(f, (enum pktgen_op)i);
	if (sum == 0)
		return false;
	turn = random_below(&f->random, sum);
	while (turn >= weight_of(f, (enum pktgen_op)op))
		turn -= weight_of(f, (enum pktgen_op)op++);

	const struct list *list = op == PKTGEN_REGISTER ? &f->free : &f->bound;
	const uint32_t node = list->nodes[random_below(&f->random, list->count)];
	uint32_t wish = f->nodes[node].place;

	if (op == PKTGEN_REGISTER)
		wish = 0;
	else if (op == PKTGEN_MOVE)
		wish = other_place(f, wish);
	begin(f, node, (enum pktgen_op)op, wish);
	return true;
}

bool fleet_refresh(struct fleet *f, uint32_t node, uint64_t now_ns)
{
	const struct fleet_node *n = &f->nodes[node];

	if (n->asking || !n->bound)
		return false;
	f->now_ns = now_ns;
	begin(f, node, PKTGEN_REFRESH, n->place);
	return true;
}

uint64_t fleet_advance(struct fleet *f, uint64_t now_ns)
{
	f->now_ns = now_ns;
	wheel_advance(&f->wheel, now_ns, 0);
	return wheel_next_ns(&f->wheel);
}

static void set_bound(struct fleet *f, struct fleet_node *n, bool bound)
{
	f->bound_count += bound;
	f->bound_count -= n->bound;
	n->bound = bound;
	n->sure = true;
}

bool fleet_answer(
	struct fleet *f, uint32_t node, uint8_t status, uint16_t sequence, uint64_t now_ns)
{
	struct fleet_node *n = &f->nodes[node];
	struct fleet_count *c = &f->counts[n->op];
	const bool in_window =
		status == STATUS_BA_SEQUENCE || (uint16_t)(sequence - n->first_sequence) < n->tries;

	if (!n->asking || !in_window)
		return false;
	if (status_ba_accepted(status)) {
		c->accepted++;
		histogram_add(&c->latency, now_ns - n->asked_ns);
		set_bound(f, n, n->op != PKTGEN_DEREGISTER);
		n->place = n->wish;
	} else {
		c->rejected[status]++;
		/* It has no binding, or has a larger number than we knew (RFC 6275, 11.7.3). */
		if (status == STATUS_BA_NOT_HOME_AGENT)
			set_bound(f, n, false);
		else if (status == STATUS_BA_SEQUENCE)
			n->sequence = sequence;
		else if (n->tries > 1) /* an earlier try may have been granted unheard */
			n->sure = false;
	}
	end(f, node);
	return true;
}

const struct fleet_node *fleet_node(const struct fleet *f, uint32_t node)
{
	return &f->nodes[node];
}

uint32_t fleet_asking(const struct fleet *f)
{
	return f->asking;
}

uint32_t fleet_bound(const struct fleet *f)
{
	return f->bound_count;
}

const struct fleet_count *fleet_count(const struct fleet *f, enum pktgen_op op)
{
	return &f->counts[op];
}
