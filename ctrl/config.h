/*
 * Configuration of dmm-ctrl: the table of keys is in config.c, which also checks one value against
 * another. Read once at start and constant from then on.
 */
#pragma once

#include "common/addr.h"
#include "common/config.h"
#include "common/log.h"
#include "ctrl/config_domain.h"
#include "ctrl/config_lma.h"
#include "ctrl/config_mag.h"
#include "ctrl/signalling/multihoming_policy.h"
#include "proto/channel/object.h"
#include "proto/channel/update.h"

/* Where the parts meet; ZeroMQ endpoints. */
struct ctrl_config_endpoints {
	char *update; /* update channel, ROUTER */
	char *packet; /* packet channel, ROUTER */
	char *api;    /* requests of dmmctl, ROUTER */
};

/*
 * A data plane that may connect. Of those that serve a care-of address the one with the longest
 * prefix of it is preferred, then the earlier in the list. Either all have an address or none: then
 * whoever has a path serves it, and tunnels end at the home agent address.
 */
struct ctrl_config_data_plane {
	char *name;
	struct in6_addr address;        /* where tunnels to nodes and relays end; ::: none */
	struct config_list serves;      /* of struct prefix6, care-of addresses; empty: all */
	struct config_list public_keys; /* of char *: digits or a path, see ctrl/keyring.h */
};

/* The option of a Binding Acknowledgement that names the data plane's address. */
enum ctrl_tunnel_option {
	CTRL_TUNNEL_AUTO, /* ALTERNATE_COA when data planes have addresses, else NONE */
	CTRL_TUNNEL_NONE,
	CTRL_TUNNEL_ALTERNATE_COA, /* draft-sarikaya-mext-multicastdmm-04, 9 */
	CTRL_TUNNEL_HA_TUNNEL,     /* draft-sarikaya-dmm-dmipv6-00, 8 */
};

/* How a node is told that another data plane serves it. */
enum ctrl_tell {
	CTRL_TELL_BRR, /* a Binding Refresh Request */
	CTRL_TELL_BA,  /* an unsolicited Binding Acknowledgement */
};

/* Which data plane serves a node, and how the node learns of it. */
struct ctrl_config_serving {
	enum ctrl_tunnel_option tunnel_address_option;
	uint8_t tunnel_address_number; /* of the alternate home agent tunnel address option */
	enum ctrl_tell tell;
	uint32_t hold_down_ms;     /* a data plane that is back waits so long for its share */
	uint32_t moves_per_second; /* bindings moved back to it */
};

/* Keys of the endpoints on tcp. */
struct ctrl_config_security {
	char *secret_key_file; /* NULL: none */
};

/* A prefix from which home addresses are taken. */
struct ctrl_config_home_prefix {
	struct prefix6 prefix;
	char *link; /* the home link: "PORT", or "DATA-PLANE:PORT"; NULL: none */
};

/* Limits and times of bindings. */
struct ctrl_config_binding {
	uint32_t max_lifetime_ms;     /* longest lifetime granted; a multiple of 4 s */
	uint32_t timestamp_window_ms; /* how far a node's clock may be off (RFC 4285, 6) */
	uint32_t max_bindings;        /* more are refused with status 130 */
	uint32_t dad_transmits;       /* probes on home links (RFC 4862, 5.1); 0: no check */
	uint32_t dad_retrans_ms;      /* between them, after the last, between advertisements */
	uint32_t advertisements;      /* that tell a home link of a new binding */
	uint32_t errors_per_second;   /* and answers to strangers, sent at most */
};

/* Several care-of addresses of one home address (RFC 5648). */
struct ctrl_config_multihoming {
	uint32_t max_bindings; /* of one home address; 0: refused with status 166 */
	bool bulk;             /* several in one Binding Update; else refused with status 168 */
	bool verify_first;     /* a new one must be the source of its Binding Update */
	enum multihoming_home at_home;
	uint32_t flows; /* flow bindings (RFC 6089) of one home address */
};

/* The querier of home links and tunnels (RFC 3810, 9). */
struct ctrl_config_querier {
	uint32_t max_groups; /* of one home link; 0: none are asked for */
	uint8_t robustness;
	uint32_t interval_ms, response_ms, last_ms;
	uint8_t version; /* of MLD on home links */
};

/* What becomes of the reports of listeners that nodes send through their tunnels. */
enum ctrl_config_reports {
	CTRL_REPORTS_IGNORED, /* draft-sarikaya-mext-multicastdmm-04, 6 */
	CTRL_REPORTS_TAKEN,   /* RFC 6275, 10.4.3 */
};

/* How much of groups is copied. */
struct ctrl_config_multicast_rate {
	struct prefix6 groups;
	uint32_t kbit; /* a second, of each of them, in each worker */
};

struct ctrl_config_multicast {
	uint32_t max_groups;       /* of one node; 0: multicast is not served */
	uint8_t number;            /* of the Multicast State option */
	struct config_list groups; /* of struct prefix6: that may be listened to */
	struct config_list rates;  /* of struct ctrl_config_multicast_rate; the first holds */
	struct ctrl_config_querier querier;
	enum ctrl_config_reports reports;
};

struct ctrl_config_channel {
	uint32_t ack_timeout_ms;    /* the serving data plane acknowledges within this time */
	uint32_t heartbeat_ms;      /* interval of heartbeats on the update channel */
	uint32_t heartbeats_missed; /* so many in a row missing: the data plane is down */
	uint32_t delta_log_mib;     /* recent deltas kept for data planes that come back */
	uint32_t audit_ms;          /* between audits of the data planes; 0: none */
};

/* What is done when more comes in than there is time for: see ctrl/intake.h. */
struct ctrl_config_overload {
	uint32_t source_rate;  /* packets a second from one source; 0: no limit */
	uint8_t source_prefix; /* bits of an address that make one source */
	uint32_t total_rate;   /* packets a second of all; 0: no limit */
	uint32_t wait_ms;      /* packets that have waited longer are dropped */
};

struct ctrl_config {
	struct config_list roles; /* of char *: "ha", "lma", "mag" */
	char *store;              /* folder of the store */
	enum log_level log_level;
	struct ctrl_config_endpoints endpoints;
	struct ctrl_config_security security;
	struct config_list domains;       /* of struct ctrl_config_domain */
	struct config_list data_planes;   /* of struct ctrl_config_data_plane */
	struct config_list home_agents;   /* of char *; use ctrl_config_address() */
	struct config_list home_prefixes; /* of struct ctrl_config_home_prefix */
	uint16_t home_agent_preference;   /* in home agent discovery (RFC 6275, 10.5.1) */
	struct ctrl_config_binding binding;
	struct ctrl_config_channel channel;
	struct ctrl_config_serving serving;
	struct ctrl_config_lma lma;
	struct ctrl_config_multihoming multihoming;
	struct ctrl_config_overload overload;
	struct ctrl_config_mag mag;
	struct ctrl_config_multicast multicast;

	/* Worked out from the above, not keys. */
	struct in6_addr *addresses; /* the gateway's own: home_agents, lma.addresses, mag.address */
	size_t address_count;
	size_t agent_count; /* of them, home_agents */
};

/* The table of keys, for the reference. */
extern const struct config_key ctrl_config_keys[], ctrl_config_multicast_keys[];

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

/* Whether the address is one of the gateway's own: of home_agents, or of a data plane. */
bool ctrl_config_is_own(const struct ctrl_config *config, const struct in6_addr *address);

/* Whether this process has a role. */
bool ctrl_config_has_role(const struct ctrl_config *config, const char *role);

/* Checks of values for the tables of keys: a list of texts that are different unicast addresses, an
 * absolute path, a lifetime in milliseconds, the number of a mobility option that was never given
 * one. */
int ctrl_config_check_addresses(const void *at, char *why, size_t why_size);
int ctrl_config_check_path(const void *at, char *why, size_t why_size);
int ctrl_config_check_lifetime(const void *at, char *why, size_t why_size);
int ctrl_config_check_option(const void *at, char *why, size_t why_size);

/* Index of a data plane by name in the order of the file, or -ENOENT. */
int ctrl_config_data_plane(const struct ctrl_config *config, const char *name);

static inline const char *ctrl_config_data_plane_name(const struct ctrl_config *config, unsigned dp)
{
	return config_item(&config->data_planes, struct ctrl_config_data_plane, dp)->name;
}

static inline const struct in6_addr *ctrl_config_data_plane_address(
	const struct ctrl_config *config, unsigned dp)
{
	return &config_item(&config->data_planes, struct ctrl_config_data_plane, dp)->address;
}

/* Whether data planes have addresses, so that each path has one that serves it. */
bool ctrl_config_addressed(const struct ctrl_config *config);

/* Id of a data plane, the same in every run as long as its name stays; 0 without addresses. */
uint64_t ctrl_config_data_plane_id(const struct ctrl_config *config, unsigned dp);

/* Index of the data plane with this id, or -ENOENT, also for 0. */
int ctrl_config_data_plane_of_id(const struct ctrl_config *config, uint64_t id);

/*
 * Of the data planes in the set (bit: index), the one that should serve a care-of address: longest
 * prefix, then order. -ENOENT: none of them serves it.
 */
int ctrl_config_prefer(
	const struct ctrl_config *config, const struct in6_addr *care_of, uint64_t set);

/* The option to use, AUTO decided. */
enum ctrl_tunnel_option ctrl_config_tunnel_option(const struct ctrl_config *config);

/* The port of a home link, without the data plane that it may be named with. */
const char *ctrl_config_link_port(const char *link);

/* Index of the data plane that a home link is named with; -ENOENT: none, or one that is not
 * configured. */
int ctrl_config_link_data_plane(const struct ctrl_config *config, const char *link);

/* Index of the data plane that is on the link of a home prefix: the one that it is named with, else
 * the only one; -ENOENT: none, or no link. */
int ctrl_config_home_data_plane(
	const struct ctrl_config *config, const struct ctrl_config_home_prefix *home);

/* What the tables cannot know of data planes and serving; into the report. */
void ctrl_config_check_data_planes(
	const struct ctrl_config *config, const char *file, struct config_report *report);

/* The same of multicast. */
void ctrl_config_check_multicast(
	const struct ctrl_config *config, const char *file, struct config_report *report);

/* Id of the link object of a home link (the number of the first prefix on it, counted from 1); 0:
 * no prefix is on that port, or port is NULL. */
uint64_t ctrl_config_link_id(const struct ctrl_config *config, const char *port);
