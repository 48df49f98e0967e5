#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "rig.h"
#include <cmocka.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"

static const uint8_t keys[2][16] = {"0123456789abcdef", "fedcba9876543210"};
static const struct mac node_mac = {{0x02, 0, 0, 0, 0, 0x77}};
static const struct mac port_mac = {{0x02, 0, 0, 0, 0, 0x01}};

static struct home_link link_home0 = {.id = 1, .name = "home0", .port = "home0"};
static struct home_prefix prefixes[2];
static struct in6_addr agents[2];

/* The double of the subscriber database. */
struct subscriber_db {
	struct subscriber *all[2];
};

struct in6_addr rig_addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

struct subscriber *subscriber_db_find(struct subscriber_db *db, const void *mn_id, size_t len)
{
	for (size_t i = 0; i < 2; i++)
		if (db->all[i] && db->all[i]->mn_id_len == len &&
			memcmp(db->all[i]->mn_id, mn_id, len) == 0)
			return db->all[i];
	return NULL;
}

struct subscriber *subscriber_db_find_home(
	struct subscriber_db *db, const struct in6_addr *home, uint8_t *index)
{
	for (size_t i = 0; i < 2; i++)
		if (db->all[i] && addr_equal(&db->all[i]->home[0].addr, home)) {
			if (index)
				*index = 0;
			return db->all[i];
		}
	return NULL;
}

void subscriber_db_expect(const struct subscriber_db *db, const uint64_t hashes[], unsigned count)
{
	(void)db;
	(void)hashes;
	(void)count;
}

static struct subscriber *subscriber_new(unsigned i)
{
	static const char *const names[] = {"one@example.org", "two@example.org"};
	struct subscriber *s = calloc(1, sizeof(*s));

	s->id = i + 1;
	s->spi = 1000 + i;
	s->enabled = true;
	s->mn_id = strdup(names[i]);
	s->mn_id_len = (uint8_t)strlen(names[i]);
	memcpy(s->key, keys[i], sizeof(s->key));
	s->home_count = 1;
	s->home = calloc(1, sizeof(*s->home));
	s->home[0].addr = rig_addr(i ? RIG_LINK_HOME : RIG_HOME);
	s->home[0].subscriber = s;
	return s;
}

void rig_subscriber_del(struct rig *rig, unsigned i)
{
	struct subscriber *s = rig->subscribers->all[i];

	if (!s)
		return;
	free(s->mn_id);
	free(s->home);
	free(s);
	rig->subscribers->all[i] = NULL;
}

struct subscriber *rig_subscriber(struct rig *rig, unsigned i)
{
	return rig->subscribers->all[i];
}

static int do_choose(
	void *context, const struct in6_addr *care_of, uint64_t tried, uint64_t *data_plane)
{
	struct rig *rig = context;

	if (addr_equal(care_of, &rig->second) && (rig->data_planes & ~tried) >> 1 & 1) {
		*data_plane = RIG_DATA_PLANE_ID + 1;
		return 1;
	}
	for (unsigned dp = 0; dp < RIG_DATA_PLANES; dp++) {
		if (!((rig->data_planes & ~tried) >> dp & 1))
			continue;
		*data_plane = RIG_DATA_PLANE_ID + dp;
		return (int)dp;
	}
	return -ENOTCONN;
}

/* The home link is at the first of them. */
static int do_choose_home(
	void *context, const struct in6_addr *home, uint64_t tried, uint64_t *data_plane)
{
	struct rig *rig = context;
	const bool there = rig->data_planes & ~tried & 1;

	(void)home;
	*data_plane = there ? RIG_DATA_PLANE_ID : 0;
	return there ? 0 : -ENOTCONN;
}

static bool do_tunnel_address(void *context, uint64_t data_plane, struct in6_addr *address)
{
	(void)context;
	*address = rig_addr(RIG_TUNNEL);
	address->s6_addr[15] = (uint8_t)data_plane;
	return true;
}

/* Copies a list and its records. */
static struct rig_list list_copy(const struct binding_list *list)
{
	struct rig_list copy = {.count = list->count, .changed = list->changed};

	memcpy(copy.records, list->records, list->count * sizeof(*list->records));
	return copy;
}

static int do_commit(void *context, const struct binding_list *good, const struct binding_list *to,
	signalling_done *done, void *done_context)
{
	struct rig *rig = context;

	if (rig->commit_refusal)
		return rig->commit_refusal;
	assert_true(rig->commit_count < 64);
	rig->commits[rig->commit_count++] = (struct rig_commit){.good = *good->records,
		.to = *to->records,
		.good_list = list_copy(good),
		.to_list = list_copy(to),
		.done = done,
		.context = done_context};
	return 0;
}

static int do_commit_flow(void *context, const struct signalling_flow *change,
	signalling_done *done, void *done_context)
{
	struct rig *rig = context;
	struct rig_flow_commit *c = &rig->flow_commits[rig->flow_commit_count];

	if (rig->flow_refusal)
		return rig->flow_refusal;
	assert_true(rig->flow_commit_count++ < 16);
	*c = (struct rig_flow_commit){.home = *change->home,
		.has_good = change->good,
		.has_to = change->to,
		.done = done,
		.context = done_context};
	if (change->good)
		c->good = *change->good;
	if (change->to)
		c->to = *change->to;
	return 0;
}

static int do_culprit(void *context)
{
	return ((struct rig *)context)->culprit;
}

static int do_inject(void *context, const char *data_plane, const struct packet_inject *inject)
{
	struct rig *rig = context;
	struct rig_packet *p = &rig->packets[rig->packet_count];

	if (rig->inject_refusal)
		return rig->inject_refusal;
	assert_true(rig->packet_count < 64);
	rig->packet_count++;
	*p = (struct rig_packet){
		.how = inject->how, .subscriber = inject->subscriber, .len = inject->length};
	strcpy(p->data_plane, data_plane ? data_plane : "");
	strcpy(p->port, inject->port);
	memcpy(p->octets, inject->frame, inject->length);
	return 0;
}

static int do_port(void *context, const struct home_link *link, struct signalling_port *port)
{
	struct rig *rig = context;

	assert_ptr_equal(link, &link_home0);
	if (rig->link_down)
		return -ENOTCONN;
	*port = (struct signalling_port){
		.data_plane = "dp1", .mac = port_mac, .session = 1 + rig->link_losses};
	return 0;
}

static void do_event(void *context, const struct signalling_event *event)
{
	struct rig *rig = context;

	assert_true(rig->event_count < 64);
	rig->events[rig->event_count++] =
		(struct rig_event){event->kind, event->status, event->care_of};
}

static uint64_t do_now(void *context)
{
	return ((struct rig *)context)->now;
}

static uint64_t do_real(void *context)
{
	return ((struct rig *)context)->real;
}

static void start(struct rig *rig)
{
	struct signalling_ops ops = {
		.context = rig,
		.choose = do_choose,
		.choose_home = do_choose_home,
		.tunnel_address = do_tunnel_address,
		.commit = do_commit,
		.commit_flow = do_commit_flow,
		.culprit = do_culprit,
		.inject = do_inject,
		.port = do_port,
		.event = do_event,
		.now_ns = do_now,
		.real_ns = do_real,
	};

	rig->s = signalling_new(&rig->config, &ops, rig->subscribers);
	assert_non_null(rig->s);
}

struct rig *rig_new(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	log_set_level(LOG_LEVEL_ERROR);
	agents[0] = rig_addr(RIG_AGENT);
	agents[1] = rig_addr("2001:db8:f::1");
	assert_int_equal(prefix6_parse("2001:db8:1::/64", &prefixes[0].prefix), 0);
	prefixes[0].link = &link_home0;
	assert_int_equal(prefix6_parse("2001:db8:2::/64", &prefixes[1].prefix), 0);
	prefixes[1].link = NULL;
	rig->now = 1000 * CLOCK_NS_PER_S;
	rig->real = RIG_REAL_START;
	rig->data_planes = 1;
	rig->from = node_mac;
	rig->config = (struct signalling_config){
		.policy = {.agents = agents,
			.agent_count = 2,
			.prefixes = prefixes,
			.prefix_count = 2},
		.max_lifetime_s = 3600,
		.max_bindings = 100,
		.timestamp_window_ms = 7000,
		.dad_transmits = 1,
		.dad_retrans_ms = 1000,
		.advertisements = 1,
		.errors_per_second = 10,
		.flows = {.max = 3},
		.multihoming = {.max = BINDING_MAX, .bulk = true},
	};
	rig->subscribers = calloc(1, sizeof(*rig->subscribers));
	for (unsigned i = 0; i < 2; i++)
		rig->subscribers->all[i] = subscriber_new(i);
	start(rig);
	return rig;
}

void rig_free(struct rig *rig)
{
	signalling_free(rig->s);
	for (unsigned i = 0; i < 2; i++)
		rig_subscriber_del(rig, i);
	free(rig->subscribers);
	free(rig);
}

void rig_restart(struct rig *rig)
{
	signalling_free(rig->s);
	for (unsigned i = 0; i < 2; i++)
		rig->subscribers->all[i]->last_timestamp = 0;
	rig->flow_commit_count = 0;
	rig->commit_count = rig->packet_count = rig->event_count = 0;
	start(rig);
}

struct rig_bu rig_bu(struct rig *rig, unsigned i, uint16_t sequence)
{
	return (struct rig_bu){
		.src = RIG_CARE_OF,
		.dst = RIG_AGENT,
		.home = i ? RIG_LINK_HOME : RIG_HOME,
		.mn_id = i ? "two@example.org" : "one@example.org",
		.sequence = sequence,
		.flags = FLAGS_BU_A | FLAGS_BU_H,
		.lifetime = 10,
		.sign = true,
		.spi = 1000 + i,
		.key = keys[i],
		.timestamp = clock_ntp_from_ns(rig->real) + sequence,
	};
}

static void add_options(const struct rig_bu *bu, struct mh *mh)
{
	struct mh_option *o;

	for (size_t i = 0; i < bu->bid_count; i++) {
		const struct rig_bid *bid = &bu->bids[i];

		o = option_add(mh, OPTION_BID);
		o->bid.bid = bid->bid;
		o->bid.priority = bid->priority;
		o->bid.home = bid->home;
		if (bid->coa) {
			o->bid.coa.len = 16;
			o->bid.coa.ip6 = rig_addr(bid->coa);
		}
		if (bid->length) {
			static const uint8_t zeros[32];

			o->state = OPTION_MALFORMED;
			o->raw = (struct field_bytes){zeros, bid->length};
		}
	}
	for (size_t i = 0; i < bu->flow_count; i++) {
		o = option_add(mh, OPTION_FLOW_ID);
		o->flow_id.fid = bu->flows[i].fid;
		o->flow_id.priority = bu->flows[i].priority;
		o->flow_id.subs = (struct field_bytes){bu->flows[i].subs, bu->flows[i].subs_len};
	}
	if (bu->summary_len) {
		o = option_add(mh, OPTION_FLOW_SUMMARY);
		o->flow_summary.fids = (struct field_bytes){bu->summary, bu->summary_len};
	}
	if (bu->alternate) {
		o = option_add(mh, OPTION_ALTERNATE_COA);
		o->alternate_coa.coa = rig_addr(bu->alternate);
	}
	if (bu->nonce_indices)
		option_add(mh, OPTION_NONCE_INDICES);
	if (bu->mn_id) {
		o = option_add(mh, OPTION_MN_ID);
		o->mn_id.subtype = OPTION_MN_ID_NAI;
		o->mn_id.id.at = (const uint8_t *)bu->mn_id;
		o->mn_id.id.len = (uint8_t)strlen(bu->mn_id);
	}
	if (bu->timestamp) {
		o = option_add(mh, OPTION_MESG_ID);
		o->mesg_id.timestamp = bu->timestamp;
	}
	if (bu->sign)
		assert_int_equal(auth_add(mh, bu->spi), 0);
}

size_t rig_bu_packet(const struct rig_bu *bu, uint8_t *buf, size_t size)
{
	struct mh mh = {
		.type = MH_BU,
		.bu = {.sequence = bu->sequence, .flags = bu->flags, .lifetime = bu->lifetime},
	};
	struct in6_addr home = rig_addr(bu->home ? bu->home : bu->src);
	struct ip6_build head = {
		.src = rig_addr(bu->src),
		.dst = rig_addr(bu->dst),
		.home_address = bu->home ? &home : NULL,
	};
	struct hmac *hmac = hmac_new();
	struct mh_packet_key key = {
		.hmac = hmac,
		.key = bu->key,
		.coa = rig_addr(bu->alternate ? bu->alternate : bu->src),
		.hoa = home,
	};
	ssize_t len;

	add_options(bu, &mh);
	len = mh_packet_encode(&head, &mh, bu->sign ? &key : NULL, buf, size);
	hmac_free(hmac);
	assert_true(len > 0);
	return (size_t)len;
}

void rig_punt(
	struct rig *rig, enum packet_reason reason, const char *port, const uint8_t *ip, size_t len)
{
	uint8_t *frame = malloc(14 + len); /* exactly: a read behind it is seen by the sanitizer */
	struct packet_punt punt = {
		.reason = reason,
		.time_ns = rig->now,
		.length = (uint16_t)(14 + len),
		.frame = frame,
	};

	memcpy(frame, port_mac.b, 6);
	memcpy(frame + 6, rig->from.b, 6);
	memcpy(frame + 12, "\x86\xdd", 2);
	memcpy(frame + 14, ip, len);
	strcpy(punt.port, port);
	signalling_receive(rig->s, "dp1", &punt);
	free(frame);
}

static void send_from(struct rig *rig, const struct rig_bu *bu, const char *port)
{
	uint8_t ip[MH_PACKET_MAX];
	size_t len = rig_bu_packet(bu, ip, sizeof(ip));

	rig_punt(rig, PACKET_MOBILITY, port, ip, len);
}

void rig_send(struct rig *rig, const struct rig_bu *bu)
{
	send_from(rig, bu, "core0");
}

void rig_send_at_home(struct rig *rig, const struct rig_bu *bu)
{
	send_from(rig, bu, "home0");
}

struct rig_commit rig_commit(struct rig *rig, int error)
{
	struct rig_commit c = rig->commits[0];

	assert_true(rig->commit_count > 0);
	rig->commit_count--;
	memmove(rig->commits, rig->commits + 1, rig->commit_count * sizeof(c));
	c.done(c.context, error);
	return c;
}

struct rig_flow_commit rig_flow_commit(struct rig *rig, int error)
{
	struct rig_flow_commit c = rig->flow_commits[0];

	assert_true(rig->flow_commit_count > 0);
	rig->flow_commit_count--;
	memmove(rig->flow_commits, rig->flow_commits + 1, rig->flow_commit_count * sizeof(c));
	c.done(c.context, error);
	return c;
}

struct rig_packet rig_packet(struct rig *rig)
{
	struct rig_packet p = rig->packets[0];

	assert_true(rig->packet_count > 0);
	rig->packet_count--;
	memmove(rig->packets, rig->packets + 1, rig->packet_count * sizeof(p));
	return p;
}

void rig_ba(struct rig *rig, struct rig_packet *packet, struct ip6_packet *ip6, struct mh *mh)
{
	const uint8_t *ip;
	size_t len;

	*packet = rig_packet(rig);
	ip = packet->octets + (packet->how == PACKET_TO_PORT ? 14 : 0);
	len = packet->len - (packet->how == PACKET_TO_PORT ? 14 : 0);
	assert_int_equal(ip6_packet_decode(ip, len, ip6, NULL), 0);
	assert_int_equal(ip6->proto, MH_NEXT_HEADER);
	assert_true(mh_checksum_ok(ip6_packet_effective_src(ip6), ip6_packet_effective_dst(ip6),
		ip + ip6->offset, ip6->len));
	assert_int_equal(mh_decode(ip + ip6->offset, ip6->len, mh, NULL), 0);
	assert_int_equal(mh->type, MH_BA);
}

uint8_t rig_status(struct rig *rig)
{
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	assert_int_equal(rig->packet_count, 1);
	rig_ba(rig, &packet, &ip6, &mh);
	return mh.ba.status;
}

void rig_bound(struct rig *rig, unsigned i, uint16_t sequence)
{
	struct rig_bu bu = rig_bu(rig, i, sequence);
	uint32_t dad = rig->config.dad_transmits;

	assert_int_equal(rig->packet_count, 0);
	rig_send(rig, &bu);
	if (rig->packet_count) { /* the probe */
		assert_true(dad > 0);
		rig_packet(rig);
		rig_wait_ms(rig, rig->config.dad_retrans_ms + 2);
	}
	assert_int_equal(rig->commit_count, 1);
	rig_commit(rig, 0);
	if (rig->packet_count == 2) /* the advertisement */
		rig_packet(rig);
	assert_int_equal(rig_status(rig), 0);
}

void rig_wait_ms(struct rig *rig, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i++) {
		rig->now += CLOCK_NS_PER_MS;
		rig->real += CLOCK_NS_PER_MS;
		wheel_advance(signalling_wheel(rig->s), rig->now, 0);
	}
}

struct binding *rig_binding(struct rig *rig, const char *home)
{
	struct in6_addr a = rig_addr(home);

	return binding_cache_find(signalling_cache(rig->s), &a);
}

uint64_t rig_counter(struct rig *rig, const char *name)
{
	json_t *all = signalling_counters(rig->s);
	json_t *one = json_object_get(all, name);
	uint64_t value;

	if (!one)
		fail_msg("no counter %s", name);
	value = (uint64_t)json_integer_value(one);
	json_decref(all);
	return value;
}
