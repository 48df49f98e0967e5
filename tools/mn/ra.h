/*
 * Router Advertisements and Solicitations (RFC 4861, 4.1, 4.2), as a host needs them: what a link
 * is, and asking it to say so. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/addr.h"

enum { RA_PREFIXES_MAX = 8 };

struct ra_prefix {
	struct prefix6 prefix;
	uint32_t valid_s; /* valid lifetime, UINT32_MAX: for ever */
};

struct ra {
	uint16_t router_lifetime_s; /* 0: not a default router */
	uint32_t interval_ms; /* at most between unsolicited ones (RFC 6275, 7.3), 0: untold */
	bool has_mac;         /* it says its link-layer address */
	struct mac mac;
	uint8_t prefix_count; /* on-link or autonomous ones; more than fit are left out */
	struct ra_prefix prefixes[RA_PREFIXES_MAX];
};

/*
 * Reads an ICMPv6 message of type 134 from its Type octet. Checks code, length and option lengths
 * (RFC 4861, 6.1.2); hop limit and source are the caller's to check. 0 or -EBADMSG.
 */
int ra_decode(const uint8_t *msg, size_t len, struct ra *out);

/* Writes a Router Solicitation, with a source link-layer address option unless source is NULL (it
 * must not be there when the packet comes from an unspecified or an optimistic address; RFC 4861,
 * 4.1, RFC 4429, 3.2); the checksum is left to the kernel. Returns its length, or -ENOSPC. */
ssize_t rs_encode(const struct mac *source, uint8_t *buf, size_t size);
