#include "ctrl/signalling/proxy_peer.h"

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
	const struct mh_option *auth = auth_find(mh, OPTION_AUTH_MN_HA);

	if (!addr_equal(&packet->ip6.src, &peer->address) ||
		!addr_equal(&packet->ip6.dst, &peer->own))
		return false;
	if (!peer->has_key)
		return !auth;
	return auth && auth_check(mh) == AUTH_GOOD && auth->auth.spi == peer->spi &&
	       auth_verify(hmac, peer->key, &peer->care_of, &in6addr_any, receive_mh(packet), mh) ==
		       AUTH_GOOD;
}
