#include "ctrl/signalling/revocation.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/mh_packet.h"

enum {
	UNDER_WAY_MAX = 4096, /* at once; more nodes are not told */
	TRANSMISSIONS = 3,    /* BRIMaxRetriesNumber and the first (RFC 5846, 11) */
};
#define FIRST_DELAY_NS CLOCK_NS_PER_S /* InitMINDelayBRIs, doubled each time (6.3) */

/* A revocation that waits for its acknowledgement. */
struct revocation {
	struct revocation *next;
	struct in6_addr home, care_of, agent;
	uint16_t sequence;
	uint8_t trigger;
	uint8_t sent;
	uint8_t bid_count;
	uint16_t bids[BINDING_MAX];
	struct wheel_timer timer;
};

static struct revocation **find(
	struct signalling *s, const struct in6_addr *home, uint16_t sequence)
{
	struct revocation **at = &s->revocations;

	while (*at && ((*at)->sequence != sequence || !addr_equal(&(*at)->home, home)))
		at = &(*at)->next;
	return at;
}

static void end(struct signalling *s, struct revocation **at)
{
	struct revocation *r = *at;

	*at = r->next;
	s->revocation_count--;
	wheel_cancel(&s->wheel, &r->timer);
	free(r);
}

static void transmit(
	struct signalling *s, struct revocation *r, const struct subscriber *subscriber)
{
	struct mh mh = {.type = MH_REVOCATION,
		.revocation = {.type = CODES_REVOCATION_INDICATION,
			.trigger = r->trigger,
			.sequence = r->sequence}};
	struct ip6_build head = {.src = r->agent, .dst = r->care_of, .routing2 = &r->home};
	struct mh_packet_key key = {
		.hmac = s->hmac, .key = subscriber->key, .coa = r->care_of, .hoa = r->home};
	uint8_t buf[MH_PACKET_MAX];
	ssize_t len = -1;

	for (unsigned i = 0; i < r->bid_count; i++)
		option_add(&mh, OPTION_BID)->bid.bid = r->bids[i];
	if (auth_add(&mh, subscriber->spi) == 0)
		len = mh_packet_encode(&head, &mh, &key, buf, sizeof(buf));
	if (len > 0)
		tracer_tell(&s->tracer, &(struct tracer_item){.kind = TRACER_SENT,
						.what = "binding-revocation-indication",
						.mn_id = subscriber->mn_id,
						.home = &r->home,
						.care_of = &r->care_of,
						.octets = buf,
						.len = (size_t)len});
	if (len > 0 && send_route(s, NULL, buf, (size_t)len) == 0)
		state_count(s, r->sent ? SIGNALLING_N_BRI_RESENT : SIGNALLING_N_BRI_SENT);
	wheel_arm(&s->wheel, &r->timer, state_now(s) + (FIRST_DELAY_NS << r->sent));
	r->sent++;
}

static void on_timer(struct wheel_timer *timer, void *context)
{
	struct revocation *r = wheel_entry(timer, struct revocation, timer);
	struct signalling *s = context;
	const struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &r->home, NULL);

	if (r->sent < TRANSMISSIONS && subscriber) {
		transmit(s, r, subscriber);
		return;
	}
	state_count(s, SIGNALLING_N_BRI_UNANSWERED);
	end(s, find(s, &r->home, r->sequence));
}

void revocation_start(struct signalling *s, const struct binding_record *ended,
	const uint16_t *bids, unsigned bid_count, uint8_t trigger)
{
	const struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &ended->home, NULL);
	struct revocation *r;

	if (!subscriber || subscriber->auth != SUBSCRIBER_AUTH_REQUIRED ||
		s->revocation_count >= UNDER_WAY_MAX)
		return;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->home = ended->home;
	r->care_of = ended->care_of;
	r->agent = ended->agent;
	r->sequence = ++s->revocation_sequence;
	r->trigger = trigger;
	r->bid_count = (uint8_t)bid_count;
	memcpy(r->bids, bids, bid_count * sizeof(*bids));
	wheel_timer_init(&r->timer, on_timer);
	r->next = s->revocations;
	s->revocations = r;
	s->revocation_count++;
	transmit(s, r, subscriber);
}

void revocation_overtaken(struct signalling *s, const struct in6_addr *home)
{
	struct revocation **at = &s->revocations;

	while (*at)
		if (addr_equal(&(*at)->home, home))
			end(s, at);
		else
			at = &(*at)->next;
}

/* Whether its node sent it (RFC 5846, 6.2). */
static bool is_genuine(struct signalling *s, const struct subscriber *subscriber,
	const struct receive_packet *packet, const struct mh *mh)
{
	return subscriber &&
	       auth_verify(s->hmac, subscriber->key, &packet->ip6.src,
		       ip6_packet_effective_src(&packet->ip6), receive_mh(packet), mh) == AUTH_GOOD;
}

static void trace(struct signalling *s, const struct subscriber *subscriber,
	const struct receive_packet *packet, const char *outcome)
{
	tracer_tell(&s->tracer, &(struct tracer_item){.kind = TRACER_RECEIVED,
					.what = "binding-revocation-acknowledgement",
					.outcome = outcome,
					.data_plane = packet->data_plane,
					.mn_id = subscriber->mn_id,
					.home = ip6_packet_effective_src(&packet->ip6),
					.care_of = &packet->ip6.src,
					.octets = packet->ip,
					.len = packet->len});
}

void revocation_receive(
	struct signalling *s, const struct receive_packet *packet, const struct mh *mh)
{
	const struct in6_addr *home = ip6_packet_effective_src(&packet->ip6);
	const struct subscriber *subscriber = subscriber_db_find_home(s->subscribers, home, NULL);
	static struct log_limit limit = LOG_LIMIT(5);
	struct revocation **at;
	bool wanted;

	if (mh->revocation.type != CODES_REVOCATION_ACKNOWLEDGEMENT) {
		state_count(s, SIGNALLING_N_MH_UNEXPECTED);
		return;
	}
	at = find(s, home, mh->revocation.sequence);
	wanted = *at && is_genuine(s, subscriber, packet, mh);
	if (subscriber)
		trace(s, subscriber, packet,
			wanted ? "taken"
			       : signalling_counter_defs[SIGNALLING_N_BRA_UNEXPECTED].name);
	if (!wanted) {
		state_count(s, SIGNALLING_N_BRA_UNEXPECTED);
		return;
	}
	state_count(s, SIGNALLING_N_BRA);
	if (mh->revocation.status >= CODES_BRA_NO_BINDING)
		LOG_LIMITED(&limit, LOG_LEVEL_INFO, "ha", "revocation-refused", "home=%s status=%u",
			ADDR_TEXT(home), mh->revocation.status);
	end(s, at);
}

void revocation_free(struct signalling *s)
{
	while (s->revocations)
		end(s, &s->revocations);
}
