/*
 * Configuration of the mobile node: what configs/dmm-mn.cfg holds. The tables in config.c are
 * parser, bounds, defaults, help and manual in one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/config.h"
#include "common/log.h"

#define MN_FLOWS_MAX 16
#define MN_KEY_LEN   16 /* RFC 4285, 5.1: the shared key is 16 octets */

enum mn_replay {
	MN_REPLAY_TIMESTAMP, /* RFC 4285, 6 */
	MN_REPLAY_SEQUENCE,  /* RFC 6275, 9.5.1 */
};

/* Care-of addresses of several interfaces at once (RFC 5648). */
enum mn_multihoming {
	MN_MULTIHOMING_OFF,    /* one care-of address, without BID */
	MN_MULTIHOMING_SINGLE, /* each in a Binding Update of its own */
	MN_MULTIHOMING_BULK,   /* all in one (RFC 5648, 5.3) */
};

/* A flow and the interfaces that it is to come by (RFC 6089). */
struct mn_flow {
	uint16_t id;                   /* FID */
	struct config_list interfaces; /* of char *: the first of them that is attached */
	uint8_t protocol;              /* 0: any */
	uint16_t remote_port;          /* of the other end; 0: any */
	uint16_t local_port;           /* of this node; 0: any */
};

struct mn_config {
	struct config_list interfaces; /* of char *: names, the preferred one first */
	char *mn_id;                   /* network access identifier */
	struct in6_addr home_address;
	struct prefix6 home_prefix;
	struct in6_addr home_agent;
	uint32_t spi;
	char *key_text;          /* 32 hexadecimal digits; wiped by config_load */
	uint8_t key[MN_KEY_LEN]; /* read from key_text */
	enum mn_replay replay;
	uint8_t tunnel_address_number;  /* of the option, 0: not used */
	uint8_t multicast_state_number; /* of the option, 0: not used */
	enum mn_multihoming multihoming;
	bool home_binding;        /* the home link beside others (RFC 5648, 5.6) */
	struct config_list flows; /* of struct mn_flow; the first that matches counts */
	uint32_t lifetime_ms;     /* asked for in Binding Updates */
	char *tunnel;             /* name of the TUN interface */
	bool default_route;       /* send everything through the tunnel while away */
	uint32_t route_table;     /* for packets from the home address */
	uint32_t rule_priority;
	bool optimistic_dad;     /* switch it on for the interfaces */
	bool deregister_on_exit; /* when stopped while away */
	char *status_socket;
	char *state_file;
	enum log_level log_level;
};

extern const struct config_key mn_config_keys[];

/*
 * Reads FILE. Returns 0 or a negative errno; *report then says all that is wrong. The caller ends
 * with mn_config_free() in both cases.
 */
int mn_config_load(const char *path, struct mn_config *config, struct config_report *report);

/* The place of an interface in the list, or -ENOENT. */
int mn_config_interface(const struct mn_config *config, const char *name);

/* Frees and wipes the configuration; the key is overwritten. */
void mn_config_free(struct mn_config *config);
