/*
 * GRE encapsulation, and the keys of the two directions (RFC 5845, 5).
 */
#include "ctrl/signalling/lma/lma_state.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/status.h"

void lma_gre_read(const struct mh *mh, struct lma_update *u)
{
	const struct mh_option *option = option_find(mh, OPTION_GRE_KEY);

	u->has_gre = option;
	u->gre_tlv = mh->bu.flags & FLAGS_BU_T;
	if (option)
		u->downlink_key = option->gre_key.key;
}

struct lma_verdict lma_gre_check(struct lma_check *c)
{
	/* Of a domain, nothing but the key says which one a packet is of. */
	const bool keyed = c->update->has_gre && c->update->downlink_key.present;
	const bool enough = c->profile->domain
				    ? keyed
				    : c->lma->config.gre != LMA_GRE_REQUIRED || c->update->has_gre;

	if (c->update->lifetime && !enough)
		return (struct lma_verdict){
			.outcome = LMA_REFUSE, .status = STATUS_BA_GRE_KEY_REQUIRED};
	return (struct lma_verdict){.outcome = LMA_PASS};
}

struct session_encapsulation lma_gre_of(const struct lma *lma, const struct lma_update *u)
{
	if (!u->has_gre || lma->config.gre == LMA_GRE_NEVER)
		return (struct session_encapsulation){.gre = SESSION_GRE_NONE};
	if (!u->downlink_key.present)
		return (struct session_encapsulation){.gre = SESSION_GRE_PLAIN};
	return (struct session_encapsulation){
		.gre = SESSION_GRE_KEYED, .peer_key = u->downlink_key.value};
}

uint8_t lma_gre_add(const struct lma *lma, const struct lma_update *u, uint64_t number,
	const struct session_encapsulation *e, struct mh *mh)
{
	struct mh_option *option;

	if (!u->has_gre)
		return STATUS_BA_ACCEPTED;
	if (lma->config.gre == LMA_GRE_NEVER)
		return STATUS_BA_GRE_KEY_NOT_REQUIRED;
	option = option_add(mh, OPTION_GRE_KEY);
	if (option && e->gre == SESSION_GRE_KEYED)
		option->gre_key.key =
			(struct field_optional){.value = session_own_key(number), .present = true};
	/* There is no tunnel in UDP that a TLV header could be in (7.4). */
	return u->gre_tlv ? STATUS_BA_TLV_NOT_SUPPORTED : STATUS_BA_ACCEPTED;
}
