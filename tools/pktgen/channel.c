#include "tools/pktgen/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/zsock.h"
#include "proto/channel/packet.h"

enum {
	MESSAGE_ROOM = 32 * 1024, /* octets of packets that leave together */
	SEND_HWM = 8,
	WORK_BURST = 64, /* messages taken from a channel in one call */
	ETHER = 14,
	SUBSCRIBERS_MAX = 1u << 24,
};

#define BEAT_NS  (200 * CLOCK_NS_PER_MS)
#define HELLO_NS (1000 * CLOCK_NS_PER_MS) /* until it is said again */
#define AGAIN_NS (10 * CLOCK_NS_PER_MS)   /* if there was nobody */

static const char port_name[] = "played";

struct batch {
	struct writer w;
	unsigned count;
	uint8_t octets[MESSAGE_ROOM];
};

struct channel {
	struct channel_fns fns;
	struct zsock update, packet;
	char name[UPDATE_NAME_MAX + 1];
	uint64_t epoch, sequence; /* applied */
	uint64_t acked;           /* told */
	uint64_t beat_ns, hello_ns;
	bool synced;
	struct batch batches[CHANNEL_CLASSES];
	uint8_t scratch[4096];
};

static int send_update(struct channel *c, enum update_type type, const struct update_hello *hello)
{
	static const struct update_ack all_well;
	const struct update_head head = {.type = type,
		.epoch = type == UPDATE_HELLO ? 0 : c->epoch,
		.sequence = type == UPDATE_HELLO ? 0 : c->sequence};
	struct writer w;

	writer_init(&w, c->scratch, sizeof(c->scratch));
	update_head_encode(&w, &head);
	if (hello)
		update_hello_encode(&w, hello);
	else if (type == UPDATE_ACK)
		update_ack_encode(&w, &all_well);
	return zsock_send1(&c->update, c->scratch, writer_len(&w));
}

static void say_hello(struct channel *c, uint64_t now_ns)
{
	struct update_hello hello = {.subscribers_max = SUBSCRIBERS_MAX,
		.port_count = 1,
		.ports = {{.mac = {{2, 0, 0, 0, 0, 1}}, .mtu = 1500, .up = true}}};

	strcpy(hello.name, c->name);
	strcpy(hello.ports[0].name, port_name);
	c->synced = false;
	c->epoch = c->sequence = c->acked = 0;
	c->hello_ns = now_ns + (send_update(c, UPDATE_HELLO, &hello) == 0 ? HELLO_NS : AGAIN_NS);
}

/* Starts the next message of a class; the first one, without packets, introduces the sender. */
static void batch_begin(struct batch *b)
{
	writer_init(&b->w, b->octets, sizeof(b->octets));
	packet_head_encode(&b->w, PACKET_PUNT);
	b->count = 0;
}

int channel_open(struct channel **channel, const char *update, const char *packet, const char *name,
	const struct channel_fns *fns)
{
	const struct zsock_options options = {.type = ZMQ_DEALER,
		.send_hwm = SEND_HWM,
		.immediate = true,
		.reconnect_ms = 10,
		.reconnect_max_ms = 50,
		.routing_id = name,
		.routing_id_len = strlen(name)};
	struct channel *c = calloc(1, sizeof(*c));
	int rc;

	*channel = NULL;
	if (!c)
		return -ENOMEM;
	c->fns = *fns;
	rc = strlen(name) > UPDATE_NAME_MAX ? -EINVAL : zsock_connect(&c->update, &options, update);
	if (rc == 0)
		rc = zsock_connect(&c->packet, &options, packet);
	if (rc < 0) {
		channel_close(c);
		return rc;
	}
	strcpy(c->name, name);
	for (int i = 0; i < CHANNEL_CLASSES; i++)
		batch_begin(&c->batches[i]);
	*channel = c;
	return 0;
}

void channel_close(struct channel *c)
{
	if (!c)
		return;
	zsock_close(&c->update);
	zsock_close(&c->packet);
	free(c);
}

/* Sends a batch; what control does not take stays. */
static int batch_send(struct channel *c, struct batch *b)
{
	int rc = zsock_send1(&c->packet, b->octets, writer_len(&b->w));

	if (rc == 0)
		batch_begin(b);
	return rc;
}

int channel_put(struct channel *c, enum channel_class which, const uint8_t *ip, size_t len)
{
	static const uint8_t ether[ETHER] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd};
	struct batch *b = &c->batches[which];
	uint8_t frame[2048];
	struct packet_punt punt = {.reason = PACKET_MOBILITY,
		.time_ns = clock_mono_ns(),
		.length = (uint16_t)(ETHER + len),
		.frame = frame};
	int rc;

	if (len > sizeof(frame) - ETHER)
		return -EINVAL;
	memcpy(frame, ether, ETHER);
	memcpy(frame + ETHER, ip, len);
	strcpy(punt.port, port_name);
	rc = packet_punt_encode(&b->w, &punt);
	if (rc == -ENOSPC) {
		rc = batch_send(c, b);
		if (rc == 0)
			rc = packet_punt_encode(&b->w, &punt);
	}
	b->count += rc == 0;
	return rc;
}

bool channel_full(const struct channel *c, enum channel_class which)
{
	return writer_left(&c->batches[which].w) < MESSAGE_ROOM / 2;
}

void channel_flush(struct channel *c)
{
	for (int i = 0; i < CHANNEL_CLASSES; i++)
		if (c->batches[i].count && batch_send(c, &c->batches[i]) < 0)
			return;
}

static void take_objects(struct channel *c, struct cursor *cursor)
{
	struct object object;

	if (!c->fns.object)
		return;
	while (cursor_left(cursor) && object_decode(cursor, &object) == 0)
		c->fns.object(c->fns.context, &object);
}

static void answer_stats(struct channel *c, struct cursor *cursor)
{
	const struct update_head head = {.type = UPDATE_STATS, .epoch = c->epoch};
	struct writer w;
	uint32_t id;

	if (update_stats_id_decode(cursor, &id) < 0)
		return;
	writer_init(&w, c->scratch, sizeof(c->scratch));
	update_head_encode(&w, &head);
	update_stats_id_encode(&w, id);
	zsock_send1(&c->update, c->scratch, writer_len(&w));
}

static void take_begin(struct channel *c, const struct update_head *head)
{
	c->epoch = head->epoch;
	c->synced = false;
	if (c->fns.begin)
		c->fns.begin(c->fns.context);
}

static void take_end(struct channel *c, const struct update_head *head)
{
	c->synced = true;
	c->sequence = head->sequence;
	c->acked = UINT64_MAX; /* number 0 is acknowledged as well */
	if (c->fns.end)
		c->fns.end(c->fns.context);
}

static void take_update(struct channel *c, struct zsock_message *m, uint64_t now_ns)
{
	struct update_head head;
	struct cursor cursor;

	cursor_init(&cursor, zsock_part(m, 0), zsock_part_len(m, 0));
	if (m->count != 1 || update_head_decode(&cursor, &head) < 0)
		return;
	if (head.type == UPDATE_BEGIN) {
		take_begin(c, &head);
		return;
	}
	if (head.epoch != c->epoch ||
		(head.type == UPDATE_DELTA && head.sequence != c->sequence + 1)) {
		if (now_ns >= c->hello_ns || c->epoch)
			say_hello(c, now_ns);
		return;
	}
	if (head.type == UPDATE_OBJECTS) {
		take_objects(c, &cursor);
	} else if (head.type == UPDATE_END) {
		take_end(c, &head);
	} else if (head.type == UPDATE_DELTA) {
		take_objects(c, &cursor);
		c->sequence = head.sequence;
	} else if (head.type == UPDATE_STATS_REQUEST) {
		answer_stats(c, &cursor);
	}
}

static void take_packets(struct channel *c, struct zsock_message *m)
{
	struct packet_inject inject;
	enum packet_type type;
	struct cursor cursor;

	cursor_init(&cursor, zsock_part(m, 0), zsock_part_len(m, 0));
	if (packet_head_decode(&cursor, &type) < 0 || type != PACKET_INJECT)
		return;
	while (cursor_left(&cursor) && packet_inject_decode(&cursor, &inject) == 0)
		if (inject.how != PACKET_TO_PORT && c->fns.packet)
			c->fns.packet(c->fns.context, inject.frame, inject.length);
}

static bool work_update(struct channel *c, uint64_t now_ns)
{
	struct zsock_message m;
	int count = 0;

	while (count < WORK_BURST && zsock_recv(&c->update, &m) == 0) {
		take_update(c, &m, now_ns);
		zsock_message_close(&m);
		count++;
	}
	if (c->synced && c->acked != c->sequence && send_update(c, UPDATE_ACK, NULL) == 0)
		c->acked = c->sequence;
	return count > 0;
}

static bool work_packet(struct channel *c)
{
	struct zsock_message m;
	int count = 0;

	while (count < WORK_BURST && zsock_recv(&c->packet, &m) == 0) {
		take_packets(c, &m);
		zsock_message_close(&m);
		count++;
	}
	return count > 0;
}

static void beat(struct channel *c, uint64_t now_ns)
{
	if (!c->epoch && now_ns >= c->hello_ns)
		say_hello(c, now_ns);
	if (now_ns < c->beat_ns)
		return;
	c->beat_ns = now_ns + BEAT_NS;
	if (c->epoch)
		send_update(c, UPDATE_HEARTBEAT, NULL);
	/* Control that has just started can inject only after a message of ours. */
	if (!c->batches[CHANNEL_KNOWN].count)
		batch_send(c, &c->batches[CHANNEL_KNOWN]);
}

bool channel_work(struct channel *c, uint64_t now_ns)
{
	bool any = work_update(c, now_ns);

	any |= work_packet(c);
	beat(c, now_ns);
	return any;
}

void channel_wait(struct channel *c, uint64_t ns)
{
	struct pollfd fds[] = {{.fd = zsock_fd(&c->update), .events = POLLIN},
		{.fd = zsock_fd(&c->packet), .events = POLLIN}};
	const struct timespec limit = {(time_t)(ns / CLOCK_NS_PER_S), (long)(ns % CLOCK_NS_PER_S)};

	if (!zsock_readable(&c->update) && !zsock_readable(&c->packet))
		ppoll(fds, 2, &limit, NULL);
}

void channel_resync(struct channel *c)
{
	say_hello(c, clock_mono_ns());
}

bool channel_synced(const struct channel *c)
{
	return c->synced;
}
