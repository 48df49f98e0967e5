/*
 * Punted packets into the home agent's signalling. The input is a row of packets: control octet,
 * length (16 bits), IPv6 packet. The checksum of a mobility or ICMPv6 message is made right when
 * the control octet says so, and its subscriber needs no authentication, so that the fuzzer gets
 * behind both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/signalling.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/mh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum control {
	CONTROL_REASON = 0x03,   /* punt reason - 1 */
	CONTROL_CHECKSUM = 0x04, /* make the checksum right */
	CONTROL_TUNNEL = 0x08,   /* it came through a tunnel */
	CONTROL_FAIL = 0x10,     /* the commit fails */
	CONTROL_HOLD = 0x20,     /* the commit is not ended now */
	CONTROL_WAIT = 0x40,     /* ten seconds pass */
	CONTROL_HOME = 0x80,     /* by the port of the home link */
};

enum { FRAME_MAX = 4096, COMMITS = 64 };

static struct {
	struct signalling *s;
	uint64_t now;
	struct {
		signalling_done *done;
		void *context;
	} commits[COMMITS];
	unsigned commit_count;
} bench;

static struct home_link home_link = {.id = 1, .name = "home", .port = "home"};
static struct home_prefix prefixes[1];
static struct in6_addr agent;
static struct subscriber_home home;
static struct subscriber subscriber = {
	.id = 1, .auth = SUBSCRIBER_AUTH_NONE, .enabled = true, .mn_id = "a@b", .mn_id_len = 3};

struct subscriber *subscriber_db_find(struct subscriber_db *db, const void *mn_id, size_t len)
{
	(void)db;
	return len == 3 && memcmp(mn_id, "a@b", 3) == 0 ? &subscriber : NULL;
}

struct subscriber *subscriber_db_find_home(
	struct subscriber_db *db, const struct in6_addr *addr, uint8_t *index)
{
	(void)db;
	(void)index;
	return addr_equal(addr, &home.addr) ? &subscriber : NULL;
}

void subscriber_db_expect(const struct subscriber_db *db, const uint64_t hashes[], unsigned count)
{
	(void)db;
	(void)hashes;
	(void)count;
}

static int do_commit(void *context, const struct binding_list *good, const struct binding_list *to,
	signalling_done *done, void *done_context)
{
	(void)context;
	if (!good->count || !to->count || to->count > BINDING_MAX)
		abort();
	for (unsigned i = 0; i < to->count; i++)
		if (!addr_equal(&good->records->home, &to->records[i].home))
			abort();
	if (bench.commit_count == COMMITS)
		return -ENOMEM;
	bench.commits[bench.commit_count].done = done;
	bench.commits[bench.commit_count++].context = done_context;
	return 0;
}

static int do_culprit(void *context)
{
	(void)context;
	return -ENOENT;
}

static int do_inject(void *context, const char *data_plane, const struct packet_inject *inject)
{
	(void)context;
	(void)data_plane;
	return inject->length == 0 || inject->length > PACKET_FRAME_MAX ? abort(), 0 : 0;
}

/* The second of two data planes takes over what the first could not. */
static int do_choose(
	void *context, const struct in6_addr *care_of, uint64_t tried, uint64_t *data_plane)
{
	(void)context;
	(void)care_of;
	*data_plane = 1 + (tried & 1);
	return (tried & 3) == 3 ? -ENOTCONN : (int)(tried & 1);
}

static bool do_tunnel_address(void *context, uint64_t data_plane, struct in6_addr *address)
{
	(void)context;
	*address = agent;
	address->s6_addr[15] = (uint8_t)data_plane;
	return true;
}

static int do_port(void *context, const struct home_link *link, struct signalling_port *port)
{
	(void)context;
	(void)link;
	*port = (struct signalling_port){
		.data_plane = "dp1", .mac = {{2, 0, 0, 0, 0, 1}}, .session = 1};
	return 0;
}

static void do_event(void *context, const struct signalling_event *event)
{
	(void)context;
	(void)event;
}

static uint64_t do_now(void *context)
{
	(void)context;
	return bench.now;
}

static uint64_t do_real(void *context)
{
	(void)context;
	return bench.now + 1790000000 * CLOCK_NS_PER_S;
}

static void start(void)
{
	const struct signalling_config config = {
		.policy = {.agents = &agent,
			.agent_count = 1,
			.prefixes = prefixes,
			.prefix_count = 1},
		.max_lifetime_s = 3600,
		.max_bindings = 2,
		.timestamp_window_ms = 7000,
		.dad_transmits = 1,
		.dad_retrans_ms = 1000,
		.advertisements = 3,
		.errors_per_second = 10,
		.tunnel_option = OPTION_ALTERNATE_COA,
		.multihoming = {.max = BINDING_MAX, .bulk = true},
	};
	const struct signalling_ops ops = {.choose = do_choose,
		.tunnel_address = do_tunnel_address,
		.commit = do_commit,
		.culprit = do_culprit,
		.inject = do_inject,
		.port = do_port,
		.event = do_event,
		.now_ns = do_now,
		.real_ns = do_real};

	log_set_level(LOG_LEVEL_ERROR);
	addr_parse("2001:db8:1::1", &agent);
	addr_parse("2001:db8:1::100", &home.addr);
	prefix6_parse("2001:db8:1::/64", &prefixes[0].prefix);
	prefixes[0].link = &home_link;
	subscriber.home = &home;
	subscriber.home_count = 1;
	subscriber.last_timestamp = 0;
	bench.now = 1000 * CLOCK_NS_PER_S;
	bench.commit_count = 0;
	bench.s = signalling_new(&config, &ops, NULL);
	if (!bench.s)
		abort();
}

static void end_commits(int error)
{
	while (bench.commit_count) {
		unsigned i = --bench.commit_count;

		bench.commits[i].done(bench.commits[i].context, error);
	}
}

static void make_checksum_right(uint8_t *ip, size_t len)
{
	struct ip6_packet packet;

	if (ip6_packet_decode(ip, len, &packet, NULL) || packet.is_fragment)
		return;
	if (packet.proto == ICMP6_NEXT_HEADER && packet.len >= ICMP6_HEADER_SIZE) {
		uint16_t sum = icmp6_checksum(ip6_packet_effective_src(&packet),
			ip6_packet_effective_dst(&packet), ip + packet.offset, packet.len);

		ip[packet.offset + ICMP6_AT_CHECKSUM] = (uint8_t)(sum >> 8);
		ip[packet.offset + ICMP6_AT_CHECKSUM + 1] = (uint8_t)sum;
	}
	if (packet.proto != MH_NEXT_HEADER || packet.len < MH_HEADER_SIZE ||
		mh_size(ip + packet.offset, packet.len) > packet.len)
		return;
	mh_checksum_set(ip6_packet_effective_src(&packet), ip6_packet_effective_dst(&packet),
		ip + packet.offset, mh_size(ip + packet.offset, packet.len));
}

static void punt(uint8_t control, const uint8_t *ip, size_t len)
{
	static const uint8_t ethernet[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd};
	size_t head = control & CONTROL_TUNNEL ? 0 : sizeof(ethernet);
	uint8_t *frame = malloc(head + len + 1);
	struct packet_punt punt = {
		.reason = (enum packet_reason)((control & CONTROL_REASON) + 1),
		.subscriber = head ? 0 : 1,
		.length = (uint16_t)(head + len),
		.frame = frame,
	};

	memcpy(frame, ethernet, head);
	memcpy(frame + head, ip, len);
	if (control & CONTROL_CHECKSUM)
		make_checksum_right(frame + head, len);
	strcpy(punt.port, control & CONTROL_HOME ? "home" : "core");
	signalling_receive(bench.s, "dp1", &punt);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c;

	start();
	cursor_init(&c, data, size);
	while (cursor_left(&c) >= 3) {
		uint8_t control = cursor_u8(&c);
		size_t len = cursor_u16(&c);

		if (len > cursor_left(&c))
			len = cursor_left(&c);
		if (len > FRAME_MAX)
			break;
		punt(control, cursor_bytes(&c, len), len);
		if (!(control & CONTROL_HOLD))
			end_commits(control & CONTROL_FAIL ? -ETIMEDOUT : 0);
		if (control & CONTROL_WAIT)
			bench.now += 10 * CLOCK_NS_PER_S;
		wheel_advance(signalling_wheel(bench.s), bench.now, 0);
	}
	end_commits(0);
	signalling_free(bench.s);
	return 0;
}
