/*
 * What anchor and gateway do alike to supervise the tunnels between them: probes go out by the data
 * plane, what is down is told to all data planes, and to who follows events. Where packets are to
 * take the best tunnel, what takes it takes another one when that is the best; where they are to be
 * kept in order, they are shared out by flow while the delays of the tunnels differ too much.
 */
#pragma once

#include "ctrl/ctrl.h"
#include "ctrl/publish/path_policy.h"
#include "ctrl/signalling/proxy/path_watch.h"
#include "proto/channel/packet.h"
#include "proto/mobility/metrics.h"

struct ctrl_config_distribution;
struct ctrl_config_supervision;

/* What the ways to the peer of the tunnel with these ends are to the order of packets, and by how
 * much their delays differ. False: order is not wanted. */
bool path_supervision_order(const struct ctrl *ctrl, const struct in6_addr *local,
	const struct in6_addr *remote, enum path_policy_order *state, uint64_t *difference_ns);

/*
 * Opens ctrl->path_watch, unless the configuration says that nothing is supervised, and what
 * chooses the best if that is wanted; ctrl->path_policy learns of it. Returns 0 or a negative
 * errno.
 */
int path_supervision_open(struct ctrl *ctrl, const struct ctrl_config_supervision *config,
	const struct ctrl_config_distribution *distribution);

/* Ends it. */
void path_supervision_close(struct ctrl *ctrl);

/* A registration by a tunnel lasts until then: path_watch_use(), if there is a watch. */
void path_supervision_use(
	const struct ctrl *ctrl, const struct path_watch_use *use, uint64_t until_real_ns);

/* A peer tells what it measures of its tunnels with an identifier. */
void path_supervision_tell(
	const struct ctrl *ctrl, const char *peer, const struct metrics_way *way);

/* A packet of a data plane. False: it is not for the supervision. */
bool path_supervision_take(const struct ctrl *ctrl, const struct packet_punt *punt);
