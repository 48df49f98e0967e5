/*
 * A capture file with comments (draft-ietf-opsawg-pcapng): IPv6 packets without link header, each
 * with a line of text that tshark and Wireshark show beside it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Writes the head of a file. Returns 0 or a negative errno. */
int pcapng_begin(FILE *to);

/* Writes a packet, of whose `length` octets (at most 65535) the first len are there, and sends it
 * to the file system, so that the file is whole after each. real_ns: since 1970. Returns 0 or a
 * negative errno. */
int pcapng_packet(FILE *to, uint64_t real_ns, bool inbound, const uint8_t *octets, size_t len,
	size_t length, const char *comment);
