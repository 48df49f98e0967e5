/*
 * The packet channel: packets that control must see go up (punt), packets that it makes go down
 * (inject).
 *
 * ZeroMQ DEALER (data plane) to ROUTER (control), who is who as in the update channel. A message is
 * one frame with a head of 4 octets (magic 0x444b, version, type) and any number of records, so
 * that a burst costs one message. A data plane introduces itself with an empty PUNT message, and
 * again every second, so that a restarted control plane can inject before the first packet.
 */
#pragma once

#include <stdint.h>

#include "proto/channel/object.h"

enum {
	PACKET_VERSION = 1,
	PACKET_FRAME_MAX = 9216, /* no packet is longer */
	PACKET_MESSAGE_MAX = 256 * 1024,
};

enum packet_type {
	PACKET_PUNT = 1,
	PACKET_INJECT = 2,
};

/* Why a packet is punted: also its priority class in the data plane's bounded queues. */
enum packet_reason {
	PACKET_MOBILITY = 1,     /* a Mobility Header for a local address, or for a subscriber's */
	PACKET_HOME_ADDRESS = 2, /* another packet with a Home Address option */
	PACKET_NEIGHBOUR = 3,    /* Neighbour Discovery of a watched link, and Multicast Listener
				  * Discovery; on an access link also other packets that show that
				  * somebody is there */
	PACKET_ICMP = 4,         /* ICMPv6 144, 146; answers to probes (probe.h) */
	PACKET_LISTENER = 5,     /* Multicast Listener Discovery in a tunnel that ends here: with
				  * the tunnel's header, and no subscriber */
};

struct packet_punt {
	enum packet_reason reason;
	char port[OBJECT_PORT_NAME_MAX + 1];
	uint64_t subscriber; /* whose path it came by, 0: none (it was not tunnelled) */
	uint64_t time_ns;    /* CLOCK_MONOTONIC of the data plane's host when it was received */
	uint16_t length;
	const uint8_t *frame; /* from the Ethernet header; a tunnelled one begins at its inner IPv6
			       * header, which subscriber != 0 says */
};

enum packet_inject_how {
	PACKET_TO_PORT = 1, /* a whole Ethernet frame for one port */
	PACKET_TO_ROUTE =
		2, /* an IPv6 packet: the data plane routes it and resolves the neighbour */
	PACKET_TO_SUBSCRIBER = 3, /* an IPv6 packet for a subscriber: through its path */
};

struct packet_inject {
	enum packet_inject_how how;
	char port[OBJECT_PORT_NAME_MAX + 1]; /* PACKET_TO_PORT only, else empty */
	uint64_t subscriber;                 /* PACKET_TO_SUBSCRIBER only, else 0 */
	uint16_t length;
	const uint8_t *frame;
};

/* Name of a reason ("mobility") for logs and JSON; "unknown" for others. */
const char *packet_reason_name(enum packet_reason reason);

/* Writes the head of a message. -EINVAL for an unknown type, -ENOSPC if there is no room. */
int packet_head_encode(struct writer *w, enum packet_type type);

/* Reads it. -EBADMSG: truncated, magic or type unknown; -EPROTO: another version. */
int packet_head_decode(struct cursor *c, enum packet_type *type);

/*
 * Appends a record; the frame (1 to PACKET_FRAME_MAX octets) is copied. -EINVAL for one that no
 * decoder would take, -ENOSPC if it does not fit; nothing is written then, and the writer takes
 * shorter ones still.
 */
int packet_punt_encode(struct writer *w, const struct packet_punt *punt);
int packet_inject_encode(struct writer *w, const struct packet_inject *inject);

/* Reads the next record; frame points into the message. -EBADMSG if it breaks a rule, *punt or
 * *inject is then undefined. Records follow one another while cursor_left() is not 0. */
int packet_punt_decode(struct cursor *c, struct packet_punt *punt);
int packet_inject_decode(struct cursor *c, struct packet_inject *inject);
