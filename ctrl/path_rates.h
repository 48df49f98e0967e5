/*
 * How much the supervised tunnels carry (path_watch.h): each second, or as often as that can be
 * asked, data planes are asked what they have counted of all paths by these tunnels, and what rose
 * since the last time is the rate. A path counts from the second time on, since what it had carried
 * before is nothing of this second.
 *
 * A question is about UPDATE_COUNT_IDS_MAX paths; with more of them a time takes as many seconds as
 * questions. With more than PATH_RATES_BUNDLES_MAX bundles nothing is asked, and no rate is known.
 *
 * For the control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

enum { PATH_RATES_BUNDLES_MAX = 16384 };

struct loop;
struct path_rates;
struct path_watch;
struct publish;

/* A second: of inner packets, out of the tunnel and into it. */
struct path_rate {
	double in_packets, in_octets;
	double out_packets, out_octets;
};

/* Begins to ask. All must outlive it. NULL: no memory. */
struct path_rates *path_rates_new(
	struct loop *loop, struct publish *publish, const struct path_watch *watch);

/* Ends it, after the last round of the loop: a question may be under way. NULL is allowed. */
void path_rates_free(struct path_rates *rates);

/*
 * What a tunnel carried between the last two times. False: it is not known, since these have not
 * been, or not all data planes answered both, or one of them has begun to count anew; or some
 * subscriber has no other path, and what it sends by this one is not counted; or no path of a
 * subscriber has these ends.
 */
bool path_rates_get(const struct path_rates *rates, const struct in6_addr *local,
	const struct in6_addr *remote, struct path_rate *out);
