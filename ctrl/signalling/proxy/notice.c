#include "ctrl/signalling/proxy/notice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/clock.h"
#include "ctrl/signalling/proxy/trace_peer.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/status.h"

enum {
	UNDER_WAY_MAX = 32768, /* so that a free number is soon found */
	TRANSMISSIONS = 2, /* BRIMaxRetriesNumber, MAX_UPDATE_NOTIFICATION_RETRANSMIT_COUNT: 1 */
	DEAF_MAX = 1024,   /* peers that do not know a kind; those beyond it are asked again */
};
/* InitMINDelayBRIs, doubled up to MAX_BRACK_TIMEOUT (RFC 5846, 11), and
 * MIN_DELAY_BETWEEN_UPDATE_NOTIFICATION_REPLAY (RFC 7077, 7). */
#define FIRST_DELAY_NS CLOCK_NS_PER_S

struct under_way {
	struct notice notice;
	struct notices *owner;
	notice_done *done;
	void *context;
	uint16_t sequence;
	uint8_t sent;
	struct wheel_timer timer;
	UT_hash_handle hh; /* by sequence */
	uint8_t mn_id[];
};

/* A peer that does not know a kind of message. */
struct deaf {
	struct in6_addr address;
	enum notice_kind kind;
};

struct notices {
	struct notices_ops ops;
	struct hmac *hmac;
	struct wheel *wheel;
	struct under_way *all;
	uint16_t sequence;
	uint64_t last_stamp; /* of the last indication */
	struct deaf *deaf;
	size_t deaf_count;
};

const char *notice_end_name(enum notice_end end)
{
	static const char *const names[] = {
		[NOTICE_ANSWERED] = "answered",
		[NOTICE_UNANSWERED] = "unanswered",
		[NOTICE_UNSUPPORTED] = "unsupported",
	};
	size_t count = sizeof(names) / sizeof(*names);

	return (size_t)end < count && names[end] ? names[end] : "unknown";
}

struct notices *notices_new(const struct notices_ops *ops, struct hmac *hmac, struct wheel *wheel)
{
	struct notices *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->ops = *ops;
	n->hmac = hmac;
	n->wheel = wheel;
	n->deaf = calloc(DEAF_MAX, sizeof(*n->deaf));
	if (!n->deaf || hmac_random(&n->sequence, sizeof(n->sequence)) < 0) {
		notices_free(n);
		return NULL;
	}
	return n;
}

static void end(struct notices *n, struct under_way *u, enum notice_end how, uint8_t status)
{
	HASH_DEL(n->all, u);
	wheel_cancel(n->wheel, &u->timer);
	if (u->done && how)
		u->done(u->context, how, status);
	free(u);
}

void notices_free(struct notices *n)
{
	if (!n)
		return;
	while (n->all)
		end(n, n->all, 0, 0);
	free(n->deaf);
	free(n);
}

size_t notices_count(const struct notices *n)
{
	return HASH_COUNT(n->all);
}

static void build(const struct under_way *u, struct mh *mh)
{
	const struct notice *what = &u->notice;

	if (what->kind == NOTICE_REVOCATION) {
		mh->type = MH_REVOCATION;
		mh->revocation = (struct mh_revocation){.type = CODES_REVOCATION_INDICATION,
			.trigger = (uint8_t)what->reason,
			.sequence = u->sequence,
			.flags = (uint16_t)(FLAGS_REVOCATION_P |
					    (what->global ? FLAGS_REVOCATION_G : 0))};
	} else {
		mh->type = MH_UPN;
		mh->upn = (struct mh_upn){.sequence = u->sequence,
			.reason = what->reason,
			.flags = (uint16_t)(FLAGS_UPN_A | (u->sent ? FLAGS_UPN_D : 0))};
	}
	if (what->mn_id.len) {
		struct mh_option *option = option_add(mh, OPTION_MN_ID);

		option->mn_id.subtype = what->mn_id.subtype;
		option->mn_id.id.at = what->mn_id.octets;
		option->mn_id.id.len = what->mn_id.len;
	}
	if (!addr_is_unspecified(&what->care_of))
		option_add(mh, OPTION_ALTERNATE_COA)->alternate_coa.coa = what->care_of;
	for (size_t i = 0; i < what->prefix_count; i++) {
		struct mh_option *option = option_add(mh, OPTION_HOME_NETWORK_PREFIX);

		option->prefix.len = what->prefixes[i].len;
		option->prefix.prefix = what->prefixes[i].addr;
	}
}

/* Later than that of any before: RFC 5213's timestamps count 15 microseconds. */
static void stamp(struct notices *n, struct mh *mh)
{
	uint64_t now = clock_48_16_from_ns(n->ops.real_ns(n->ops.context));

	n->last_stamp = now > n->last_stamp ? now : n->last_stamp + 1;
	option_add(mh, OPTION_TIMESTAMP)->timestamp.time = n->last_stamp;
}

static void transmit(struct notices *n, struct under_way *u)
{
	const struct proxy_peer *peer = u->sent ? &u->notice.again : &u->notice.peer;
	struct mh mh = {.type = 0};
	uint8_t buf[MH_PACKET_MAX];
	ssize_t len;

	build(u, &mh);
	if (u->notice.kind == NOTICE_REVOCATION && peer->has_key)
		stamp(n, &mh);
	len = proxy_peer_encode(peer, n->hmac, &mh, buf, sizeof(buf));
	if (len > 0) {
		trace_peer(n->ops.tracer, &(struct trace_peer){.kind = TRACER_SENT,
						  .mh = &mh,
						  .care_of = &peer->care_of,
						  .octets = buf,
						  .len = (size_t)len});
		n->ops.send(n->ops.context, buf, (size_t)len);
	}
	wheel_arm(n->wheel, &u->timer, n->ops.now_ns(n->ops.context) + (FIRST_DELAY_NS << u->sent));
	u->sent++;
}

static void on_timer(struct wheel_timer *timer, void *context)
{
	struct under_way *u = wheel_entry(timer, struct under_way, timer);

	(void)context;
	if (u->sent < TRANSMISSIONS)
		transmit(u->owner, u);
	else
		end(u->owner, u, NOTICE_UNANSWERED, 0);
}

static bool is_deaf(const struct notices *n, const struct notice *what)
{
	for (size_t i = 0; i < n->deaf_count; i++)
		if (n->deaf[i].kind == what->kind &&
			(addr_equal(&n->deaf[i].address, &what->peer.address) ||
				addr_equal(&n->deaf[i].address, &what->again.address)))
			return true;
	return false;
}

static struct under_way *of_sequence(struct notices *n, uint16_t sequence)
{
	struct under_way *u;

	HASH_FIND(hh, n->all, &sequence, sizeof(sequence), u);
	return u;
}

/* RFC 5846, 5.1: no two that are under way have the same number. */
static uint16_t free_sequence(struct notices *n)
{
	do
		n->sequence++;
	while (of_sequence(n, n->sequence));
	return n->sequence;
}

int notices_start(struct notices *n, const struct notice *what, notice_done *done, void *context)
{
	struct under_way *u;

	if (is_deaf(n, what))
		return -EOPNOTSUPP;
	if (HASH_COUNT(n->all) >= UNDER_WAY_MAX)
		return -ENOBUFS;
	u = calloc(1, sizeof(*u) + what->mn_id.len);
	if (!u)
		return -ENOMEM;
	u->notice = *what;
	if (what->mn_id.len)
		memcpy(u->mn_id, what->mn_id.octets, what->mn_id.len);
	u->notice.mn_id.octets = u->mn_id;
	u->owner = n;
	u->done = done;
	u->context = context;
	u->sequence = free_sequence(n);
	wheel_timer_init(&u->timer, on_timer);
	HASH_ADD(hh, n->all, sequence, sizeof(u->sequence), u);
	transmit(n, u);
	return 0;
}

/* A peer does not know what it was sent (RFC 5846, 6.2; RFC 7077, 5.2): nobody signs that, so it
 * counts only while something is under way to it. */
static bool unsupported(struct notices *n, const struct receive_packet *packet)
{
	struct under_way *u = n->all;
	const struct notice *what;

	while (u && !addr_equal(&u->notice.peer.address, &packet->ip6.src) &&
		!addr_equal(&u->notice.again.address, &packet->ip6.src))
		u = u->hh.next;
	if (!u)
		return false;
	what = &u->notice;
	if (n->deaf_count < DEAF_MAX)
		n->deaf[n->deaf_count++] =
			(struct deaf){.address = packet->ip6.src, .kind = what->kind};
	end(n, u, NOTICE_UNSUPPORTED, 0);
	return true;
}

bool notices_answer(struct notices *n, const struct receive_packet *packet, const struct mh *mh)
{
	bool update = mh->type == MH_UPA;
	uint16_t sequence = update ? mh->upa.sequence : mh->revocation.sequence;
	struct under_way *u;
	bool first;

	if (mh->type == MH_BE)
		return mh->be.status == STATUS_BE_UNKNOWN_TYPE && unsupported(n, packet);
	u = of_sequence(n, sequence);
	if (!u || (u->notice.kind == NOTICE_UPDATE) != update)
		return false;
	first = proxy_peer_sent(&u->notice.peer, n->hmac, packet, mh);
	if (!first && !proxy_peer_sent(&u->notice.again, n->hmac, packet, mh))
		return false;
	trace_peer(n->ops.tracer,
		&(struct trace_peer){.kind = TRACER_RECEIVED,
			.mh = mh,
			.data_plane = packet->data_plane,
			.care_of = first ? &u->notice.peer.care_of : &u->notice.again.care_of,
			.mn_id = &u->notice.mn_id,
			.octets = packet->ip,
			.len = packet->len});
	end(n, u, NOTICE_ANSWERED, update ? mh->upa.status : mh->revocation.status);
	return true;
}
