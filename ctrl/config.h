/*
 * Configuration of dmm-ctrl: the table of keys is in config.c, which also checks one value against
 * another. Read once at start and constant from then on.
 */
#pragma once

#include "common/addr.h"
#include "common/config.h"
#include "common/log.h"
#include "proto/channel/object.h"
#include "proto/channel/update.h"

/* Where the parts meet; ZeroMQ endpoints. */
struct ctrl_config_endpoints {
	char *update; /* update channel, ROUTER */
	char *packet; /* packet channel, ROUTER */
	char *api;    /* requests of dmmctl, ROUTER */
};

/* A data plane that may connect. The first of the list that is synchronised serves. */
struct ctrl_config_data_plane {
	char *name;
	struct config_list public_keys; /* of char *: digits or a path, see ctrl/keyring.h */
};

/* Keys of the endpoints on tcp. */
struct ctrl_config_security {
	char *secret_key_file; /* NULL: none */
};

/* A prefix from which home addresses are taken. */
struct ctrl_config_home_prefix {
	struct prefix6 prefix;
	char *link; /* port of the data plane that is the home link; NULL: none */
};

/* Limits and times of bindings. */
struct ctrl_config_binding {
	uint32_t max_lifetime_ms;     /* longest lifetime granted; a multiple of 4 s */
	uint32_t timestamp_window_ms; /* how far a node's clock may be off (RFC 4285, 6) */
	uint32_t max_bindings;        /* more are refused with status 130 */
	uint32_t dad_transmits;       /* probes on home links (RFC 4862, 5.1); 0: no check */
	uint32_t dad_retrans_ms;      /* between them, and after the last */
	uint32_t errors_per_second;   /* Binding Errors and ICMPv6 errors sent at most */
};

struct ctrl_config_channel {
	uint32_t ack_timeout_ms;    /* the serving data plane acknowledges within this time */
	uint32_t heartbeat_ms;      /* interval of heartbeats on the update channel */
	uint32_t heartbeats_missed; /* so many in a row missing: the data plane is down */
	uint32_t delta_log_mib;     /* recent deltas kept for data planes that come back */
};

struct ctrl_config {
	struct config_list roles; /* of char *: "ha" */
	char *store;              /* folder of the store */
	enum log_level log_level;
	struct ctrl_config_endpoints endpoints;
	struct ctrl_config_security security;
	struct config_list data_planes;   /* of struct ctrl_config_data_plane */
	struct config_list home_agents;   /* of char *; use ctrl_config_address() */
	struct config_list home_prefixes; /* of struct ctrl_config_home_prefix */
	struct ctrl_config_binding binding;
	struct ctrl_config_channel channel;

	/* Worked out from the above, not keys. */
	struct in6_addr *addresses; /* home_agents: the gateway's own */
	size_t address_count;
};

/* The table of keys, for the reference. */
extern const struct config_key ctrl_config_keys[];

/*
 * Reads and checks the file. Returns 0, -EINVAL or another negative errno; everything that is
 * wrong stands in the report. The caller ends with ctrl_config_free(), also after an error.
 */
int ctrl_config_load(struct ctrl_config *config, const char *path, struct config_report *report);

/* The same from text. */
int ctrl_config_load_text(struct ctrl_config *config, const char *name, const char *text,
	struct config_report *report);

/* Frees what a load has made; all is zero afterwards. */
void ctrl_config_free(struct ctrl_config *config);

/* The home prefix that holds the address (prefixes do not overlap), or NULL: a foreign address. */
const struct ctrl_config_home_prefix *ctrl_config_home_prefix(
	const struct ctrl_config *config, const struct in6_addr *home_address);

/* Whether the address is one of the gateway's own. */
bool ctrl_config_is_own(const struct ctrl_config *config, const struct in6_addr *address);

/* Index of a data plane by name in the order of the file, or -ENOENT. */
int ctrl_config_data_plane(const struct ctrl_config *config, const char *name);

static inline const char *ctrl_config_data_plane_name(const struct ctrl_config *config, unsigned dp)
{
	return config_item(&config->data_planes, struct ctrl_config_data_plane, dp)->name;
}

/* Id of the link object of a home link (the number of the first prefix on it, counted from 1); 0:
 * no prefix is on that port, or port is NULL. */
uint64_t ctrl_config_link_id(const struct ctrl_config *config, const char *port);
