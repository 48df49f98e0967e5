/*
 * Delegated mobile network prefixes (RFC 7148, 5.1): those of networks behind a node, which its
 * profile says that it has or may have.
 */
#include "ctrl/signalling/mag/mag_state.h"
#include "proto/mobility/status.h"

const char *mag_delegation_name(enum mag_delegation delegation)
{
	static const char *const names[] = {
		[MAG_DELEGATION_OFF] = "off",
		[MAG_DELEGATION_GRANTED] = "granted",
		[MAG_DELEGATION_UNSUPPORTED] = "unsupported",
		[MAG_DELEGATION_REFUSED] = "refused",
		[MAG_DELEGATION_IN_USE] = "in-use",
	};
	size_t count = sizeof(names) / sizeof(*names);

	return (size_t)delegation < count ? names[delegation] : "unknown";
}

/* What an update asks for. */
struct wish {
	enum { NOTHING, ANY, NAMED } kind;
	const struct prefix6 *prefixes; /* NAMED */
	size_t count;
};

static struct wish wish_of(const struct mag *mag, const struct mag_attachment *a)
{
	const struct mag_profile *profile = mag_profile_of(mag, &a->now.mac);

	/* The end of the session is theirs (5.2.2). */
	if (!profile || !profile->delegates || a->leaves ||
		a->delegation == MAG_DELEGATION_REFUSED || a->delegation == MAG_DELEGATION_IN_USE)
		return (struct wish){.kind = NOTHING};
	if (profile->delegated_count)
		return (struct wish){NAMED, profile->delegated, profile->delegated_count};
	if (a->now.delegated_count && !a->delegates_anew)
		return (struct wish){NAMED, a->now.delegated, a->now.delegated_count};
	return (struct wish){.kind = ANY};
}

static void add(struct mh *mh, const struct prefix6 *prefix)
{
	option_add(mh, OPTION_DELEGATED_PREFIX)->delegated_prefix =
		(struct option_delegated_prefix){.prefix_len = prefix->len,
			.prefix = {.ip6 = prefix->addr, .len = sizeof(prefix->addr)}};
}

bool mag_delegation_add(const struct mag *mag, const struct mag_attachment *a, struct mh *mh)
{
	static const struct prefix6 any;
	const struct wish wish = wish_of(mag, a);

	if (wish.kind == ANY)
		add(mh, &any);
	for (size_t i = 0; wish.kind == NAMED && i < wish.count; i++)
		add(mh, &wish.prefixes[i]);
	return wish.kind != NOTHING;
}

/* One of IPv6 that hosts can have addresses in. */
static bool is_usable(const struct option_delegated_prefix *body)
{
	return !body->is_ip4 && body->prefix_len && body->prefix_len <= 128 &&
	       addr_is_unicast_routable(&body->prefix.ip6);
}

void mag_delegation_accepted(struct mag *mag, struct mag_attachment *a, const struct mh *mh)
{
	struct attachment_record *to = &a->to;

	to->delegated_count = 0;
	if (!a->delegates)
		return;
	for (const struct mh_option *o = option_find(mh, OPTION_DELEGATED_PREFIX);
		o && to->delegated_count < SESSION_DELEGATED_MAX; o = option_next(mh, o))
		if (is_usable(&o->delegated_prefix))
			to->delegated[to->delegated_count++] = prefix6_of(
				&o->delegated_prefix.prefix.ip6, o->delegated_prefix.prefix_len);
	a->delegates_anew = false;
	a->delegation = to->delegated_count ? MAG_DELEGATION_GRANTED : MAG_DELEGATION_UNSUPPORTED;
	if (!to->delegated_count)
		mag_count(mag, MAG_N_NO_DELEGATION);
}

bool mag_delegation_refused(const struct mag *mag, struct mag_attachment *a, uint8_t status)
{
	const struct wish wish = wish_of(mag, a);

	if (wish.kind == NOTHING ||
		(status != STATUS_BA_DMNP_NOT_AUTHORIZED && status != STATUS_BA_DMNP_IN_USE))
		return false;
	/* What it was once given has gone to another: some others will do. */
	if (status == STATUS_BA_DMNP_IN_USE && wish.prefixes == a->now.delegated)
		a->delegates_anew = true;
	else
		a->delegation = status == STATUS_BA_DMNP_IN_USE ? MAG_DELEGATION_IN_USE
								: MAG_DELEGATION_REFUSED;
	return true;
}

void mag_delegation_retry(struct mag_attachment *a, bool all)
{
	if (a->delegation == MAG_DELEGATION_IN_USE ||
		(all && a->delegation == MAG_DELEGATION_REFUSED))
		a->delegation = MAG_DELEGATION_OFF;
}
