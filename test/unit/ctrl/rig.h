/*
 * A control plane without roles on sockets of its own, and data planes that are played: they keep
 * what they are told in a list and answer as the test wants.
 */
#pragma once

#include "common/zsock.h"
#include "ctrl/binding/binding.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/commit.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"
#include "ctrl/store/store.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAKE_OBJECTS = 20000, RIG_FAKES = 4, RIG_HOOKS = 6 };

struct fake_object {
	bool used, marked;
	struct object object;
};

/* A data plane that is played. */
struct fake {
	struct zsock socket;
	char name[UPDATE_NAME_MAX + 1];
	uint64_t epoch, sequence; /* what it has; epoch 0: nothing */
	bool silent;              /* reads and applies, but never answers */
	bool stuck;               /* does not even read */
	bool no_ports;            /* has none, not even "home" */
	uint64_t fail_id;         /* objects with this id cannot be applied */
	uint16_t fail_error;
	size_t members_max; /* of multicast groups that it has room for; 0: no limit */
	bool counts; /* answers which objects it has when asked what it has counted of them */
	struct fake_object *objects;
	size_t top; /* objects in use, some deleted */
	unsigned begins, ends, deltas, adopts, applied, heartbeats, refusals, asked, audited;
	uint64_t asker; /* epoch of the last request for a digest */
	struct object_buckets sweeping;
	uint64_t newest; /* of the last heartbeat */
	uint32_t stats_id;
	struct update_stats_request stats;
	enum object_kind counted; /* the kind that was last asked for */
	char reason[UPDATE_REASON_MAX + 1];
	struct update_ack ack;
};

struct rig {
	char dir[64];
	const char *data_planes; /* of the configuration; NULL: dp1 and dp2 without addresses */
	bool without_prefixes;   /* data_planes brings home_prefixes too */
	struct ctrl_config config;
	struct loop *loop;
	struct store *store;
	struct publish *publish;
	struct commit *commit;
	struct fake *fakes[RIG_FAKES];
};

/* Opens all parts; `more` is added to the configuration (NULL: a patient channel). The folder is
 * new unless rig->dir is set already. */
void rig_open(struct rig *rig, const char *more);

/* Closes the parts and keeps the folder (so that rig_open() finds it again), or removes it. */
void rig_close(struct rig *rig, bool keep);

/* Connects a data plane; it says nothing yet. */
void rig_connect(struct rig *rig, struct fake *fake, const char *name);

/* Its process dies. */
void rig_disconnect(struct rig *rig, struct fake *fake);

/* It says hello with what it has. */
void fake_hello(struct fake *fake);

/* Connects a data plane that has nothing or what it had, and goes on until it is synchronised. */
void rig_synchronise(struct rig *rig, struct fake *fake, const char *name);

/* It sends a message with this head and what the caller has written behind it. */
void fake_start(struct fake *fake, struct writer *w, enum update_type type);
void fake_send(struct fake *fake, struct writer *w);

/* Acknowledges what it has. */
void fake_ack(struct fake *fake);

/* Tells the digest of what it has. */
void fake_digest(struct fake *fake);

/* The object that it has, or NULL. */
const struct object *fake_find(const struct fake *fake, enum object_kind kind, uint64_t id);
size_t fake_count(const struct fake *fake, enum object_kind kind);

/* One round of the loop and of every data plane. */
void rig_round(struct rig *rig);

/* Rounds until the condition holds; fails the test after a long time. */
#define RIG_UNTIL(rig, condition)                                                                  \
	do {                                                                                       \
		uint64_t end_ = rig_deadline();                                                    \
		while (!(condition)) {                                                             \
			if (rig_deadline_over(end_))                                               \
				fail_msg("never true: %s", #condition);                            \
			rig_round(rig);                                                            \
		}                                                                                  \
	} while (0)

uint64_t rig_deadline(void);
bool rig_deadline_over(uint64_t deadline);

/* A live binding record of home address 2001:db8:100::N at care-of address 2001:db8:a::C. */
struct binding_record rig_record(unsigned n, unsigned c);
