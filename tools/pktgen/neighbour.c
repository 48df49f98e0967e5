#include "tools/pktgen/neighbour.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/nd.h"

enum { ASK_AGAIN_MS = 500, POLL_US = 200, BURST = 16 };
static_assert((int)NEIGHBOUR_PACKET_MAX >= (int)ND_PACKET_MAX, "an answer fits");

static const struct mac none;

bool neighbour_answer(
	const struct port *port, const uint8_t *packet, size_t len, struct neighbour_answer *out)
{
	struct nd_message asked;
	const struct in6_addr *own = &port->config->address;

	if (addr_is_unspecified(own) || nd_decode(packet, len, &asked) != ND_FAULT_NONE ||
		asked.type != ICMP6_TYPE_NEIGHBOUR_SOLICITATION ||
		!addr_equal(&asked.target, own) || addr_is_unspecified(&asked.src) ||
		!asked.has_link_address)
		return false;

	const struct nd_message answer = {.type = ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT,
		.flags = ND_FLAG_ROUTER | ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE,
		.has_link_address = true,
		.link_address = port->mac,
		.src = *own,
		.dst = asked.src,
		.target = *own};
	const ssize_t n = nd_encode(&answer, out->packet, sizeof(out->packet));

	out->len = (uint8_t)(n > 0 ? n : 0);
	out->to = asked.link_address;
	return n > 0;
}

static int ask(struct ports *ports, const struct port *port)
{
	const struct in6_addr *target = &port->config->gateway;
	const struct nd_message question = {.type = ICMP6_TYPE_NEIGHBOUR_SOLICITATION,
		.has_link_address = true,
		.link_address = port->mac,
		.src = port->config->address,
		.dst = addr_solicited_node(target),
		.target = *target};
	const struct mac group = addr_multicast_mac(&question.dst);
	uint8_t packet[ND_PACKET_MAX];
	const ssize_t n = nd_encode(&question, packet, sizeof(packet));

	return n < 0 ? (int)n : port_send(ports, port, &group, packet, (size_t)n);
}

/* One received frame: the answer that is waited for, or a question. */
static void take(struct ports *ports, enum port_side side, const uint8_t *frame, size_t len)
{
	struct port *port = &ports->side[side];
	const uint8_t *ip = frame + PACKET_ETHERNET;
	struct neighbour_answer answer;
	struct nd_message message;

	if (len <= PACKET_ETHERNET)
		return;
	len -= PACKET_ETHERNET;
	if (neighbour_answer(port, ip, len, &answer))
		port_send(ports, port, &answer.to, answer.packet, answer.len);
	else if (nd_decode(ip, len, &message) == ND_FAULT_NONE &&
		 message.type == ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT && message.has_link_address &&
		 addr_equal(&message.target, &port->config->gateway))
		port->gateway_mac = message.link_address;
}

static void hear(struct ports *ports, enum port_side side)
{
	struct rte_mbuf *frames[BURST];
	const uint16_t n = rte_eth_rx_burst(ports->side[side].id, 0, frames, BURST);

	for (uint16_t i = 0; i < n; i++)
		take(ports, side, rte_pktmbuf_mtod(frames[i], const uint8_t *),
			rte_pktmbuf_data_len(frames[i]));
	rte_pktmbuf_free_bulk(frames, n);
}

static bool lacks(const struct port *port)
{
	return port->open && mac_equal(&port->gateway_mac, &none);
}

int neighbour_resolve(struct ports *ports, unsigned patience_s, const volatile bool *stop)
{
	const uint64_t end = clock_mono_ms() + 1000ull * patience_s;
	uint64_t again = 0;

	LOG_INFO("neighbour", "asking-gateways", "patience_s=%u", patience_s);
	while (lacks(&ports->side[PORT_CORE]) || lacks(&ports->side[PORT_ACCESS])) {
		const uint64_t now = clock_mono_ms();

		if (*stop)
			return -EINTR;
		for (enum port_side side = 0; side < PORT_SIDES; side++) {
			const struct port *port = &ports->side[side];

			if (lacks(port) && now >= end) {
				LOG_ERROR("neighbour", "gateway-silent", "port=%s gateway=%s",
					port_side_names[side], ADDR_TEXT(&port->config->gateway));
				return -ETIMEDOUT;
			}
			if (lacks(port) && now >= again)
				ask(ports, port);
			if (port->open)
				hear(ports, side);
		}
		if (now >= again)
			again = now + ASK_AGAIN_MS;
		usleep(POLL_US);
	}
	return 0;
}
