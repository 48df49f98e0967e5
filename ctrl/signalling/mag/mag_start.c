/*
 * What is attached from the start: what the store knows, and nodes that are always on.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "ctrl/signalling/mag/mag_state.h"

/* Anchors are asked about what was restored one node after the other, and all before the first half
 * of what is left of their lifetimes. */
static uint64_t asked_after_ns(const struct mag *mag, const struct mag_attachment *a)
{
	uint64_t after = mag->counters[MAG_N_RESTORED] * CLOCK_NS_PER_MS;
	uint64_t half = mag_left_ns(mag, a) / 2;

	return after < half ? after : half;
}

bool mag_is_current(const struct mag_attachment *a, const struct mag_profile *profile)
{
	char mn[SESSION_MN_ID_TEXT_SIZE];

	return addr_equal(&profile->anchor->address, &a->now.anchor) &&
	       strcmp(profile->mn_id, session_mn_id_text(mn, &a->now.mn_id)) == 0;
}

int mag_restore(struct mag *mag, const struct attachment_record *record)
{
	const struct mag_link *link = mag_link_find(mag, record->link);
	const struct mag_profile *profile = mag_profile_of(mag, &record->mac);
	const struct mag_anchor *anchor = mag_anchor_at(mag, &record->anchor);
	struct mag_attachment *a;

	if (mag_find(mag, &record->mac))
		return -EEXIST;
	a = mag_make(mag, &record->mn_id, &record->mac, link ? link : &mag->config.links[0],
		anchor ? anchor : &mag->config.anchors[0]);
	if (!a)
		return -ENOMEM;
	const struct session_mn_id mn_id = a->now.mn_id;

	a->now = *record;
	a->now.mn_id = mn_id;
	mag_path_restore(mag, a);
	a->delegation = record->delegated_count ? MAG_DELEGATION_GRANTED : MAG_DELEGATION_OFF;
	if (record->number > mag->last_number)
		mag->last_number = record->number;
	mag_count(mag, MAG_N_RESTORED);
	a->state = MAG_ATTACHED;
	a->end_ns = mag_now(mag) + mag_left_ns(mag, a);
	a->refresh_ns = mag_now(mag) + asked_after_ns(mag, a);
	a->access = record->access ? record->access : a->link->access;
	a->leaves = !link || !profile || !anchor || !mag_is_current(a, profile) ||
		    profile->domain != link->domain || record->domain != link->domain;
	a->tells = a->leaves && anchor;
	mag_arm(mag, a);
	if (a->leaves)
		wheel_arm(&mag->wheel, &a->timer, mag_now(mag));
	return 0;
}

/* Who is always on is registered when its turn comes. What was restored for an anchor, or a link,
 * that is no longer its own ends first, or moves. */
static void start_one(struct mag *mag, const struct mag_profile *profile, uint64_t at_ns)
{
	struct mag_attachment *a = mag_find(mag, &profile->mac);

	if (!a) {
		a = mag_attach_new(mag, profile, profile->always_on);
		if (!a)
			return;
		a->again_ns = at_ns;
		mag_arm(mag, a);
	} else if (a->leaves) {
		a->returns = profile->always_on;
	} else {
		mag_attach(mag, profile, profile->always_on);
	}
}

void mag_start(struct mag *mag)
{
	uint64_t at_ns = mag_now(mag);

	for (size_t i = 0; i < mag->config.profile_count; i++)
		if (mag->config.profiles[i].always_on) {
			at_ns += CLOCK_NS_PER_MS;
			start_one(mag, &mag->config.profiles[i], at_ns);
		}
}
