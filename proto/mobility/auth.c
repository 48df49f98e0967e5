#include "proto/mobility/auth.h"

#include <errno.h>
#include <string.h>

#define AT_SPI_END 7 /* from the Type octet of the option: what the authenticator covers ends */

const char *auth_result_name(enum auth_result result)
{
	static const char *const names[AUTH_RESULT_COUNT] = {
		[AUTH_GOOD] = "good",
		[AUTH_ABSENT] = "absent",
		[AUTH_ORDER] = "order",
		[AUTH_LENGTH] = "length",
		[AUTH_MISMATCH] = "mismatch",
	};

	return result < AUTH_RESULT_COUNT ? names[result] : "unknown";
}

const struct mh_option *auth_find(const struct mh *mh, uint8_t subtype)
{
	const struct mh_option *option = option_find(mh, OPTION_AUTH);

	while (option && option->auth.subtype != subtype)
		option = option_next(mh, option);
	return option;
}

static bool subtype_twice(const struct mh *mh)
{
	const struct mh_option *a = option_find(mh, OPTION_AUTH);

	for (; a; a = option_next(mh, a))
		for (const struct mh_option *b = option_next(mh, a); b; b = option_next(mh, b))
			if (a->auth.subtype == b->auth.subtype)
				return true;
	return false;
}

enum auth_result auth_check(const struct mh *mh)
{
	const struct mh_option *ha = auth_find(mh, OPTION_AUTH_MN_HA);
	const struct mh_option *aaa = auth_find(mh, OPTION_AUTH_MN_AAA);

	if (!ha)
		return AUTH_ABSENT;
	if (subtype_twice(mh) || (aaa && aaa < ha))
		return AUTH_ORDER;
	/* Nothing but other authentication options behind it: RFC 4285, 5 and 5.1. */
	for (const struct mh_option *o = ha + 1; o < mh->options + mh->option_count; o++)
		if (o->type != OPTION_AUTH || o->state != OPTION_KNOWN)
			return AUTH_ORDER;
	return ha->auth.data.len == AUTH_MAC_SIZE ? AUTH_GOOD : AUTH_LENGTH;
}

int auth_add(struct mh *mh, uint32_t spi)
{
	struct mh_option *option = option_add(mh, OPTION_AUTH);

	if (!option)
		return -ENOSPC;
	option->auth.subtype = OPTION_AUTH_MN_HA;
	option->auth.spi = spi;
	option->auth.data = (struct field_bytes){.len = AUTH_MAC_SIZE};
	return 0;
}

/* The authenticator over the first LEN octets of the message at BUF. */
static int compute(struct hmac *hmac, const uint8_t *key, const struct in6_addr *coa,
	const struct in6_addr *hoa, const uint8_t *buf, size_t len, uint8_t mac[HMAC_SHA1_LEN])
{
	static const uint8_t no_checksum[2];
	const struct iovec data[] = {
		{(void *)(uintptr_t)coa, sizeof(*coa)},
		{(void *)(uintptr_t)hoa, sizeof(*hoa)},
		{(void *)(uintptr_t)buf, MH_AT_CHECKSUM},
		{(void *)(uintptr_t)no_checksum, sizeof(no_checksum)},
		{(void *)(uintptr_t)(buf + MH_HEADER_SIZE), len - MH_HEADER_SIZE},
	};

	return hmac_sha1(hmac, key, AUTH_KEY_SIZE, data, sizeof(data) / sizeof(data[0]), mac);
}

int auth_sign(struct hmac *hmac, const uint8_t key[static AUTH_KEY_SIZE],
	const struct in6_addr *coa, const struct in6_addr *hoa, uint8_t *buf, size_t len)
{
	const struct mh_option *ha;
	uint8_t mac[HMAC_SHA1_LEN];
	struct mh mh;
	size_t covered;
	int rc;

	if (mh_decode(buf, len, &mh, NULL) || auth_check(&mh) != AUTH_GOOD)
		return -EBADMSG;
	ha = auth_find(&mh, OPTION_AUTH_MN_HA);
	covered = ha->offset + (size_t)AT_SPI_END;
	rc = compute(hmac, key, coa, hoa, buf, covered, mac);
	if (!rc)
		memcpy(buf + covered, mac, AUTH_MAC_SIZE);
	return rc;
}

enum auth_result auth_verify(struct hmac *hmac, const uint8_t key[static AUTH_KEY_SIZE],
	const struct in6_addr *coa, const struct in6_addr *hoa, const uint8_t *buf,
	const struct mh *mh)
{
	enum auth_result result = auth_check(mh);
	const struct mh_option *ha;
	uint8_t mac[HMAC_SHA1_LEN];

	if (result != AUTH_GOOD)
		return result;
	ha = auth_find(mh, OPTION_AUTH_MN_HA);
	if (compute(hmac, key, coa, hoa, buf, ha->offset + (size_t)AT_SPI_END, mac))
		return AUTH_MISMATCH;
	return hmac_equal(mac, ha->auth.data.at, AUTH_MAC_SIZE) ? AUTH_GOOD : AUTH_MISMATCH;
}
