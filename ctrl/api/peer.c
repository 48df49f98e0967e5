/* peer.show */
#include "ctrl/api/request.h"
#include "ctrl/loop.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/mag/mag.h"

/* A gateway of the anchor, or an anchor of the gateway. */
static json_t *peer_json(struct ctrl *ctrl, const char *role, const char *name,
	const struct in6_addr *address, const struct heartbeat_peer *heartbeat)
{
	uint64_t now = loop_now_ns(ctrl->loop);
	json_t *obj = json_object();

	json_put_str(obj, "role", role);
	json_put_str(obj, "name", name);
	json_put_addr(obj, "address", address);
	json_put_str(obj, "state", heartbeat_state_name(heartbeat->state));
	json_object_set_new(obj, "restart_counter",
		heartbeat->has_counter ? json_integer(heartbeat->counter) : json_null());
	json_object_set_new(obj, "heard_s",
		heartbeat->heard_ns
			? json_integer((json_int_t)((now - heartbeat->heard_ns) / 1000000000))
			: json_null());
	json_put_uint(obj, "missing", heartbeat->missing);
	json_object_set_new(obj, "clock_offset_ms", json_null());
	return obj;
}

static json_t *anchor_json(struct ctrl *ctrl, size_t index, const struct mag_anchor *anchor)
{
	json_t *obj = peer_json(ctrl, "anchor", anchor->name, &anchor->address,
		mag_peer_heartbeat(ctrl->mag, index));
	int64_t ms;

	if (mag_clock_offset_ms(ctrl->mag, index, &ms))
		json_object_set_new(obj, "clock_offset_ms", json_integer(ms));
	return obj;
}

void api_peer_show(struct api_request *r, const json_t *params)
{
	const struct lma *lma = r->ctrl->lma;
	const struct mag *mag = r->ctrl->mag;
	const struct mag_anchor *anchor;
	const struct lma_peer *gateway;
	size_t n = 0;

	(void)params;
	for (size_t i = 0; lma && (gateway = lma_peer_next(lma, i)); i++, n++)
		api_item(r, peer_json(r->ctrl, "gateway", gateway->name, &gateway->addresses[0],
				    lma_peer_heartbeat(lma, i)));
	for (size_t i = 0; mag && (anchor = mag_anchor_next(mag, i)); i++, n++)
		api_item(r, anchor_json(r->ctrl, i, anchor));
	api_count(r, n);
}
