/*
 * The part of the configuration that is about several ways between an anchor and a gateway (RFC
 * 8278): which packets take which. Both roles have it, in the same words.
 */
#pragma once

#include "common/addr.h"
#include "common/config.h"
#include "ctrl/publish/path_policy.h"

struct ctrl_config_weight {
	uint8_t label;
	uint8_t weight;
};

/* Packets from and to a correspondent. */
struct ctrl_config_rule {
	uint8_t protocol;  /* 0: any */
	char *remote_port; /* "80", "5000-5010"; NULL: any */
	bool has_remote;
	struct prefix6 remote;
	struct config_list labels; /* of int64_t, best first */
};

/* When another way is the best. */
struct ctrl_config_best {
	uint32_t delay_margin_ms;
	uint8_t loss_margin; /* percent */
	uint32_t hold_ms;
};

/* Whether packets that are shared out one by one are kept in order. */
struct ctrl_config_order {
	bool numbers;
	uint16_t buffer; /* packets */
	uint32_t wait_ms;
	uint32_t delay_difference_ms;
	uint32_t hold_ms;
};

struct ctrl_config_supervision;

struct ctrl_config_distribution {
	enum path_policy_steering steering;
	struct ctrl_config_best best;
	struct ctrl_config_order order;
	struct config_list weights; /* of struct ctrl_config_weight */
	struct config_list rules;   /* of struct ctrl_config_rule */
};

/* The table of keys of the group. */
extern const struct config_key ctrl_config_distribution_keys[];

/* What the table cannot know; into the report, under a key. keys: the role agrees on tunnels in GRE
 * with keys. */
void ctrl_config_check_distribution(const struct ctrl_config_distribution *distribution,
	const struct ctrl_config_supervision *supervision, bool keys, const char *file,
	const char *key, struct config_report *report);
