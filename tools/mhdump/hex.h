/* Octets given as hexadecimal text. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* hex_parse: reads TEXT, two digits an octet, into OUT. Spaces, line breaks, colons, bars, hyphens
 * and an "0x" before an octet are passed over. Returns the octets read; -ENOSPC when they are more
 * than SIZE; -EINVAL with *AT the position in TEXT of what is no hexadecimal digit, or of the end
 * when a digit is missing there. */
ssize_t hex_parse(const char *text, uint8_t *out, size_t size, size_t *at);
