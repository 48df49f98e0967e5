/* Tunnels of tests of their supervision, and the other end of them. */
#pragma once

#include "ctrl/signalling/proxy/path_watch.h"

enum { PATH_RIG_PROBE = 60 }; /* octets */

/* A tunnel whose local address ends with this octet, which is its identifier too. */
struct path_watch_use path_rig_use(uint8_t local, const char *peer);

/* The answer to a probe, as its peer makes it. */
void path_rig_answer(const uint8_t *probe, uint8_t answer[PATH_RIG_PROBE]);
