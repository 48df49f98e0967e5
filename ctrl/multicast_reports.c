#include "ctrl/multicast_reports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "ctrl/binding/binding_cache.h"
#include "ctrl/config.h"
#include "ctrl/ctrl.h"
#include "ctrl/loop.h"
#include "ctrl/multicast_links.h"
#include "ctrl/signalling/receive.h"
#include "ctrl/signalling/signalling.h"
#include "proto/mobility/mld.h"

struct multicast_reports {
	struct multicast_reports_config given;
	struct reported *reported;
};

static int send_query(void *context, const struct reported_node *node, const struct in6_addr *dst,
	uint8_t *buf, size_t mld_len)
{
	const struct multicast_reports *reports = context;

	return multicast_links_send_into(reports->given.links, &node->home, dst, buf, mld_len);
}

static bool allows(void *context, const struct reported_node *node, const struct in6_addr *group)
{
	const struct multicast_reports *reports = context;

	return reports->given.allows(reports->given.context, node, group);
}

static void changed(void *context, const struct reported_node *node, const struct in6_addr *group,
	const struct mcast_state *state)
{
	const struct multicast_reports *reports = context;

	reports->given.changed(reports->given.context, node, group, state);
}

static uint64_t now_ns(const struct multicast_reports *reports)
{
	return loop_now_ns(reports->given.ctrl->loop);
}

/* What several nodes behind one care-of address say is nobody's. */
static bool receive(void *context, const struct receive_packet *packet)
{
	struct multicast_reports *reports = context;
	const uint8_t *inner = packet->ip + packet->ip6.offset;
	const struct binding *b;
	enum mld_fault fault;
	struct in6_addr src;
	const uint8_t *mld;
	size_t len;

	if (packet->ip6.proto != IPPROTO_IPV6 || packet->ip6.len < IP6_HEADER_SIZE)
		return false;
	memcpy(&src, inner + 8, sizeof(src));
	b = signalling_tunnel_of(reports->given.ctrl->signalling, &packet->ip6.src, &src);
	if (!b || !multicast_reports_asks(reports, &b->now.home))
		return false;
	fault = mld_packet_decode_of(inner, packet->ip6.len, &b->now.home, &mld, &len);
	if (fault == MLD_FAULT_NONE)
		return reported_receive(
			reports->reported, &b->now.home, &src, mld, len, now_ns(reports));
	if (fault == MLD_FAULT_OTHER)
		return false;
	multicast_links_count(reports->given.links, fault);
	return true;
}

/* All who have a binding at the start. */
static void serve_all(
	struct multicast_reports *reports, bool (*told)(void *context, const struct in6_addr *home))
{
	struct binding_cache *cache = signalling_cache(reports->given.ctrl->signalling);

	for (const struct binding *b = binding_cache_next(cache, NULL); b;
		b = binding_cache_next(cache, b)) {
		if (b->now.life != BINDING_LIVE)
			continue;
		if (told(reports->given.context, &b->now.home))
			multicast_reports_told(reports, &b->now.home, b->now.subscriber_id);
		else
			multicast_reports_bound(reports, &b->now.home, b->now.subscriber_id);
	}
}

struct multicast_reports *multicast_reports_new(const struct multicast_reports_config *config,
	bool (*told)(void *context, const struct in6_addr *home))
{
	struct multicast_reports *reports = calloc(1, sizeof(*reports));
	struct reported_config own = {.querier = multicast_links_querier_config(config->ctrl, true),
		.ops = {.send = send_query, .allows = allows, .changed = changed},
		.context = reports,
		.wheel = signalling_wheel(config->ctrl->signalling),
		.counters = multicast_links_querier_values(config->links)};
	const struct signalling_role role = {.context = reports, .listener = receive};
	int rc = -ENOMEM;

	own.querier.max_groups = config->ctrl->config->multicast.max_groups;
	if (reports)
		reports->reported = reported_new(&own);
	if (reports && reports->reported) {
		reports->given = *config;
		rc = signalling_add_role(config->ctrl->signalling, &role);
	}
	if (rc) {
		multicast_reports_free(reports);
		errno = -rc;
		return NULL;
	}
	serve_all(reports, told);
	return reports;
}

void multicast_reports_free(struct multicast_reports *reports)
{
	if (!reports)
		return;
	reported_free(reports->reported);
	free(reports);
}

void multicast_reports_bound(
	struct multicast_reports *reports, const struct in6_addr *home, uint64_t subscriber)
{
	const struct reported_node node = {.home = *home, .subscriber = subscriber};

	/* Without memory it is asked after its next registration. */
	reported_serve(reports->reported, &node, now_ns(reports));
}

bool multicast_reports_told(
	struct multicast_reports *reports, const struct in6_addr *home, uint64_t subscriber)
{
	const struct reported_node node = {.home = *home, .subscriber = subscriber};

	return reported_told(reports->reported, &node) > 0;
}

void multicast_reports_end(struct multicast_reports *reports, const struct in6_addr *home)
{
	reported_end(reports->reported, home);
}

const struct reported *multicast_reports_all(const struct multicast_reports *reports)
{
	return reports->reported;
}

void multicast_reports_retry(struct multicast_reports *reports)
{
	reported_retry(reports->reported, now_ns(reports));
}

bool multicast_reports_asks(const struct multicast_reports *reports, const struct in6_addr *home)
{
	return reported_asks(reports->reported, home);
}
