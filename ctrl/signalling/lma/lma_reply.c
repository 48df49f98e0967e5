/*
 * The Proxy Binding Acknowledgement (RFC 5213, 5.3.6).
 */
#include <errno.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/signalling/lma/lma_state.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/status.h"

/* The counter of each refusal. */
static const struct {
	uint8_t status;
	enum lma_counter counter;
} refusals[] = {
	{STATUS_BA_UNSPECIFIED, LMA_N_REFUSED_UNSPECIFIED},
	{STATUS_BA_PROHIBITED, LMA_N_REFUSED_PROHIBITED},
	{STATUS_BA_RESOURCES, LMA_N_REFUSED_RESOURCES},
	{STATUS_BA_SEQUENCE, LMA_N_REFUSED_SEQUENCE},
	{STATUS_BA_AUTH_FAIL, LMA_N_REFUSED_AUTH},
	{STATUS_BA_PROXY_NOT_ENABLED, LMA_N_REFUSED_NOT_ENABLED},
	{STATUS_BA_NOT_LMA, LMA_N_REFUSED_NOT_LMA},
	{STATUS_BA_MAG_NOT_AUTHORIZED, LMA_N_REFUSED_GATEWAY},
	{STATUS_BA_HNP_NOT_AUTHORIZED, LMA_N_REFUSED_PREFIX},
	{STATUS_BA_TIMESTAMP_MISMATCH, LMA_N_REFUSED_TIMESTAMP},
	{STATUS_BA_TIMESTAMP_LOWER, LMA_N_REFUSED_OLD},
	{STATUS_BA_MISSING_HNP, LMA_N_REFUSED_NO_PREFIX},
	{STATUS_BA_PREFIX_SET, LMA_N_REFUSED_PREFIX_SET},
	{STATUS_BA_MISSING_MN_ID, LMA_N_REFUSED_NO_MN_ID},
	{STATUS_BA_MISSING_HANDOFF, LMA_N_REFUSED_NO_HANDOFF},
	{STATUS_BA_MISSING_ACCESS_TECH, LMA_N_REFUSED_NO_ACCESS},
	{STATUS_BA_GRE_KEY_REQUIRED, LMA_N_REFUSED_GRE},
	{STATUS_BA_DMNP_NOT_AUTHORIZED, LMA_N_REFUSED_NOT_DELEGATED},
	{STATUS_BA_DMNP_IN_USE, LMA_N_REFUSED_DELEGATED},
	{STATUS_BA_MULTIPATH, LMA_N_REFUSED_MULTIPATH},
};

static enum lma_counter counter_of(uint8_t status)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (refusals[i].status == status)
			return refusals[i].counter;
	return LMA_N_REFUSED_OTHER;
}

static void add_prefixes(struct mh *mh, const struct prefix6 *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct mh_option *option = option_add(mh, OPTION_HOME_NETWORK_PREFIX);

		option->prefix.len = prefixes[i].len;
		option->prefix.prefix = prefixes[i].addr;
	}
}

/* RFC 5213, 5.5: a valid timestamp returns as it came, for another one we tell our time. */
static uint64_t timestamp_for(const struct lma *lma, const struct lma_update *u, uint8_t status)
{
	if (status == STATUS_BA_TIMESTAMP_LOWER || status == STATUS_BA_TIMESTAMP_MISMATCH)
		return clock_48_16_from_ns(lma_real(lma));
	return u->timestamp;
}

static void add_prefix_options(
	struct mh *mh, const struct lma_update *u, const struct session_record *bound)
{
	static const struct prefix6 none;

	if (bound)
		add_prefixes(mh, bound->prefixes, bound->prefix_count);
	else if (u->prefix_count)
		add_prefixes(mh, u->prefixes, u->prefix_count);
	else
		add_prefixes(mh, &none, 1);
}

/* There is room for all of them: they are far fewer than MH_OPTIONS_MAX. */
static void add_options(const struct lma *lma, const struct lma_update *u,
	const struct session_record *bound, struct mh *mh)
{
	const struct session_path *path =
		bound && u->has_multipath ? session_path_find(bound, u->multipath.bid) : NULL;
	struct mh_option *option = option_add(mh, OPTION_MN_ID);

	option->mn_id.subtype = u->mn_id.len ? u->mn_id.subtype : (uint8_t)OPTION_MN_ID_NAI;
	option->mn_id.id.at = u->mn_id.octets;
	option->mn_id.id.len = u->mn_id.len;
	add_prefix_options(mh, u, bound);
	lma_delegation_add(u, bound, mh);
	option_add(mh, OPTION_HANDOFF)->handoff.value = u->handoff;
	option_add(mh, OPTION_ACCESS_TECHNOLOGY)->access.value = u->access;
	if (u->has_timestamp)
		option_add(mh, OPTION_TIMESTAMP)->timestamp.time =
			timestamp_for(lma, u, mh->ba.status);
	if (u->has_link_id) {
		option = option_add(mh, OPTION_MN_LINK_ID);
		option->octets.octets.at = u->link_id.octets;
		option->octets.octets.len = u->link_id.len;
	}
	if (u->has_link_local)
		option_add(mh, OPTION_LINK_LOCAL)->ip6.address =
			bound ? bound->link_local : u->link_local;
	if (bound && mh->ba.lifetime) {
		lma_serving_add(lma, path ? path->data_plane : bound->data_plane, mh);
		mh->ba.status = lma_gre_add(lma, u, bound->number,
			path ? &path->encapsulation : &bound->encapsulation, mh);
	}
	/* Without the gateway's identifier (RFC 8278, 4.4). */
	if (u->has_multipath)
		option_add(mh, OPTION_MAG_MULTIPATH)->mag_multipath = u->multipath;
}

static void trace(const struct lma *lma, const struct lma_update *u, uint8_t status,
	const struct session_record *bound, const uint8_t *ip, size_t len)
{
	const struct prefix6 *prefixes = bound ? bound->prefixes : u->prefixes;
	char mn[SESSION_MN_ID_TEXT_SIZE];

	tracer_tell(
		&lma->tracer, &(struct tracer_item){.kind = TRACER_SENT,
				      .what = "proxy-binding-acknowledgement",
				      .outcome = status_ba_name(status),
				      .data_plane = u->data_plane[0] ? u->data_plane : NULL,
				      .mn_id = session_mn_id_text(mn, &u->mn_id),
				      .home = bound || u->prefix_count ? &prefixes[0].addr : NULL,
				      .care_of = &u->care_of,
				      .octets = ip,
				      .len = len});
}

/* To where the update came from, without a type 2 routing header. */
static void reply(struct lma *lma, const struct lma_update *u, bool sign, const struct mh_ba *ba,
	const struct session_record *bound)
{
	static struct log_limit limit = LOG_LIMIT(1);
	const struct ip6_build head = {.src = u->anchor, .dst = u->src};
	struct packet_inject inject = {.how = PACKET_TO_ROUTE};
	struct mh mh = {.type = MH_BA, .ba = *ba};
	struct mh_packet_key key = {.hmac = lma->hmac, .coa = u->care_of};
	uint8_t packet[MH_PACKET_MAX];
	const char *data_plane = u->data_plane[0] ? u->data_plane : NULL;
	ssize_t len;

	mh.ba.flags = FLAGS_BA_P;
	add_options(lma, u, bound, &mh);
	sign = sign && u->peer && u->peer->has_key && auth_add(&mh, u->peer->spi) == 0;
	if (sign)
		key.key = u->peer->key;
	len = mh_packet_encode(&head, &mh, sign ? &key : NULL, packet, sizeof(packet));
	if (len < 0) {
		lma_count(lma, LMA_N_SEND_FAILED);
		LOG_LIMITED(&limit, LOG_LEVEL_ERROR, "lma", "encode-failed", "coa=%s error=%zd",
			ADDR_TEXT(&u->care_of), len);
		return;
	}
	if (lma->tracer.fn && u->mn_id.len)
		trace(lma, u, ba->status, bound, packet, (size_t)len);
	inject.length = (uint16_t)len;
	inject.frame = packet;
	if (lma->ops.inject(lma->ops.context, data_plane, &inject) == 0)
		return;
	if (!data_plane || lma->ops.inject(lma->ops.context, NULL, &inject) != 0)
		lma_count(lma, LMA_N_SEND_FAILED);
}

static void accept_for(struct lma *lma, const struct lma_update *update,
	const struct session_record *bound, uint16_t lifetime)
{
	lma_count(lma, LMA_N_ACCEPTED);
	reply(lma, update, true,
		&(struct mh_ba){.status = STATUS_BA_ACCEPTED,
			.sequence = update->sequence,
			.lifetime = lifetime},
		bound);
}

void lma_accept(
	struct lma *lma, const struct lma_update *update, const struct session_record *bound)
{
	const struct session_path *path =
		update->has_multipath ? session_path_find(bound, update->multipath.bid) : NULL;

	accept_for(lma, update, bound, path ? path->lifetime : bound->lifetime);
}

void lma_accept_end(
	struct lma *lma, const struct lma_update *update, const struct session_record *bound)
{
	accept_for(lma, update, bound, 0);
}

void lma_refuse(struct lma *lma, const struct lma_update *update, bool authentic, uint8_t status,
	uint16_t sequence)
{
	static struct log_limit limit = LOG_LIMIT(5);
	char mn[SESSION_MN_ID_TEXT_SIZE];
	const struct lma_event event = {.kind = LMA_REFUSED,
		.mn_id = update->mn_id.len ? session_mn_id_text(mn, &update->mn_id) : NULL,
		.care_of = update->care_of,
		.status = status};

	lma_count(lma, counter_of(status));
	LOG_LIMITED(&limit, LOG_LEVEL_INFO, "lma", "refused", "mn=%s coa=%s status=%u why=%s",
		LOG_QUOTE(event.mn_id), ADDR_TEXT(&update->care_of), status,
		LOG_QUOTE(status_ba_name(status)));
	reply(lma, update, authentic, &(struct mh_ba){.status = status, .sequence = sequence},
		NULL);
	lma->ops.event(lma->ops.context, &event);
}
