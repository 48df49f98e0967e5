/*
 * Errors told to the sender of a packet: Binding Error (RFC 6275, 9.3.3) and ICMPv6 Parameter
 * Problem (9.2; RFC 4443, 3.4). Both under one rate limit (RFC 4443, 2.4 (f)), never to an address
 * that is not one node's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct receive_packet;
struct signalling;

/* Whether one more packet may be sent now to somebody who is perhaps not who asked; counts if not.
 */
bool error_pass(struct signalling *s);

/* Answers a packet with a Binding Error of this status (enum status_be), directly to its source.
 */
void error_binding(struct signalling *s, const struct receive_packet *packet, uint8_t status);

/* Answers a packet with a Parameter Problem: code, and pointer in octets from the IPv6 header. */
void error_parameter(
	struct signalling *s, const struct receive_packet *packet, uint8_t code, uint32_t pointer);
