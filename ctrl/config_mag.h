/*
 * The part of the configuration that is about the role `mag`, the mobile access gateway.
 */
#pragma once

#include "common/addr.h"
#include "common/config.h"
#include "ctrl/config_distribution.h"
#include "ctrl/config_handover.h"
#include "ctrl/config_supervision.h"
#include "ctrl/signalling/proxy/gre_policy.h"

struct ctrl_config;

/* A local mobility anchor. */
struct ctrl_config_anchor {
	char *name;
	struct in6_addr address; /* LMAA */
	uint32_t spi;            /* 0: no key */
	char *key_file;          /* NULL: its messages are not authenticated */
};

/* An access link. */
struct ctrl_config_access {
	char *port;
	uint8_t access_technology; /* RFC 5213, 8.5 */
	char *domain;              /* NULL: the public one */
};

/* A way to the anchors, by an interface towards them. */
struct ctrl_config_mag_path {
	uint8_t bid;
	struct in6_addr address; /* Proxy-CoA */
	uint8_t access_technology;
	uint8_t label;
};

/* What is known of a mobile node. */
struct ctrl_config_mag_node {
	char *mn_id;
	struct mac link_address;
	char *anchor; /* name of one; NULL: the first */
	bool delegation;
	struct config_list delegated_prefixes; /* of struct prefix6 */
	char *domain;                          /* NULL: the public one */
	char *always_on;                       /* port of an access link; NULL: where it is heard */
};

struct ctrl_config_mag {
	bool present;
	struct in6_addr address;
	struct in6_addr link_local;
	struct config_list anchors; /* of struct ctrl_config_anchor */
	struct config_list links;   /* of struct ctrl_config_access */
	struct config_list paths;   /* of struct ctrl_config_mag_path; empty: one way */
	bool concurrent;
	struct ctrl_config_distribution distribution;
	struct ctrl_config_supervision supervision;
	struct config_list nodes; /* of struct ctrl_config_mag_node */
	uint32_t lifetime_ms;
	uint32_t mtu;
	enum mag_gre gre;
	bool local_routing;
	uint32_t metrics_vendor; /* 0: none */
	uint32_t metrics_interval_ms;
	uint32_t probe_ms;
	uint32_t probes;
	uint32_t hold_ms;
	struct ctrl_config_handover handover;
	uint32_t timestamp_window_ms;
	char *identifier; /* NULL: none */
	uint32_t heartbeat_ms;
	uint32_t heartbeats_missed;
};

/* The table of keys of the group. */
extern const struct config_key ctrl_config_mag_keys[];

/* What the table cannot know; into the report. 0 or -ENOMEM. */
int ctrl_config_check_mag(
	const struct ctrl_config *config, const char *file, struct config_report *report);

/* The gateway's Proxy-CoA, that of its first path; only for the role `mag`. */
const struct in6_addr *ctrl_config_mag_address(const struct ctrl_config *config);

/* The path with this identifier; NULL: it is not configured. */
const struct ctrl_config_mag_path *ctrl_config_mag_path(
	const struct ctrl_config *config, uint8_t bid);

/* How many tunnels there may be between addresses of the gateway and of anchors; and the ends of
 * one of them. */
size_t ctrl_config_mag_tunnels(const struct ctrl_config *config);
void ctrl_config_mag_tunnel(const struct ctrl_config *config, size_t index,
	const struct in6_addr **local, const struct in6_addr **remote);

/* The anchor of this name, NULL: the first. NULL: there is none. */
const struct ctrl_config_anchor *ctrl_config_anchor(
	const struct ctrl_config *config, const char *name);
