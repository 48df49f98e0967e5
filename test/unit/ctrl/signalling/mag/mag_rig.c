#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../proxy/proxy_rig.h"
#include "common/clock.h"
#include "common/log.h"
#include "mag_rig.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/nd.h"

enum { SPI = 1000, ETHER = 14 };

static const uint8_t key[AUTH_KEY_SIZE] = "0123456789abcde";
const struct mac mag_rig_host = {{2, 0, 0, 0, 1, 1}}, mag_rig_port = {{2, 0, 0, 0, 9, 9}};
static struct mag_anchor anchors[2];
static struct mag_link links[] = {{.port = "access", .access = CODES_ACCESS_IEEE_802_11},
	{.port = "second", .access = CODES_ACCESS_IEEE_802_11}};
static struct prefix6 networks[2];
static struct mag_profile profiles[] = {
	{.mn_id = MAG_RIG_NODE, .mac = {{2, 0, 0, 0, 1, 1}}, .anchor = &anchors[0]}};

static struct mag_path paths[] = {
	{.bid = 1, .access = CODES_ACCESS_IEEE_802_11, .label = 9},
	{.bid = 7, .access = CODES_ACCESS_IEEE_802_3, .label = 11},
};

struct mag_rig mag_rig;

struct in6_addr mag_rig_address(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static int op_commit(void *context, const struct attachment_record *good,
	const struct attachment_record *record, mag_done *done, void *done_context)
{
	(void)context;
	assert_int_equal(good->number, record->number);
	assert_null(mag_rig.done);
	mag_rig.committed = *record;
	mag_rig.done = done;
	mag_rig.context = done_context;
	mag_rig.commits++;
	return 0;
}

void mag_rig_commit(int error)
{
	mag_done *done = mag_rig.done;

	assert_non_null(done);
	mag_rig.done = NULL;
	done(mag_rig.context, error);
}

static void read_update(const struct packet_inject *inject)
{
	struct hmac *hmac = hmac_new();
	struct ip6_packet ip6;

	assert_int_equal(ip6_packet_decode(inject->frame, inject->length, &ip6, NULL), 0);
	assert_true(mag_is_own(mag_rig.mag, &ip6.src));
	mag_rig.source = ip6.src;
	mag_rig.anchor = ip6.dst;
	assert_true(mh_checksum_ok(&ip6.src, &ip6.dst, inject->frame + ip6.offset, ip6.len));
	if (inject->frame[ip6.offset + 2] != MH_BU) {
		memcpy(mag_rig.said, inject->frame + ip6.offset, ip6.len);
		assert_int_equal(mh_decode(mag_rig.said, ip6.len, &mag_rig.message, NULL), 0);
		assert_int_equal(auth_verify(hmac, key, &ip6.src, &in6addr_any, mag_rig.said,
					 &mag_rig.message),
			AUTH_GOOD);
		hmac_free(hmac);
		mag_rig.messages++;
		return;
	}
	memcpy(mag_rig.octets, inject->frame + ip6.offset, ip6.len);
	assert_int_equal(mh_decode(mag_rig.octets, ip6.len, &mag_rig.update, NULL), 0);
	assert_int_equal(mag_rig.update.bu.flags, FLAGS_BU_A | FLAGS_BU_P);
	assert_int_equal(
		auth_verify(hmac, key, &ip6.src, &in6addr_any, mag_rig.octets, &mag_rig.update),
		AUTH_GOOD);
	hmac_free(hmac);
	mag_rig.updates++;
}

static void read_frame(const struct packet_inject *inject)
{
	const uint8_t *ip = inject->frame + ETHER;
	struct ip6_packet ip6;

	assert_memory_equal(inject->frame, mag_rig_host.b, 6);
	assert_memory_equal(inject->frame + 6, mag_rig_port.b, 6);
	assert_int_equal(ip6_packet_decode(ip, inject->length - ETHER, &ip6, NULL), 0);
	assert_int_equal(ip[7], 255);
	if (ip[ip6.offset] == ICMP6_TYPE_NEIGHBOUR_SOLICITATION) {
		mag_rig.solicitations++;
		return;
	}
	assert_int_equal(icmp6_checksum(&ip6.src, &ip6.dst, ip + ip6.offset, ip6.len),
		ip[ip6.offset + 2] << 8 | ip[ip6.offset + 3]);
	assert_int_equal(
		router_decode(ip + ip6.offset, ip6.len, &mag_rig.advertised), ROUTER_FAULT_NONE);
	strcpy(mag_rig.advertised_on, inject->port);
	mag_rig.advertisements++;
}

static int op_inject(void *context, const struct packet_inject *inject)
{
	(void)context;
	if (inject->how == PACKET_TO_ROUTE)
		read_update(inject);
	else
		read_frame(inject);
	return 0;
}

static bool op_reaches(void *context)
{
	(void)context;
	return !mag_rig.unreached;
}

static int op_port(void *context, const struct mag_link *link, struct mac *mac)
{
	(void)context;
	(void)link;
	*mac = mag_rig_port;
	return 0;
}

static void op_metrics(void *context, const struct mag_anchor *to, struct metrics_list *metrics)
{
	(void)context;
	assert_ptr_equal(to, &anchors[0]);
	*metrics = mag_rig.metrics;
}

static void op_event(void *context, enum mag_event_kind kind, const struct mag_attachment *a)
{
	(void)context;
	(void)a;
	assert_string_not_equal(mag_event_name(kind), "unknown");
}

static void op_peer_event(void *context, const struct mag_anchor *from, enum heartbeat_event event)
{
	(void)context;
	assert_ptr_equal(from, &anchors[0]);
	assert_string_not_equal(heartbeat_event_name(event), "unknown");
}

static uint64_t op_now(void *context)
{
	(void)context;
	return mag_rig.now;
}

static uint64_t op_real(void *context)
{
	(void)context;
	return mag_rig.real;
}

void mag_rig_start(void)
{
	const struct mag_ops ops = {.commit = op_commit,
		.inject = op_inject,
		.reaches = op_reaches,
		.port = op_port,
		.metrics = op_metrics,
		.event = op_event,
		.peer_event = op_peer_event,
		.now_ns = op_now,
		.real_ns = op_real};
	links[1].access = mag_rig.second_access ? mag_rig.second_access : CODES_ACCESS_IEEE_802_11;
	links[0].domain = profiles[0].domain = mag_rig.domain;
	profiles[0].delegates = mag_rig.delegates;
	profiles[0].always_on = mag_rig.always_on ? &links[1] : NULL;
	profiles[0].delegated = networks;
	profiles[0].delegated_count = 0;
	for (size_t i = 0; i < 2 && mag_rig.delegated[i]; i++)
		assert_int_equal(prefix6_parse(mag_rig.delegated[i],
					 &networks[profiles[0].delegated_count++]),
			0);
	paths[0].address = mag_rig_address(MAG_RIG_OWN);
	paths[1].address = mag_rig_address(MAG_RIG_OTHER);
	const struct mag_config config = {.paths = paths,
		.path_count = mag_rig.paths ? 2 : 0,
		.identifier = "mag@example.org",
		.concurrent = !mag_rig.one_by_one,
		.address = mag_rig_address(MAG_RIG_OWN),
		.link_local = mag_rig_address("fe80::200:5eff:fe00:5213"),
		.links = links,
		.link_count = 2,
		.anchors = anchors,
		.anchor_count = 2,
		.profiles = profiles,
		.profile_count = 1,
		.lifetime_s = 120,
		.mtu = 1460,
		.gre = mag_rig.gre,
		.numbered = mag_rig.numbered,
		.metrics_vendor = mag_rig.metrics_vendor,
		.probe_ms = 3000,
		.probes = 2,
		.hold_ms = 30000,
		.timestamp_window_ms = 7000};

	mag_rig.mag = mag_new(&config, &ops);
	assert_non_null(mag_rig.mag);
}

int mag_rig_setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	memset(&mag_rig, 0, sizeof(mag_rig));
	mag_rig.now = 5 * CLOCK_NS_PER_S;
	mag_rig.real = 1790000000 * CLOCK_NS_PER_S;
	anchors[0] = (struct mag_anchor){.name = "lma",
		.address = mag_rig_address(MAG_RIG_ANCHOR),
		.has_key = true,
		.spi = SPI};
	memcpy(anchors[0].key, key, sizeof(key));
	anchors[1] = anchors[0];
	anchors[1].name = "before";
	anchors[1].address = mag_rig_address(MAG_RIG_BEFORE);
	mag_rig_start();
	return 0;
}

int mag_rig_teardown(void **state)
{
	(void)state;
	mag_free(mag_rig.mag);
	return 0;
}

void mag_rig_wait_ms(uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i++) {
		mag_rig.now += CLOCK_NS_PER_MS;
		mag_rig.real += CLOCK_NS_PER_MS;
		wheel_advance(mag_wheel(mag_rig.mag), mag_rig.now, 0);
	}
}

/* The host solicits its own address, as duplicate address detection does; or a router. */
void mag_rig_speak(const char *port, uint8_t type)
{
	struct packet_punt punt = {.reason = PACKET_NEIGHBOUR};
	struct receive_packet packet = {.data_plane = "dp1", .punt = &punt, .from = &mag_rig_host};
	const struct ip6_build head = {.src = mag_rig_address(MAG_RIG_HOST),
		.dst = mag_rig_address("ff02::2"),
		.hop_limit = 255,
		.proto = ICMP6_NEXT_HEADER,
		.payload_len = 8};
	uint8_t ip[ND_PACKET_MAX] = {0};
	struct nd_message ns;

	strcpy(punt.port, port);
	packet.ip = ip;
	if (type == ICMP6_TYPE_NEIGHBOUR_SOLICITATION) {
		const struct in6_addr target = mag_rig_address(MAG_RIG_HOST);

		nd_dad_probe(&target, &ns);
		packet.len = (size_t)nd_encode(&ns, ip, sizeof(ip));
	} else {
		uint16_t sum;

		packet.len = (size_t)ip6_build(&head, ip, sizeof(ip)) + 8;
		ip[40] = type;
		sum = icmp6_checksum(&head.src, &head.dst, ip + 40, 8);
		ip[42] = (uint8_t)(sum >> 8);
		ip[43] = (uint8_t)sum;
	}
	assert_int_equal(ip6_packet_decode(ip, packet.len, &packet.ip6, NULL), 0);
	assert_true(mag_neighbour(mag_rig.mag, &packet));
}

static void add_answer_options(const struct mag_rig_answer *a, struct mh *mh)
{
	const struct mh_option *from;
	struct mh_option *o = option_add(mh, OPTION_MN_ID);
	struct prefix6 prefix = {0};

	o->mn_id = option_find(&mag_rig.update, OPTION_MN_ID)->mn_id;
	if (a->prefix)
		assert_int_equal(prefix6_parse(a->prefix, &prefix), 0);
	o = option_add(mh, OPTION_HOME_NETWORK_PREFIX);
	o->prefix.prefix = prefix.addr;
	o->prefix.len = prefix.len;
	o = option_add(mh, OPTION_HANDOFF);
	o->handoff.value = (uint8_t)(option_find(&mag_rig.update, OPTION_HANDOFF)->handoff.value +
				     a->other_handoff);
	option_add(mh, OPTION_ACCESS_TECHNOLOGY)->access =
		option_find(&mag_rig.update, OPTION_ACCESS_TECHNOLOGY)->access;
	from = option_find(&mag_rig.update, OPTION_MN_LINK_ID);
	if (!a->no_link_id)
		option_add(mh, OPTION_MN_LINK_ID)->octets = from->octets;
	from = option_find(&mag_rig.update, OPTION_MAG_MULTIPATH);
	if (a->user_plane)
		option_add(mh, OPTION_LMA_ADDRESS)->lma_address.address = (struct field_addr){
			.ip6 = mag_rig_address(a->user_plane), .len = sizeof(struct in6_addr)};
	if (a->gre)
		option_add(mh, OPTION_GRE_KEY)->gre_key.key = a->uplink_key;
	for (size_t i = 0; i < 5 && a->delegated[i]; i++) {
		assert_int_equal(prefix6_parse(a->delegated[i], &prefix), 0);
		option_add(mh, OPTION_DELEGATED_PREFIX)->delegated_prefix =
			(struct option_delegated_prefix){.prefix_len = prefix.len,
				.prefix = {.ip6 = prefix.addr, .len = sizeof(prefix.addr)}};
	}
	if (a->echo)
		option_add(mh, OPTION_MAG_MULTIPATH)->mag_multipath = from->mag_multipath;
	if (a->ahead_s)
		option_add(mh, OPTION_TIMESTAMP)->timestamp.time =
			clock_48_16_from_ns(mag_rig.real) + (uint64_t)(a->ahead_s * 65536);
	assert_int_equal(auth_add(mh, SPI), 0);
}

void mag_rig_answer(const struct mag_rig_answer *a)
{
	static const uint8_t wrong[AUTH_KEY_SIZE] = "x";
	const struct ip6_build head = {.src = mag_rig.anchor, .dst = mag_rig.source};
	struct mh mh = {.type = MH_BA,
		.ba = {.status = a->status,
			.flags = FLAGS_BA_P,
			.sequence = (uint16_t)(mag_rig.update.bu.sequence + a->other_sequence),
			.lifetime = a->lifetime}};
	struct proxy_rig_message message;

	add_answer_options(a, &mh);
	proxy_rig_message(&message, &head, &mh, &head.dst, a->wrong_key ? wrong : key);
	mag_receive(mag_rig.mag, &message.packet, &message.mh);
}

void mag_rig_say(struct mh *mh)
{
	const struct ip6_build head = {.src = mag_rig_address(MAG_RIG_ANCHOR),
		.dst = mag_rig_address(mag_rig.said_to ? mag_rig.said_to : MAG_RIG_OWN)};
	struct proxy_rig_message message;

	assert_int_equal(auth_add(mh, SPI), 0);
	proxy_rig_message(&message, &head, mh, &head.dst, key);
	mag_receive(mag_rig.mag, &message.packet, &message.mh);
}

const struct mag_rig_answer mag_rig_good = {.prefix = "2001:db8:4::/64", .lifetime = 30};

struct mag_attachment *mag_rig_attached(void)
{
	return mag_find(mag_rig.mag, &mag_rig_host);
}

void mag_rig_register_host(void)
{
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
}
