#include "ctrl/signalling/proxy/proxy_peer.h"

#include "common/clock.h"
#include "ctrl/signalling/association.h"
#include "proto/mobility/mh_packet.h"

ssize_t proxy_peer_encode(
	const struct proxy_peer *peer, struct hmac *hmac, struct mh *mh, uint8_t *buf, size_t size)
{
	const struct ip6_build head = {.src = peer->own, .dst = peer->address};
	const struct mh_packet_key key = {.hmac = hmac, .key = peer->key, .coa = peer->care_of};
	int error = peer->has_key ? auth_add(mh, peer->spi) : 0;

	return error ? error : mh_packet_encode(&head, mh, peer->has_key ? &key : NULL, buf, size);
}

bool proxy_peer_sent(const struct proxy_peer *peer, struct hmac *hmac,
	const struct receive_packet *packet, const struct mh *mh)
{
	const struct association a = {
		.has_key = peer->has_key, .spi = peer->spi, .key = peer->key, .coa = peer->care_of};

	return addr_equal(&packet->ip6.src, &peer->address) &&
	       addr_equal(&packet->ip6.dst, &peer->own) &&
	       association_check(&a, hmac, receive_mh(packet), mh) == ASSOCIATION_GOOD;
}

bool proxy_peer_is_fresh(const struct proxy_peer *peer, const struct mh *mh, uint64_t real_ns,
	uint32_t window_ms, uint64_t *last)
{
	const struct mh_option *stamp = option_find(mh, OPTION_TIMESTAMP);
	uint64_t window = (uint64_t)window_ms * 65536 / 1000;
	uint64_t now = clock_48_16_from_ns(real_ns), time;

	if (!peer->has_key)
		return true;
	if (!stamp)
		return false;
	time = stamp->timestamp.time;
	if (time <= *last || (time > now ? time - now : now - time) > window)
		return false;
	*last = time;
	return true;
}
