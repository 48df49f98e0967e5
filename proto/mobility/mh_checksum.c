#include "proto/mobility/checksum.h"
#include "proto/mobility/mh.h"

uint16_t mh_checksum(
	const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *mh, size_t len)
{
	return checksum_ip6(src, dst, MH_NEXT_HEADER, mh, len, MH_AT_CHECKSUM);
}

void mh_checksum_set(
	const struct in6_addr *src, const struct in6_addr *dst, uint8_t *mh, size_t len)
{
	uint16_t sum = mh_checksum(src, dst, mh, len);
	struct writer w;

	writer_init(&w, mh, len);
	writer_reserve(&w, MH_AT_CHECKSUM);
	writer_u16(&w, sum);
}

bool mh_checksum_ok(
	const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *mh, size_t len)
{
	size_t size = mh_size(mh, len);

	return size && size <= len && checksum_ip6_ok(src, dst, MH_NEXT_HEADER, mh, size);
}
