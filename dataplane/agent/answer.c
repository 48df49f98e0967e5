#include "dataplane/agent/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <stdio.h>

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

static uint64_t ms_since(uint64_t tsc)
{
	uint64_t now = rte_rdtsc();

	if (tsc == 0)
		return UINT64_MAX;
	return now < tsc ? 0 : (now - tsc) / (rte_get_tsc_hz() / 1000);
}

/* What a path carried. */
static bool add_path(struct writer *w, const struct path_table *t, uint32_t number, bool preferred)
{
	const struct path_traffic of = path_traffic_of(&t->traffic, number);
	const uint64_t values[UPDATE_STAT_VALUES_MAX] = {
		[UPDATE_PATH_IN_PACKETS] = of.packets[PATH_IN],
		[UPDATE_PATH_IN_OCTETS] = of.octets[PATH_IN],
		[UPDATE_PATH_OUT_PACKETS] = of.packets[PATH_OUT],
		[UPDATE_PATH_OUT_OCTETS] = of.octets[PATH_OUT],
		[UPDATE_PATH_IN_MS] = ms_since(of.last[PATH_IN]),
		[UPDATE_PATH_OUT_MS] = ms_since(of.last[PATH_OUT]),
		[UPDATE_PATH_PREFERRED] = preferred,
	};
	char name[UPDATE_STAT_NAME_MAX + 1];

	snprintf(name, sizeof(name), "%" PRIu64, path_at(t, number)->id);
	return add(w, UPDATE_STAT_PATH, name, values);
}

/* What became of the order of a subscriber's packets, if it has one. */
static bool add_order(struct writer *w, const struct path_table *t, uint32_t list)
{
	const struct order *order = order_table_find(&t->orders, list);
	uint64_t values[UPDATE_STAT_VALUES_MAX] = {0};
	char name[UPDATE_STAT_NAME_MAX + 1];

	static_assert(UPDATE_ORDER_IN_ORDER + (int)ORDER_COUNTERS == UPDATE_ORDER_VALUES &&
			      UPDATE_ORDER_NO_ROOM == UPDATE_ORDER_IN_ORDER + (int)ORDER_NO_ROOM,
		"the same, and in the same order");
	if (!order)
		return true;
	values[UPDATE_ORDER_SENT] = __atomic_load_n(&order->sent, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < ORDER_COUNTERS; i++)
		values[UPDATE_ORDER_IN_ORDER + i] =
			__atomic_load_n(&order->counters[i], __ATOMIC_RELAXED);
	snprintf(name, sizeof(name), "%" PRIu64, order->subscriber);
	return add(w, UPDATE_STAT_ORDER, name, values);
}

/* What the paths of a subscriber carried; of one that is not there, nothing. */
static bool add_paths(struct writer *w, const struct tables *t, uint64_t subscriber)
{
	const struct subscriber_entry *entry = subscriber_table_by_id(&t->subscribers, subscriber);
	const struct path_list *list;

	if (!entry)
		return true;
	if (entry->paths == POOL_NONE)
		return add_path(w, &t->paths, entry->path, true);
	list = path_list_at(&t->paths, entry->paths);
	for (uint32_t i = 0; i < list->count; i++)
		if (!add_path(w, &t->paths, list->paths[i], i == path_list_first(list)))
			return false;
	return add_order(w, &t->paths, entry->paths);
}

static bool add_subscribers(struct writer *w, const struct answer *answer)
{
	const struct update_stats_request *request = answer->request;

	for (unsigned i = 0; i < request->count; i++)
		if (!add_paths(w, answer->tables, request->subscribers[i]))
			return false;
	return true;
}

static bool add_all(struct writer *w, const struct answer *answer)
{
	return stats_collect(answer->workers, answer->worker_count, answer->tables, take, w) &&
	       add_ports(w) && add_mirror(w) && add_agent(w, answer) &&
	       add_upstream(w, answer->upstream);
}

int answer_encode(const struct answer *answer, struct writer *w)
{
	update_head_encode(w, &answer->head);
	update_stats_id_encode(w, answer->request->id);
	bool whole = answer->request->count ? add_subscribers(w, answer) : add_all(w, answer);

	return whole && writer_ok(w) ? 0 : -ENOSPC;
}
