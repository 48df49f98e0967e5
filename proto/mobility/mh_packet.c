#include "proto/mobility/mh_packet.h"

ssize_t mh_packet_encode(const struct ip6_build *head, const struct mh *mh,
	const struct mh_packet_key *key, uint8_t *buf, size_t size)
{
	return mh_packet_encode_with(NULL, head, mh, key, buf, size);
}

ssize_t mh_packet_encode_with(const struct option_numbers *numbers, const struct ip6_build *head,
	const struct mh *mh, const struct mh_packet_key *key, uint8_t *buf, size_t size)
{
	const struct in6_addr *src = head->home_address ? head->home_address : &head->src;
	const struct in6_addr *dst = head->routing2 ? head->routing2 : &head->dst;
	struct ip6_build build = *head;
	size_t at = ip6_build_size(head);
	ssize_t n, rc;

	n = mh_encode_with(numbers, mh, buf + (at < size ? at : size), at < size ? size - at : 0);
	if (n < 0)
		return n;
	build.proto = MH_NEXT_HEADER;
	build.payload_len = (uint16_t)n;
	rc = ip6_build(&build, buf, size);
	if (rc < 0)
		return rc;
	if (key) {
		rc = auth_sign(key->hmac, key->key, &key->coa, &key->hoa, buf + at, (size_t)n);
		if (rc)
			return rc;
	}
	mh_checksum_set(src, dst, buf + at, (size_t)n);
	return (ssize_t)at + n;
}
