#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../proxy/proxy_rig.h"
#include "common/clock.h"
#include "common/log.h"
#include "lma_rig.h"

enum { SPI = 1000 };

struct lma_rig *rig;

static const uint8_t key[AUTH_KEY_SIZE] = "0123456789abcde";
static struct in6_addr anchors[1], mag1[2], mag2[1];
static struct prefix6 fixed_prefix, router_prefix, networks[2];
static struct lma_peer peers[2];
static struct lma_pool pools[3];
static const struct lma_profile profiles[] = {
	{.match = LMA_RIG_NODE,
		.enabled = true,
		.pool = "big",
		.per_session = 2,
		.delegated_pool = "nets",
		.delegated_per_session = 2,
		.max_lifetime_s = 40,
		.multipath = true},
	{.match = LMA_RIG_FIXED,
		.enabled = true,
		.per_session = 1,
		.prefixes = &fixed_prefix,
		.prefix_count = 1},
	{.match = LMA_RIG_ROUTER,
		.enabled = true,
		.per_session = 1,
		.prefixes = &router_prefix,
		.prefix_count = 1,
		.delegated_pool = "nets",
		.delegated_per_session = 1,
		.delegated = networks,
		.delegated_count = 2},
	{.match = LMA_RIG_DISABLED, .pool = "big", .per_session = 1},
	{.match = "@example.net",
		.enabled = true,
		.pool = "small",
		.per_session = 1,
		.multipath = true},
};

struct in6_addr lma_rig_addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

struct prefix6 lma_rig_prefix(const char *text)
{
	struct prefix6 p;

	assert_int_equal(prefix6_parse(text, &p), 0);
	return p;
}

struct in6_addr lma_rig_user_plane(uint64_t data_plane)
{
	struct in6_addr address = lma_rig_addr("2001:db8:e::");

	address.s6_addr[15] = (uint8_t)data_plane;
	return address;
}

static int op_commit(void *context, const struct session_record *good,
	const struct session_record *record, lma_done *done, void *done_context)
{
	struct lma_rig *rig = context;

	if (rig->commit_refusal)
		return rig->commit_refusal;
	assert_true(rig->commit_count < 16);
	assert_int_equal(good->number, record->number);
	rig->commits[rig->commit_count++] =
		(struct lma_rig_commit){*good, *record, done, done_context};
	return 0;
}

static void read_option(struct lma_rig_answer *a, const struct mh_option *o)
{
	switch (o->type) {
	case OPTION_MN_ID:
		memcpy(a->mn_id, o->mn_id.id.at, o->mn_id.id.len);
		break;
	case OPTION_HOME_NETWORK_PREFIX:
		a->prefixes[a->prefix_count++] = prefix6_of(&o->prefix.prefix, o->prefix.len);
		break;
	case OPTION_DELEGATED_PREFIX:
		assert_false(o->delegated_prefix.is_ip4);
		a->delegated[a->delegated_count++] =
			prefix6_of(&o->delegated_prefix.prefix.ip6, o->delegated_prefix.prefix_len);
		break;
	case OPTION_HANDOFF:
		a->handoff = o->handoff.value;
		break;
	case OPTION_ACCESS_TECHNOLOGY:
		a->access = o->access.value;
		break;
	case OPTION_TIMESTAMP:
		a->has_timestamp = true;
		a->timestamp = o->timestamp.time;
		break;
	case OPTION_MN_LINK_ID:
		a->has_link_id = true;
		break;
	case OPTION_LINK_LOCAL:
		a->has_link_local = true;
		a->link_local = o->ip6.address;
		break;
	case OPTION_MAG_MULTIPATH:
		a->has_multipath = true;
		a->multipath = o->mag_multipath;
		break;
	case OPTION_LMA_ADDRESS:
		assert_int_equal(o->lma_address.address.len, 16);
		a->user_plane = o->lma_address.address.ip6;
		break;
	case OPTION_GRE_KEY:
		a->has_gre = true;
		a->uplink_key = o->gre_key.key;
		break;
	case OPTION_MAG_ID:
		a->has_mag_id = true;
		break;
	}
}

static int op_inject(void *context, const char *data_plane, const struct packet_inject *inject)
{
	struct lma_rig *rig = context;
	struct lma_rig_answer *a;
	const struct in6_addr care_of = lma_rig_addr(rig->care_of);
	struct hmac *hmac = hmac_new();
	struct ip6_packet ip6;
	struct mh mh;

	assert_true(!data_plane || strcmp(data_plane, "dp1") == 0);
	assert_int_equal(inject->how, PACKET_TO_ROUTE);
	assert_int_equal(ip6_packet_decode(inject->frame, inject->length, &ip6, NULL), 0);
	assert_false(ip6.has_home_address);
	assert_true(addr_equal(ip6_packet_effective_dst(&ip6), &ip6.dst));
	assert_true(mh_checksum_ok(&ip6.src, &ip6.dst, inject->frame + ip6.offset, ip6.len));
	assert_int_equal(mh_decode(inject->frame + ip6.offset, ip6.len, &mh, NULL), 0);
	if (mh.type == MH_UPN || mh.type == MH_REVOCATION) {
		rig->notifications++;
		rig->said_to = ip6.dst;
		rig->said_sequence = mh.type == MH_UPN ? mh.upn.sequence : mh.revocation.sequence;
		rig->said_status = mh.type == MH_UPN ? 0 : mh.revocation.status;
		hmac_free(hmac);
		return 0;
	}
	if (mh.type == MH_HEARTBEAT) {
		rig->heartbeats++;
		rig->beat_to = ip6.dst;
		rig->beat_sequence = mh.heartbeat.sequence;
		hmac_free(hmac);
		return 0;
	}
	assert_int_equal(mh.type, MH_BA);
	a = &rig->answers[rig->answer_count++];
	*a = (struct lma_rig_answer){.src = ip6.src,
		.dst = ip6.dst,
		.status = mh.ba.status,
		.flags = mh.ba.flags,
		.sequence = mh.ba.sequence,
		.lifetime = mh.ba.lifetime,
		.handoff = -1,
		.access = -1};
	a->authentic = auth_check(&mh) == AUTH_GOOD &&
		       auth_verify(hmac, key, &care_of, &in6addr_any, inject->frame + ip6.offset,
			       &mh) == AUTH_GOOD;
	hmac_free(hmac);
	for (size_t i = 0; i < mh.option_count; i++)
		read_option(a, &mh.options[i]);
	return 0;
}

static void op_metrics(
	void *context, const struct lma_peer *peer, const struct metrics_list *metrics)
{
	struct lma_rig *rig = context;

	rig->metrics_told++;
	rig->metrics = *metrics;
	rig->teller = peer->name;
}

static void op_event(void *context, const struct lma_event *event)
{
	struct lma_rig *rig = context;

	if (rig->event_count < 64)
		rig->events[rig->event_count++] = *event;
}

static int op_serve(void *context, const struct in6_addr *care_of, uint64_t *data_plane)
{
	struct lma_rig *rig = context;

	assert_non_null(care_of);
	*data_plane = rig->data_plane;
	return rig->data_plane == LMA_RIG_NOBODY ? -ENOTCONN : 0;
}

static bool op_tunnel_address(void *context, uint64_t data_plane, struct in6_addr *address)
{
	(void)context;
	*address = lma_rig_user_plane(data_plane);
	return data_plane;
}

static uint64_t op_now(void *context)
{
	return ((struct lma_rig *)context)->now;
}

static uint64_t op_real(void *context)
{
	return ((struct lma_rig *)context)->real;
}

void lma_rig_restart(struct lma_rig *rig)
{
	const struct lma_ops ops = {.context = rig,
		.commit = op_commit,
		.serve = op_serve,
		.tunnel_address = op_tunnel_address,
		.inject = op_inject,
		.metrics = op_metrics,
		.event = op_event,
		.now_ns = op_now,
		.real_ns = op_real};

	lma_free(rig->lma);
	rig->commit_count = 0;
	rig->lma = lma_new(&rig->config, &ops);
	assert_non_null(rig->lma);
}

int lma_rig_setup(void **state)
{
	(void)state;
	rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);

	log_set_level(LOG_LEVEL_ERROR);
	anchors[0] = lma_rig_addr(LMA_RIG_ANCHOR);
	mag1[0] = lma_rig_addr(LMA_RIG_MAG1);
	mag1[1] = lma_rig_addr(LMA_RIG_MAG1_OTHER);
	mag2[0] = lma_rig_addr(LMA_RIG_MAG2);
	fixed_prefix = lma_rig_prefix("2001:db8:f::/64");
	peers[0] = (struct lma_peer){.name = "mag1", .addresses = mag1, .address_count = 2};
	peers[0].has_key = true;
	peers[0].spi = SPI;
	memcpy(peers[0].key, key, sizeof(key));
	peers[1] = (struct lma_peer){.name = "mag2", .addresses = mag2, .address_count = 1};
	pools[0] = (struct lma_pool){
		.name = "big", .range = lma_rig_prefix("2001:db8:100::/48"), .length = 64};
	router_prefix = lma_rig_prefix("2001:db8:f1::/64");
	networks[0] = lma_rig_prefix("2001:db8:f2:100::/56");
	networks[1] = lma_rig_prefix("2001:db8:f2:200::/56");
	pools[2] = (struct lma_pool){
		.name = "nets", .range = lma_rig_prefix("2001:db8:300::/54"), .length = 56};
	pools[1] = (struct lma_pool){
		.name = "small", .range = lma_rig_prefix("2001:db8:200::/63"), .length = 64};
	rig->now = 5 * CLOCK_NS_PER_S;
	rig->real = LMA_RIG_REAL_START;
	rig->care_of = LMA_RIG_MAG1;
	rig->config = (struct lma_config){.addresses = anchors,
		.address_count = 1,
		.peers = peers,
		.peer_count = 2,
		.pools = pools,
		.pool_count = 3,
		.profiles = profiles,
		.profile_count = sizeof(profiles) / sizeof(*profiles),
		.max_lifetime_s = 420,
		.max_sessions = 8,
		.timestamps = true,
		.timestamp_window_ms = 300,
		.delete_delay_ms = 10000,
		.assign_delay_ms = 1500,
		.refusals_per_second = 2,
		.max_paths = 3};
	lma_rig_restart(rig);
	return 0;
}

int lma_rig_teardown(void **state)
{
	(void)state;
	lma_free(rig->lma);
	free(rig);
	return 0;
}

struct lma_rig_pbu lma_rig_pbu(void)
{
	return (struct lma_rig_pbu){.src = LMA_RIG_MAG1,
		.mn_id = LMA_RIG_NODE,
		.prefixes = {"::/0"},
		.handoff = CODES_HANDOFF_NEW_INTERFACE,
		.access = CODES_ACCESS_IEEE_802_11,
		.link_id = "wlan00",
		.sequence = 1,
		.lifetime = 10,
		.flags = FLAGS_BU_A | FLAGS_BU_P,
		.stamped = true,
		.user_plane = -1,
		.spi = SPI};
}

static void add_bytes(struct field_bytes *to, const char *text)
{
	to->at = (const uint8_t *)text;
	to->len = (uint8_t)strlen(text);
}

static void add_options(const struct lma_rig *rig, const struct lma_rig_pbu *pbu, struct mh *mh)
{
	if (pbu->alternate)
		option_add(mh, OPTION_ALTERNATE_COA)->alternate_coa.coa =
			lma_rig_addr(pbu->alternate);
	if (pbu->mn_id) {
		struct mh_option *o = option_add(mh, OPTION_MN_ID);

		o->mn_id.subtype = OPTION_MN_ID_NAI;
		add_bytes(&o->mn_id.id, pbu->mn_id);
	}
	if (pbu->vendor)
		option_add(mh, OPTION_VENDOR)->vendor =
			(struct option_vendor){.vendor = pbu->vendor,
				.subtype = pbu->subtype,
				.data = {.at = pbu->data, .len = pbu->data_len}};
	for (size_t i = 0; i < 4 && pbu->prefixes[i]; i++) {
		struct mh_option *o = option_add(mh, OPTION_HOME_NETWORK_PREFIX);
		struct prefix6 p = lma_rig_prefix(pbu->prefixes[i]);

		o->prefix.prefix = p.addr;
		o->prefix.len = p.len;
	}
	for (size_t i = 0; i < 4 && pbu->delegated[i]; i++) {
		struct prefix6 p = lma_rig_prefix(pbu->delegated[i]);

		option_add(mh, OPTION_DELEGATED_PREFIX)->delegated_prefix =
			(struct option_delegated_prefix){.prefix_len = p.len,
				.prefix = {.ip6 = p.addr, .len = sizeof(p.addr)}};
	}
	if (pbu->delegated_ip4)
		option_add(mh, OPTION_DELEGATED_PREFIX)->delegated_prefix =
			(struct option_delegated_prefix){.is_ip4 = true, .prefix = {.len = 4}};
	if (pbu->handoff >= 0)
		option_add(mh, OPTION_HANDOFF)->handoff.value = (uint8_t)pbu->handoff;
	if (pbu->access >= 0)
		option_add(mh, OPTION_ACCESS_TECHNOLOGY)->access.value = (uint8_t)pbu->access;
	if (pbu->stamped)
		option_add(mh, OPTION_TIMESTAMP)->timestamp.time =
			clock_48_16_from_ns(rig->real + (uint64_t)(pbu->stamp_offset_ms * 1000000));
	if (pbu->link_id)
		add_bytes(&option_add(mh, OPTION_MN_LINK_ID)->octets.octets, pbu->link_id);
	if (pbu->link_local)
		option_add(mh, OPTION_LINK_LOCAL)->ip6.address = lma_rig_addr(pbu->link_local);
	if (pbu->has_multipath)
		option_add(mh, OPTION_MAG_MULTIPATH)->mag_multipath = pbu->multipath;
	if (pbu->has_gre)
		option_add(mh, OPTION_GRE_KEY)->gre_key.key = pbu->downlink_key;
	if (pbu->user_plane >= 0)
		option_add(mh, OPTION_LMA_ADDRESS)->lma_address.address.len =
			(uint8_t)pbu->user_plane;
	if (pbu->mag_id) {
		struct mh_option *o = option_add(mh, OPTION_MAG_ID);

		o->mn_id.subtype = OPTION_MN_ID_NAI;
		add_bytes(&o->mn_id.id, pbu->mag_id);
	}
}

static bool is_signed(const struct lma_rig_pbu *pbu)
{
	return !pbu->unsigned_ && strcmp(pbu->src, LMA_RIG_MAG2) != 0;
}

void lma_rig_send(struct lma_rig *rig, const struct lma_rig_pbu *pbu)
{
	static const uint8_t wrong[AUTH_KEY_SIZE] = "x";
	const struct ip6_build head = {
		.src = lma_rig_addr(pbu->src), .dst = lma_rig_addr(LMA_RIG_ANCHOR)};
	const struct in6_addr care_of = lma_rig_addr(pbu->alternate ? pbu->alternate : pbu->src);
	struct mh mh = {.type = MH_BU,
		.bu = {.sequence = pbu->sequence, .flags = pbu->flags, .lifetime = pbu->lifetime}};
	struct proxy_rig_message message;

	lma_rig_wait_ms(rig, 1);
	add_options(rig, pbu, &mh);
	if (is_signed(pbu))
		assert_int_equal(auth_add(&mh, pbu->spi), 0);
	proxy_rig_message(&message, &head, &mh, &care_of,
		is_signed(pbu) ? pbu->wrong_key ? wrong : key : NULL);
	rig->care_of = pbu->alternate ? pbu->alternate : pbu->src;
	lma_receive(rig->lma, &message.packet, &message.mh);
}

void lma_rig_say(struct lma_rig *rig, const char *from, struct mh *mh)
{
	const struct ip6_build head = {.src = lma_rig_addr(from), .dst = anchors[0]};
	struct proxy_rig_message message;

	assert_int_equal(auth_add(mh, SPI), 0);
	proxy_rig_message(&message, &head, mh, &head.src, key);
	lma_receive(rig->lma, &message.packet, &message.mh);
}

struct lma_rig_commit lma_rig_commit(struct lma_rig *rig, int error)
{
	struct lma_rig_commit c;

	assert_true(rig->commit_count > 0);
	c = rig->commits[0];
	rig->commit_count--;
	memmove(rig->commits, rig->commits + 1, rig->commit_count * sizeof(c));
	c.done(c.context, error);
	return c;
}

struct lma_rig_answer lma_rig_answer(struct lma_rig *rig)
{
	assert_int_equal(rig->answer_count, 1);
	rig->answer_count = 0;
	return rig->answers[0];
}

uint8_t lma_rig_status(struct lma_rig *rig, const struct lma_rig_pbu *pbu)
{
	lma_rig_send(rig, pbu);
	if (rig->commit_count)
		lma_rig_commit(rig, 0);
	return lma_rig_answer(rig).status;
}

struct prefix6 lma_rig_bound(struct lma_rig *rig, const struct lma_rig_pbu *pbu)
{
	struct lma_rig_answer a;

	lma_rig_send(rig, pbu);
	lma_rig_commit(rig, 0);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_ACCEPTED);
	assert_true(a.prefix_count > 0);
	return a.prefixes[0];
}

void lma_rig_silent(const struct lma_rig *rig)
{
	assert_int_equal(rig->answer_count, 0);
	assert_int_equal(rig->commit_count, 0);
}

void lma_rig_wait_ms(struct lma_rig *rig, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i++) {
		rig->now += CLOCK_NS_PER_MS;
		rig->real += CLOCK_NS_PER_MS;
		wheel_advance(lma_wheel(rig->lma), rig->now, 0);
	}
}

uint64_t lma_rig_counter(const struct lma_rig *rig, const char *name)
{
	json_t *all = lma_counters(rig->lma);
	json_t *one = json_object_get(all, name);
	uint64_t value;

	if (!one)
		fail_msg("no counter %s", name);
	value = (uint64_t)json_integer_value(one);
	json_decref(all);
	return value;
}
