/* Octets as hexadecimal text, two digits of either case each. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The value of a digit, or -1. */
int hex_digit(char c);

/* Reads the octets of a text that holds their digits, and nothing else: 0, or -EINVAL, after which
 * `out` may hold some of them. */
int hex_octets(const char *text, uint8_t *out, size_t count);
