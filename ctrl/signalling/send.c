#include "ctrl/signalling/send.h"

#include <errno.h>

#include "ctrl/signalling/state.h"

static int inject(struct signalling *s, const char *data_plane, const struct packet_inject *inject)
{
	int err = s->ops.inject(s->ops.context, data_plane, inject);

	if (err == -ENOTCONN && data_plane && inject->how != PACKET_TO_PORT)
		err = s->ops.inject(s->ops.context, NULL, inject);
	if (err)
		state_count(s, SIGNALLING_N_SEND_FAILED);
	return err;
}

int send_route(struct signalling *s, const char *data_plane, const uint8_t *ip, size_t len)
{
	return inject(s, data_plane,
		&(struct packet_inject){
			.how = PACKET_TO_ROUTE, .length = (uint16_t)len, .frame = ip});
}

int send_subscriber(struct signalling *s, uint64_t subscriber, const uint8_t *ip, size_t len)
{
	return inject(s, NULL,
		&(struct packet_inject){.how = PACKET_TO_SUBSCRIBER,
			.subscriber = subscriber,
			.length = (uint16_t)len,
			.frame = ip});
}

int send_link(struct signalling *s, const struct home_link *link, const struct mac *dst,
	uint8_t *frame, size_t len)
{
	struct packet_inject out = {
		.how = PACKET_TO_PORT,
		.length = (uint16_t)(SEND_ETHER_SIZE + len),
		.frame = frame,
	};
	struct signalling_port port;
	int err = s->ops.port(s->ops.context, link, &port);

	if (err) {
		state_count(s, SIGNALLING_N_SEND_FAILED);
		return err;
	}
	memcpy(frame, &dst->b, 6);
	memcpy(frame + 6, &port.mac.b, 6);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	memcpy(out.port, link->port, sizeof(out.port));
	return inject(s, port.data_plane, &out);
}
