/*
 * The whole control plane around the rig, as main.c puts it together, and a client of its control
 * interface.
 */
#pragma once

#include "../rig.h"

#include "common/json.h"
#include "common/zsock.h"
#include "ctrl/api/api.h"
#include "ctrl/ctrl.h"
#include "ctrl/role_ha.h"

struct desk {
	struct rig rig;
	struct fake dp1;
	struct ctrl ctrl;
	struct role_ha *role;
	struct api *api;
	struct zsock client;
	const char *more; /* of the configuration; NULL: that of the rig */
};
extern struct desk desk;

#define DESK_KEY "\"key\": \"000102030405060708090a0b0c0d0e0f\""

/* A request that adds a subscriber. */
extern const char *const desk_add_one;

/* Opens and closes everything; `keep`: the folder stays, for the next start. */
void desk_start(void);
void desk_stop(bool keep);
int desk_open(void **state);
int desk_close(void **state);

/* Connects a client. */
void desk_dial(struct zsock *socket);

/* The next reply on a socket. */
json_t *desk_reply(struct zsock *socket);

/* Asks and returns the last reply; items go to the list. */
json_t *desk_ask_items(const char *request, json_t *items);
json_t *desk_ask(const char *request);

/* The reply must be an error with this code whose message has the word. */
void desk_assert_error(const char *request, const char *code, const char *word);

/* The reply's result must be this JSON. */
void desk_assert_result(const char *request, const char *expected);

/* The store has the binding rig_record(n, c) from now on, which the next start finds. */
void desk_store_binding(unsigned n, unsigned c);

/* Starts again, with a data plane. */
void desk_restart(void);

/* A binding as if it had been registered before a restart. */
void desk_restart_with_a_binding(void);
