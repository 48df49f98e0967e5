/*
 * What a mobile node must know after a crash: what to undo in the system, and what its home agent
 * still believes. A small JSON file, replaced atomically.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	STATE_SETTINGS_MAX = 24,
	STATE_PATH_MAX = 127,
	STATE_VALUE_MAX = 31,
};

/* The only place of settings that are changed and put back. */
#define STATE_SETTINGS_FOLDER "/proc/sys/net/ipv6/conf/"

/* A kernel setting under STATE_SETTINGS_FOLDER and what it was before. */
struct state_setting {
	char path[STATE_PATH_MAX + 1];
	char before[STATE_VALUE_MAX + 1];
};

struct state {
	bool known;                    /* a file was there: the fields below mean something */
	bool bound;                    /* the home agent may have a binding */
	uint16_t sequence;             /* last one used */
	bool routed;                   /* rule and routes of the tunnel are in place */
	char home_interface[IFNAMSIZ]; /* holds the home address, "": none */
	uint8_t setting_count;
	struct state_setting settings[STATE_SETTINGS_MAX];
};

/* Reads the file. 0 also when there is none (known is false then) or when it makes no sense
 * (logged); -EACCES and the like otherwise. */
int state_load(const char *path, struct state *state);

/* Replaces the file. 0 or a negative errno, logged. */
int state_save(const char *path, const struct state *state);

/* Changes a kernel setting and remembers what it was, the first time. The setting may not exist
 * (ignored). */
void state_setting_change(struct state *state, const char *path, const char *value);

/* Puts all remembered settings back and forgets them. */
void state_settings_restore(struct state *state);
