/*
 * The configuration of a data plane: one table says what keys there are, what they may hold and
 * what they mean; the parser, its bounds and defaults, and the printed reference come from it.
 * Read once by the main thread before any other starts, constant afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/config.h"
#include "common/log.h"
#include "proto/channel/update.h"

enum {
	DP_CONFIG_WORKERS_MAX = 16,
};

struct dp_config_port {
	char *name;   /* at most OBJECT_PORT_NAME_MAX octets; also the name of its TAP twin */
	char *device; /* as DPDK names it: a vdev or a PCI address */
	uint16_t mtu; /* octets of IP */
	bool promiscuous;
	bool segments;
	uint32_t domain; /* 0: the public one */
};

struct dp_config_endpoints {
	char *update;
	char *packet;
};

/* Keys of the endpoints on tcp. */
struct dp_config_security {
	char *secret_key_file;           /* NULL: none */
	struct config_list control_keys; /* of char *: digits or a path, see dataplane/keys.h */
};

struct dp_config_channel {
	uint32_t heartbeat; /* ms */
	uint32_t heartbeats_missed;
};

enum dp_config_hugepages {
	DP_CONFIG_HUGEPAGES_AUTO, /* when enough are free */
	DP_CONFIG_HUGEPAGES_YES,  /* or do not start */
	DP_CONFIG_HUGEPAGES_NO,
};

struct dp_config {
	char *name; /* at most UPDATE_NAME_MAX octets */
	struct dp_config_endpoints endpoints;
	struct dp_config_security security;
	struct dp_config_channel channel;
	struct config_list ports;   /* of struct dp_config_port; 1 to UPDATE_PORTS_MAX */
	struct config_list workers; /* of int64_t: the core of each; 1 to DP_CONFIG_WORKERS_MAX */
	bool busy_poll;             /* workers never sleep */
	enum dp_config_hugepages hugepages;
	uint32_t memory;      /* MiB for packet buffers and tables together; 0: what they need */
	uint32_t buffers;     /* packet buffers; 0: what ports and workers need */
	uint32_t subscribers; /* room in the tables */
	uint32_t rules;
	uint32_t groups, members; /* of multicast */
	char *multicast_upstream; /* port on which groups are joined; NULL: nowhere */
	bool grow;                /* beyond these four numbers */
	uint32_t routes;
	uint32_t neighbours;
	enum log_level log_level;
};

/*
 * Reads and checks a file, to_start also against the devices of this host. Without `workers` there
 * is one, on the last core that the process may use. Returns 0 or a negative errno, and then tells
 * each mistake in the report: "FILE:LINE: KEY: what is wrong". The caller ends with
 * dp_config_free(), also after an error.
 */
int dp_config_load(
	struct dp_config *config, const char *file, bool to_start, struct config_report *report);

/* Reads a file and checks no value against another, nor against the host. Otherwise the same. */
int dp_config_read(struct dp_config *config, const char *file, struct config_report *report);

/* Frees what dp_config_load() or dp_config_read() made. */
void dp_config_free(struct dp_config *config);

/* Port i of the configuration (i < config->ports.count). */
const struct dp_config_port *dp_config_port(const struct dp_config *config, size_t i);

/* The core that worker i is pinned to (i < config->workers.count). */
unsigned dp_config_core(const struct dp_config *config, size_t i);

/* Prints every key with its type, bounds, default and meaning. */
void dp_config_reference(FILE *out);
