/*
 * Several ways to the anchor of an attachment (RFC 8278): the first registration asks over one of
 * them whether the anchor knows of such; if it does, the others follow.
 */
#include <string.h>

#include "common/clock.h"
#include "ctrl/binding/binding.h"
#include "ctrl/signalling/mag/mag_state.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/status.h"

enum { ROTATE_TRIES = 2 }; /* unanswered ones before another way is tried */

const struct mag_path *mag_path_find(const struct mag *mag, uint8_t bid)
{
	for (size_t i = 0; i < mag->config.path_count; i++)
		if (mag->config.paths[i].bid == bid)
			return &mag->config.paths[i];
	return NULL;
}

const struct mag_path *mag_path_main(const struct mag *mag, const struct mag_attachment *a)
{
	return mag->config.path_count ? &mag->config.paths[a->way] : NULL;
}

bool mag_path_wanted(const struct mag *mag, const struct mag_attachment *a)
{
	return mag->config.path_count && a->multipath != MAG_MULTIPATH_NO;
}

void mag_path_rotate(const struct mag *mag, struct mag_attachment *a)
{
	if (mag->config.path_count && a->tries % ROTATE_TRIES == 0)
		a->way = (uint8_t)((a->way + 1) % mag->config.path_count);
}

void mag_path_add_options(const struct mag *mag, const struct mag_attachment *a,
	const struct mag_path *path, bool bulk, struct mh *mh)
{
	struct mh_option *option = option_add(mh, OPTION_MAG_MULTIPATH);

	option->mag_multipath = (struct option_mag_multipath){.access = path->access,
		.label = path->label,
		.bid = path->bid,
		.bulk = bulk && !a->overwrites,
		.overwrite = a->overwrites};
	option = option_add(mh, OPTION_MAG_ID);
	option->mn_id.subtype = CODES_MN_ID_NAI;
	option->mn_id.id.at = (const uint8_t *)mag->config.identifier;
	option->mn_id.id.len = (uint8_t)strlen(mag->config.identifier);
}

void mag_path_add_metrics(struct mag *mag, const struct mag_attachment *a, struct mh *mh)
{
	struct metrics_list metrics = {.count = 0};
	struct mh_option *option;
	ssize_t len;

	if (!mag->config.metrics_vendor)
		return;
	mag->ops.metrics(mag->ops.context, a->anchor, &metrics);
	len = metrics_encode(&metrics, mag->metrics, sizeof(mag->metrics));
	if (len <= 0)
		return;
	option = option_add(mh, OPTION_VENDOR);
	option->vendor = (struct option_vendor){.vendor = mag->config.metrics_vendor,
		.subtype = METRICS_SUBTYPE,
		.data = {.at = mag->metrics, .len = (uint8_t)len}};
	mag_count(mag, MAG_N_METRICS);
}

bool mag_tell_metrics(struct mag *mag, const struct mag_anchor *anchor)
{
	for (struct mag_attachment *a = mag->attachments; a; a = a->hh.next)
		if (a->anchor == anchor && a->state == MAG_ATTACHED && !a->asked && !a->busy &&
			!a->leaves && a->multipath == MAG_MULTIPATH_YES) {
			a->refresh_ns = mag_now(mag);
			mag_go_on(mag, a);
			return true;
		}
	return false;
}

static const struct option_mag_multipath *echo_of(const struct mh *mh)
{
	const struct mh_option *option = option_find(mh, OPTION_MAG_MULTIPATH);

	return option ? &option->mag_multipath : NULL;
}

bool mag_path_user_plane(const struct mh *mh, struct in6_addr *address)
{
	*address = in6addr_any;
	for (const struct mh_option *o = option_find(mh, OPTION_LMA_ADDRESS); o;
		o = option_next(mh, o))
		if (o->lma_address.address.len == sizeof(*address)) {
			*address = o->lma_address.address.ip6;
			return addr_is_unicast_routable(address);
		}
	return true;
}

static void put(struct attachment_record *to, const struct attachment_path *path)
{
	size_t at = 0;

	while (at < to->path_count && to->paths[at].bid < path->bid)
		at++;
	if (at == to->path_count || to->paths[at].bid != path->bid) {
		memmove(&to->paths[at + 1], &to->paths[at],
			(to->path_count - at) * sizeof(to->paths[0]));
		to->path_count++;
	}
	to->paths[at] = *path;
}

void mag_path_accepted(const struct mag *mag, struct mag_attachment *a, const struct mh *mh)
{
	const struct mag_path *path = mag_path_main(mag, a);
	const struct option_mag_multipath *echo = echo_of(mh);

	if (!mag_path_wanted(mag, a) || !echo || echo->bid != path->bid) {
		/* An anchor that does not know the option has the one way that it was asked by. */
		a->multipath = MAG_MULTIPATH_NO;
		a->to.path_count = 0;
		return;
	}
	a->multipath = MAG_MULTIPATH_YES;
	if (a->overwrites)
		a->to.path_count = 0;
	a->overwrites = false;
	for (size_t i = 0; i < a->to.path_count && echo->bulk; i++) {
		a->to.paths[i].lifetime = a->to.lifetime;
		a->to.paths[i].expires_ns = a->to.expires_ns;
	}
	put(&a->to, &(struct attachment_path){.bid = path->bid,
			    .lifetime = a->to.lifetime,
			    .expires_ns = a->to.expires_ns,
			    .user_plane = a->to.user_plane,
			    .encapsulation = a->to.encapsulation});
}

bool mag_path_refused(struct mag *mag, struct mag_attachment *a)
{
	if (!mag_path_wanted(mag, a))
		return false;
	mag_count(mag, MAG_N_NO_MULTIPATH);
	a->multipath = MAG_MULTIPATH_NO;
	return true;
}

/* Whether a path is registered for a good while. */
static bool lasts(const struct mag *mag, const struct mag_attachment *a, uint8_t bid)
{
	for (size_t i = 0; i < a->now.path_count; i++) {
		const struct attachment_path *path = &a->now.paths[i];

		if (path->bid == bid)
			return path->expires_ns >
			       mag_real(mag) + binding_lifetime_ns(path->lifetime) / 4;
	}
	return false;
}

static void ask(struct mag *mag, struct mag_attachment *a, size_t index)
{
	struct mag_way *way = &a->ways[index];
	uint64_t wait_ms = MAG_FIRST_TIMEOUT_MS;

	for (uint8_t i = 0; i < way->tries && wait_ms < MAG_LAST_TIMEOUT_MS; i++)
		wait_ms *= 2;
	if (way->tries)
		mag_count(mag, MAG_N_PBU_AGAIN);
	if (way->tries < UINT8_MAX)
		way->tries++;
	way->asked = true;
	way->ask_ns = mag_now(mag) + wait_ms * CLOCK_NS_PER_MS;
	way->gre = mag_gre_wanted(mag, a);
	way->sequence = mag_send_path(mag, a, &mag->config.paths[index], way->gre);
}

void mag_path_go_on(struct mag *mag, struct mag_attachment *a)
{
	uint64_t now = mag_now(mag);
	bool asked = false;

	if (a->multipath != MAG_MULTIPATH_YES || a->overwrites || !mag_is_served(a) ||
		a->access != a->link->access)
		return;
	for (size_t i = 0; i < mag->config.path_count; i++) {
		struct mag_way *way = &a->ways[i];

		if (way->granted || lasts(mag, a, mag->config.paths[i].bid)) {
			way->asked = false;
			way->tries = 0;
			continue;
		}
		/* One after the other, or all at once (4.4). */
		if (now >= way->ask_ns && (mag->config.concurrent || !asked))
			ask(mag, a, i);
		asked |= way->asked && way->tries < ROTATE_TRIES;
	}
}

uint64_t mag_path_due(const struct mag *mag, const struct mag_attachment *a)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < mag->config.path_count; i++)
		if (a->multipath == MAG_MULTIPATH_YES && a->ways[i].asked &&
			a->ways[i].ask_ns < due)
			due = a->ways[i].ask_ns;
	return due;
}

struct mag_way *mag_path_asker(struct mag *mag, struct mag_attachment *a, uint16_t sequence)
{
	for (size_t i = 0; i < mag->config.path_count; i++)
		if (a->ways[i].asked && a->ways[i].sequence == sequence)
			return &a->ways[i];
	return NULL;
}

void mag_path_answered(
	struct mag *mag, struct mag_attachment *a, struct mag_way *way, const struct mh *mh)
{
	const struct mag_path *path = &mag->config.paths[way - a->ways];
	const struct option_mag_multipath *echo = echo_of(mh);

	way->status = mh->ba.status;
	if (mh->ba.status < STATUS_BA_REJECTED && mh->ba.lifetime && echo &&
		echo->bid == path->bid && mag_path_user_plane(mh, &way->user_plane)) {
		way->encapsulation = mag_gre_accepted(mag, a, way->gre, mh);
		if (!mag_gre_will_do(a, &way->encapsulation)) {
			mag_count(mag, MAG_N_NO_KEYS);
			return; /* it is asked for again */
		}
		way->asked = false;
		way->granted = mh->ba.lifetime;
		mag_clock_accepted(mag, a);
		way->expires_ns = mag_real(mag) + binding_lifetime_ns(mh->ba.lifetime);
		mag_count(mag, MAG_N_ACCEPTED);
		return;
	}
	mag_count(mag, MAG_N_REFUSED);
	if (mh->ba.status == STATUS_BA_TIMESTAMP_MISMATCH)
		mag_clock_refused(mag, a, mh);
	if (mh->ba.status == STATUS_BA_GRE_KEY_REQUIRED)
		mag_gre_refused(mag, a, way->gre);
	mag_delegation_refused(mag, a, mh->ba.status);
	/* It is asked for again, more and more slowly, as if nobody had answered. */
}

bool mag_path_take(struct mag *mag, struct mag_attachment *a)
{
	bool any = false;

	a->to = a->now;
	for (size_t i = 0; i < mag->config.path_count; i++) {
		struct mag_way *way = &a->ways[i];

		if (!way->granted)
			continue;
		put(&a->to, &(struct attachment_path){.bid = mag->config.paths[i].bid,
				    .lifetime = way->granted,
				    .expires_ns = way->expires_ns,
				    .user_plane = way->user_plane,
				    .encapsulation = way->encapsulation});
		way->granted = 0;
		any = true;
	}
	return any;
}

void mag_path_reset(struct mag *mag, struct mag_attachment *a)
{
	memset(a->ways, 0, sizeof(a->ways));
	a->multipath = mag->config.path_count ? MAG_MULTIPATH_UNKNOWN : MAG_MULTIPATH_NO;
}

void mag_path_restore(struct mag *mag, struct mag_attachment *a)
{
	mag_path_reset(mag, a);
	for (size_t i = 0; i < a->now.path_count; i++)
		a->overwrites |= !mag_path_find(mag, a->now.paths[i].bid);
	if (a->now.path_count && mag->config.path_count)
		a->multipath = MAG_MULTIPATH_YES;
}
