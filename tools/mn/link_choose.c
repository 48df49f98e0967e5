#include "tools/mn/link_choose.h"

#include <string.h>

/* Where one interface is attached; `now` is the care-of address that it gave last. */
static struct link_attachment look(const struct mn_config *config, const struct link_iface *i,
	uint8_t index, const struct in6_addr *now)
{
	struct link_attachment a = {
		.ifindex = i->ifindex, .index = index, .mtu = i->mtu, .mac = i->mac};
	const struct in6_addr *coa;

	if (!i->up)
		return (struct link_attachment){.place = LINK_NOWHERE};
	memcpy(a.name, i->name, sizeof(a.name));
	if (link_iface_at_home(i, &config->home_prefix, &config->home_address)) {
		a.place = LINK_HOME;
		return a;
	}
	coa = link_iface_care_of(i, &config->home_prefix, now);
	if (!coa)
		return (struct link_attachment){.place = LINK_NOWHERE};
	a.place = LINK_FOREIGN;
	a.care_of = *coa;
	return a;
}

/* The care-of address that an interface gave last; :: if none. */
static struct in6_addr care_of_before(
	const struct link_attachment *before, unsigned count, unsigned ifindex)
{
	for (unsigned n = 0; n < count; n++)
		if (before[n].ifindex == ifindex)
			return before[n].care_of;
	return (struct in6_addr){0};
}

static bool has_home(const struct link_attachment *all, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		if (all[n].place == LINK_HOME)
			return true;
	return false;
}

struct link_attachment link_choose_first(const struct link_attachment *all, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		if (all[n].place == LINK_FOREIGN)
			return all[n];
	return count ? all[0] : (struct link_attachment){.place = LINK_NOWHERE};
}

unsigned link_choose(const struct mn_config *config, bool beside, const struct link_iface *ifaces,
	unsigned count, const struct link_attachment *before, unsigned before_count,
	struct link_attachment all[static LINK_INTERFACES_MAX])
{
	unsigned chosen = 0;

	for (unsigned n = 0; n < count; n++) {
		struct in6_addr now = care_of_before(before, before_count, ifaces[n].ifindex);
		struct link_attachment a = look(config, &ifaces[n], (uint8_t)n, &now);

		if (a.place == LINK_NOWHERE)
			continue;
		if (a.place == LINK_HOME && (beside ? has_home(all, chosen) : chosen > 0))
			continue;
		all[chosen++] = a;
		if ((a.place == LINK_HOME && !beside) || config->multihoming == MN_MULTIHOMING_OFF)
			break;
	}
	return chosen;
}
