/*
 * GRE encapsulation, and the keys of the two directions (RFC 5845, 4).
 */
#include "ctrl/signalling/mag/mag_state.h"
#include "proto/mobility/status.h"

enum {
	GRE_OCTETS = 4, /* of a GRE header, and as many more with a key, and with a number */
};

static enum mag_gre_known *known_of(struct mag *mag, const struct mag_anchor *anchor)
{
	return &mag->gre_known[anchor - mag->config.anchors];
}

static bool is_gre(enum session_gre gre)
{
	return gre == SESSION_GRE_PLAIN || gre == SESSION_GRE_KEYED;
}

enum session_gre mag_gre_wanted(const struct mag *mag, const struct mag_attachment *a)
{
	const enum mag_gre_known known = mag->gre_known[a->anchor - mag->config.anchors];

	/* Of a domain nothing else will do. */
	if (a->link->domain)
		return a->leaves ? SESSION_GRE_NONE : SESSION_GRE_KEYED;
	/* An end does not name it (4.2). */
	if (a->leaves || a->now.encapsulation.gre == SESSION_GRE_DECLINED ||
		known == MAG_GRE_UNSUPPORTED)
		return SESSION_GRE_NONE;
	switch (mag->config.gre) {
	case MAG_GRE_KEYS:
		return SESSION_GRE_KEYED;
	case MAG_GRE_ENCAPSULATION:
		return SESSION_GRE_PLAIN;
	case MAG_GRE_REQUIRED:
		return known == MAG_GRE_WANTED || is_gre(a->now.encapsulation.gre)
			       ? SESSION_GRE_KEYED
			       : SESSION_GRE_NONE;
	case MAG_GRE_NEVER:
		break;
	}
	return SESSION_GRE_NONE;
}

void mag_gre_add(const struct mag_attachment *a, enum session_gre wanted, struct mh *mh)
{
	struct mh_option *option = is_gre(wanted) ? option_add(mh, OPTION_GRE_KEY) : NULL;

	if (option && wanted == SESSION_GRE_KEYED)
		option->gre_key.key = (struct field_optional){
			.value = session_own_key(a->now.number), .present = true};
}

struct session_encapsulation mag_gre_accepted(struct mag *mag, const struct mag_attachment *a,
	enum session_gre asked, const struct mh *mh)
{
	const struct mh_option *option = option_find(mh, OPTION_GRE_KEY);
	struct session_encapsulation e = {.gre = SESSION_GRE_NONE};

	if (!is_gre(asked)) {
		if (a->now.encapsulation.gre == SESSION_GRE_DECLINED)
			e.gre = SESSION_GRE_DECLINED;
	} else if (mh->ba.status == STATUS_BA_GRE_KEY_NOT_REQUIRED) {
		e.gre = SESSION_GRE_DECLINED;
	} else if (!option) {
		mag_count(mag, MAG_N_NO_GRE);
		*known_of(mag, a->anchor) = MAG_GRE_UNSUPPORTED;
	} else if (asked == SESSION_GRE_KEYED && option->gre_key.key.present) {
		e = (struct session_encapsulation){
			.gre = SESSION_GRE_KEYED, .peer_key = option->gre_key.key.value};
	} else {
		e.gre = SESSION_GRE_PLAIN;
	}
	return e;
}

bool mag_gre_will_do(const struct mag_attachment *a, const struct session_encapsulation *e)
{
	return !a->link->domain || e->gre == SESSION_GRE_KEYED;
}

bool mag_gre_refused(struct mag *mag, const struct mag_attachment *a, enum session_gre asked)
{
	if (is_gre(asked) || mag->config.gre == MAG_GRE_NEVER)
		return false;
	*known_of(mag, a->anchor) = MAG_GRE_WANTED;
	return is_gre(mag_gre_wanted(mag, a));
}

void mag_gre_forget(struct mag *mag, const struct mag_anchor *anchor)
{
	*known_of(mag, anchor) = MAG_GRE_UNKNOWN;
}

static uint32_t octets_of(const struct session_encapsulation *e)
{
	if (!is_gre(e->gre))
		return 0;
	return e->gre == SESSION_GRE_KEYED ? 2 * GRE_OCTETS : GRE_OCTETS;
}

uint32_t mag_gre_mtu(const struct mag *mag, const struct mag_attachment *a)
{
	uint32_t more = octets_of(&a->now.encapsulation);

	for (size_t i = 0; i < a->now.path_count; i++)
		if (octets_of(&a->now.paths[i].encapsulation) > more)
			more = octets_of(&a->now.paths[i].encapsulation);
	if (mag->config.numbered && mag->config.path_count > 1 && more > GRE_OCTETS)
		more += GRE_OCTETS;
	if (mag->config.mtu <= MAG_MTU_MIN + more)
		return mag->config.mtu ? MAG_MTU_MIN : 0;
	return mag->config.mtu - more;
}
