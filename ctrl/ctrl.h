/*
 * The parts of dmm-ctrl, as main.c puts them together. Handed to what needs many of them; what
 * needs only one or two takes those.
 */
#pragma once

struct commit;
struct ctrl_config;
struct events;
struct intake;
struct keyring;
struct lma;
struct mag;
struct loop;
struct multicast;
struct multicast_failures;
struct path_chooser;
struct path_policy;
struct path_rates;
struct packet;
struct path_watch;
struct publish;
struct rates;
struct serving;
struct signalling;
struct store;
struct store_events;
struct subscriber_db;

struct ctrl {
	const struct ctrl_config *config;
	struct loop *loop;
	struct keyring *keyring;
	struct store *store;
	struct store_events *store_events;
	struct subscriber_db *subscribers;
	struct publish *publish;
	struct serving *serving;
	struct multicast_failures *multicast_failures;
	struct commit *commit;
	struct packet *packet;
	struct intake *intake;
	struct rates *rates;
	struct events *events;
	struct signalling *signalling;
	struct multicast *multicast;
	struct lma *lma;                 /* NULL: not of this process */
	struct mag *mag;                 /* NULL: not of this process */
	struct path_policy *path_policy; /* of either; NULL: of neither */
	struct path_watch *path_watch;   /* of either; NULL: tunnels are not supervised */
	/* Looks which of them is the best; NULL: nobody wants to know. */
	struct path_chooser *path_chooser;
	struct path_rates *path_rates; /* of these tunnels; NULL: of none */
};
