/*
 * How the packets of a session or an attachment with several ways are shared out among them (RFC
 * 8278, 3.2): the same words for an anchor, whose packets go down, and for a gateway, whose packets
 * go up. For the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/channel/object.h"

struct bundle;
struct ctrl_config_distribution;

enum {
	PATH_POLICY_RULES_MAX = 8,
	PATH_POLICY_LABELS_MAX = 4, /* that a rule names */
};

/* Packets that take a way with one of these labels, the first that there is. */
struct path_policy_rule {
	struct rule_selector down, up; /* of what goes to the node, and of what it sends */
	uint8_t label_count;
	uint8_t labels[PATH_POLICY_LABELS_MAX];
};

/* What no rule matches. */
enum path_policy_steering {
	PATH_POLICY_FIRST, /* all by the first way */
	PATH_POLICY_FLOW,  /* flows are shared out by weight */
	PATH_POLICY_PACKET,
	PATH_POLICY_BEST, /* all by the way that is measured to be the best */
};

/*
 * Whether packets that are shared out one by one are kept in order by sequence numbers (RFC 2890).
 * If that is wanted, and cannot be, flows are shared out instead.
 */
enum path_policy_order {
	PATH_POLICY_ORDER_OFF, /* it is not wanted, or there is but one way */
	PATH_POLICY_ORDER_KEPT,
	PATH_POLICY_ORDER_UNMEASURED, /* the delay of some way to the peer is not known yet */
	PATH_POLICY_ORDER_UNEVEN,     /* the ways to the peer differ too much in their delay */
	PATH_POLICY_ORDER_NO_KEYS,    /* some way is not in GRE with keys */
	PATH_POLICY_ORDER_SPLIT,      /* several data planes may serve the ways */
	PATH_POLICY_ORDERS
};
extern const char *const path_policy_order_names[PATH_POLICY_ORDERS + 1];

/* What is known of the ways to the peer of the tunnel with these ends: kept, or not yet known, or
 * that they differ too much. */
typedef enum path_policy_order path_policy_order_fn(
	const void *context, const struct in6_addr *local, const struct in6_addr *remote);

/* Whether the tunnel with these ends is the best of those to its peer. */
typedef bool path_policy_best_fn(
	const void *context, const struct in6_addr *local, const struct in6_addr *remote);

struct path_policy {
	enum path_policy_steering steering;
	path_policy_best_fn *is_best; /* PATH_POLICY_BEST; NULL: it is not known */
	const void *best_context;
	struct object_order order;      /* numbered: it is wanted */
	bool one_data_plane;            /* there is no other that could serve a way */
	path_policy_order_fn *order_of; /* NULL: nothing is known */
	const void *order_context;
	uint8_t weights[UINT8_MAX + 1]; /* by label */
	uint8_t rule_count;
	struct path_policy_rule rules[PATH_POLICY_RULES_MAX];
};

/* A way: a path that is in the bundle. */
struct path_policy_way {
	uint64_t path;
	uint8_t label;
	bool best;                    /* PATH_POLICY_BEST: what no rule matches takes it */
	bool keyed;                   /* it is in GRE with keys */
	uint64_t data_plane;          /* id of the one that serves it; 0: any */
	enum path_policy_order order; /* of the ways to its peer */
};

/* Fills what a policy says of the way by this tunnel; the rest of it is filled in. */
void path_policy_judge(const struct path_policy *policy, struct path_policy_way *way,
	const struct in6_addr *local, const struct in6_addr *remote);

/* Whether packets by these ways are kept in order, or why not. */
enum path_policy_order path_policy_order(
	const struct path_policy *policy, const struct path_policy_way *ways, size_t count);

/* Fills the policy with what the configuration says. -EINVAL with why: a rule that cannot be. */
int path_policy_read(struct path_policy *policy, const struct ctrl_config_distribution *config,
	char *why, size_t why_size);

/*
 * Appends the ways, at most OBJECT_PATHS_MAX less those that are there, to the paths of a
 * subscriber, with weights and steering, and then the subscriber to the bundle, and the rules of
 * the policy for them. `rules` is the id of the first, the others follow it. `up`: it is what the
 * subscriber sends that is shared out. 0, -EINVAL, or -ENOSPC: the bundle cannot hold the rules.
 */
int path_policy_compile(const struct path_policy *policy, bool up, uint64_t rules,
	const struct path_policy_way *ways, size_t count, struct object_subscriber *subscriber,
	struct bundle *bundle);
