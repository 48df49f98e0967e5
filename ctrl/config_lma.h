/*
 * The part of the configuration that is about the role `lma`, the local mobility anchor.
 */
#pragma once

#include "common/addr.h"
#include "common/config.h"
#include "ctrl/config_distribution.h"
#include "ctrl/config_handover.h"
#include "ctrl/config_supervision.h"
#include "ctrl/signalling/proxy/gre_policy.h"
#include "proto/mobility/auth.h"

struct ctrl_config;

/* A mobile access gateway that may register nodes. */
struct ctrl_config_gateway {
	char *name;
	char *identifier;             /* NULL: it may not revoke all that it has */
	struct config_list addresses; /* of char * */
	uint32_t spi;                 /* 0: no key */
	char *key_file;               /* NULL: its messages are not authenticated */
};

/* Prefixes that nodes are given. */
struct ctrl_config_pool {
	char *name;
	struct prefix6 prefix;
	uint8_t length; /* of each of them */
	char *domain;   /* NULL: the public one */
};

/* What nodes with a name may have. */
struct ctrl_config_lma_node {
	char *match;  /* identifier, "@realm" or "*" */
	char *domain; /* NULL: the public one */
	bool enabled;
	char *pool; /* NULL: none */
	uint8_t prefixes_per_session;
	struct config_list prefixes; /* of struct prefix6 */
	char *delegated_pool;        /* NULL: none */
	uint8_t delegated_per_session;
	struct config_list delegated_prefixes; /* of struct prefix6 */
	uint32_t max_lifetime_ms;              /* 0: that of the anchor */
	bool multipath;                        /* several bindings of a session are allowed */
};

struct ctrl_config_lma {
	bool present;
	struct config_list addresses; /* of char * */
	struct config_list gateways;  /* of struct ctrl_config_gateway */
	struct config_list pools;     /* of struct ctrl_config_pool */
	struct config_list nodes;     /* of struct ctrl_config_lma_node */
	uint32_t max_lifetime_ms;
	uint32_t max_sessions;
	bool timestamps; /* gateways must send them */
	uint32_t timestamp_window_ms;
	uint32_t delete_delay_ms;
	uint32_t assign_delay_ms;
	struct ctrl_config_handover handover;
	uint32_t refusals_per_second;
	uint32_t metrics_vendor; /* 0: none */
	uint32_t max_paths;      /* bindings of a session; 0: several are not supported */
	struct ctrl_config_distribution distribution;
	bool user_planes;
	enum lma_gre gre;
	struct ctrl_config_supervision supervision;
	bool revocation;
	uint32_t heartbeat_ms;
	uint32_t heartbeats_missed;
};

/* The table of keys of the group. */
extern const struct config_key ctrl_config_lma_keys[];

/* What the table cannot know; into the report. 0 or -ENOMEM. */
int ctrl_config_check_lma(
	const struct ctrl_config *config, const char *file, struct config_report *report);

/*
 * Reads the key of a gateway: a file that only its owner may read, with 32 hexadecimal digits.
 * Returns 0, or a negative errno with why; the caller wipes the key.
 */
int ctrl_config_read_gateway_key(
	const char *path, uint8_t key[static AUTH_KEY_SIZE], char *why, size_t why_size);

/*
 * Checks the key and the SPI of a peer, the item called name of the group where: both or none, an
 * SPI that is not reserved (RFC 4285, 5.1), a key that can be read. What is wrong goes into the
 * report; the key is wiped.
 */
void ctrl_config_check_gateway_key(struct config_report *report, const char *file,
	const char *where, const char *name, const char *key_file, uint32_t spi);
