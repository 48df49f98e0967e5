/*
 * The folder of a store: whose it is, who uses it, and whether it was made to the end.
 *
 * The folder is locked itself (flock on its descriptor), so that looking at it leaves no trace in
 * it. The file DMM-STORE says that it is ours: format, engine, and "creating" until the engine's
 * part is complete, so that a process killed in between neither leaves a store that cannot be
 * opened nor makes a damaged one look new.
 */
#pragma once

#include "ctrl/store/store.h"

struct store_folder {
	int fd; /* of the folder, holds the lock; -1: closed */
	char path[480];
	bool ready; /* false: the engine's part is to be made anew */
};

/* Locks the folder and looks whose it is; errors as store_open(). */
int store_folder_open(
	struct store_folder *folder, const char *path, const char *engine, struct store_why *why);

/* Writes the marker, durably and at once. Returns 0 or a negative errno. */
int store_folder_mark(struct store_folder *folder, const char *engine, bool ready);

/* Gives up the lock. */
void store_folder_close(struct store_folder *folder);

/* Writes *why and returns error. */
int store_why_set(struct store_why *why, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
