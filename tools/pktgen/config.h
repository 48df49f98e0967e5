/*
 * Configuration of the generator: what configs/dmm-pktgen.cfg holds. The tables in config.c are
 * parser, bounds, defaults, help and manual in one. Read once at start, constant from then on.
 */
#pragma once

#include "common/addr.h"
#include "common/config.h"
#include "common/log.h"
#include "tools/pktgen/packet.h"
#include "tools/pktgen/pick.h"
#include "tools/pktgen/population.h"
#include "tools/pktgen/sizes.h"

enum { CONFIG_CORES_MAX = 2 };

enum config_hugepages { CONFIG_HUGEPAGES_AUTO, CONFIG_HUGEPAGES_YES, CONFIG_HUGEPAGES_NO };

/* Where the generator is attached. */
struct pktgen_config_port {
	bool present;
	char *device;            /* any DPDK device */
	struct in6_addr address; /* ours on that link; ::: none, nothing is asked or answered */
	struct in6_addr gateway; /* the gateway's there; its MAC address is asked for */
	struct mac gateway_mac;  /* or given; all zero: not */
};

struct pktgen_config_traffic {
	uint32_t weight[PACKET_STREAMS]; /* shares of the streams */
	uint64_t rate;                   /* packets a second; 0: as many as there is time for */
	uint32_t duration_ms;
	uint32_t warm_up_ms;
	uint32_t settle_ms; /* after the last packet, for those under way (RFC 2544, 23) */
	enum pick_kind distribution;
	char *exponent_text;
	double exponent; /* read from exponent_text */
	uint32_t elephant_percent;
	char *sizes_text;
	struct sizes sizes; /* read from sizes_text, see pktgen_config_set_sizes() */
	struct in6_addr correspondent;
	uint16_t udp_port;
	uint64_t seed;
};

struct pktgen_config_multicast {
	struct in6_addr group; /* the first */
	uint32_t groups;
	uint32_t members; /* copies of each packet that must come back */
};

struct pktgen_config_search {
	uint64_t min_rate, max_rate; /* packets a second */
	char *resolution_text, *loss_text, *skipped_text;
	double resolution; /* percent of max_rate */
	double skipped;    /* percent of the packets of a trial that the generator may leave out */
	double loss;       /* percent of the packets of a trial that may be lost */
	uint32_t trial_ms;
	uint32_t attempts; /* trials at a rate until it counts as failed */
};

/* What a mobile node does. */
enum pktgen_op {
	PKTGEN_REGISTER,   /* first registration, at place 0 */
	PKTGEN_REFRESH,    /* the same binding again */
	PKTGEN_MOVE,       /* to another care-of address */
	PKTGEN_DEREGISTER, /* lifetime 0, while away */
	PKTGEN_OPS
};

/* "register", "refresh", "move", "deregister"; NULL-terminated. */
extern const char *const pktgen_op_names[PKTGEN_OPS + 1];

struct pktgen_config_signalling {
	uint32_t weight[PKTGEN_OPS]; /* shares of operations, of those that are possible */
	uint64_t rate;               /* operations a second; 0: as many as `outstanding` allows */
	uint32_t duration_ms;
	uint32_t outstanding; /* nodes that wait for an answer, at most */
	uint32_t lifetime_ms;
	uint32_t timeout_ms,
		timeout_max_ms; /* first wait, half more for PKTGEN_REGISTER; longest */
	uint32_t tries;
	char *update, *packet; /* endpoints of dmm-ctrl, without a data plane between */
};

struct pktgen_config {
	struct pktgen_config_port core;   /* the side of correspondents */
	struct pktgen_config_port access; /* that of care-of addresses; absent: core as well */
	uint16_t mtu;                     /* of both, octets of IP */
	struct config_list cores;         /* of int64_t: one for both, or sending and receiving */
	enum config_hugepages hugepages;
	enum log_level log_level;
	struct in6_addr home_agent; /* Binding Updates go there */
	struct in6_addr tunnel;     /* tunnels end there; :: in the file: home_agent */
	struct population subscribers;
	struct pktgen_config_traffic traffic;
	struct pktgen_config_multicast multicast;
	struct pktgen_config_search search;
	struct pktgen_config_signalling signalling;
};

extern const struct config_key pktgen_config_keys[];

/*
 * Reads FILE. Returns 0 or a negative errno; *report then says all that is wrong. The caller ends
 * with pktgen_config_free() in both cases.
 */
int pktgen_config_load(
	const char *path, struct pktgen_config *config, struct config_report *report);

/* Replaces the sizes by those of a text. Returns 0, or -EINVAL and what is wrong in why. */
int pktgen_config_set_sizes(
	struct pktgen_config *config, const char *text, char *why, size_t why_size);

/* Reads a list of streams, "downlink,uplink" or with weights "downlink:3,uplink:1", those left out
 * get none. Returns 0, or -EINVAL and what is wrong in why. */
int pktgen_config_set_streams(
	struct pktgen_config *config, const char *text, char *why, size_t why_size);

/* The same for operations: "register", "refresh:8,move:2". */
int pktgen_config_set_mix(
	struct pktgen_config *config, const char *text, char *why, size_t why_size);

/* Where care-of addresses are. */
static inline const struct pktgen_config_port *pktgen_config_access(
	const struct pktgen_config *config)
{
	return config->access.present ? &config->access : &config->core;
}

/* The plan of the packets that the configuration asks for; the configuration must outlive it. */
struct packet_plan pktgen_config_plan(const struct pktgen_config *config);

/* Flows of a stream: subscribers, or groups. */
static inline uint32_t pktgen_config_flows(
	const struct pktgen_config *config, enum packet_stream stream)
{
	return stream == PACKET_MULTICAST ? config->multicast.groups : config->subscribers.count;
}

/* Frees the configuration and wipes the seed of the keys. */
void pktgen_config_free(struct pktgen_config *config);
