#include "dataplane/mirror/packets.h"

#include <errno.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "dataplane/mirror/count.h"
#include "dataplane/mirror/mirror.h"
#include "dataplane/port.h"

static void begin_message(struct packets *p)
{
	writer_init(&p->writer, p->message, PACKET_MESSAGE_MAX);
	packet_head_encode(&p->writer, PACKET_PUNT);
	p->count = 0;
}

static void set_clock(struct packets *p)
{
	p->tsc = rte_rdtsc();
	p->ns = clock_mono_ns();
}

int packets_open(struct packets *p, const struct dp_config *config)
{
	const struct zsock_options options = {
		.type = ZMQ_DEALER,
		.send_hwm = PACKETS_QUEUE,
		.recv_hwm = PACKETS_QUEUE * 4,
		.immediate = true,
		.reconnect_ms = 20,
		.reconnect_max_ms = 200,
		.max_message = PACKET_MESSAGE_MAX,
	};

	*p = (struct packets){.ns_per_cycle = 1e9 / (double)rte_get_tsc_hz()};
	p->message = malloc(PACKET_MESSAGE_MAX);
	if (!p->message)
		return -ENOMEM;
	begin_message(p);
	set_clock(p);
	int rc = control_link_open(&p->link, &options, config->name, config->endpoints.packet);
	if (rc < 0) {
		LOG_ERROR("mirror", "connect-failed", "endpoint=%s error=%s",
			config->endpoints.packet, LOG_QUOTE(strerror(-rc)));
		packets_close(p);
	}
	return rc;
}

void packets_close(struct packets *p)
{
	control_link_close(&p->link);
	free(p->message);
	p->message = NULL;
}

int packets_fd(const struct packets *p)
{
	return zsock_fd(&p->link.sock);
}

bool packets_has_room(const struct packets *p)
{
	return p->count < PACKETS_PER_MESSAGE && writer_left(&p->writer) >= PACKET_FRAME_MAX + 64;
}

static uint64_t when(const struct packets *p, uint64_t tsc)
{
	return p->ns + (uint64_t)(int64_t)((double)(int64_t)(tsc - p->tsc) * p->ns_per_cycle);
}

void packets_punt(struct packets *p, struct rte_mbuf *m)
{
	const struct mirror_tag *tag = mirror_tag(m);
	const struct port *port = port_get(tag->port);
	uint8_t linear[PACKET_FRAME_MAX];
	struct packet_punt punt = {
		.reason = tag->reason,
		.subscriber = tag->subscriber,
		.time_ns = when(p, tag->tsc),
		.length = (uint16_t)m->pkt_len,
	};

	if (rte_get_tsc_hz() / 1000 * PACKETS_AGE_MAX_MS < rte_rdtsc() - tag->tsc) {
		count_mirror(MIRROR_DROP_NO_CONTROL, 1);
	} else if (m->pkt_len <= PACKET_FRAME_MAX && port) {
		punt.frame = rte_pktmbuf_read(m, 0, m->pkt_len, linear);
		memcpy(punt.port, port->name, sizeof(punt.port));
		if (packet_punt_encode(&p->writer, &punt) == 0) {
			if (p->count++ == 0)
				p->since_ms = clock_mono_ms();
		} else {
			count_mirror(MIRROR_DROP_NO_CONTROL, 1);
		}
	} else {
		count_mirror(MIRROR_DROP_NO_CONTROL, 1);
	}
	rte_pktmbuf_free(m);
}

bool packets_flush(struct packets *p, uint64_t now_ms)
{
	if (p->count == 0)
		return true;
	int rc = zsock_send1(&p->link.sock, p->message, writer_len(&p->writer));
	if (rc < 0 && now_ms - p->since_ms < PACKETS_AGE_MAX_MS)
		return false;
	count_mirror(rc < 0 ? MIRROR_DROP_NO_CONTROL : MIRROR_PUNTED, p->count);
	begin_message(p);
	return true;
}

static struct rte_mbuf *make_packet(const struct packet_inject *inject)
{
	static const uint8_t down[] = {
		[PACKET_TO_PORT] = MIRROR_TO_PORT,
		[PACKET_TO_ROUTE] = MIRROR_TO_ROUTE,
		[PACKET_TO_SUBSCRIBER] = MIRROR_TO_SUBSCRIBER,
	};
	uint16_t port = PORT_NONE;
	struct rte_mbuf *m = NULL;

	if (inject->how == PACKET_TO_PORT) {
		port = port_find(inject->port);
		if (port == PORT_NONE || inject->length > port_table[port].max_frame) {
			count_mirror(MIRROR_DROP_BAD_INJECT, 1);
			return NULL;
		}
	}
	m = rte_pktmbuf_alloc(port_pool());
	if (!m) {
		count_mirror(MIRROR_DROP_NO_BUFFER, 1);
		return NULL;
	}
	char *at = rte_pktmbuf_append(m, inject->length);
	if (!at) {
		count_mirror(MIRROR_DROP_BAD_INJECT, 1);
		rte_pktmbuf_free(m);
		return NULL;
	}
	memcpy(at, inject->frame, inject->length);
	*mirror_tag(m) = (struct mirror_tag){
		.subscriber = inject->subscriber, .port = port, .down = down[inject->how]};
	return m;
}

static void read_message(const void *data, size_t len, packets_fn *fn, void *context)
{
	enum packet_type type;
	struct packet_inject inject;
	struct cursor c;

	cursor_init(&c, data, len);
	int rc = packet_head_decode(&c, &type);
	if (rc == 0 && type != PACKET_INJECT)
		rc = -EBADMSG;
	while (rc == 0 && cursor_left(&c) > 0) {
		rc = packet_inject_decode(&c, &inject);
		struct rte_mbuf *m = rc == 0 ? make_packet(&inject) : NULL;

		if (m) {
			count_mirror(MIRROR_INJECTED, 1);
			fn(context, m);
		}
	}
	if (rc < 0) {
		static struct log_limit limit = LOG_LIMIT(1);

		count_mirror(MIRROR_DROP_BAD_MESSAGE, 1);
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "mirror", "bad-message",
			"channel=packet octets=%zu reason=%s", len,
			rc == -EPROTO ? "version" : "format");
	}
}

unsigned packets_receive(struct packets *p, unsigned most, packets_fn *fn, void *context)
{
	unsigned count = 0;

	for (; count < most; count++) {
		struct zsock_message message;
		int rc = zsock_recv(&p->link.sock, &message);

		if (rc == -EMSGSIZE) {
			count_mirror(MIRROR_DROP_BAD_MESSAGE, 1);
			continue;
		}
		if (rc < 0)
			break;
		if (message.count == 1)
			read_message(
				zsock_part(&message, 0), zsock_part_len(&message, 0), fn, context);
		else
			count_mirror(MIRROR_DROP_BAD_MESSAGE, 1);
		zsock_message_close(&message);
	}
	return count;
}

bool packets_tick(struct packets *p, uint64_t now_ms)
{
	uint8_t hello[16];
	struct writer w;
	bool anew = control_link_tick(&p->link, now_ms);

	if (!anew && now_ms - p->hello_ms < PACKETS_HELLO_MS)
		return false;
	set_clock(p);
	writer_init(&w, hello, sizeof(hello));
	packet_head_encode(&w, PACKET_PUNT);
	bool said = zsock_send1(&p->link.sock, hello, writer_len(&w)) == 0;
	p->hello_ms = said ? now_ms : now_ms - PACKETS_HELLO_MS + PACKETS_RETRY_MS;
	return anew;
}
