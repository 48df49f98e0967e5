/*
 * The way in: packets that data planes punted wait here until there is time for them, so that a
 * storm of them is shed before it has cost anything, and those of nodes that are served go on.
 *
 * A packet is put into a class by what can be seen without proof. Classes have bounded queues and
 * are served in turns, each so many packets:
 *
 *   class      turn  what
 *   link          8  answers of a home link that somebody waits for
 *   known        16  Binding Updates of home addresses that are bound: refreshes and moves
 *   end           4  those of them that ask for the end
 *   new           4  Binding Updates of other home addresses
 *   rest          1  all other mobility messages, and packets with home addresses
 *
 * A packet is shed when its class's queue is full, when it has waited so long that its sender has
 * given up waiting, or when its source, or all together, send more than is configured. Nothing is
 * answered then: nodes ask again, with growing waits (RFC 6275, 11.8). Nothing is handed on while
 * too many changes are under way. 7 MiB, all of it from the start. For the control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"
#include "common/histogram.h"
#include "ctrl/packet.h"

enum intake_class {
	INTAKE_LINK,
	INTAKE_KNOWN,
	INTAKE_END,
	INTAKE_NEW,
	INTAKE_REST,
	INTAKE_CLASSES
};

/* "link", "known", "end", "new", "rest". */
extern const char *const intake_class_names[INTAKE_CLASSES + 1];

enum intake_counter {
	INTAKE_TAKEN,     /* packets handed on */
	INTAKE_SHED_LINK, /* dropped: the queue of the class is full, in the order of classes */
	INTAKE_SHED_KNOWN,
	INTAKE_SHED_END,
	INTAKE_SHED_NEW,
	INTAKE_SHED_REST,
	INTAKE_SHED_LATE,   /* dropped: waited too long */
	INTAKE_SHED_SOURCE, /* dropped: its source sends too much */
	INTAKE_SHED_SIZE,   /* dropped: longer than what a queue takes */
	INTAKE_PAUSES,      /* rounds that handed on nothing: too many changes under way */
	INTAKE_COUNTERS
};
extern const struct counter_def intake_counter_defs[INTAKE_COUNTERS];

/* What can be seen of a packet without proof. */
struct intake_sight {
	enum intake_class class;
	struct in6_addr source; /* :: for none */
	uint64_t hint;          /* given to `expect`; 0: none */
};

struct intake;
struct loop;

struct intake_config {
	uint32_t source_rate;   /* packets a second from one source, and as a burst; 0: no limit */
	uint8_t source_prefix;  /* bits of the address that are one source: 48 to 128 */
	uint32_t total_rate;    /* packets a second of all; 0: no limit */
	uint32_t wait_ms;       /* older ones are dropped */
	uint32_t under_way_max; /* changes under way; more and nothing is handed on */
};

/* What the intake asks of others. */
struct intake_fns {
	void *context;
	/* What is to be seen of packets that came in, up to PACKET_BURST. Must be quick: all are
	 * asked for, also those that are shed. */
	void (*classify)(void *context, const struct packet_punt punts[], unsigned count,
		struct intake_sight sights[]);
	/* Told the hints, not 0, of the packets that are taken next: what they need can be on its
	 * way from memory while others are worked on. NULL: not told. */
	void (*expect)(void *context, const uint64_t hints[], unsigned count);
	/* Takes a packet, by the data plane with this index. punt->time_ns is when it came in, by
	 * the loop's clock. */
	void (*take)(void *context, unsigned dp, const struct packet_punt *punt);
	/* Changes under way. */
	size_t (*under_way)(void *context);
};

/* A new one. The loop must outlive it. NULL: no memory. */
struct intake *intake_new(
	const struct intake_config *config, const struct intake_fns *fns, struct loop *loop);

/* Frees it with what waits. NULL is allowed. */
void intake_free(struct intake *intake);

/* Packets, up to PACKET_BURST, came in by a data plane; copied. */
void intake_put(
	struct intake *intake, unsigned dp, const struct packet_punt punts[], unsigned count);

/* Hands on what there is time for in a round: a hook of the loop, before that of the commit. */
void intake_run(struct intake *intake);

/* Packets that wait in a class. */
size_t intake_waiting(const struct intake *intake, enum intake_class which);

/* Packets shed so far, for all reasons; when the last one was, CLOCK_REALTIME (0: never). */
uint64_t intake_shed(const struct intake *intake);
uint64_t intake_shed_real_ns(const struct intake *intake);

/* How long packets waited that were handed on. */
const struct histogram *intake_waits(const struct intake *intake);

/* Counters, INTAKE_COUNTERS of them. */
const uint64_t *intake_counters(const struct intake *intake);
