#include "proto/channel/packet.h"

#include <errno.h>

#include "proto/channel/record.h"

enum {
	PACKET_MAGIC = 0x444b,
};

static const char *const reason_names[] = {
	[PACKET_MOBILITY] = "mobility",
	[PACKET_HOME_ADDRESS] = "home-address",
	[PACKET_NEIGHBOUR] = "neighbour",
	[PACKET_ICMP] = "icmp",
	[PACKET_LISTENER] = "listener",
};

static const char *reason_find(unsigned reason)
{
	return reason < sizeof(reason_names) / sizeof(reason_names[0]) ? reason_names[reason]
								       : NULL;
}

const char *packet_reason_name(enum packet_reason reason)
{
	const char *name = reason_find((unsigned)reason);

	return name ? name : "unknown";
}

static bool type_known(unsigned type)
{
	return type == PACKET_PUNT || type == PACKET_INJECT;
}

int packet_head_encode(struct writer *w, enum packet_type type)
{
	struct record_mark mark = record_begin(w);

	if (!type_known((unsigned)type))
		return -EINVAL;
	writer_u16(w, PACKET_MAGIC);
	writer_u8(w, PACKET_VERSION);
	writer_u8(w, (uint8_t)type);
	return record_end(w, mark);
}

int packet_head_decode(struct cursor *c, enum packet_type *type)
{
	uint16_t magic = cursor_u16(c);
	uint8_t version = cursor_u8(c);
	uint8_t value = cursor_u8(c);
	int rc = 0;

	if (!cursor_ok(c) || magic != PACKET_MAGIC)
		rc = -EBADMSG;
	else if (version != PACKET_VERSION)
		rc = -EPROTO;
	else if (!type_known(value))
		rc = -EBADMSG;
	if (rc)
		cursor_fail(c);
	else
		*type = value;
	return rc;
}

static bool frame_ok(const uint8_t *frame, uint16_t length)
{
	return frame && length >= 1 && length <= PACKET_FRAME_MAX;
}

static void frame_encode(struct writer *w, const uint8_t *frame, uint16_t length)
{
	writer_u16(w, length);
	writer_bytes(w, frame, length);
}

static const uint8_t *frame_decode(struct cursor *c, uint16_t *length)
{
	*length = cursor_u16(c);
	if (*length == 0 || *length > PACKET_FRAME_MAX)
		cursor_fail(c);
	return cursor_bytes(c, *length);
}

/* reason (8), port name, subscriber (64), time (64), length (16), frame */
int packet_punt_encode(struct writer *w, const struct packet_punt *punt)
{
	struct record_mark mark = record_begin(w);

	if (!reason_find((unsigned)punt->reason) ||
		!record_text_ok(punt->port, 1, OBJECT_PORT_NAME_MAX, false) ||
		!frame_ok(punt->frame, punt->length))
		return -EINVAL;
	writer_u8(w, (uint8_t)punt->reason);
	record_text_encode(w, punt->port);
	writer_u64(w, punt->subscriber);
	writer_u64(w, punt->time_ns);
	frame_encode(w, punt->frame, punt->length);
	return record_end(w, mark);
}

int packet_punt_decode(struct cursor *c, struct packet_punt *punt)
{
	*punt = (struct packet_punt){.reason = cursor_u8(c)};
	if (!reason_find((unsigned)punt->reason))
		cursor_fail(c);
	record_text_decode(c, punt->port, 1, OBJECT_PORT_NAME_MAX, false);
	punt->subscriber = cursor_u64(c);
	punt->time_ns = cursor_u64(c);
	punt->frame = frame_decode(c, &punt->length);
	return cursor_ok(c) ? 0 : -EBADMSG;
}

/* A destination says all that its kind needs and nothing that it does not. */
static bool destination_ok(const struct packet_inject *inject)
{
	bool port = inject->how == PACKET_TO_PORT;
	bool subscriber = inject->how == PACKET_TO_SUBSCRIBER;

	if (!port && !subscriber && inject->how != PACKET_TO_ROUTE)
		return false;
	return record_text_ok(inject->port, port ? 1 : 0, port ? OBJECT_PORT_NAME_MAX : 0, false) &&
	       subscriber == (inject->subscriber != 0);
}

/* destination kind (8), port name, subscriber (64), length (16), frame */
int packet_inject_encode(struct writer *w, const struct packet_inject *inject)
{
	struct record_mark mark = record_begin(w);

	if (!destination_ok(inject) || !frame_ok(inject->frame, inject->length))
		return -EINVAL;
	writer_u8(w, (uint8_t)inject->how);
	record_text_encode(w, inject->port);
	writer_u64(w, inject->subscriber);
	frame_encode(w, inject->frame, inject->length);
	return record_end(w, mark);
}

int packet_inject_decode(struct cursor *c, struct packet_inject *inject)
{
	*inject = (struct packet_inject){.how = cursor_u8(c)};
	record_text_decode(c, inject->port, 0, OBJECT_PORT_NAME_MAX, false);
	inject->subscriber = cursor_u64(c);
	inject->frame = frame_decode(c, &inject->length);
	if (!destination_ok(inject))
		cursor_fail(c);
	return cursor_ok(c) ? 0 : -EBADMSG;
}
