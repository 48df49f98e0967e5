/*
 * Reports of listeners that nodes send through their tunnels, taken as RFC 6275, 10.4.3, says, if
 * `multicast.reports` is "taken" (ctrl/mcast/reported.h). A report is that of the binding whose
 * tunnel it comes by: its inner source is the home address, which is bound from the outer source,
 * or a link-local address, and then the outer source says who it is.
 *
 * What is reported is kept in memory alone: after a restart all are asked again. For the control
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrl/mcast/reported.h"

struct ctrl;
struct multicast_links;
struct multicast_reports;

struct multicast_reports_config {
	struct ctrl *ctrl;             /* with bindings, if there are any */
	struct multicast_links *links; /* reaches tunnels and counts for it */
	/* Of struct reported_ops. */
	bool (*allows)(
		void *context, const struct reported_node *node, const struct in6_addr *group);
	void (*changed)(void *context, const struct reported_node *node,
		const struct in6_addr *group, const struct mcast_state *state);
	void *context;
};

/* Copies the configuration, adds itself to the signalling and serves all who have a binding. told:
 * who of them has told by an option what it listens to. NULL with errno set. */
struct multicast_reports *multicast_reports_new(const struct multicast_reports_config *config,
	bool (*told)(void *context, const struct in6_addr *home));
void multicast_reports_free(struct multicast_reports *reports);

/* A node has a binding. */
void multicast_reports_bound(
	struct multicast_reports *reports, const struct in6_addr *home, uint64_t subscriber);

/* An option says what it listens to. Returns whether it had reported anything. */
bool multicast_reports_told(
	struct multicast_reports *reports, const struct in6_addr *home, uint64_t subscriber);

/* Its binding has ended. */
void multicast_reports_end(struct multicast_reports *reports, const struct in6_addr *home);

/* As reported_retry(). */
void multicast_reports_retry(struct multicast_reports *reports);

/* The nodes that are asked, for reading. */
const struct reported *multicast_reports_all(const struct multicast_reports *reports);

/* Whether the node is asked here. */
bool multicast_reports_asks(const struct multicast_reports *reports, const struct in6_addr *home);
