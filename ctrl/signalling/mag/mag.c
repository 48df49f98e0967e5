#include "ctrl/signalling/mag/mag.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/signalling/mag/mag_state.h"
#include "proto/mobility/codes.h"

/* Before a change that failed is tried again. */
#define RETRY_NS CLOCK_NS_PER_S

const struct counter_def mag_counter_defs[MAG_COUNTERS] = {
#define MAG_COUNTER_DEF(id, name, help) [MAG_N_##id] = {name, help},
	MAG_COUNTER_LIST(MAG_COUNTER_DEF)
#undef MAG_COUNTER_DEF
};

const char *mag_state_name(enum mag_state state)
{
	static const char *const names[] = {
		[MAG_REGISTERING] = "registering",
		[MAG_ATTACHED] = "attached",
		[MAG_DETACHING] = "detaching",
		[MAG_REFUSED] = "refused",
	};
	size_t count = sizeof(names) / sizeof(*names);

	return (size_t)state < count && names[state] ? names[state] : "unknown";
}

const char *mag_event_name(enum mag_event_kind kind)
{
	static const char *const names[] = {
		[MAG_EVENT_ATTACHED] = "attached",
		[MAG_EVENT_MOVED] = "moved",
		[MAG_EVENT_DETACHED] = "detached",
		[MAG_EVENT_LOST] = "lost",
		[MAG_EVENT_EXPIRED] = "expired",
		[MAG_EVENT_REFUSED] = "refused",
		[MAG_EVENT_REVOKED] = "revoked",
	};
	size_t count = sizeof(names) / sizeof(*names);

	return (size_t)kind < count && names[kind] ? names[kind] : "unknown";
}

static int compare_macs(const void *a, const void *b)
{
	const struct mag_profile *const *x = a, *const *y = b;

	return memcmp(&(*x)->mac, &(*y)->mac, sizeof((*x)->mac));
}

static int index_profiles(struct mag *mag)
{
	size_t count = mag->config.profile_count;

	mag->by_mac = calloc(count ? count : 1, sizeof(mag->by_mac[0]));
	if (!mag->by_mac)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		mag->by_mac[i] = &mag->config.profiles[i];
	qsort(mag->by_mac, count, sizeof(mag->by_mac[0]), compare_macs);
	return 0;
}

struct mag *mag_new(const struct mag_config *config, const struct mag_ops *ops)
{
	struct mag *mag = calloc(1, sizeof(*mag));

	if (!mag)
		return NULL;
	mag->config = *config;
	mag->ops = *ops;
	wheel_init(&mag->wheel, mag_now(mag), mag);
	mag->hmac = hmac_new();
	if (index_profiles(mag) < 0 || !mag->hmac ||
		hmac_random(&mag->sequence, sizeof(mag->sequence)) < 0 || mag_peer_open(mag) < 0) {
		mag_free(mag);
		errno = ENOMEM;
		return NULL;
	}
	return mag;
}

void mag_free(struct mag *mag)
{
	struct mag_attachment *a, *next;

	if (!mag)
		return;
	HASH_ITER (hh, mag->attachments, a, next) {
		HASH_DEL(mag->attachments, a);
		wheel_cancel(&mag->wheel, &a->timer);
		free(a);
	}
	mag_peer_close(mag);
	mag_revoke_close(mag);
	hmac_free(mag->hmac);
	free(mag->by_mac);
	free(mag);
}

struct wheel *mag_wheel(struct mag *mag)
{
	return &mag->wheel;
}

bool mag_is_own(const struct mag *mag, const struct in6_addr *address)
{
	for (size_t i = 0; i < mag->config.path_count; i++)
		if (addr_equal(&mag->config.paths[i].address, address))
			return true;
	return addr_equal(&mag->config.address, address);
}

json_t *mag_counters(const struct mag *mag)
{
	return counter_json(mag_counter_defs, mag->counters, MAG_COUNTERS);
}

const uint64_t *mag_values(const struct mag *mag)
{
	return mag->counters;
}

const struct mag_link *mag_link_find(const struct mag *mag, const char *port)
{
	for (size_t i = 0; i < mag->config.link_count; i++)
		if (strcmp(mag->config.links[i].port, port) == 0)
			return &mag->config.links[i];
	return NULL;
}

size_t mag_link_index(const struct mag *mag, const struct mag_link *link)
{
	return (size_t)(link - mag->config.links);
}

const struct mag_profile *mag_profile_find(const struct mag *mag, const char *mn_id)
{
	for (size_t i = 0; i < mag->config.profile_count; i++)
		if (strcmp(mag->config.profiles[i].mn_id, mn_id) == 0)
			return &mag->config.profiles[i];
	return NULL;
}

const struct mag_profile *mag_profile_of(const struct mag *mag, const struct mac *mac)
{
	size_t low = 0, high = mag->config.profile_count;

	while (low < high) {
		size_t at = (low + high) / 2;
		int order = memcmp(&mag->by_mac[at]->mac, mac, sizeof(*mac));

		if (order == 0)
			return mag->by_mac[at];
		if (order < 0)
			low = at + 1;
		else
			high = at;
	}
	return NULL;
}

const struct mag_anchor *mag_anchor_at(const struct mag *mag, const struct in6_addr *address)
{
	for (size_t i = 0; i < mag->config.anchor_count; i++)
		if (addr_equal(&mag->config.anchors[i].address, address))
			return &mag->config.anchors[i];
	return NULL;
}

struct mag_attachment *mag_find(const struct mag *mag, const struct mac *mac)
{
	struct mag_attachment *a;

	HASH_FIND(hh, mag->attachments, mac, sizeof(*mac), a);
	return a;
}

const struct mag_attachment *mag_next(const struct mag *mag, const struct mag_attachment *prev)
{
	return prev ? prev->hh.next : mag->attachments;
}

void mag_send(struct mag *mag, const uint8_t *ip, size_t len)
{
	const struct packet_inject inject = {
		.how = PACKET_TO_ROUTE, .length = (uint16_t)len, .frame = ip};

	if (mag->ops.inject(mag->ops.context, &inject) != 0)
		mag_count(mag, MAG_N_SEND_FAILED);
}

void mag_tell(struct mag *mag, enum mag_event_kind kind, const struct mag_attachment *a)
{
	static struct log_limit limit = LOG_LIMIT(50);
	char mn[SESSION_MN_ID_TEXT_SIZE];

	LOG_LIMITED(&limit, LOG_LEVEL_INFO, "mag", mag_event_name(kind),
		"mn=%s link=%s prefix=%s anchor=%s status=%u",
		LOG_QUOTE(session_mn_id_text(mn, &a->now.mn_id)), a->link->port,
		PREFIX6_TEXT(&a->now.prefixes[0]), ADDR_TEXT(&a->now.anchor), a->status);
	mag->ops.event(mag->ops.context, kind, a);
	tracer_tell(&mag->tracer,
		&(struct tracer_item){.kind = TRACER_EVENT,
			.what = mag_event_name(kind),
			.mn_id = session_mn_id_text(mn, &a->now.mn_id),
			.home = a->now.prefix_count ? &a->now.prefixes[0].addr : NULL});
}

void mag_set_tracer(struct mag *mag, struct tracer tracer)
{
	mag->tracer = tracer;
}

/* Tells who waits for the end of service. */
static void ended(struct mag_attachment *a)
{
	mag_done *done = a->done;

	a->done = NULL;
	if (done)
		done(a->done_context, 0);
}

static void forget(struct mag *mag, struct mag_attachment *a)
{
	const struct mag_link *link = a->returns;
	const struct mag_profile *profile = link ? mag_profile_of(mag, &a->now.mac) : NULL;

	ended(a);
	mag_revoke_moot(a);
	wheel_cancel(&mag->wheel, &a->timer);
	HASH_DEL(mag->attachments, a);
	free(a);
	if (profile)
		mag_attach(mag, profile, link);
}

static void on_timer(struct wheel_timer *timer, void *context)
{
	mag_go_on(context, wheel_entry(timer, struct mag_attachment, timer));
}

static void stop_serving(struct mag *mag, struct mag_attachment *a)
{
	a->ends = true;
	a->refresh_ns = a->end_ns = a->probe_ns = UINT64_MAX;
	mag_path_reset(mag, a);
	a->to = a->now;
	a->to.lifetime = 0;
	a->to.path_count = 0;
	a->to.encapsulation = (struct session_encapsulation){.gre = SESSION_GRE_NONE};
	mag_commit(mag, a);
}

/* Moves it to the link where its node is. */
static void follow(struct mag *mag, struct mag_attachment *a)
{
	a->to = a->now;
	snprintf(a->to.link, sizeof(a->to.link), "%s", a->link->port);
	mag_commit(mag, a);
}

/* What a served node needs from time to time. */
static void serve(struct mag *mag, struct mag_attachment *a, uint64_t now)
{
	if (a->ends) {
		stop_serving(mag, a);
	} else if (now >= a->end_ns) {
		mag_count(mag, MAG_N_EXPIRED);
		mag_tell(mag, MAG_EVENT_EXPIRED, a);
		a->state = MAG_REGISTERING;
		stop_serving(mag, a);
	} else if (strcmp(a->now.link, a->link->port) != 0) {
		follow(mag, a);
	} else if (a->renews) {
		a->to = a->now;
		mag_commit(mag, a);
	} else if (a->access != a->link->access && !a->asked) {
		a->refresh_ns = UINT64_MAX;
		mag_ask(mag, a, CODES_HANDOFF_OTHER_INTERFACE);
	} else if (now >= a->refresh_ns && !a->asked) {
		a->refresh_ns = UINT64_MAX;
		mag_delegation_retry(a, false);
		mag_ask(mag, a, CODES_HANDOFF_NOT_CHANGED);
	} else if (mag_path_take(mag, a)) {
		mag_commit(mag, a);
	} else {
		mag_path_go_on(mag, a);
		if (now >= a->probe_ns)
			mag_probe(mag, a);
	}
}

/* First it is no longer served, then its anchor is told, then it is forgotten: returns false. */
static bool leave(struct mag *mag, struct mag_attachment *a)
{
	a->state = MAG_DETACHING;
	if (mag_is_served(a)) {
		a->asked = false;
		stop_serving(mag, a);
		return true;
	}
	if (a->tells) {
		a->tells = false;
		mag_ask(mag, a, CODES_HANDOFF_UNKNOWN);
	}
	if (a->asked)
		return true;
	if (a->bars) {
		a->bars = a->leaves = false;
		a->state = MAG_REFUSED;
		a->hold_ns = mag_now(mag) + (uint64_t)mag->config.hold_ms * CLOCK_NS_PER_MS;
		return true;
	}
	forget(mag, a);
	return false;
}

void mag_arm(struct mag *mag, struct mag_attachment *a)
{
	const uint64_t dues[] = {a->asked ? a->ask_ns : UINT64_MAX, a->refresh_ns, a->end_ns,
		a->probe_ns, a->again_ns, a->doubt_ns,
		a->always_on && a->state == MAG_REFUSED ? a->hold_ns : UINT64_MAX,
		mag_is_served(a) && !a->leaves ? mag_path_due(mag, a) : UINT64_MAX};
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < sizeof(dues) / sizeof(dues[0]); i++)
		if (dues[i] < due)
			due = dues[i];
	if (!a->busy && due != UINT64_MAX)
		wheel_arm(&mag->wheel, &a->timer, due);
}

void mag_go_on(struct mag *mag, struct mag_attachment *a)
{
	uint64_t now = mag_now(mag);

	wheel_cancel(&mag->wheel, &a->timer);
	if (a->busy)
		return;
	a->again_ns = UINT64_MAX;
	if (a->asked && now >= a->ask_ns)
		mag_ask_again(mag, a);
	if (a->leaves) {
		if (!leave(mag, a))
			return;
	} else if (now >= a->doubt_ns) {
		mag_revoke_doubted(mag, a);
		return;
	} else if (mag_is_served(a)) {
		serve(mag, a, now);
	} else if (a->always_on && a->state == MAG_REFUSED && now >= a->hold_ns) {
		a->state = MAG_REGISTERING;
		mag_delegation_retry(a, true);
		mag_ask(mag, a, CODES_HANDOFF_UNKNOWN);
	} else if (a->state == MAG_REGISTERING && !a->asked) {
		mag_ask(mag, a, CODES_HANDOFF_UNKNOWN);
	}
	mag_arm(mag, a);
}

/* The node is served now, or goes on to be. */
static void served(struct mag *mag, struct mag_attachment *a, bool first, bool moved)
{
	uint64_t now = mag_now(mag), left = mag_left_ns(mag, a);

	a->state = MAG_ATTACHED;
	a->end_ns = now + left;
	a->refresh_ns = now + left / 2;
	mag_heard(mag, a);
	if (first) {
		mag_count(mag, MAG_N_ATTACHED);
		mag_tell(mag, MAG_EVENT_ATTACHED, a);
	} else if (moved) {
		mag_count(mag, MAG_N_MOVED);
		mag_tell(mag, MAG_EVENT_MOVED, a);
	}
	mag_advertise(mag, a);
}

static void failed(struct mag *mag, struct mag_attachment *a, int error)
{
	static struct log_limit limit = LOG_LIMIT(5);

	mag_count(mag, MAG_N_COMMIT_FAILED);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "mag", "commit-failed", "mac=%s error=%s",
		MAC_TEXT(&a->now.mac), strerrorname_np(-error));
	a->again_ns = mag_now(mag) + RETRY_NS;
	/* Its anchor believes that it is served: it is asked again, and then so is the commit. */
	if (a->to.lifetime && !a->asked) {
		a->asked = true;
		a->ask_ns = a->again_ns;
	}
}

static void committed(void *context, int error)
{
	struct mag_attachment *a = context;
	struct mag *mag = a->owner;
	bool first = !mag_is_served(a), moved = strcmp(a->now.link, a->to.link) != 0;

	a->busy = false;
	if (error) {
		failed(mag, a, error);
		wheel_cancel(&mag->wheel, &a->timer);
		mag_arm(mag, a);
		return;
	}
	a->now = a->to;
	a->ends = false;
	if (mag_is_served(a))
		served(mag, a, first, moved);
	else
		ended(a);
	mag_go_on(mag, a);
}

void mag_commit(struct mag *mag, struct mag_attachment *a)
{
	int error;

	a->busy = true;
	a->renews = false;
	error = mag->ops.commit(mag->ops.context, &a->now, &a->to, committed, a);
	if (error) {
		a->busy = false;
		failed(mag, a, error);
	}
}

struct mag_attachment *mag_make(struct mag *mag, const struct session_mn_id *mn_id,
	const struct mac *mac, const struct mag_link *link, const struct mag_anchor *anchor)
{
	struct mag_attachment *a = calloc(1, sizeof(*a) + mn_id->len);
	const struct mag_profile *profile = mag_profile_of(mag, mac);

	if (!a) {
		mag_count(mag, MAG_N_NO_MEMORY);
		return NULL;
	}
	memcpy(a->mn_id, mn_id->octets, mn_id->len);
	a->owner = mag;
	a->now.mac = *mac;
	a->now.mn_id = *mn_id;
	a->now.mn_id.octets = a->mn_id;
	a->now.anchor = anchor->address;
	snprintf(a->now.link, sizeof(a->now.link), "%s", link->port);
	a->link = link;
	a->anchor = anchor;
	a->always_on = profile && profile->always_on;
	a->state = MAG_REGISTERING;
	mag_path_reset(mag, a);
	a->refresh_ns = a->end_ns = a->probe_ns = a->again_ns = a->doubt_ns = UINT64_MAX;
	wheel_timer_init(&a->timer, on_timer);
	HASH_ADD(hh, mag->attachments, now.mac, sizeof(a->now.mac), a);
	return a;
}

/* One that is there already: back, elsewhere, or to be tried again. */
static void attach_again(struct mag *mag, struct mag_attachment *a,
	const struct mag_profile *profile, const struct mag_link *link)
{
	if (a->leaves && a->bars)
		return;
	if (a->leaves && !mag_is_current(a, profile)) {
		a->returns = link;
		return;
	}
	a->link = link;
	if (a->leaves) {
		ended(a);
		mag_revoke_moot(a);
		a->leaves = a->tells = a->asked = false;
		a->returns = NULL;
		a->state = MAG_REGISTERING;
		mag_path_reset(mag, a);
		mag_delegation_retry(a, true);
	} else if (a->state == MAG_REFUSED && mag_now(mag) >= a->hold_ns) {
		a->state = MAG_REGISTERING;
		mag_delegation_retry(a, true);
	} else if (mag_is_served(a) && strcmp(a->now.link, link->port) == 0) {
		mag_advertise(mag, a);
		return;
	}
	mag_go_on(mag, a);
}

static bool has_key(void *context, uint32_t key)
{
	struct mag_attachment *a, *next;
	struct mag *mag = context;
	bool found = false;

	HASH_ITER (hh, mag->attachments, a, next)
		found |= session_own_key(a->now.number) == key;
	return found;
}

struct mag_attachment *mag_attach_new(
	struct mag *mag, const struct mag_profile *profile, const struct mag_link *link)
{
	const struct session_mn_id mn_id = {.subtype = CODES_MN_ID_NAI,
		.len = (uint8_t)strlen(profile->mn_id),
		.octets = (const uint8_t *)profile->mn_id};
	struct mag_attachment *a = mag_make(mag, &mn_id, &profile->mac, link, profile->anchor);

	if (a)
		a->now.number = mag->last_number =
			session_number_after(mag->last_number, has_key, mag);
	return a;
}

int mag_attach(struct mag *mag, const struct mag_profile *profile, const struct mag_link *link)
{
	struct mag_attachment *a = mag_find(mag, &profile->mac);

	if (profile->domain != link->domain) {
		mag_count(mag, MAG_N_OTHER_DOMAIN);
		return -EPERM;
	}
	if (a) {
		attach_again(mag, a, profile, link);
		return 0;
	}
	a = mag_attach_new(mag, profile, link);
	if (!a)
		return -ENOMEM;
	mag_go_on(mag, a);
	return 0;
}

void mag_end(struct mag *mag, struct mag_attachment *a, bool bars, mag_done *done, void *context)
{
	if (a->leaves) {
		if (done)
			done(context, -EALREADY);
		return;
	}
	mag_tell(mag, MAG_EVENT_REVOKED, a);
	if (bars && mag_is_served(a))
		mag_withdraw(mag, a);
	a->leaves = true;
	a->bars = bars;
	a->tells = a->asked = false;
	a->done = done;
	a->done_context = context;
	mag_go_on(mag, a);
}

int mag_detach(struct mag *mag, struct mag_attachment *a, mag_done *done, void *done_context)
{
	if (a->leaves)
		return -EALREADY;
	a->leaves = true;
	a->tells = a->state != MAG_REFUSED; /* of which its anchor has nothing */
	a->asked = false;
	a->done = done;
	a->done_context = done_context;
	mag_count(mag, MAG_N_DETACHED);
	mag_tell(mag, MAG_EVENT_DETACHED, a);
	mag_go_on(mag, a);
	return 0;
}

static void renew(struct mag *mag, struct mag_attachment *a)
{
	if (!a->now.path_count && !a->busy)
		return;
	a->renews = true;
	mag_go_on(mag, a);
}

void mag_renew_paths(struct mag *mag, const char *anchor)
{
	struct mag_attachment *a, *next;

	HASH_ITER (hh, mag->attachments, a, next)
		if (!anchor || strcmp(a->anchor->name, anchor) == 0)
			renew(mag, a);
}
