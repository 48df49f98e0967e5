#include "ctrl/signalling/proxy/trace_peer.h"

#include "proto/mobility/codes.h"

/* The identifier that a message has, or len 0. */
static struct session_mn_id mn_id_of(const struct mh *mh)
{
	const struct mh_option *o = option_find(mh, OPTION_MN_ID);

	if (!o)
		return (struct session_mn_id){0};
	return (struct session_mn_id){o->mn_id.subtype, o->mn_id.id.len, o->mn_id.id.at};
}

static const char *name_of(const struct mh *mh)
{
	if (mh->type == MH_UPN)
		return "update-notification";
	if (mh->type == MH_UPA)
		return "update-notification-acknowledgement";
	return mh->revocation.type == CODES_REVOCATION_INDICATION
		       ? "binding-revocation-indication"
		       : "binding-revocation-acknowledgement";
}

/* The status of an acknowledgement; of what asks for one NULL. */
static const char *status_of(const struct mh *mh)
{
	if (mh->type == MH_UPA)
		return names_find(&codes_upa, mh->upa.status);
	if (mh->type == MH_REVOCATION && mh->revocation.type == CODES_REVOCATION_ACKNOWLEDGEMENT)
		return names_find(&codes_bra, mh->revocation.status);
	return NULL;
}

void trace_peer(const struct tracer *tracer, const struct trace_peer *what)
{
	const struct session_mn_id said = mn_id_of(what->mh);
	const struct session_mn_id *mn_id = what->mn_id && what->mn_id->len ? what->mn_id : &said;
	const struct mh_option *prefix = option_find(what->mh, OPTION_HOME_NETWORK_PREFIX);
	char text[SESSION_MN_ID_TEXT_SIZE];

	if (!tracer->fn || !mn_id->len || mn_id->len > SESSION_MN_ID_MAX)
		return;
	if (what->mh->type != MH_UPN && what->mh->type != MH_UPA && what->mh->type != MH_REVOCATION)
		return;
	tracer_tell(tracer, &(struct tracer_item){.kind = what->kind,
				    .what = name_of(what->mh),
				    .outcome = what->outcome ? what->outcome : status_of(what->mh),
				    .data_plane = what->data_plane,
				    .mn_id = session_mn_id_text(text, mn_id),
				    .home = prefix ? &prefix->prefix.prefix : NULL,
				    .care_of = what->care_of,
				    .octets = what->octets,
				    .len = what->len});
}
