/*
 * What every long-running program needs from the system: signals as a file descriptor, limits, and
 * telling systemd how it is.
 */
#pragma once

#include <stdint.h>

/* Blocks SIGINT, SIGTERM and SIGHUP in the calling thread, ignores SIGPIPE, and returns a
 * non-blocking, close-on-exec descriptor that polls readable when one of the three arrives. Call it
 * before any thread is started: they inherit the mask. Negative errno on failure. */
int daemon_signals(void);

/* Takes one signal from the descriptor: its number, or -EAGAIN when there is none. */
int daemon_signal_next(int fd);

/* Raises the limit of open files to at least `wanted`, or to the hard limit when that is lower (and
 * the process may not raise it). Returns the limit that holds now, or a negative errno. */
int64_t daemon_open_files(uint64_t wanted);

/* Switches core dumps and ptrace by others off: for programs that hold keys. Returns 0 or a
 * negative errno. */
int daemon_protect_secrets(void);

/* Tells the service manager (sd_notify protocol: one datagram to NOTIFY_SOCKET): "READY=1",
 * "STOPPING=1", "STATUS=...", several separated by newlines. Returns 1 when told, 0 when nobody
 * asked (NOTIFY_SOCKET is not set), or a negative errno. */
int daemon_notify(const char *state);
