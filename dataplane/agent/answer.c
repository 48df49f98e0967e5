#include "dataplane/agent/answer.h"

#include <errno.h>
#include <rte_ethdev.h>

#include "dataplane/agent/session.h"
#include "dataplane/mirror/mirror.h"
#include "dataplane/port.h"
#include "dataplane/stats.h"

static bool take(const struct update_stat *stat, void *context)
{
	return update_stat_encode(context, stat) == 0;
}

static bool add(
	struct writer *w, enum update_stat_group group, const char *name, const uint64_t values[])
{
	struct update_stat stat;

	stats_record(&stat, group, name, values);
	return take(&stat, w);
}

static bool add_ports(struct writer *w)
{
	for (uint16_t i = 0; i < PORT_MAX; i++) {
		const struct port *port = port_get(i);
		struct rte_eth_stats s = {0};

		if (!port)
			continue;
		rte_eth_stats_get(port->number, &s);
		const uint64_t values[UPDATE_STAT_VALUES_MAX] = {s.ipackets, s.ibytes, s.opackets,
			s.obytes, s.imissed + s.rx_nombuf, s.oerrors};

		if (!add(w, UPDATE_STAT_PORT, port->name, values))
			return false;
	}
	return true;
}

static bool add_mirror(struct writer *w)
{
	for (unsigned i = 0; i < MIRROR_COUNTERS; i++) {
		uint64_t value = mirror_counter(i);

		if (!add(w, mirror_counter_is_drop(i) ? UPDATE_STAT_DROP : UPDATE_STAT_COUNTER,
			    mirror_counter_defs[i].name, &value))
			return false;
	}
	return true;
}

static bool add_agent(struct writer *w, const struct answer *answer)
{
	for (unsigned i = 0; i < SESSION_COUNTERS; i++) {
		if (!add(w, UPDATE_STAT_COUNTER, session_counter_defs[i].name,
			    &answer->session_values[i]))
			return false;
	}
	return add(w, UPDATE_STAT_COUNTER, "agent_events_lost", &answer->events_lost);
}

static bool add_upstream(struct writer *w, const struct upstream *u)
{
	for (unsigned i = 0; u && i < UPSTREAM_COUNTERS; i++) {
		if (!add(w, UPDATE_STAT_COUNTER, upstream_counter_defs[i].name,
			    &upstream_counters(u)[i]))
			return false;
	}
	return true;
}

int answer_encode(const struct answer *answer, struct writer *w)
{
	update_head_encode(w, &answer->head);
	update_stats_id_encode(w, answer->request_id);
	bool whole =
		stats_collect(answer->workers, answer->worker_count, answer->tables, take, w) &&
		add_ports(w) && add_mirror(w) && add_agent(w, answer) &&
		add_upstream(w, answer->upstream);

	return whole && writer_ok(w) ? 0 : -ENOSPC;
}
