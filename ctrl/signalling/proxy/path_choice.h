/*
 * Which of the several ways to a peer (RFC 8278) is the best by what its supervision measures
 * (path_watch.h), and what the peer tells of it: the one that loses less, or, of those that lose
 * about the same, the one with less delay. So that it does not change to and fro, another way must
 * be better by a margin, and for a while without a break.
 *
 * For the control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct path_choice;
struct path_watch;

struct path_choice_config {
	uint64_t delay_margin_ns; /* less delay than this counts */
	unsigned loss_margin;     /* thousandths, at least 1, likewise */
	uint64_t hold_ns;         /* another way must be better for so long */
};

/* The best way to a peer is another one. Names live as long as those of the tunnels. */
typedef void path_choice_fn(void *context, const char *peer, uint8_t bid, uint8_t was);

/* The watch must outlive it. NULL: no memory. */
struct path_choice *path_choice_new(
	const struct path_choice_config *config, const struct path_watch *watch);

/* NULL is allowed. */
void path_choice_free(struct path_choice *choice);

/*
 * Compares the ways to each peer, by identifier of their bindings: of several tunnels with one
 * identifier the worst counts, a way that is not measured yet does not. To be called about twice a
 * second; now is CLOCK_MONOTONIC. Tells what has changed, when all has been compared.
 */
void path_choice_turn(
	struct path_choice *choice, uint64_t now_ns, path_choice_fn *changed, void *context);

/* Whether the tunnel with these ends is by the best way to its peer. Not before that is known. */
bool path_choice_is_best(const struct path_choice *choice, const struct in6_addr *local,
	const struct in6_addr *remote);
