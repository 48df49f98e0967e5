/*
 * The mobility security association of RFC 4285 between two nodes, of which one registers: a mobile
 * node and its home agent, or, in Proxy Mobile IPv6, a gateway and its anchor. What both roles ask
 * of a message before they believe it. Pure functions.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/hmac.h"
#include "proto/mobility/auth.h"
#include "proto/mobility/mh.h"

struct association {
	bool has_key;         /* false: something else protects the messages */
	uint32_t spi;         /* has_key */
	const uint8_t *key;   /* has_key: AUTH_KEY_SIZE octets of somebody else */
	struct in6_addr coa;  /* care-of address, Proxy-CoA */
	struct in6_addr home; /* home address; ::: a proxy registration, which names none */
};

enum association_result {
	ASSOCIATION_GOOD = 0,
	ASSOCIATION_ABSENT, /* the option is not there */
	ASSOCIATION_ORDER,  /* it is not at its place (RFC 4285, 5 and 5.1) */
	ASSOCIATION_SPI,    /* it names another association, or one where there is none */
	ASSOCIATION_FORGED, /* the authenticator is wrong */
	ASSOCIATION_RESULTS
};

/* Whether a message names this association, its authenticator not looked at (RFC 4285, 5, 5.1):
 * anything but GOOD is to be discarded silently. */
enum association_result association_name(const struct association *a, const struct mh *mh);

/* Whether it was made by who has the key, too (RFC 4285, 5.1.1). `octets` is the Mobility Header as
 * it came. A failure of libcrypto counts as FORGED. */
enum association_result association_check(
	const struct association *a, struct hmac *hmac, const uint8_t *octets, const struct mh *mh);
