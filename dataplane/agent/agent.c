#include "dataplane/agent/agent.h"

#include <assert.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/daemon.h"
#include "common/log.h"
#include "dataplane/agent/answer.h"
#include "dataplane/agent/count.h"
#include "dataplane/agent/events.h"
#include "dataplane/agent/fold.h"
#include "dataplane/agent/session.h"
#include "dataplane/agent/tracing.h"
#include "dataplane/agent/upstream.h"
#include "dataplane/control_link.h"
#include "dataplane/keys.h"
#include "dataplane/port.h"
#include "dataplane/tables/tables_digest.h"
#ifdef DMM_FAULT_HOOKS
#include "dataplane/agent/fault.h"
#endif

enum {
	/* Applied before readers are waited for: bounds the age of the first acknowledgement. */
	MESSAGES_PER_SETTLE = 64,
	EVENTS_PER_ROUND = 256,
	AGE_MS = 1000,
	DIGEST_STEP = 2048, /* numbers looked at before messages are, a few milliseconds */
};

struct agent {
	struct agent_config given;
	struct control_link link;
	struct session session;
	struct fold fold;
	struct tables_digest digest;
	struct tracing tracing;
	struct upstream *upstream; /* NULL: no port is upstream of multicast */
	uint64_t asked;            /* epoch of the control that the digest is for */
	uint64_t age_ms;
	uint64_t lost; /* times that control was silent, and the connection made anew */
	uint8_t message[UPDATE_MESSAGE_MAX]; /* of statistics or a digest */
};

static int on_apply(void *context, const struct object *object)
{
	struct agent *a = context;

	return tables_apply(a->given.tables, object);
}

static_assert((int)SESSION_EXPECT_MAX <= (int)TABLES_EXPECT_MAX, "as many at once");

static void on_expect(void *context, const struct object objects[], unsigned n)
{
	struct agent *a = context;

	tables_expect(a->given.tables, objects, n);
}

static void on_mark(void *context, const struct object_buckets *buckets)
{
	struct agent *a = context;

	tables_mark(a->given.tables, buckets);
}

static uint32_t on_sweep(void *context)
{
	struct agent *a = context;

	return tables_sweep(a->given.tables);
}

static void on_quiesce(void *context)
{
	struct agent *a = context;

	tables_quiesce(a->given.tables);
}

static int on_send(void *context, const void *message, size_t len)
{
	struct agent *a = context;

	return zsock_send1(&a->link.sock, message, len);
}

static void on_hello(void *context, struct update_hello *hello)
{
	struct agent *a = context;

	hello->subscribers_max = a->given.config->subscribers;
	for (uint16_t i = 0; i < PORT_MAX; i++) {
		const struct port *port = port_get(i);

		if (!port)
			continue;
		struct update_port *told = &hello->ports[hello->port_count++];

		memcpy(told->name, port->name, sizeof(told->name));
		memcpy(told->mac.b, port->mac.addr_bytes, sizeof(told->mac.b));
		told->mtu = port_mtu(port);
		told->up = port_is_up(port);
	}
}

static void on_stats(void *context, const struct update_stats_request *request)
{
	struct agent *a = context;
	const struct answer answer = {
		.head = session_head(&a->session, UPDATE_STATS),
		.request = request,
		.tables = a->given.tables,
		.workers = a->given.workers,
		.worker_count = a->given.worker_count,
		.session_values = a->session.counters,
		.events_lost = events_lost() + a->fold.dropped,
		.upstream = a->upstream,
	};
	struct writer w;

	writer_init(&w, a->message, sizeof(a->message));
	if (answer_encode(&answer, &w) == 0)
		zsock_send1(&a->link.sock, a->message, writer_len(&w));
}

static void on_trace(void *context, const struct trace_wanted *wanted)
{
	struct agent *a = context;

	tracing_want(&a->tracing, a->given.tables, wanted, clock_mono_ms());
}

static void on_down(void *context, const struct down_tunnels *down)
{
	struct agent *a = context;

	path_table_set_down(&a->given.tables->paths, down);
}

/* Tells control of the packets that it wants to see; those that cannot go now are lost. */
static void take_traces(struct agent *a, uint64_t now_ms)
{
	const struct update_head head = session_head(&a->session, UPDATE_TRACED);
	struct writer w;

	tracing_tick(&a->tracing, a->given.tables, now_ms);
	if (!a->tracing.on)
		return;
	writer_init(&w, a->message, sizeof(a->message));
	update_head_encode(&w, &head);
	if (tracing_take(&a->tracing, &w))
		zsock_send1(&a->link.sock, a->message, writer_len(&w));
}

static int on_count(void *context, struct cursor *request)
{
	struct agent *a = context;
	const struct update_head head = session_head(&a->session, UPDATE_COUNTS);
	struct writer w;
	int err;

	writer_init(&w, a->message, sizeof(a->message));
	err = count_answer(&(struct count_of){a->given.tables, a->upstream}, &head, request, &w);
	if (err == 0)
		zsock_send1(&a->link.sock, a->message, writer_len(&w));
	return err;
}

/* Asked again while the answer is being worked out, that answers both. */
static void on_digest(void *context, uint64_t asked)
{
	struct agent *a = context;

	a->asked = asked;

	int err = a->digest.tables ? 0 : tables_digest_start(&a->digest, a->given.tables);

	if (err < 0)
		LOG_ERROR("agent", "digest-failed", "error=%s", LOG_QUOTE(strerror(-err)));
}

/* Works on the digest that control waits for. */
static void audit(struct agent *a)
{
	struct update_head head = session_head(&a->session, UPDATE_DIGEST);
	struct update_digest_answer answer;
	struct writer w;

	if (!a->digest.tables || !tables_digest_step(&a->digest, DIGEST_STEP, &answer) ||
		!session_is_comparable(&a->session))
		return;
	answer.asked = a->asked;
	writer_init(&w, a->message, sizeof(a->message));
	update_head_encode(&w, &head);
	update_digest_encode(&w, &answer);
	if (zsock_send1(&a->link.sock, a->message, writer_len(&w)) == 0)
		session_compared(&a->session, clock_mono_ms());
}

static const struct session_ops ops = {
	.apply = on_apply,
	.expect = on_expect,
	.mark = on_mark,
	.sweep = on_sweep,
	.quiesce = on_quiesce,
	.send = on_send,
	.hello = on_hello,
	.stats = on_stats,
	.count = on_count,
	.digest = on_digest,
	.trace = on_trace,
	.down = on_down,
};

struct agent *agent_open(const struct agent_config *config, int *error)
{
	const struct dp_config *conf = config->config;
	const struct zsock_options options = {
		.type = ZMQ_DEALER,
		.immediate = true,
		.reconnect_ms = 20,
		.reconnect_max_ms = 200,
		.max_message = UPDATE_MESSAGE_MAX,
	};
	struct agent *a = calloc(1, sizeof(*a));

	*error = -ENOMEM;
	if (!a)
		return NULL;
	a->given = *config;
	if (conf->multicast_upstream) {
		a->upstream = upstream_open(conf->multicast_upstream, &config->tables->groups);
		if (!a->upstream) {
			free(a);
			return NULL;
		}
	}
	session_init(&a->session, &ops, a, conf->name, conf->channel.heartbeat,
		conf->channel.heartbeats_missed);
	*error = control_link_open(&a->link, &options, conf->name, conf->endpoints.update);
	if (*error == 0) {
		LOG_INFO("agent", "control-sought", "endpoint=%s name=%s", conf->endpoints.update,
			conf->name);
		return a;
	}
	LOG_ERROR("agent", "connect-failed", "endpoint=%s error=%s", conf->endpoints.update,
		LOG_QUOTE(strerror(-*error)));
	upstream_close(a->upstream);
	free(a);
	return NULL;
}

void agent_close(struct agent *a)
{
	if (!a)
		return;
	tables_digest_cancel(&a->digest);
	control_link_close(&a->link);
	upstream_close(a->upstream);
	free(a);
}

static void receive(struct agent *a)
{
	bool more = true;

	while (more) {
		for (int i = 0; more && i < MESSAGES_PER_SETTLE; i++) {
			struct zsock_message m;
			int rc = zsock_recv(&a->link.sock, &m);

			more = rc == 0 || rc == -EMSGSIZE;
			if (rc < 0)
				continue;
			if (m.count == 1)
				session_message(&a->session, zsock_part(&m, 0),
					zsock_part_len(&m, 0), clock_mono_ms());
			zsock_message_close(&m);
		}
		/* Settles, and keeps control from taking us for dead while it sends much. */
		session_tick(&a->session, clock_mono_ms());
		/* Sending may have swallowed the edge that tells of new messages. */
		more = more || zsock_readable(&a->link.sock);
	}
}

static void tell(void *context, const struct update_event *event)
{
	struct agent *a = context;

	session_event(&a->session, event);
}

static void take_events(struct agent *a, uint64_t now_ms)
{
	struct update_event event;

	for (int i = 0; i < EVENTS_PER_ROUND && events_take(&event); i++) {
		if (event.kind == UPDATE_EVENT_TUNNEL_ERROR &&
			event.icmp_type == ICMP6_PACKET_TOO_BIG)
			tables_path_mtu_learn(a->given.tables, event.subscriber, &event.outer,
				event.value, now_ms);
		fold_add(&a->fold, &event, now_ms, tell, a);
	}
	fold_tick(&a->fold, now_ms, tell, a);
}

/* Looks after the connection. True: it is another one. What waits in one to a control that hangs
 * would only be old when it goes on. */
static bool reconnect(struct agent *a, uint64_t now_ms)
{
	uint64_t lost = counter_get(&a->session.counters[SESSION_LOST]);
	bool silent = lost != a->lost;

	a->lost = lost;
	return silent ? control_link_renew(&a->link, now_ms) : control_link_tick(&a->link, now_ms);
}

int agent_run(struct agent *a, int signals)
{
	struct pollfd fds[] = {{.fd = zsock_fd(&a->link.sock), .events = POLLIN},
		{.fd = signals, .events = POLLIN}};

	for (;;) {
		poll(fds, 2, a->digest.tables ? 0 : SESSION_TICK_MS);
		receive(a);
		uint64_t now_ms = clock_mono_ms();

		if (reconnect(a, now_ms)) {
			fds[0].fd = zsock_fd(&a->link.sock);
			session_reconnected(&a->session);
		}
		upstream_follow(a->upstream, now_ms);
		take_events(a, now_ms);
		take_traces(a, now_ms);
		session_tick(&a->session, now_ms);
		audit(a);
#ifdef DMM_FAULT_HOOKS
		fault_tick(a->given.tables);
#endif
		if (now_ms - a->age_ms >= AGE_MS) {
			a->age_ms = now_ms;
			tables_path_mtu_age(a->given.tables, now_ms);
		}
		receive(a);
		int number = daemon_signal_next(signals);
		if (number == SIGTERM || number == SIGINT)
			return number;
		if (number == SIGHUP)
			keys_reload();
	}
}
