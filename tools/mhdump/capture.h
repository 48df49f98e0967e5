/* Frames from a file (pcap or pcapng) or an interface, by libpcap. One capture, one thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CAPTURE_ERROR_SIZE 512

struct capture;

/* One frame as captured; its octets live until the next call. */
struct capture_frame {
	struct timespec time; /* since 1970 */
	const uint8_t *octets;
	size_t len;
};

/* capture_open_file: opens the file at PATH, "-" for standard input. NULL and a text in ERROR when
 * it cannot be read or has a link layer that link.h does not know. Free it with capture_close. */
struct capture *capture_open_file(const char *path, char error[CAPTURE_ERROR_SIZE]);

/* capture_open_live: starts capturing on an interface; the same errors. */
struct capture *capture_open_live(const char *interface, char error[CAPTURE_ERROR_SIZE]);

/* capture_link: its link layer, enum link_type. */
int capture_link(const struct capture *capture);

/* capture_next: waits for the next frame. Returns 1; 0 at the end of the file or after
 * capture_break; -EIO and a text in ERROR when the file ends in the middle of something or the
 * interface is gone. */
int capture_next(
	struct capture *capture, struct capture_frame *out, char error[CAPTURE_ERROR_SIZE]);

/* capture_break: makes capture_next end. May be called from a signal handler. */
void capture_break(struct capture *capture);

/* capture_close: ends the capture and frees it; NULL is nothing. */
void capture_close(struct capture *capture);
