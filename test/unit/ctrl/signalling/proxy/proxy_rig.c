#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proxy_rig.h"

void proxy_rig_message(struct proxy_rig_message *message, const struct ip6_build *head,
	const struct mh *mh, const struct in6_addr *care_of, const uint8_t *key)
{
	struct hmac *hmac = hmac_new();
	const struct mh_packet_key how = {.hmac = hmac, .key = key, .coa = *care_of};
	struct receive_packet *packet = &message->packet;
	const ssize_t len = mh_packet_encode(
		head, mh, key ? &how : NULL, message->octets, sizeof(message->octets));

	hmac_free(hmac);
	assert_true(len > 0);
	*packet = (struct receive_packet){
		.data_plane = "dp1", .ip = message->octets, .len = (size_t)len};
	assert_int_equal(ip6_packet_decode(packet->ip, packet->len, &packet->ip6, NULL), 0);
	assert_int_equal(mh_decode(receive_mh(packet), packet->ip6.len, &message->mh, NULL), 0);
}
