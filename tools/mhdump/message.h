/* The part of dissect.h that looks at one message. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/mobility/mh.h"
#include "tools/mhdump/dissect.h"

/* message_read: reads the message at MH, LEN octets to the end of its packet, into FOUND: type,
 * fields, options up to the first that is wrong, and error. SRC and DST are the addresses for its
 * checksum, NULL when it is not to be looked at. An error that FOUND has already stays. */
void message_read(const struct option_numbers *numbers, const struct in6_addr *src,
	const struct in6_addr *dst, const uint8_t *mh, size_t len, struct dissect_found *found);

/* message_read_icmp6: reads the ICMPv6 message at ICMP, LEN octets, into FOUND if it is one of home
 * agent address discovery or mobile prefix discovery, for a packet with these effective addresses.
 * Returns whether it is. */
bool message_read_icmp6(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *icmp,
	size_t len, struct dissect_found *found);

/* message_fault: an error whose text is TEXT, in FOUND unless it has one. */
void message_fault(struct dissect_found *found, const char *what, const char *header,
	uint32_t offset, uint64_t value, const char *text);
