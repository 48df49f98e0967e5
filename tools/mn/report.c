#include "tools/mn/mn.h"

#include <stdio.h>
#include <time.h>

#include "common/clock.h"
#include "common/json.h"
#include "proto/mobility/status.h"
#include "tools/mn/home.h"

static void put_time(json_t *obj, const char *key, uint64_t real_ns)
{
	time_t seconds = (time_t)(real_ns / CLOCK_NS_PER_S);
	char date[24], text[40];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%FT%T", &tm);
	snprintf(text, sizeof(text), "%s.%06lluZ", date,
		(unsigned long long)(real_ns % CLOCK_NS_PER_S / CLOCK_NS_PER_US));
	json_put_str(obj, key, text);
}

static void put_ms(json_t *obj, const char *key, uint64_t ns)
{
	json_object_set_new(obj, key, json_real((double)ns / CLOCK_NS_PER_MS));
}

static json_t *report_binding(const struct bul_entry *e)
{
	json_t *b = json_object();

	json_put_str(b, "state", bul_state_name(e->state));
	json_put_bool(b, "bound", e->bound);
	json_put_bool(b, "revoked", e->revoked);
	if (e->bound)
		json_put_addr(b, "care_of_address", &e->bound_care_of);
	else
		json_put_str(b, "care_of_address", NULL);
	json_put_uint(b, "lifetime_s", e->granted_s);
	json_put_uint(b, "remaining_s", bul_remaining_s(e));
	json_put_uint(b, "sequence", e->sequence);
	json_put_uint(b, "attempts", e->attempts);
	if (e->status == UINT8_MAX) {
		json_put_str(b, "status", NULL);
		json_put_str(b, "status_name", NULL);
	} else {
		json_put_uint(b, "status", e->status);
		json_put_str(b, "status_name", status_ba_name(e->status));
	}
	put_ms(b, "rtt_ms", e->rtt_ns);
	return b;
}

static json_t *report_path(const struct mn_path *path)
{
	json_t *p = json_object();

	json_put_str(p, "interface", path->at.name);
	json_put_uint(p, "bid", path->bid);
	json_put_addr(p, "care_of_address", &path->at.care_of);
	json_put_bool(p, "at_home", path->at.place == LINK_HOME);
	json_put_bool(p, "registered", path->registered);
	json_put_bool(p, "revoked", path->revoked);
	if (path->status == UINT8_MAX)
		json_put_str(p, "status", NULL);
	else
		json_put_uint(p, "status", path->status);
	if (path->has_tunnel)
		json_put_addr(p, "tunnel_address", &path->tunnel);
	else
		json_put_str(p, "tunnel_address", NULL);
	json_put_uint(p, "out_packets", path->way.out_packets);
	json_put_uint(p, "out_octets", path->way.out_octets);
	return p;
}

/* Empty unless the care-of addresses of several interfaces are registered. */
static json_t *report_paths(const struct mn_paths *paths)
{
	json_t *all = json_array();

	for (unsigned i = 0; paths->mode != MN_MULTIHOMING_OFF && i < paths->count; i++)
		json_array_append_new(all, report_path(&paths->all[i]));
	return all;
}

static json_t *report_flows(const struct mn *mn)
{
	json_t *all = json_array();

	for (size_t n = 0; n < mn->config.flows.count; n++) {
		const struct mn_path_flow *flow = &mn->paths.flows[n];
		json_t *f = json_object();

		json_put_uint(f, "id", config_item(&mn->config.flows, struct mn_flow, n)->id);
		json_put_uint(f, "bid", flow->bid);
		if (flow->status == UINT8_MAX)
			json_put_str(f, "status", NULL);
		else
			json_put_uint(f, "status", flow->status);
		json_array_append_new(all, f);
	}
	return all;
}

static json_t *report_tunnel(const struct tunnel_counters *c)
{
	json_t *t = json_object();

	json_put_uint(t, "out_packets", c->out_packets);
	json_put_uint(t, "out_octets", c->out_octets);
	json_put_uint(t, "in_packets", c->in_packets);
	json_put_uint(t, "in_octets", c->in_octets);
	json_put_uint(t, "out_no_tunnel", c->out_no_tunnel);
	json_put_uint(t, "out_not_home", c->out_not_home);
	json_put_uint(t, "out_failed", c->out_failed);
	json_put_uint(t, "in_wrong_source", c->in_wrong_source);
	json_put_uint(t, "in_malformed", c->in_malformed);
	json_put_uint(t, "in_not_home", c->in_not_home);
	json_put_uint(t, "in_congestion", c->in_congestion);
	return t;
}

static json_t *report_move(const struct mn_move *m)
{
	json_t *j = json_object();

	put_time(j, "time", m->at_real_ns);
	json_put_str(j, "from", link_place_name(m->from));
	json_put_str(j, "to", link_place_name(m->to));
	if (m->to == LINK_FOREIGN)
		json_put_addr(j, "care_of_address", &m->care_of);
	else
		json_put_str(j, "care_of_address", NULL);
	if (m->answered_ns) {
		put_ms(j, "signalling_ms", m->answered_ns - m->attached_ns);
		json_put_uint(j, "status", m->status);
	} else {
		json_put_str(j, "signalling_ms", NULL);
		json_put_str(j, "status", NULL);
	}
	return j;
}

/* Whether the home agent has the preferred care-of address; of several, perhaps among others that
 * were registered after it. */
static bool has_binding(const struct mn *mn)
{
	const struct mn_paths *paths = &mn->paths;

	for (unsigned i = 0; paths->mode != MN_MULTIHOMING_OFF && i < paths->count; i++)
		if (addr_equal(&paths->all[i].at.care_of, &mn->at.care_of))
			return paths->all[i].registered;
	return addr_equal(&mn->bul.bound_care_of, &mn->at.care_of);
}

/* One word for the whole: what a user wants to know first. */
static const char *summary(const struct mn *mn)
{
	const struct bul_entry *e = &mn->bul;

	if (mn->at.place == LINK_NOWHERE)
		return "detached";
	if (mn->at.place == LINK_HOME)
		return home_ready(mn) ? "home" : "returning";
	if (e->state == BUL_REFUSED)
		return e->revoked ? "revoked" : "refused";
	/* also while it is being refreshed */
	return e->bound && has_binding(mn) ? "registered" : "registering";
}

json_t *mn_report(const struct mn *mn)
{
	const struct link_attachment *at = link_now(mn->link);
	json_t *root = json_object(), *history = json_array(), *signals = json_object();

	json_put_str(root, "mn_id", mn->config.mn_id);
	json_put_addr(root, "home_address", &mn->config.home_address);
	json_put_addr(root, "home_agent", &mn->config.home_agent);
	json_put_str(root, "state", summary(mn));
	json_put_str(root, "place", link_place_name(at->place));
	json_put_str(root, "interface", at->ifindex ? at->name : NULL);
	if (at->place == LINK_FOREIGN)
		json_put_addr(root, "care_of_address", &at->care_of);
	else
		json_put_str(root, "care_of_address", NULL);
	if (at->place == LINK_FOREIGN)
		json_put_addr(root, "tunnel_address", &mn->tunnel_address);
	else
		json_put_str(root, "tunnel_address", NULL);
	json_object_set_new(root, "binding", report_binding(&mn->bul));
	json_object_set_new(root, "paths", report_paths(&mn->paths));
	json_object_set_new(root, "flows", report_flows(mn));
	json_object_set_new(root, "tunnel", report_tunnel(tunnel_counters(mn->tunnel)));
	json_put_uint(signals, "updates", mn->updates_sent);
	for (int kind = SIGNAL_BAD_CHECKSUM; kind < SIGNAL_KINDS; kind++)
		json_put_uint(signals, signal_kind_name(kind), mn->signals[kind]);
	json_object_set_new(root, "signals", signals);
	json_object_set_new(root, "multicast", multicast_report(mn));
	json_put_uint(root, "moves", mn->moves);
	uint64_t first = mn->moves > MN_HISTORY ? mn->moves - MN_HISTORY : 0;

	for (uint64_t n = first; n < mn->moves; n++)
		json_array_append_new(history, report_move(&mn->history[n % MN_HISTORY]));
	json_object_set_new(root, "history", history);
	return root;
}
