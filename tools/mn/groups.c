#include "tools/mn/groups.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/log.h"
#include "tools/mn/tunnel.h"

enum {
	QUERY_INTERVAL_S = 125, /* RFC 3810, 9.2 */
	ROBUSTNESS = 2,         /* RFC 3810, 9.1 */
	RESPONSE_MS = 1000,     /* one listener answers: no need to spread answers over 10 s */
	SWEEP_MS = 2000,        /* after a query; no packet of the interface is older then */
	SOURCES_MAX = MCAST_STATE_SPACE / 16,
};

static const struct in6_addr unspecified = {0};

static struct in6_addr addr_at(const uint8_t *octets)
{
	struct in6_addr addr;

	memcpy(&addr, octets, sizeof(addr));
	return addr;
}

/* ---- on the home link --------------------------------------------------------------------- */

static void set_address(struct sockaddr_storage *to, const uint8_t *octets)
{
	const struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_addr = addr_at(octets)};

	memset(to, 0, sizeof(*to));
	memcpy(to, &sin6, sizeof(sin6));
}

static void leave(struct groups *g, const struct mcast_record *record)
{
	struct group_req req = {.gr_interface = g->ifindex};

	set_address(&req.gr_group, record->group);
	setsockopt(g->socket, IPPROTO_IPV6, MCAST_LEAVE_GROUP, &req, sizeof(req));
}

/* Joins it, if it is not yet, and sets its sources. */
static int join(struct groups *g, const struct mcast_record *record)
{
	static union {
		struct group_filter filter;
		uint8_t octets[GROUP_FILTER_SIZE(SOURCES_MAX)];
	} u;
	struct group_req req = {.gr_interface = g->ifindex};

	set_address(&req.gr_group, record->group);
	if (setsockopt(g->socket, IPPROTO_IPV6, MCAST_JOIN_GROUP, &req, sizeof(req)) &&
		errno != EADDRINUSE)
		return -errno;
	u.filter.gf_interface = g->ifindex;
	u.filter.gf_group = req.gr_group;
	u.filter.gf_fmode = record->type == MCAST_IS_EXCLUDE ? MCAST_EXCLUDE : MCAST_INCLUDE;
	u.filter.gf_numsrc = record->source_count;
	for (unsigned i = 0; i < record->source_count; i++)
		set_address(&u.filter.gf_slist[i], record->sources + 16 * (size_t)i);
	return setsockopt(g->socket, IPPROTO_IPV6, MCAST_MSFILTER, &u,
		       GROUP_FILTER_SIZE(record->source_count))
		       ? -errno
		       : 0;
}

static bool same(const struct mcast_record *a, const struct mcast_record *b)
{
	return a->type == b->type && a->source_count == b->source_count &&
	       memcmp(a->sources, b->sources, 16 * (size_t)a->source_count) == 0;
}

/* A group that the kernel refuses is not tried again until its filter changes. */
static void join_changed(struct groups *g)
{
	static struct log_limit limit = LOG_LIMIT(1);
	struct mcast_record record, before;
	size_t at = 0;

	while (mcast_state_next(&g->now, &at, &record)) {
		struct in6_addr group = addr_at(record.group);
		int ret = 0;

		if (!mcast_state_find(&g->joined, &group, &before) || !same(&record, &before))
			ret = join(g, &record);
		if (!ret)
			continue;
		g->counters.join_failed++;
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "groups", "join-failed", "group=%s error=%s",
			ADDR_TEXT(&group), LOG_QUOTE(strerror(-ret)));
	}
}

static void sync_home(struct groups *g)
{
	struct mcast_record record, now;
	size_t at = 0;

	if (g->socket < 0)
		return;
	while (mcast_state_next(&g->joined, &at, &record)) {
		struct in6_addr group = addr_at(record.group);

		if (!mcast_state_find(&g->now, &group, &now))
			leave(g, &record);
	}
	join_changed(g);
	g->joined = g->now;
}

void groups_at_home(struct groups *g, unsigned ifindex)
{
	if (g->socket >= 0 && g->ifindex == ifindex)
		return;
	if (g->socket >= 0)
		close(g->socket);
	g->socket = -1;
	g->ifindex = ifindex;
	mcast_state_clear(&g->joined);
	if (!ifindex)
		return;
	g->socket = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (g->socket < 0)
		LOG_ERROR("groups", "socket-failed", "error=%s", LOG_QUOTE(strerror(errno)));
	sync_home(g);
}

/* ---- on the tunnel's interface ------------------------------------------------------------ */

static void changed(struct groups *g, const struct mcast_state *before)
{
	if (mcast_state_equal(before, &g->now))
		return;
	sync_home(g);
	g->ops->changed(g->context);
}

static void take(struct groups *g, const struct mcast_record *record)
{
	struct in6_addr group = addr_at(record->group);

	if (!mcast_state_group_ok(&group))
		return;
	mcast_state_apply(&g->fresh, record);
	if (mcast_state_apply(&g->now, record) == -ENOSPC)
		g->counters.no_room++;
}

static bool take_report(struct groups *g, const uint8_t *mld, size_t len)
{
	struct mcast_report report;
	struct mcast_record record;
	size_t at = 0;

	if (mld[0] != MCAST_MLD2_REPORT) {
		if (mcast_old_decode(mld, len, &record))
			return false;
		take(g, &record);
		return true;
	}
	if (mcast_report_decode(mld, len, &report, NULL))
		return false;
	while (mcast_report_next(&report, &at, &record))
		take(g, &record);
	return true;
}

void groups_input(struct groups *g, const uint8_t *pkt, size_t len)
{
	const struct mcast_state before = g->now;
	const uint8_t *mld;
	size_t mld_len;
	enum mld_fault fault = mld_packet_decode(pkt, len, &mld, &mld_len);

	if (fault == MLD_FAULT_NONE && mld[0] == MCAST_MLD_QUERY)
		fault = MLD_FAULT_OTHER;
	if (fault) {
		g->counters.ignored[fault]++;
		return;
	}
	if (take_report(g, mld, mld_len))
		g->counters.reports++;
	else
		g->counters.malformed++;
	changed(g, &before);
}

/* From an address of the interface's other end: queries come from a link-local one (RFC 3810,
 * 5.1.14). */
static void query(struct wheel_timer *timer, void *context)
{
	static const struct in6_addr all_nodes = {{{0xff, 2, [15] = 1}}};
	static const struct in6_addr querier = {{{0xfe, 0x80, [15] = 1}}};
	struct groups *g = wheel_entry(timer, struct groups, query);
	const struct mcast_query general = {.type = MCAST_MLD_QUERY,
		.response_ms = RESPONSE_MS,
		.group = unspecified.s6_addr,
		.robustness = ROBUSTNESS,
		.interval_s = QUERY_INTERVAL_S};
	uint8_t pkt[MLD_PACKET_HEAD + 64];
	ssize_t len =
		mcast_query_encode(&general, pkt + MLD_PACKET_HEAD, sizeof(pkt) - MLD_PACKET_HEAD);
	uint64_t now = clock_mono_ns();

	(void)context;
	len = mld_packet_finish(&querier, &all_nodes, pkt, (size_t)len);
	wheel_arm(g->wheel, &g->query, now + QUERY_INTERVAL_S * CLOCK_NS_PER_S);
	mcast_state_clear(&g->fresh);
	if (tunnel_inject(g->tunnel, pkt, (size_t)len))
		return;
	g->counters.queries++;
	wheel_arm(g->wheel, &g->sweep, now + SWEEP_MS * CLOCK_NS_PER_MS);
}

/* Groups that were not reported again are not listened to any more: a report of that was lost. */
static void sweep(struct wheel_timer *timer, void *context)
{
	struct groups *g = wheel_entry(timer, struct groups, sweep);
	const struct mcast_state before = g->now;
	struct mcast_record record, fresh;
	size_t at = 0;

	(void)context;
	while (mcast_state_next(&before, &at, &record)) {
		struct in6_addr group = addr_at(record.group);

		if (!mcast_state_find(&g->fresh, &group, &fresh))
			mcast_state_remove(&g->now, &group);
	}
	changed(g, &before);
}

bool groups_want(
	const struct groups *g, const struct in6_addr *source, const struct in6_addr *group)
{
	return mcast_state_wants(&g->now, group, source);
}

void groups_init(struct groups *g, struct tunnel *tunnel, struct wheel *wheel,
	const struct groups_ops *ops, void *context)
{
	*g = (struct groups){
		.ops = ops, .context = context, .tunnel = tunnel, .wheel = wheel, .socket = -1};
	wheel_timer_init(&g->query, query);
	wheel_timer_init(&g->sweep, sweep);
	query(&g->query, NULL);
}

void groups_close(struct groups *g)
{
	if (!g->tunnel)
		return;
	if (g->socket >= 0)
		close(g->socket);
	wheel_cancel(g->wheel, &g->query);
	wheel_cancel(g->wheel, &g->sweep);
	g->tunnel = NULL;
}
