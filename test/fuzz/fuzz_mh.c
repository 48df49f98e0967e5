/* Mobility Header: whatever arrives is refused with a reason, or decodes to a message that encodes
 * and decodes to itself. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/hmac.h"
#include "proto/mobility/auth.h"
#include "proto/mobility/mh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(const struct mh_error *err, size_t size)
{
	char text[200];

	require(err->fault > MH_FAULT_NONE && err->fault < MH_FAULT_COUNT);
	require(err->offset <= size);
	require(strlen(mh_error_print(err, text, sizeof(text))) < sizeof(text) - 1);
	mh_error_answer(err);
}

/* Encoding is canonical from the second time on. It may fail the first time only because padding
 * that the sender left out makes the message too long. */
static void check_again(const struct mh *mh)
{
	static uint8_t first[MH_SIZE_MAX], second[MH_SIZE_MAX];
	ssize_t n = mh_encode(mh, first, sizeof(first));
	struct mh again;

	if (n == -ENOSPC)
		return;
	require(n > 0 && n % 8 == 0);
	require(mh_decode(first, (size_t)n, &again, NULL) == 0);
	require(again.type == mh->type && again.option_count == mh->option_count);
	for (unsigned i = 0; i < mh->option_count; i++)
		require(again.options[i].type == mh->options[i].type &&
			again.options[i].state == mh->options[i].state &&
			again.options[i].raw.len == mh->options[i].raw.len);
	require(mh_encode(&again, second, sizeof(second)) == n);
	require(memcmp(first, second, (size_t)n) == 0);
}

/* What was signed verifies. */
static void check_auth(const struct mh *mh)
{
	static const uint8_t key[AUTH_KEY_SIZE] = "0123456789abcdef";
	static const struct in6_addr address;
	static uint8_t buf[MH_SIZE_MAX];
	static struct hmac *hmac;
	struct mh again;
	ssize_t n;

	if (auth_check(mh) != AUTH_GOOD)
		return;
	if (!hmac)
		hmac = hmac_new();
	n = mh_encode(mh, buf, sizeof(buf));
	if (n < 0)
		return;
	require(auth_sign(hmac, key, &address, &address, buf, (size_t)n) == 0);
	mh_checksum_set(&address, &address, buf, (size_t)n);
	require(mh_checksum_ok(&address, &address, buf, (size_t)n));
	require(mh_decode(buf, (size_t)n, &again, NULL) == 0);
	require(auth_verify(hmac, key, &address, &address, buf, &again) == AUTH_GOOD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct in6_addr address;
	struct mh_error err;
	struct mh mh;

	mh_checksum_ok(&address, &address, data, size);
	if (mh_decode(data, size, &mh, &err)) {
		check_error(&err, size);
		return 0;
	}
	require(err.fault == MH_FAULT_NONE && mh.len <= size);
	check_again(&mh);
	check_auth(&mh);
	return 0;
}
