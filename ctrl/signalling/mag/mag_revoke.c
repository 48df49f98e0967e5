/*
 * Binding Revocation (RFC 5846, 9).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/clock.h"
#include "common/wait_group.h"
#include "ctrl/signalling/mag/mag_state.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/flags.h"

/* How long a node that may have left is given to answer; less than until the anchor asks again. */
#define DOUBT_NS (CLOCK_NS_PER_S / 2)

/* An indication, until all that it ends is no longer served. */
struct mag_revocation {
	struct mag *mag;
	struct proxy_peer peer;
	struct mh_revocation answer;
	uint8_t trigger;
	struct wait_group group;
	struct session_mn_id about; /* len 0: nobody alone */
	uint8_t octets[SESSION_MN_ID_MAX];
	struct mag_revocation *prev, *next; /* in mag->revocations */
};

/* Keeps whom an indication is about, for who traces that node. */
static void take_about(struct mag_revocation *r, const struct mh *mh)
{
	const struct mh_option *mn = option_find(mh, OPTION_MN_ID);

	if (!mn || mn->mn_id.id.len > sizeof(r->octets))
		return;
	memcpy(r->octets, mn->mn_id.id.at, mn->mn_id.id.len);
	r->about = (struct session_mn_id){mn->mn_id.subtype, mn->mn_id.id.len, r->octets};
}

static void all_left(void *context, int error)
{
	struct mag_revocation *r = context;
	struct mh mh = {.type = MH_REVOCATION};

	if (error)
		r->answer.status = CODES_BRA_PARTIAL;
	mh.revocation = r->answer;
	mag_answer(r->mag, &r->peer, &mh, &r->about);
	DL_DELETE(r->mag->revocations, r);
	free(r);
}

static bool is_handover(uint8_t trigger)
{
	return trigger >= CODES_BRI_HANDOVER_SAME && trigger <= CODES_BRI_HANDOVER_UNKNOWN;
}

/* What a node said: it is here, whatever its anchor believes (RFC 5846, 9.1). */
void mag_revoke_refute(struct mag_attachment *a)
{
	struct mag_revocation *r = a->doubt;

	if (!r)
		return;
	a->doubt = NULL;
	a->doubt_ns = UINT64_MAX;
	r->answer.status = CODES_BRA_ATTACHED;
	wait_group_done(&r->group, 0);
}

/* It leaves for another reason. */
void mag_revoke_moot(struct mag_attachment *a)
{
	struct mag_revocation *r = a->doubt;

	if (!r)
		return;
	a->doubt = NULL;
	a->doubt_ns = UINT64_MAX;
	wait_group_done(&r->group, 0);
}

/* It has said nothing. The attachment may be gone afterwards. */
void mag_revoke_doubted(struct mag *mag, struct mag_attachment *a)
{
	struct mag_revocation *r = a->doubt;

	a->doubt = NULL;
	a->doubt_ns = UINT64_MAX;
	mag_end(mag, a, false, wait_group_done, &r->group);
}

/* Ends an attachment, or asks its node first. The attachment may be gone afterwards. */
static void revoke(struct mag *mag, struct mag_attachment *a, struct mag_revocation *r)
{
	bool handover = is_handover(r->trigger);

	if (!mag_is_served(a) || a->leaves || a->doubt)
		return;
	wait_group_add(&r->group);
	mag_count(mag, MAG_N_REVOKED);
	if (handover && (a->asked || (a->always_on && r->trigger == CODES_BRI_HANDOVER_UNKNOWN))) {
		/* It has just said that it is here, or is so by configuration. */
		r->answer.status = CODES_BRA_ATTACHED;
		wait_group_done(&r->group, 0);
	} else if (handover && !addr_is_unspecified(&a->address)) {
		a->doubt = r;
		a->doubt_ns = mag_now(mag) + DOUBT_NS;
		mag_solicit(mag, a);
		mag_go_on(mag, a);
	} else {
		mag_end(mag, a, !handover, wait_group_done, &r->group);
	}
}

/* Whether an attachment is of an anchor and, for a realm, of that. */
static bool is_meant(const struct mag_attachment *a, const struct mag_anchor *anchor,
	const struct mh_option *realm)
{
	const uint8_t *at;
	size_t len;

	if (a->anchor != anchor)
		return false;
	if (!realm)
		return true;
	at = memrchr(a->now.mn_id.octets, '@', a->now.mn_id.len);
	len = at ? (size_t)(a->now.mn_id.octets + a->now.mn_id.len - at) : 0;
	return len && len == realm->mn_id.id.len && memcmp(at, realm->mn_id.id.at, len) == 0;
}

/* The status with which an indication is refused; 0: it is not. */
static uint8_t fault(const struct mh *mh)
{
	const struct mh_option *mn = option_find(mh, OPTION_MN_ID);
	const struct mh_revocation *r = &mh->revocation;
	bool global = r->flags & FLAGS_REVOCATION_G;

	if (!(r->flags & FLAGS_REVOCATION_P) || r->flags & FLAGS_REVOCATION_V)
		return CODES_BRA_NO_BINDING;
	if (global != (r->trigger >= CODES_BRI_PER_PEER))
		return CODES_BRA_FUNCTION;
	if (!global && r->trigger > CODES_BRI_OUT_OF_SYNC)
		return CODES_BRA_TRIGGER;
	if (!global)
		return mn && mn->mn_id.id.len ? 0 : CODES_BRA_IDENTITY_REQUIRED;
	if (r->trigger == CODES_BRI_PER_PEER)
		return mn || option_find(mh, OPTION_HOME_NETWORK_PREFIX) ? CODES_BRA_FUNCTION : 0;
	if (r->trigger != CODES_BRI_LOCAL_POLICY)
		return CODES_BRA_TRIGGER;
	return mn && mn->mn_id.subtype == CODES_MN_ID_NAI && mn->mn_id.id.len > 1 &&
			       mn->mn_id.id.at[0] == '@'
		       ? 0
		       : CODES_BRA_IDENTITY_REQUIRED;
}

void mag_revoke_receive(struct mag *mag, const struct mag_anchor *anchor,
	const struct proxy_peer *peer, const struct mh *mh)
{
	bool global = mh->revocation.flags & FLAGS_REVOCATION_G;
	struct mag_revocation *r = calloc(1, sizeof(*r));
	struct mag_attachment *a, *next;
	uint8_t status = fault(mh);
	bool found = global;

	mag_count(mag, MAG_N_BRI);
	if (!r)
		return;
	*r = (struct mag_revocation){.mag = mag, .peer = *peer};
	wait_group_init(&r->group, all_left, r);
	DL_APPEND(mag->revocations, r);
	r->answer = (struct mh_revocation){.type = CODES_REVOCATION_ACKNOWLEDGEMENT,
		.sequence = mh->revocation.sequence,
		.flags = mh->revocation.flags};
	r->trigger = mh->revocation.trigger;
	take_about(r, mh);
	HASH_ITER (hh, mag->attachments, a, next) {
		if (status || !(global ? is_meant(a, anchor, option_find(mh, OPTION_MN_ID))
				       : mag_is_named(a, anchor, mh)))
			continue;
		found = true;
		revoke(mag, a, r);
	}
	if (status || !found)
		r->answer.status = status ? status : CODES_BRA_NO_BINDING;
	wait_group_done(&r->group, 0);
}

/* What the operator waits for: one indication or, of a gateway with several addresses, one for each
 * that something is registered by (RFC 5846, 8.2: of others the anchor would not end it). */
struct mag_told {
	struct mag *mag;
	mag_noticed *done;
	void *context;
	struct wait_group group;
	enum notice_end end; /* the worst */
	uint8_t status;
	struct mag_told *prev, *next; /* in mag->tolds */
};

static void all_told(void *context, int error)
{
	struct mag_told *t = context;

	(void)error;
	if (t->done)
		t->done(t->context, t->end, t->status);
	DL_DELETE(t->mag->tolds, t);
	free(t);
}

static void told(void *context, enum notice_end end, uint8_t status)
{
	struct mag_told *t = context;

	if (end > t->end)
		t->end = end;
	if (status > t->status)
		t->status = status;
	wait_group_done(&t->group, 0);
}

/* Whether the binding that names an attachment to its anchor, that with the lowest identifier, is
 * by this path. */
static bool is_named_by(const struct mag *mag, const struct mag_attachment *a, size_t way)
{
	if (!a->now.path_count)
		return a->way == way;
	return a->now.paths[0].bid == mag->config.paths[way].bid;
}

static bool names_any(const struct mag *mag, const struct mag_anchor *anchor, size_t way)
{
	for (const struct mag_attachment *a = NULL; (a = mag_next(mag, a));)
		if (a->anchor == anchor && mag_is_served(a) && is_named_by(mag, a, way))
			return true;
	return false;
}

/* Sends an indication about all that is by an address; NULL: by that which it comes from. 0 or a
 * negative errno. */
static int tell(struct mag_told *t, const struct mag_anchor *anchor, const struct in6_addr *care_of)
{
	const struct mag_config *c = &t->mag->config;
	struct notice notice = {.kind = NOTICE_REVOCATION,
		.peer = mag_peer_by(t->mag, anchor, 0),
		.again = mag_peer_by(t->mag, anchor, 1),
		.reason = CODES_BRI_PER_PEER,
		.global = true,
		.mn_id = {.subtype = CODES_MN_ID_NAI,
			.len = (uint8_t)strlen(c->identifier),
			.octets = (const uint8_t *)c->identifier}};
	int error;

	if (care_of)
		notice.care_of = *care_of;
	wait_group_add(&t->group);
	error = notices_start(t->mag->notices, &notice, told, t);
	if (error)
		wait_group_done(&t->group, 0);
	return error;
}

static int tell_all(struct mag_told *t, const struct mag_anchor *anchor)
{
	const struct mag_config *c = &t->mag->config;
	bool any = false;
	int error = 0;

	for (size_t i = 0; i < c->path_count && !error; i++)
		if (names_any(t->mag, anchor, i)) {
			error = tell(t, anchor, &c->paths[i].address);
			any = true;
		}
	return any ? error : tell(t, anchor, NULL);
}

int mag_revoke(struct mag *mag, const struct mag_anchor *anchor, mag_noticed *done, void *context)
{
	struct mag_attachment *a, *next;
	struct mag_told *t;
	int error;

	if (!mag->config.identifier)
		return -EPERM;
	t = malloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = (struct mag_told){.mag = mag, .done = done, .context = context};
	wait_group_init(&t->group, all_told, t);
	DL_APPEND(mag->tolds, t);
	error = tell_all(t, anchor);
	if (error)
		t->done = NULL;
	wait_group_done(&t->group, 0);
	if (error)
		return error;
	/* RFC 5846, 9.2: they need not be kept until the answer. */
	HASH_ITER (hh, mag->attachments, a, next)
		if (a->anchor == anchor && !a->leaves)
			mag_end(mag, a, true, NULL, NULL);
	return 0;
}

void mag_revoke_close(struct mag *mag)
{
	struct mag_revocation *r, *next;
	struct mag_told *t, *next_told;

	DL_FOREACH_SAFE(mag->revocations, r, next)
	free(r);
	DL_FOREACH_SAFE(mag->tolds, t, next_told)
	free(t);
}
