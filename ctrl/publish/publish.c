#include "ctrl/publish/publish.h"

#include "common/hmac.h"
#include "common/log.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/publish/audit.h"
#include "ctrl/publish/compile.h"
#include "ctrl/publish/publisher.h"
#include "ctrl/publish/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIST_LOOK = 65536,  /* bundles that publish_list() looks at */
	SEND_HWM = 64,      /* messages queued to one data plane: 16 MiB of the largest */
	AGAIN_MS = 2,       /* until a full queue is tried again */
	ANYCAST_MOST = 128, /* home prefixes whose home agents can be asked for: a data plane has
			     * room for 256 local addresses */
};

const struct counter_def publish_counter_defs[PUBLISH_COUNTERS] = {
	[PUBLISH_HELLOS] = {"publish_hellos", "hellos of data planes accepted"},
	[PUBLISH_REFUSED_NAME] = {"publish_refused_name",
		"hellos refused: the name is not configured, or not that of the connection"},
	[PUBLISH_REFUSED_VERSION] = {"publish_refused_version",
		"messages refused: another version of the protocol"},
	[PUBLISH_BAD_MESSAGE] = {"publish_bad_message", "messages that do not decode"},
	[PUBLISH_STALE_EPOCH] = {"publish_stale_epoch", "messages of an earlier epoch, ignored"},
	[PUBLISH_UNEXPECTED] = {"publish_unexpected", "messages that do not fit the moment"},
	[PUBLISH_DELTAS] = {"publish_deltas", "deltas made"},
	[PUBLISH_SNAPSHOTS] = {"publish_snapshots", "snapshots started"},
	[PUBLISH_RESYNC_DELTA] = {"publish_resync_delta", "hellos answered with deltas alone"},
	[PUBLISH_ADOPTED] = {"publish_adopted",
		"data planes taken over with the tables that another control made"},
	[PUBLISH_PARTIALS] = {"publish_partials",
		"data planes taken over but for some of their tables"},
	[PUBLISH_ACKS] = {"publish_acks", "acknowledgements taken"},
	[PUBLISH_FAILED_OBJECTS] = {"publish_failed_objects",
		"objects that a data plane could not apply"},
	[PUBLISH_LOST] = {"publish_lost", "data planes given up"},
	[PUBLISH_AUDITS] = {"publish_audits", "audits of data planes that were compared"},
	[PUBLISH_AUDIT_DIFFERS] = {"publish_audit_differs",
		"audits that found other tables than there should be"},
	[PUBLISH_AUDIT_HEALED] = {"publish_audit_healed", "snapshots started by audits"},
	[PUBLISH_BLOCKED] = {"publish_blocked", "sends that had to wait for room in a queue"},
};

const char *const publish_state_names[PUBLISH_STATES + 1] = {
	[PUBLISH_DOWN] = "down",
	[PUBLISH_COMPARING] = "comparing",
	[PUBLISH_SNAPSHOT] = "snapshot",
	[PUBLISH_SYNCED] = "synced",
	[PUBLISH_LAGGING] = "lagging",
};

const char *const publish_sync_names[PUBLISH_SYNCS + 1] = {
	[PUBLISH_SYNC_NONE] = "none",
	[PUBLISH_SYNC_DELTA] = "delta",
	[PUBLISH_SYNC_ADOPTED] = "adopted",
	[PUBLISH_SYNC_PARTIAL] = "partial",
	[PUBLISH_SYNC_SNAPSHOT] = "snapshot",
};

void publish_tell_acked(struct session *s, const struct update_ack *ack)
{
	struct publish *p = s->publish;

	for (size_t i = 0; i < p->handler_count; i++)
		if (p->handlers[i].acked)
			p->handlers[i].acked(p->handlers[i].arg, s->dp, s->acked, ack);
}

void publish_tell_ready(struct session *s)
{
	struct publish *p = s->publish;

	LOG_INFO("publish", s->ready ? "data-plane-ready" : "data-plane-not-ready",
		"name=%s acked=%llu", s->name, (unsigned long long)s->acked);
	for (size_t i = 0; i < p->handler_count; i++)
		if (p->handlers[i].ready)
			p->handlers[i].ready(p->handlers[i].arg, s->dp, s->ready);
	session_down_tunnels(s);
}

void publish_down(struct publish *p, const struct down_tunnels *down)
{
	if (!p->down)
		p->down = calloc(1, sizeof(*p->down));
	if (!p->down)
		return;
	*p->down = *down;
	for (size_t i = 0; i < p->session_count; i++)
		session_down_tunnels(&p->sessions[i]);
}

void publish_send(struct publish *p)
{
	bool left = false;

	for (size_t i = 0; i < p->session_count; i++)
		left |= session_send(&p->sessions[i]);
	if (left)
		loop_arm_ms(p->loop, &p->again, AGAIN_MS);
}

/* Only wakes the loop: its hook sends. */
static void send_again(struct wheel_timer *timer, void *context)
{
	(void)timer;
	(void)context;
}

/* Whose packets are to be traced; once more when it is over, so that it is over at once. */
static void tell_trace(struct publish *p)
{
	const unsigned before = p->trace.count;

	p->trace.count = 0;
	for (size_t i = 0; i < p->handler_count; i++)
		if (p->handlers[i].trace)
			p->handlers[i].trace(p->handlers[i].arg, &p->trace);
	for (size_t i = 0; (before || p->trace.count) && i < p->session_count; i++)
		session_trace(&p->sessions[i]);
}

static void heartbeat(struct wheel_timer *timer, void *context)
{
	struct publish *p = wheel_entry(timer, struct publish, heartbeat);

	(void)context;
	for (size_t i = 0; i < p->session_count; i++)
		session_heartbeat(&p->sessions[i]);
	for (size_t i = 0; p->down && i < p->session_count; i++)
		if (p->down->count || !p->sessions[i].down_told)
			session_down_tunnels(&p->sessions[i]);
	tell_trace(p);
	loop_arm_ms(p->loop, &p->heartbeat, p->config->channel.heartbeat_ms);
}

/* The objects that follow from the configuration alone. */
static int make_fixed(struct publish *p)
{
	const struct ctrl_config *config = p->config;
	size_t links = config->home_prefixes.count;
	size_t access = config->mag.links.count;
	size_t held = config->mag.handover.buffer ? ctrl_config_mag_tunnels(config) : 0;
	size_t most = config->data_planes.count + config->address_count + 2 * links + access + held;
	int error = 0;

	p->fixed = calloc(most, sizeof(*p->fixed));
	p->links = calloc(most, sizeof(*p->links));
	if (!p->fixed || !p->links)
		return -ENOMEM;
	for (unsigned i = 0; i < config->data_planes.count && !error; i++)
		if (ctrl_config_data_plane_id(config, i))
			error = publish_compile_data_plane(config, i, &p->fixed[p->fixed_count++]);
	for (size_t i = 0; i < config->address_count && !error; i++)
		error = publish_compile_address(
			i + 1, &config->addresses[i], &p->fixed[p->fixed_count++]);
	for (size_t i = 0; i < links && i < ANYCAST_MOST && !error; i++)
		error = publish_compile_home_agents(config->address_count + i + 1,
			&config_item(&config->home_prefixes, struct ctrl_config_home_prefix, i)
				 ->prefix,
			&p->fixed[p->fixed_count++]);
	for (size_t i = 0; i < links && !error; i++) {
		const char *link =
			config_item(&config->home_prefixes, struct ctrl_config_home_prefix, i)
				->link;

		/* A link with several prefixes is one object. */
		if (ctrl_config_link_id(config, link) == i + 1) {
			p->links[p->fixed_count] = link;
			error = publish_compile_link(
				i + 1, ctrl_config_link_port(link), &p->fixed[p->fixed_count++]);
		}
	}
	for (size_t i = 0; i < access && !error; i++)
		error = publish_compile_access(links + i + 1,
			config_item(&config->mag.links, struct ctrl_config_access, i)->port,
			config->mag.local_routing, &p->fixed[p->fixed_count++]);
	for (size_t i = 0; i < held && !error; i++)
		error = publish_compile_held(config, i, &p->fixed[p->fixed_count++]);
	return error;
}

/* Without keys the name is the routing id. */
static void name_peer(struct session *s)
{
	s->peer.id_len = (uint8_t)strlen(s->name);
	memcpy(s->peer.id, s->name, s->peer.id_len);
}

static int make_sessions(struct publish *p)
{
	p->secured = zsock_is_tcp(p->config->endpoints.update);
	p->session_count = p->config->data_planes.count;
	p->sessions = calloc(p->session_count, sizeof(*p->sessions));
	if (!p->sessions)
		return -ENOMEM;
	for (unsigned i = 0; i < p->session_count; i++) {
		p->sessions[i].publish = p;
		p->sessions[i].dp = i;
		p->sessions[i].name = ctrl_config_data_plane_name(p->config, i);
		if (!p->secured)
			name_peer(&p->sessions[i]);
	}
	return 0;
}

/* Allocates what the publisher works with; publish_close() frees what there is. */
static int prepare(struct publish *p)
{
	int error;

	p->delta_octets = malloc(UPDATE_MESSAGE_MAX);
	p->scratch = malloc(UPDATE_MESSAGE_MAX);
	if (!p->delta_octets || !p->scratch)
		return -ENOMEM;
	writer_init(&p->delta, p->delta_octets, UPDATE_MESSAGE_MAX);
	error = hmac_random(&p->epoch, sizeof(p->epoch));
	if (!error)
		error = make_fixed(p);
	if (!error)
		error = make_sessions(p);
	return error ? error : audit_open(p);
}

int publish_open(struct publish **publish, const struct ctrl_config *config,
	struct keyring *keyring, struct loop *loop)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER,
		.send_hwm = SEND_HWM,
		.router_mandatory = true,
		.router_handover = true,
		.max_message = UPDATE_MESSAGE_MAX};
	struct publish *p = calloc(1, sizeof(*p));
	int error;

	*publish = NULL;
	if (!p)
		return -ENOMEM;
	p->config = config;
	p->keyring = keyring;
	p->loop = loop;
	delta_log_init(&p->log, (size_t)config->channel.delta_log_mib << 20);
	wheel_timer_init(&p->heartbeat, heartbeat);
	wheel_timer_init(&p->again, send_again);
	error = prepare(p);
	if (!error)
		error = keyring_bind(keyring, &p->socket, &options, config->endpoints.update);
	if (!error)
		error = loop_add_socket(loop, &p->socket, publish_readable, p);
	if (error) {
		publish_close(p);
		return error;
	}
	loop_arm_ms(loop, &p->heartbeat, 0);
	*publish = p;
	return 0;
}

void publish_close(struct publish *p)
{
	if (!p)
		return;
	stats_clear(p);
	audit_close(p);
	loop_cancel(p->loop, &p->heartbeat);
	loop_cancel(p->loop, &p->again);
	zsock_close(&p->socket);
	state_clear(&p->state);
	delta_log_clear(&p->log);
	free(p->sessions);
	free(p->fixed);
	free(p->links);
	free(p->delta_octets);
	free(p->down);
	free(p->scratch);
	free(p);
}

int publish_add_handlers(struct publish *p, const struct publish_handlers *handlers)
{
	if (p->handler_count == PUBLISH_HANDLERS_MAX)
		return -ENOSPC;
	p->handlers[p->handler_count++] = *handlers;
	return 0;
}

/* Starts the next delta unless one is being made. */
static void begin_delta(struct publish *p)
{
	const struct update_head head = {.type = UPDATE_DELTA,
		.version = UPDATE_VERSION,
		.epoch = p->epoch,
		.sequence = p->log.next};

	if (writer_len(&p->delta))
		return;
	update_head_encode(&p->delta, &head);
}

void publish_flush(struct publish *p)
{
	if (writer_len(&p->delta) <= UPDATE_HEAD_LEN)
		return;
	counter_add(&p->counters[PUBLISH_DELTAS], 1);
	if (delta_log_add(&p->log, p->delta.base, writer_len(&p->delta)) < 0)
		delta_log_skip(&p->log);
	audit_remember(p);
	writer_init(&p->delta, p->delta_octets, UPDATE_MESSAGE_MAX);
}

int publish_set(struct publish *p, uint64_t id, const struct bundle *bundle, uint64_t *sequence)
{
	int error;

	begin_delta(p);
	error = state_set(&p->state, id, bundle, &p->delta);
	if (error == -ENOSPC) {
		publish_flush(p);
		begin_delta(p);
		error = state_set(&p->state, id, bundle, &p->delta);
	}
	*sequence = writer_len(&p->delta) > UPDATE_HEAD_LEN ? p->log.next : publish_sequence(p);
	return error;
}

int publish_again(struct publish *p, uint64_t id, uint64_t *sequence)
{
	const struct state_entry *entry = state_find(&p->state, id);

	if (!entry)
		return -ENOENT;
	if (writer_len(&p->delta) + entry->len > UPDATE_MESSAGE_MAX)
		publish_flush(p);
	begin_delta(p);
	writer_bytes(&p->delta, entry->octets, entry->len);
	*sequence = p->log.next;
	return 0;
}

unsigned publish_list(
	const struct publish *p, bool groups, uint64_t ids[], unsigned most, size_t *place)
{
	const struct state *state = &p->state;
	unsigned count = 0;

	for (size_t looked = 0; looked < LIST_LOOK && count < most && *place < state->slot_count;
		looked++, ++*place) {
		const struct state_entry *entry = state->slots[*place];

		if (entry && (groups ? publish_is_group(entry->id) : publish_is_member(entry->id)))
			ids[count++] = entry->id;
	}
	if (*place >= state->slot_count)
		*place = SIZE_MAX;
	return count;
}

int publish_restore(struct publish *p, uint64_t id, const struct bundle *bundle)
{
	struct writer w;
	int error;

	writer_init(&w, p->scratch, UPDATE_MESSAGE_MAX);
	error = state_set(&p->state, id, bundle, &w);
	audit_remember(p);
	return error;
}

void publish_expect(const struct publish *p, const uint64_t ids[], unsigned count)
{
	state_expect(&p->state, ids, count);
}

void publish_reserve(struct publish *p, size_t count)
{
	state_reserve(&p->state, count);
}

void publish_get(const struct publish *p, uint64_t id, struct bundle *bundle)
{
	const struct state_entry *entry = state_find(&p->state, id);

	bundle->len = entry ? entry->len : 0;
	if (entry)
		memcpy(bundle->octets, entry->octets, entry->len);
}

bool publish_ready(const struct publish *p, unsigned dp)
{
	return p->sessions[dp].ready;
}

bool publish_up(const struct publish *p, unsigned dp)
{
	return p->sessions[dp].up;
}

int publish_first_ready(const struct publish *p)
{
	for (unsigned dp = 0; dp < p->session_count; dp++)
		if (p->sessions[dp].ready)
			return (int)dp;
	return -ENOTCONN;
}

uint32_t publish_session_number(const struct publish *p, unsigned dp)
{
	return p->sessions[dp].number;
}

uint64_t publish_acked(const struct publish *p, unsigned dp)
{
	return p->sessions[dp].acked;
}

uint64_t publish_epoch(const struct publish *p)
{
	return p->epoch;
}

uint64_t publish_sequence(const struct publish *p)
{
	return p->log.next - 1;
}

size_t publish_count(const struct publish *p)
{
	return p->state.count;
}

const struct update_port *publish_port(const struct publish *p, unsigned dp, const char *port)
{
	const struct session *s = &p->sessions[dp];

	for (size_t i = 0; s->up && i < s->hello.port_count; i++)
		if (strcmp(s->hello.ports[i].name, port) == 0)
			return &s->hello.ports[i];
	return NULL;
}

static enum publish_session_state session_state(const struct session *s)
{
	if (!s->up)
		return PUBLISH_DOWN;
	if (s->adopt.asked)
		return PUBLISH_COMPARING;
	if (s->snapshot.unacked)
		return PUBLISH_SNAPSHOT;
	return s->acked == publish_sequence(s->publish) ? PUBLISH_SYNCED : PUBLISH_LAGGING;
}

void publish_session_info(const struct publish *p, unsigned dp, struct publish_session_info *info)
{
	const struct session *s = &p->sessions[dp];

	*info = (struct publish_session_info){.name = s->name,
		.state = session_state(s),
		.sync = s->sync,
		.connected_real_ns = s->connected_real_ns,
		.heard_ns = s->heard_ns,
		.sequence_sent = s->sent,
		.sequence_acked = s->acked,
		.snapshots = s->snapshots,
		.failures = s->failures,
		.audit = s->audit.state,
		.audit_real_ns = s->audit.real_ns,
		.audit_sequence = s->audit.sequence,
		.fault = s->fault,
		.fault_real_ns = s->fault_real_ns,
		.hello = s->hello};
}

void publish_keys_changed(struct publish *p)
{
	for (unsigned dp = 0; p->secured && dp < p->session_count; dp++)
		if (keyring_peer_drop(p->keyring, dp, &p->sessions[dp].peer))
			session_down(&p->sessions[dp], "its key is no longer listed");
}

int publish_each_object(
	struct publish *p, int (*fn)(void *arg, const struct object *object), void *arg)
{
	for (size_t i = 0; i < p->fixed_count; i++) {
		int result = state_each_encoded(p->fixed[i].octets, p->fixed[i].len, fn, arg);

		if (result)
			return result;
	}
	return state_each(&p->state, fn, arg);
}

const uint64_t *publish_counters(const struct publish *p)
{
	return p->counters;
}
