#include "rig.h"

#include "common/clock.h"
#include "proto/channel/update.h"

static const char *const base_config =
	"roles = [\"ha\"];\n"
	"store = \"%s/store\";\n"
	"endpoints = { update = \"ipc://%s/update\"; packet = \"ipc://%s/packet\";\n"
	"              api = \"ipc://%s/api\"; };\n"
	"data_planes = ( %s );\n"
	"home_agents = [\"2001:db8:1::1\", \"2001:db8:100::1\"];\n"
	"%s%s\n";

static const char *const prefixes =
	"home_prefixes = ( { prefix = \"2001:db8:100::/64\"; link = \"home\"; },\n"
	"                  { prefix = \"2001:db8:200::/64\"; } );\n";

/* Patient, so that a slow machine decides no test. */
static const char *const patient = "channel = { heartbeat = \"200ms\"; heartbeats_missed = 100;\n"
				   "            ack_timeout = \"10s\"; };\n";

static const char *const plain_data_planes = "{ name = \"dp1\"; }, { name = \"dp2\"; }";

static void flush_commit(void *arg)
{
	commit_flush(arg);
}

static void flush_publish(void *arg)
{
	publish_send(arg);
}

void rig_open(struct rig *rig, const char *more)
{
	struct config_report report = {0};
	struct store_why why;
	char text[2048];

	if (!rig->dir[0]) {
		strcpy(rig->dir, "/tmp/dmm-ctrl-XXXXXX");
		assert_non_null(mkdtemp(rig->dir));
	}
	snprintf(text, sizeof(text), base_config, rig->dir, rig->dir, rig->dir, rig->dir,
		rig->data_planes ? rig->data_planes : plain_data_planes,
		rig->without_prefixes ? "" : prefixes, more ? more : patient);
	if (ctrl_config_load_text(&rig->config, "test", text, &report) < 0)
		fail_msg("%s", report.text);
	rig->loop = loop_new();
	assert_non_null(rig->loop);
	if (store_open(&rig->store, rig->config.store, &why) < 0)
		fail_msg("%s", why.text);
	assert_int_equal(publish_open(&rig->publish, &rig->config, NULL, rig->loop), 0);
	rig->commit = commit_new(&rig->config, rig->loop, rig->store, rig->publish);
	assert_non_null(rig->commit);
	assert_int_equal(loop_add_flush(rig->loop, flush_commit, rig->commit), 0);
	assert_int_equal(loop_add_flush(rig->loop, flush_publish, rig->publish), 0);
}

void rig_close(struct rig *rig, bool keep)
{
	char command[128];

	for (size_t i = 0; i < RIG_FAKES; i++)
		if (rig->fakes[i] && !keep)
			rig_disconnect(rig, rig->fakes[i]);
	commit_free(rig->commit);
	publish_close(rig->publish);
	store_close(rig->store);
	loop_free(rig->loop);
	ctrl_config_free(&rig->config);
	if (keep)
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", rig->dir);
	assert_int_equal(system(command), 0);
	memset(rig, 0, sizeof(*rig));
}

void rig_connect(struct rig *rig, struct fake *fake, const char *name)
{
	struct zsock_options options = {.type = ZMQ_DEALER,
		.routing_id = name,
		.routing_id_len = strlen(name),
		.recv_hwm = 4,
		.reconnect_ms = 10};
	size_t i = 0;

	if (!fake->objects)
		fake->objects = calloc(FAKE_OBJECTS, sizeof(*fake->objects));
	assert_non_null(fake->objects);
	snprintf(fake->name, sizeof(fake->name), "%s", name);
	assert_int_equal(zsock_connect(&fake->socket, &options, rig->config.endpoints.update), 0);
	while (rig->fakes[i])
		assert_true(++i < RIG_FAKES);
	rig->fakes[i] = fake;
}

void rig_disconnect(struct rig *rig, struct fake *fake)
{
	for (size_t i = 0; i < RIG_FAKES; i++)
		if (rig->fakes[i] == fake)
			rig->fakes[i] = NULL;
	zsock_close(&fake->socket);
	free(fake->objects);
	memset(fake, 0, sizeof(*fake));
}

static uint8_t out[UPDATE_MESSAGE_MAX];

void fake_start(struct fake *fake, struct writer *w, enum update_type type)
{
	const struct update_head head = {.type = type,
		.version = UPDATE_VERSION,
		.epoch = fake->epoch,
		.sequence = fake->sequence};

	writer_init(w, out, sizeof(out));
	assert_int_equal(update_head_encode(w, &head), 0);
}

void fake_send(struct fake *fake, struct writer *w)
{
	assert_int_equal(zsock_send1(&fake->socket, out, writer_len(w)), 0);
}

void fake_hello(struct fake *fake)
{
	static const struct update_port port = {
		.name = "home", .mac = {{2, 0, 0, 0, 0, 1}}, .mtu = 1500, .up = true};
	struct update_hello hello = {.subscribers_max = 1000, .port_count = 1, .ports = {port}};
	struct writer w;

	if (fake->no_ports)
		hello.port_count = 0;
	strcpy(hello.name, fake->name);
	fake_start(fake, &w, UPDATE_HELLO);
	assert_int_equal(update_hello_encode(&w, &hello), 0);
	fake_send(fake, &w);
}

void fake_ack(struct fake *fake)
{
	struct writer w;

	fake_start(fake, &w, UPDATE_ACK);
	assert_int_equal(update_ack_encode(&w, &fake->ack), 0);
	fake_send(fake, &w);
	memset(&fake->ack, 0, sizeof(fake->ack));
}

void fake_digest(struct fake *fake)
{
	struct update_digest_answer answer = {.asked = fake->asker};
	struct writer w;

	for (size_t i = 0; i < fake->top; i++) {
		const struct fake_object *o = &fake->objects[i];

		if (!o->used)
			continue;
		answer.digest.kinds[o->object.kind].count++;
		answer.digest.kinds[o->object.kind].sum += object_digest(&o->object);
		answer.buckets[object_bucket(o->object.id)] += object_digest(&o->object);
	}
	fake_start(fake, &w, UPDATE_DIGEST);
	assert_int_equal(update_digest_encode(&w, &answer), 0);
	fake_send(fake, &w);
}

static struct fake_object *find(const struct fake *fake, enum object_kind kind, uint64_t id)
{
	for (size_t i = 0; i < fake->top; i++) {
		struct fake_object *o = &fake->objects[i];

		if (o->used && o->object.kind == kind && o->object.id == id)
			return o;
	}
	return NULL;
}

const struct object *fake_find(const struct fake *fake, enum object_kind kind, uint64_t id)
{
	const struct fake_object *o = find(fake, kind, id);

	return o ? &o->object : NULL;
}

size_t fake_count(const struct fake *fake, enum object_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < fake->top; i++)
		n += fake->objects[i].used && fake->objects[i].object.kind == kind;
	return n;
}

/* A subscriber may only name paths that are there. */
static bool paths_known(const struct fake *fake, const struct object *object)
{
	for (size_t i = 0; object->kind == OBJECT_SUBSCRIBER && i < object->subscriber.path_count;
		i++)
		if (!find(fake, OBJECT_PATH, object->subscriber.paths[i]))
			return false;
	return true;
}

static void cannot(struct fake *fake, const struct object *object, uint16_t error)
{
	fake->ack.failure_total++;
	if (fake->ack.failure_count < UPDATE_FAILURES_MAX)
		fake->ack.failures[fake->ack.failure_count++] = (struct update_failure){
			.kind = object->kind, .id = object->id, .error = error};
}

static void apply(struct fake *fake, const struct object *object)
{
	struct fake_object *o = find(fake, object->kind, object->id);

	fake->applied++;
	if (object->op == OBJECT_DELETE) {
		if (o)
			o->used = false;
		return;
	}
	assert_true(paths_known(fake, object));
	if (fake->fail_id && object->id == fake->fail_id) {
		cannot(fake, object, fake->fail_error);
		return;
	}
	if (!o && object->kind == OBJECT_MEMBER && fake->members_max &&
		fake_count(fake, OBJECT_MEMBER) >= fake->members_max) {
		cannot(fake, object, ENOSPC);
		return;
	}
	if (!o) {
		assert_true(fake->top < FAKE_OBJECTS);
		o = &fake->objects[fake->top++];
	}
	*o = (struct fake_object){.used = true, .marked = true, .object = *object};
}

static void apply_all(struct fake *fake, struct cursor *c)
{
	while (cursor_left(c)) {
		struct object object;

		assert_int_equal(object_decode(c, &object), 0);
		apply(fake, &object);
	}
}

static void mark(struct fake *fake, const struct object_buckets *buckets)
{
	memset(&fake->sweeping, 0xff, sizeof(fake->sweeping));
	if (buckets)
		fake->sweeping = *buckets;
	for (size_t i = 0; i < fake->top; i++)
		fake->objects[i].marked = false;
}

static void sweep(struct fake *fake)
{
	for (size_t i = 0; i < fake->top; i++) {
		struct fake_object *o = &fake->objects[i];

		if (!o->marked && object_buckets_have(&fake->sweeping, o->object.id))
			o->used = false;
	}
}

/* True: that was all. */
static bool adopted(struct fake *fake, struct cursor *c)
{
	struct update_adopt adopt;

	assert_int_equal(update_adopt_decode(c, &adopt), 0);
	assert_int_equal(adopt.epoch, fake->epoch);
	assert_int_equal(adopt.sequence, fake->sequence);
	fake->adopts++;
	mark(fake, &adopt.buckets);
	return object_buckets_count(&adopt.buckets) == 0;
}

/* Nothing, of those that it has. */
static void answer_counts(struct fake *fake, struct cursor *ids)
{
	struct update_count count = {.kind = fake->counted};
	struct writer w;

	fake_start(fake, &w, UPDATE_COUNTS);
	assert_int_equal(update_stats_id_encode(&w, fake->stats_id), 0);
	while (cursor_left(ids)) {
		count.id = cursor_u64(ids);
		if (find(fake, fake->counted, count.id))
			assert_int_equal(update_count_encode(&w, &count), 0);
	}
	fake_send(fake, &w);
}

/* The protocol as proto/channel/update.h has it, seen from the data plane. */
static void take(struct fake *fake, const struct update_head *head, struct cursor *c)
{
	switch (head->type) {
	case UPDATE_BEGIN:
		fake->begins++;
		mark(fake, NULL);
		return;
	case UPDATE_ADOPT:
		if (!adopted(fake, c))
			return;
		break;
	case UPDATE_OBJECTS:
		apply_all(fake, c);
		return;
	case UPDATE_END:
		fake->ends++;
		sweep(fake);
		break;
	case UPDATE_DELTA:
		assert_int_equal(head->epoch, fake->epoch);
		assert_int_equal(head->sequence, fake->sequence + 1);
		fake->deltas++;
		apply_all(fake, c);
		break;
	case UPDATE_HEARTBEAT:
		fake->heartbeats++;
		fake->newest = head->sequence;
		if (!fake->silent && fake->epoch) {
			struct writer w;

			fake_start(fake, &w, UPDATE_HEARTBEAT);
			fake_send(fake, &w);
		}
		return;
	case UPDATE_STATS_REQUEST:
		fake->asked++;
		assert_int_equal(update_stats_request_decode(c, &fake->stats), 0);
		fake->stats_id = fake->stats.id;
		return;
	case UPDATE_COUNT_REQUEST:
		fake->asked++;
		assert_int_equal(
			update_count_request_decode(c, &fake->stats_id, &fake->counted), 0);
		if (fake->counts)
			answer_counts(fake, c);
		return;
	case UPDATE_DIGEST_REQUEST:
		fake->audited++;
		fake->asker = head->epoch;
		if (!fake->silent)
			fake_digest(fake);
		return;
	case UPDATE_REFUSE:
		fake->refusals++;
		assert_int_equal(update_reason_decode(c, fake->reason), 0);
		return;
	default:
		fail_msg("control sent %s", update_type_name(head->type));
	}
	fake->epoch = head->epoch;
	fake->sequence = head->sequence;
	if (!fake->silent)
		fake_ack(fake);
}

static void step(struct fake *fake)
{
	struct zsock_message m;

	while (!fake->stuck && zsock_recv(&fake->socket, &m) == 0) {
		struct update_head head;
		struct cursor c;

		assert_int_equal(m.count, 1);
		cursor_init(&c, zsock_part(&m, 0), zsock_part_len(&m, 0));
		assert_int_equal(update_head_decode(&c, &head), 0);
		take(fake, &head, &c);
		zsock_message_close(&m);
	}
}

void rig_round(struct rig *rig)
{
	for (size_t i = 0; i < RIG_FAKES; i++)
		if (rig->fakes[i])
			step(rig->fakes[i]);
	assert_int_equal(loop_round(rig->loop, 1), 0);
}

void rig_synchronise(struct rig *rig, struct fake *fake, const char *name)
{
	const int dp = ctrl_config_data_plane(&rig->config, name);
	struct publish_session_info info = {0};

	assert_true(dp >= 0);
	rig_connect(rig, fake, name);
	fake_hello(fake);
	RIG_UNTIL(rig, (publish_session_info(rig->publish, (unsigned)dp, &info),
			       info.state == PUBLISH_SYNCED));
}

uint64_t rig_deadline(void)
{
	return clock_mono_ns() + 30 * CLOCK_NS_PER_S;
}

bool rig_deadline_over(uint64_t deadline)
{
	return clock_mono_ns() > deadline;
}

struct binding_record rig_record(unsigned n, unsigned c)
{
	struct binding_record r = {.subscriber_id = n,
		.path_id = 100000 + n,
		.registered_ns = 1,
		.updated_ns = 2,
		.expires_ns = UINT64_MAX / 2,
		.sequence = (uint16_t)c,
		.lifetime = 100,
		.life = BINDING_LIVE};
	char text[64];

	snprintf(text, sizeof(text), "2001:db8:100::%x", n);
	assert_int_equal(addr_parse(text, &r.home), 0);
	snprintf(text, sizeof(text), "2001:db8:a::%x", c);
	assert_int_equal(addr_parse(text, &r.care_of), 0);
	assert_int_equal(addr_parse("2001:db8:1::1", &r.agent), 0);
	return r;
}
