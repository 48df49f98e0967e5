/*
 * Proxy Binding Updates and what is answered (RFC 5213, 6.9.1 and 6.9.4).
 */
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/binding/binding.h"
#include "ctrl/signalling/association.h"
#include "ctrl/signalling/mag/mag_state.h"
#include "ctrl/signalling/receive.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/status.h"

enum {
	END_TRIES = 3, /* of a deregistration: an anchor where the node is no longer
			* here does not answer (RFC 5213, 5.3.5) */
};

static void add_bytes(struct field_bytes *to, const void *at, size_t len)
{
	to->at = at;
	to->len = (uint8_t)len;
}

static void add_prefixes(const struct mag_attachment *a, struct mh *mh)
{
	if (a->now.prefix_count == 0 || a->fresh) {
		option_add(mh, OPTION_HOME_NETWORK_PREFIX); /* all zero: any */
		return;
	}
	for (size_t i = 0; i < a->now.prefix_count; i++) {
		struct mh_option *option = option_add(mh, OPTION_HOME_NETWORK_PREFIX);

		option->prefix.len = a->now.prefixes[i].len;
		option->prefix.prefix = a->now.prefixes[i].addr;
	}
}

/* The access technology that an update tells: who ends a registration names it as it is known. */
static uint8_t access_of(const struct mag_attachment *a)
{
	return a->leaves && a->access ? a->access : a->link->access;
}

/* The options of 6.9.1.5, and a question where the tunnel is to end (RFC 7389, 5: whatever the
 * anchor knows of that); there is room for all of them. */
static void add_options(
	const struct mag *mag, const struct mag_attachment *a, uint8_t handoff, struct mh *mh)
{
	struct mh_option *option = option_add(mh, OPTION_MN_ID);

	option->mn_id.subtype = a->now.mn_id.subtype;
	add_bytes(&option->mn_id.id, a->now.mn_id.octets, a->now.mn_id.len);
	add_prefixes(a, mh);
	option_add(mh, OPTION_HANDOFF)->handoff.value = handoff;
	option_add(mh, OPTION_ACCESS_TECHNOLOGY)->access.value = access_of(a);
	option_add(mh, OPTION_TIMESTAMP)->timestamp.time = clock_48_16_from_ns(mag_real(mag));
	add_bytes(&option_add(mh, OPTION_MN_LINK_ID)->octets.octets, a->now.mac.b,
		sizeof(a->now.mac.b));
	option_add(mh, OPTION_LMA_ADDRESS);
}

/* Tells who traces a node of a message of it; its data plane is the only one. */
static void trace(const struct mag *mag, const struct mag_attachment *a, struct tracer_item item)
{
	char mn[SESSION_MN_ID_TEXT_SIZE];

	item.mn_id = session_mn_id_text(mn, &a->now.mn_id);
	item.home = a->now.prefix_count ? &a->now.prefixes[0].addr : NULL;
	tracer_tell(&mag->tracer, &item);
}

static void send_message(
	struct mag *mag, const struct mag_attachment *a, const struct in6_addr *from, struct mh *mh)
{
	static struct log_limit limit = LOG_LIMIT(1);
	const struct ip6_build head = {.src = *from, .dst = a->anchor->address};
	const struct mh_packet_key key = {.hmac = mag->hmac, .key = a->anchor->key, .coa = *from};
	uint8_t packet[MH_PACKET_MAX];
	bool sign = a->anchor->has_key && auth_add(mh, a->anchor->spi) == 0;
	ssize_t len = mh_packet_encode(&head, mh, sign ? &key : NULL, packet, sizeof(packet));

	if (len < 0) {
		mag_count(mag, MAG_N_SEND_FAILED);
		LOG_LIMITED(&limit, LOG_LEVEL_ERROR, "mag", "encode-failed", "mac=%s error=%zd",
			MAC_TEXT(&a->now.mac), len);
		return;
	}
	mag_count(mag, MAG_N_PBU);
	if (mag->tracer.fn)
		trace(mag, a,
			(struct tracer_item){.kind = TRACER_SENT,
				.what = "proxy-binding-update",
				.care_of = from,
				.octets = packet,
				.len = (size_t)len});
	mag_send(mag, packet, (size_t)len);
}

static void send_update(struct mag *mag, struct mag_attachment *a)
{
	const struct mag_path *path = mag_path_main(mag, a);
	struct mh mh = {.type = MH_BU, .bu = {.flags = FLAGS_BU_A | FLAGS_BU_P}};

	/* Over another technology it is another interface to the anchor (5.4.1.1, 5). */
	if (a->access && access_of(a) != a->access)
		a->handoff = CODES_HANDOFF_OTHER_INTERFACE;
	a->sequence = ++mag->sequence;
	mh.bu.sequence = a->sequence;
	mh.bu.lifetime = a->leaves ? 0 : (uint16_t)(mag->config.lifetime_s / BINDING_LIFETIME_UNIT);
	add_options(mag, a, a->handoff, &mh);
	a->delegates = mag_delegation_add(mag, a, &mh);
	a->gre = mag_gre_wanted(mag, a);
	mag_gre_add(a, a->gre, &mh);
	/* The end is that of the session with all its bindings. */
	if (!a->leaves && mag_path_wanted(mag, a)) {
		mag_path_add_options(mag, a, path, a->now.path_count > 1, &mh);
		mag_path_add_metrics(mag, a, &mh);
	}
	send_message(mag, a, path ? &path->address : &mag->config.address, &mh);
}

uint16_t mag_send_path(struct mag *mag, const struct mag_attachment *a, const struct mag_path *path,
	enum session_gre gre)
{
	struct mh mh = {.type = MH_BU, .bu = {.flags = FLAGS_BU_A | FLAGS_BU_P}};

	mh.bu.sequence = ++mag->sequence;
	mh.bu.lifetime = (uint16_t)(mag->config.lifetime_s / BINDING_LIFETIME_UNIT);
	add_options(mag, a, CODES_HANDOFF_NOT_CHANGED, &mh);
	mag_delegation_add(mag, a, &mh);
	mag_gre_add(a, gre, &mh);
	mag_path_add_options(mag, a, path, false, &mh);
	mag_path_add_metrics(mag, a, &mh);
	send_message(mag, a, &path->address, &mh);
	return mh.bu.sequence;
}

void mag_ask(struct mag *mag, struct mag_attachment *a, uint8_t handoff)
{
	a->asked = true;
	a->tries = 1;
	a->handoff = handoff;
	a->ask_ns = mag_now(mag) + MAG_FIRST_TIMEOUT_MS * CLOCK_NS_PER_MS;
	send_update(mag, a);
}

void mag_ask_again(struct mag *mag, struct mag_attachment *a)
{
	uint64_t wait_ms = MAG_FIRST_TIMEOUT_MS;

	if (a->leaves && a->tries >= END_TRIES) {
		a->asked = false;
		return;
	}
	for (uint8_t i = 0; i < a->tries && wait_ms < MAG_LAST_TIMEOUT_MS; i++)
		wait_ms *= 2;
	mag_path_rotate(mag, a);
	if (a->tries < UINT8_MAX)
		a->tries++;
	a->ask_ns = mag_now(mag) + wait_ms * CLOCK_NS_PER_MS;
	mag_count(mag, MAG_N_PBU_AGAIN);
	send_update(mag, a);
}

/* The attachment whose update this answers: its node and sequence number say so. */
static struct mag_attachment *asker(struct mag *mag, const struct mh *mh)
{
	const struct mh_option *id = option_find(mh, OPTION_MN_LINK_ID);
	struct mag_attachment *a;
	struct mac mac;

	if (!id || id->octets.octets.len != sizeof(mac))
		return NULL;
	memcpy(&mac, id->octets.octets.at, sizeof(mac));
	a = mag_find(mag, &mac);
	if (!a || (!a->leaves && mag_path_asker(mag, a, mh->ba.sequence)))
		return a;
	if (!a->asked || a->busy)
		return NULL;
	/* Status 135 tells the number that it expects, not ours. */
	return mh->ba.sequence == a->sequence || mh->ba.status == STATUS_BA_SEQUENCE ? a : NULL;
}

/* RFC 6275, 9.2, and RFC 4285, 5.1.1. */
static bool is_authentic(struct mag *mag, const struct mag_attachment *a,
	const struct receive_packet *packet, const struct mh *mh)
{
	const struct association association = {.has_key = a->anchor->has_key,
		.spi = a->anchor->spi,
		.key = a->anchor->key,
		.coa = packet->ip6.dst};

	return association_check(&association, mag->hmac, receive_mh(packet), mh) ==
	       ASSOCIATION_GOOD;
}

/* RFC 5213, 6.9.1.2, 6: what has to come back as it was sent. */
static bool is_echo(const struct mag_attachment *a, uint8_t sent, const struct mh *mh)
{
	const struct mh_option *mn = option_find(mh, OPTION_MN_ID);
	const struct mh_option *handoff = option_find(mh, OPTION_HANDOFF);
	const struct mh_option *access = option_find(mh, OPTION_ACCESS_TECHNOLOGY);

	return mn && mn->mn_id.subtype == a->now.mn_id.subtype &&
	       mn->mn_id.id.len == a->now.mn_id.len &&
	       memcmp(mn->mn_id.id.at, a->now.mn_id.octets, a->now.mn_id.len) == 0 && handoff &&
	       handoff->handoff.value == sent && access && access->access.value == access_of(a);
}

/* The assigned prefixes. False: there is none, or one that no node can use. */
static bool take_prefixes(const struct mh *mh, struct attachment_record *to)
{
	to->prefix_count = 0;
	for (const struct mh_option *o = option_find(mh, OPTION_HOME_NETWORK_PREFIX); o;
		o = option_next(mh, o)) {
		if (to->prefix_count == SESSION_PREFIXES_MAX || o->prefix.len > 128 ||
			!addr_is_unicast_routable(&o->prefix.prefix))
			return false;
		to->prefixes[to->prefix_count++] = prefix6_of(&o->prefix.prefix, o->prefix.len);
	}
	return to->prefix_count > 0;
}

/* The node is not served, and for a while not tried again. */
static void give_up(struct mag *mag, struct mag_attachment *a)
{
	if (a->ends)
		mag_withdraw(mag, a);
	a->state = MAG_REFUSED;
	a->hold_ns = mag_now(mag) + (uint64_t)mag->config.hold_ms * CLOCK_NS_PER_MS;
	a->refresh_ns = a->end_ns = a->probe_ns = UINT64_MAX;
}

/* An anchor that knows no keys could not tell packets of one domain from those of another. */
static void without_keys(struct mag *mag, struct mag_attachment *a)
{
	mag_count(mag, MAG_N_NO_KEYS);
	a->status = STATUS_BA_GRE_KEY_REQUIRED;
	a->ends = mag_is_served(a);
	mag_tell(mag, MAG_EVENT_REFUSED, a);
	give_up(mag, a);
}

static void accepted(struct mag *mag, struct mag_attachment *a, const struct mh *mh)
{
	uint64_t real = mag_real(mag);

	a->asked = false;
	if (a->leaves)
		return;
	a->to = a->now;
	if (mh->ba.lifetime == 0 || !take_prefixes(mh, &a->to) ||
		!mag_path_user_plane(mh, &a->to.user_plane)) {
		a->asked = true; /* nothing that could be served: it is asked for again */
		return;
	}
	mag_count(mag, MAG_N_ACCEPTED);
	mag_clock_accepted(mag, a);
	a->fresh = a->reordered = false;
	a->access = a->link->access;
	a->status = 0;
	a->to.encapsulation = mag_gre_accepted(mag, a, a->gre, mh);
	if (!mag_gre_will_do(a, &a->to.encapsulation)) {
		without_keys(mag, a);
		return;
	}
	snprintf(a->to.link, sizeof(a->to.link), "%s", a->link->port);
	a->to.domain = a->link->domain;
	a->to.access = a->access;
	a->to.anchor = a->anchor->address;
	mag_delegation_accepted(mag, a, mh);
	a->to.sequence = a->sequence;
	a->to.lifetime = mh->ba.lifetime;
	a->to.updated_ns = real;
	a->to.expires_ns = real + binding_lifetime_ns(mh->ba.lifetime);
	if (!mag_is_served(a))
		a->to.attached_ns = real;
	mag_path_accepted(mag, a, mh);
	mag_commit(mag, a);
}

/* What is asked for again, as if nobody had answered: it may pass, or another prefix may do (RFC
 * 5213, 6.9.1.2, 8 to 10). */
static bool may_pass(uint8_t status)
{
	switch (status) {
	case STATUS_BA_HNP_NOT_AUTHORIZED:
	case STATUS_BA_PREFIX_SET:
	case STATUS_BA_RESOURCES:
	case STATUS_BA_SEQUENCE:
	case STATUS_BA_TIMESTAMP_MISMATCH:
	case STATUS_BA_TIMESTAMP_LOWER:
		return true;
	default:
		return false;
	}
}

/* A refusal that only says how to ask: it is followed at once. False: it was already. */
static bool correct(struct mag *mag, struct mag_attachment *a, const struct mh *mh)
{
	if (mh->ba.status == STATUS_BA_SEQUENCE && !a->reordered) {
		a->reordered = true;
		mag->sequence = mh->ba.sequence;
	} else if (!(mh->ba.status == STATUS_BA_MULTIPATH && mag_path_refused(mag, a)) &&
		   !(mh->ba.status == STATUS_BA_GRE_KEY_REQUIRED &&
			   mag_gre_refused(mag, a, a->gre)) &&
		   !mag_delegation_refused(mag, a, mh->ba.status)) {
		return false;
	}
	a->asked = false;
	if (!a->leaves)
		mag_ask(mag, a, a->handoff);
	return true;
}

/* RFC 5213, 6.9.1.2, 7 to 11: whatever the refusal, the node is not served any longer. */
static void refused(struct mag *mag, struct mag_attachment *a, const struct mh *mh)
{
	uint8_t status = mh->ba.status;

	a->status = status;
	mag_count(mag, MAG_N_REFUSED);
	mag_tell(mag, MAG_EVENT_REFUSED, a);
	if (status == STATUS_BA_TIMESTAMP_MISMATCH)
		mag_clock_refused(mag, a, mh);
	if (correct(mag, a, mh))
		return;
	if (status == STATUS_BA_HNP_NOT_AUTHORIZED || status == STATUS_BA_PREFIX_SET)
		a->fresh = true;
	if (!may_pass(status))
		a->asked = false;
	if (a->leaves)
		return;
	a->ends = mag_is_served(a);
	if (may_pass(status)) {
		a->state = MAG_REGISTERING;
		return;
	}
	give_up(mag, a);
}

/* Why an answer is not taken: its counter; MAG_COUNTERS: it is. */
static enum mag_counter fault(struct mag *mag, const struct mag_attachment *a,
	const struct mag_way *way, const struct receive_packet *packet, const struct mh *mh)
{
	if (!a)
		return MAG_N_UNMATCHED;
	if (!addr_equal(&packet->ip6.src, &a->anchor->address))
		return MAG_N_WRONG_ANCHOR;
	if (!is_authentic(mag, a, packet, mh))
		return MAG_N_AUTH;
	if (!is_echo(a, way ? CODES_HANDOFF_NOT_CHANGED : a->handoff, mh))
		return MAG_N_ECHO;
	return MAG_COUNTERS;
}

void mag_receive(struct mag *mag, const struct receive_packet *packet, const struct mh *mh)
{
	struct mag_attachment *a;
	enum mag_counter wrong;
	struct mag_way *way;

	if (mh->type != MH_BA) {
		mag_peer_receive(mag, packet, mh);
		return;
	}
	if (!(mh->ba.flags & FLAGS_BA_P)) {
		mag_count(mag, MAG_N_NOT_PROXY);
		return;
	}
	mag_count(mag, MAG_N_PBA);
	a = asker(mag, mh);
	way = a && !a->leaves ? mag_path_asker(mag, a, mh->ba.sequence) : NULL;
	wrong = fault(mag, a, way, packet, mh);
	if (mag->tracer.fn && a)
		trace(mag, a,
			(struct tracer_item){.kind = TRACER_RECEIVED,
				.what = "proxy-binding-acknowledgement",
				.outcome = wrong == MAG_COUNTERS ? status_ba_name(mh->ba.status)
								 : mag_counter_defs[wrong].name,
				.care_of = &packet->ip6.dst,
				.octets = packet->ip,
				.len = packet->len});
	if (wrong != MAG_COUNTERS) {
		mag_count(mag, wrong);
		return;
	}
	mag_peer_heard(mag, a->anchor, &packet->ip6.dst);
	if (way)
		mag_path_answered(mag, a, way, mh);
	else if (mh->ba.status < STATUS_BA_REJECTED)
		accepted(mag, a, mh);
	else
		refused(mag, a, mh);
	mag_go_on(mag, a);
}
