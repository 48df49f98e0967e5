/* The mobility message authentication option (RFC 4285, 5): signing and verifying.
 *
 * Authenticator = First(96, HMAC_SHA1(key, care-of address | home address | Mobility Header up to
 * and including the SPI, its checksum taken as 0)). HMAC is the caller's context, for one thread at
 * a time; otherwise pure functions.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hmac.h"
#include "proto/mobility/mh.h"

#define AUTH_KEY_SIZE     16  /* octets (RFC 4285, 5.1) */
#define AUTH_MAC_SIZE     12  /* octets of authentication data: 96 bits */
#define AUTH_SPI_RESERVED 255 /* SPIs up to here are reserved (RFC 4285, 5.1) */

enum auth_result {
	AUTH_GOOD = 0,
	AUTH_ABSENT,   /* no MN-HA authentication option */
	AUTH_ORDER,    /* not last, behind MN-AAA, or one subtype twice (RFC 4285, 5 and 5.1) */
	AUTH_LENGTH,   /* authentication data is not 96 bits */
	AUTH_MISMATCH, /* wrong key, addresses or octets */
	AUTH_RESULT_COUNT
};

/* auth_result_name: stable lower case name, for counters and logs ("mismatch"). */
const char *auth_result_name(enum auth_result result);

/* auth_find: the authentication option of SUBTYPE in MH, NULL when there is none. */
const struct mh_option *auth_find(const struct mh *mh, uint8_t subtype);

/* auth_check: whether MH carries an MN-HA option, of 96 bits, at its place: the last option, or the
 * last but an MN-AAA one. Gives AUTH_GOOD without looking at the authenticator, so that the caller
 * can take the SPI from auth_find before it knows a key. */
enum auth_result auth_check(const struct mh *mh);

/* auth_add: appends an MN-HA option with SPI and a blank authenticator to a message being built.
 * Returns 0, or -ENOSPC when the message has no room. */
int auth_add(struct mh *mh, uint32_t spi);

/* auth_sign: fills in the authenticator of the MN-HA option of the encoded message BUF, LEN octets
 * (RFC 4285, 5.1). COA is the care-of address of the binding, HOA the home address. Do it before
 * mh_checksum_set. Returns 0; -EBADMSG when BUF does not decode or auth_check finds fault; -EIO
 * when libcrypto fails. */
int auth_sign(struct hmac *hmac, const uint8_t key[static AUTH_KEY_SIZE],
	const struct in6_addr *coa, const struct in6_addr *hoa, uint8_t *buf, size_t len);

/* auth_verify: checks the MN-HA option of MH, which mh_decode made of the octets BUF. The
 * comparison takes the same time whatever differs. A failure of libcrypto counts as a mismatch. */
enum auth_result auth_verify(struct hmac *hmac, const uint8_t key[static AUTH_KEY_SIZE],
	const struct in6_addr *coa, const struct in6_addr *hoa, const uint8_t *buf,
	const struct mh *mh);
