/* Forwarding objects on the wire: golden octets, round trips, every rule, every boundary. */
#include <arpa/inet.h>
#include <errno.h>

#include "bytes.h"
#include "proto/channel/object.h"

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static struct object a_local(void)
{
	return (struct object){.kind = OBJECT_LOCAL,
		.op = OBJECT_SET,
		.id = 7,
		.local = {.id = 7, .addr = addr("2001:db8::1")}};
}

static struct object a_link(void)
{
	return (struct object){.kind = OBJECT_LINK,
		.op = OBJECT_SET,
		.id = 3,
		.link = {.id = 3, .port = "home0", .watch_dad = true}};
}

static struct object a_path(void)
{
	return (struct object){.kind = OBJECT_PATH,
		.op = OBJECT_SET,
		.id = 0x0102030405060708,
		.path = {.id = 0x0102030405060708,
			.kind = PATH_IP6_IN_IP6,
			.local = addr("2001:db8::1"),
			.remote = addr("2001:db8:a::99"),
			.data_plane = 0x0a0b,
			.mtu = 1480}};
}

static struct object an_on_link_path(void)
{
	return (struct object){.kind = OBJECT_PATH,
		.op = OBJECT_SET,
		.id = 20,
		.path = {.id = 20,
			.kind = PATH_ON_LINK,
			.port = "access",
			.mac = {{2, 0, 0, 0, 4, 1}},
			.data_plane = 0x0c0d,
			.mtu = 1500}};
}

static struct object a_data_plane(void)
{
	return (struct object){.kind = OBJECT_DATA_PLANE,
		.op = OBJECT_SET,
		.id = 0x0a0b,
		.data_plane = {.id = 0x0a0b, .name = "dp-a", .addr = addr("2001:db8::a")}};
}

static struct object a_group(void)
{
	return (struct object){.kind = OBJECT_GROUP,
		.op = OBJECT_SET,
		.id = 0x21,
		.group = {.id = 0x21,
			.source = addr("2001:db8:5::5"),
			.group = addr("ff3e::99"),
			.port = "core"}};
}

static struct object a_tunnelled_group(void)
{
	struct object obj = a_group();

	obj.group.port[0] = '\0';
	obj.group.path = 0x0400000000000001, obj.group.rate = 125000;
	return obj;
}

static struct object a_member(void)
{
	return (struct object){.kind = OBJECT_MEMBER,
		.op = OBJECT_SET,
		.id = 0x22,
		.member = {.id = 0x22, .group = 0x21, .kind = MEMBER_SUBSCRIBER, .target = 9}};
}

static struct object a_link_member(void)
{
	return (struct object){.kind = OBJECT_MEMBER,
		.op = OBJECT_SET,
		.id = 0x23,
		.member = {.id = 0x23, .group = 0x21, .kind = MEMBER_LINK, .port = "home"}};
}

static struct object a_subscriber(void)
{
	return (struct object){.kind = OBJECT_SUBSCRIBER,
		.op = OBJECT_SET,
		.id = 9,
		.subscriber = {.id = 9,
			.domain = 5,
			.link_id = 3,
			.prefix_count = 2,
			.path_count = 1,
			.prefixes = {{addr("2001:db8:100::10"), 128}, {addr("2001:db8:7::"), 48}},
			.paths = {0x1122}}};
}

static struct object a_steered_subscriber(void)
{
	struct object obj = a_subscriber();

	obj.subscriber.path_count = 2;
	obj.subscriber.paths[1] = 0x3344;
	obj.subscriber.steering = STEERING_PACKET;
	obj.subscriber.weights[0] = 3;
	return obj;
}

static struct object a_rule(void)
{
	return (struct object){.kind = OBJECT_RULE,
		.op = OBJECT_SET,
		.id = 0x77,
		.rule = {.id = 0x77,
			.subscriber = 9,
			.priority = 0x0102,
			.action = RULE_TO_PATHS,
			.path_count = 2,
			.paths = {0x1122, 0x3344},
			.selector = {.version = 6,
				.fields = 1 << RULE_SOURCE | 1 << RULE_SOURCE_PORT |
					  1 << RULE_PROTOCOL,
				.addresses[RULE_SOURCE] = {addr("2001:db8:c::"),
					addr("2001:db8:c::ff")},
				.numbers[RULE_SOURCE_PORT] = {5000, 5010},
				.numbers[RULE_PROTOCOL] = {17, 17}}}};
}

/* As large as a subscriber can be. */
static struct object a_full_subscriber(void)
{
	struct object obj = a_subscriber();

	obj.subscriber.prefix_count = OBJECT_PREFIXES_MAX;
	obj.subscriber.path_count = OBJECT_PATHS_MAX;
	for (unsigned i = 0; i < OBJECT_PREFIXES_MAX; i++) {
		obj.subscriber.prefixes[i] = (struct prefix6){addr("2001:db8:100::"), 64};
		obj.subscriber.prefixes[i].addr.s6_addr[7] = (uint8_t)i;
	}
	for (unsigned i = 0; i < OBJECT_PATHS_MAX; i++)
		obj.subscriber.paths[i] = UINT64_MAX - i;
	obj.subscriber.steering = STEERING_FLOW;
	memset(obj.subscriber.weights, 255, sizeof(obj.subscriber.weights));
	return obj;
}

static void same_subscriber(const struct object_subscriber *a, const struct object_subscriber *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->domain, b->domain);
	assert_int_equal(a->link_id, b->link_id);
	assert_int_equal(a->prefix_count, b->prefix_count);
	assert_int_equal(a->path_count, b->path_count);
	for (unsigned i = 0; i < a->prefix_count; i++)
		assert_int_equal(prefix6_compare(&a->prefixes[i], &b->prefixes[i]), 0);
	assert_memory_equal(a->paths, b->paths, a->path_count * sizeof(a->paths[0]));
	assert_int_equal(a->steering, b->steering);
	assert_memory_equal(a->weights, b->weights, a->path_count);
}

static void same_object(const struct object *a, const struct object *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->op, b->op);
	assert_int_equal(a->id, b->id);
	if (a->op == OBJECT_DELETE)
		return;
	switch (a->kind) {
	case OBJECT_LOCAL:
		assert_int_equal(a->local.id, b->local.id);
		assert_true(addr_equal(&a->local.addr, &b->local.addr));
		break;
	case OBJECT_LINK:
		assert_int_equal(a->link.id, b->link.id);
		assert_string_equal(a->link.port, b->link.port);
		assert_memory_equal(&a->link.watch_dad, &b->link.watch_dad, 3); /* flags */
		break;
	case OBJECT_PATH:
		assert_int_equal(a->path.id, b->path.id);
		assert_int_equal(a->path.kind, b->path.kind);
		assert_true(addr_equal(&a->path.local, &b->path.local));
		assert_true(addr_equal(&a->path.remote, &b->path.remote));
		assert_int_equal(a->path.data_plane, b->path.data_plane);
		assert_int_equal(a->path.mtu, b->path.mtu);
		assert_string_equal(a->path.port, b->path.port);
		assert_true(mac_equal(&a->path.mac, &b->path.mac));
		break;
	case OBJECT_SUBSCRIBER:
		same_subscriber(&a->subscriber, &b->subscriber);
		break;
	case OBJECT_DATA_PLANE:
		assert_int_equal(a->data_plane.id, b->data_plane.id);
		assert_string_equal(a->data_plane.name, b->data_plane.name);
		assert_true(addr_equal(&a->data_plane.addr, &b->data_plane.addr));
		break;
	case OBJECT_RULE:
		assert_int_equal(rule_digest(0, &a->rule), rule_digest(0, &b->rule));
		break;
	case OBJECT_GROUP:
		assert_int_equal(a->group.id, b->group.id);
		assert_true(addr_equal(&a->group.source, &b->group.source));
		assert_true(addr_equal(&a->group.group, &b->group.group));
		assert_string_equal(a->group.port, b->group.port);
		assert_int_equal(a->group.path, b->group.path);
		assert_int_equal(a->group.rate, b->group.rate);
		break;
	case OBJECT_MEMBER:
		assert_int_equal(a->member.id, b->member.id);
		assert_int_equal(a->member.group, b->member.group);
		assert_int_equal(a->member.kind, b->member.kind);
		assert_int_equal(a->member.target, b->member.target);
		assert_string_equal(a->member.port, b->member.port);
		break;
	}
}

static void golden(void **state)
{
	(void)state;
	const struct {
		struct object obj;
		const char *hex;
	} cases[] = {
		{a_local(), "01 01 0018 0000000000000007 20010db8000000000000000000000001"},
		{a_link(), "02 01 0011 0000000000000003 01 00 00 05 686f6d6530"},
		{an_on_link_path(), "03 01 0020 0000000000000014 02 020000000401 "
				    "0000000000000c0d 05dc 06 616363657373"},
		{a_path(), "03 01 0033 0102030405060708 01 20010db8000000000000000000000001 "
			   "20010db8000a00000000000000000099 0000000000000a0b 05c8"},
		{a_subscriber(),
			"04 01 0047 0000000000000009 00000005 0000000000000003 02 01 "
			"20010db8010000000000000000000010 80 20010db8000700000000000000000000 "
			"30 0000000000001122 00 00 00 0000 0000"},
		{a_steered_subscriber(),
			"04 01 0050 0000000000000009 00000005 0000000000000003 02 02 "
			"20010db8010000000000000000000010 80 20010db8000700000000000000000000 "
			"30 0000000000001122 0000000000003344 02 0300 00 0000 0000"},
		{a_rule(), "06 01 004c 0000000000000077 0000000000000009 0102 01 02 "
			   "0000000000001122 0000000000003344 06 91 "
			   "20010db8000c00000000000000000000 20010db8000c000000000000000000ff "
			   "1388 1392 11 11"},
		{a_data_plane(), "05 01 001d 0000000000000a0b 20010db800000000000000000000000a "
				 "04 64702d61"},
		{a_group(), "07 01 0039 0000000000000021 20010db8000500000000000000000005 "
			    "ff3e0000000000000000000000000099 04 636f7265 0000000000000000 "
			    "00000000"},
		{a_tunnelled_group(),
			"07 01 0035 0000000000000021 20010db8000500000000000000000005 "
			"ff3e0000000000000000000000000099 00 0400000000000001 0001e848"},
		{a_member(), "08 01 001a 0000000000000022 0000000000000021 01 0000000000000009 00"},
		{a_link_member(), "08 01 001e 0000000000000023 0000000000000021 03 "
				  "0000000000000000 04 686f6d65"},
		{{.kind = OBJECT_PATH, .op = OBJECT_DELETE, .id = 0xff},
			"03 02 0008 00000000000000ff"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t buf[OBJECT_WIRE_MAX];
		struct writer w;

		writer_init(&w, buf, sizeof(buf));
		assert_int_equal(object_encode(&w, &cases[i].obj), 0);
		assert_written(&w, cases[i].hex);
	}
}

/* Every prefix of a record is refused, the whole is read back, and two records follow one another.
 */
static void round_trip_and_truncation(void **state)
{
	(void)state;
	const struct object objects[] = {a_local(), a_link(), a_path(), an_on_link_path(),
		a_subscriber(), a_full_subscriber(), a_steered_subscriber(), a_data_plane(),
		a_rule(), a_group(), a_tunnelled_group(), a_member(), a_link_member(),
		{.kind = OBJECT_SUBSCRIBER, .op = OBJECT_DELETE, .id = UINT64_MAX}};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		uint8_t buf[2 * OBJECT_WIRE_MAX];
		struct object got;
		struct writer w;
		struct cursor c;
		size_t len;

		writer_init(&w, buf, sizeof(buf));
		assert_int_equal(object_encode(&w, &objects[i]), 0);
		len = writer_len(&w);
		assert_in_range(len, 1, OBJECT_WIRE_MAX);
		for (size_t cut = 0; cut < len; cut++) {
			cursor_exact(&c, buf, cut);
			assert_int_equal(object_decode(&c, &got), -EBADMSG);
			assert_false(cursor_ok(&c));
			cursor_exact_free(&c);
		}
		assert_int_equal(object_encode(&w, &objects[0]), 0);
		cursor_exact(&c, buf, writer_len(&w));
		assert_int_equal(object_decode(&c, &got), 0);
		same_object(&objects[i], &got);
		assert_int_equal(object_decode(&c, &got), 0);
		same_object(&objects[0], &got);
		assert_int_equal(cursor_left(&c), 0);
		cursor_exact_free(&c);
	}
}

/* A writer one octet too small gets nothing of the record and still takes a shorter one. */
static void no_room(void **state)
{
	(void)state;
	const struct object big = a_full_subscriber(), small = a_link();
	uint8_t buf[OBJECT_WIRE_MAX];
	struct writer w;
	size_t need;

	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(object_encode(&w, &big), 0);
	need = writer_len(&w);
	for (size_t size = 0; size < need; size++) {
		uint8_t *exact = malloc(size ? size : 1);

		assert_non_null(exact);
		writer_init(&w, exact, size);
		assert_int_equal(object_encode(&w, &big), -ENOSPC);
		assert_int_equal(writer_len(&w), 0);
		assert_int_equal(object_encode(&w, &small), size < 21 ? -ENOSPC : 0);
		free(exact);
	}
}

static void encoder_refuses(void **state)
{
	(void)state;
	struct object bad[64];
	uint8_t buf[OBJECT_WIRE_MAX];
	struct writer w;
	size_t n = 0;

	bad[n] = a_local(), bad[n].id = 0, bad[n++].local.id = 0;
	bad[n] = a_local(), bad[n++].local.id = 8;
	bad[n] = a_local(), bad[n++].kind = 0;
	bad[n] = a_local(), bad[n++].kind = 9;
	bad[n] = a_local(), bad[n++].op = 3;
	bad[n] = a_link(), bad[n++].link.port[0] = '\0';
	bad[n] = a_link(), memset(bad[n++].link.port, 'x', OBJECT_PORT_NAME_MAX + 1);
	bad[n] = a_link(), bad[n++].link.port[1] = ' ';
	bad[n] = a_path(), bad[n++].path.kind = 0;
	bad[n] = a_path(), bad[n++].path.kind = 2;
	bad[n] = a_path(), bad[n++].path.kind = 5;
	bad[n] = a_path(), bad[n++].path.port[0] = 'x';
	bad[n] = a_path(), bad[n++].path.mac.b[0] = 2;
	bad[n] = an_on_link_path(), bad[n++].path.port[0] = '\0';
	bad[n] = an_on_link_path(), bad[n++].path.remote = addr("2001:db8::1");
	bad[n] = a_subscriber(), bad[n++].subscriber.prefix_count = 0;
	bad[n] = a_subscriber(), bad[n++].subscriber.prefix_count = OBJECT_PREFIXES_MAX + 1;
	bad[n] = a_subscriber(), bad[n++].subscriber.path_count = 0;
	bad[n] = a_subscriber(), bad[n++].subscriber.path_count = OBJECT_PATHS_MAX + 1;
	bad[n] = a_subscriber(), bad[n++].subscriber.prefixes[1].len = 32;
	bad[n] = a_subscriber(), bad[n++].subscriber.paths[0] = 0;
	bad[n] = a_data_plane(), bad[n++].data_plane.id = 1;
	bad[n] = a_data_plane(), bad[n++].data_plane.name[0] = '\0';
	bad[n] = a_data_plane(), memset(bad[n++].data_plane.name, 'x', OBJECT_NAME_MAX + 1);
	bad[n] = a_data_plane(), bad[n++].data_plane.name[1] = ' ';
	bad[n] = a_subscriber(), bad[n++].subscriber.steering = STEERING_COUNT;
	bad[n] = a_subscriber(), bad[n++].subscriber.steering = STEERING_FLOW;
	bad[n] = a_subscriber(), bad[n++].subscriber.weights[0] = 1;
	bad[n] = a_rule(), bad[n++].rule.id = 1;
	bad[n] = a_rule(), bad[n++].rule.subscriber = 0;
	bad[n] = a_rule(), bad[n++].rule.action = 0;
	bad[n] = a_rule(), bad[n++].rule.action = RULE_DROP;
	bad[n] = a_rule(), bad[n++].rule.path_count = 0;
	bad[n] = a_rule(), bad[n++].rule.path_count = RULE_PATHS_MAX + 1;
	bad[n] = a_rule(), bad[n++].rule.paths[1] = 0;
	bad[n] = a_rule(), bad[n++].rule.selector.version = 5;
	bad[n] = a_rule(), bad[n++].rule.selector.version = 4;
	bad[n] = a_rule(), bad[n++].rule.selector.numbers[RULE_SOURCE_PORT].first = 5011;
	bad[n] = a_rule(), bad[n++].rule.selector.numbers[RULE_SOURCE_PORT].last = 65536;
	bad[n] = a_rule(), bad[n++].rule.selector.numbers[RULE_SPI].last = 1;
	bad[n] = a_rule(), bad[n++].rule.selector.addresses[RULE_SOURCE].last.s6_addr[0] = 0;
	bad[n] = a_rule(), bad[n++].rule.selector.addresses[RULE_DESTINATION].last.s6_addr[0] = 1;
	bad[n] = a_group(), bad[n++].group.id = 1;
	bad[n] = a_group(), bad[n++].group.group = addr("2001:db8::1");
	bad[n] = a_group(), bad[n++].group.group = addr("ff02::1");
	bad[n] = a_group(), bad[n++].group.group = addr("ff0f::1");
	bad[n] = a_group(), bad[n++].group.source = addr("ff0e::1");
	bad[n] = a_group(), bad[n++].group.source = addr("fe80::1");
	bad[n] = a_group(), bad[n++].group.path = 1;
	bad[n] = a_member(), bad[n++].member.group = 0;
	bad[n] = a_member(), bad[n++].member.kind = 0;
	bad[n] = a_member(), bad[n++].member.kind = 4;
	bad[n] = a_member(), bad[n++].member.target = 0;
	bad[n] = a_member(), strcpy(bad[n++].member.port, "home");
	bad[n] = a_link_member(), bad[n++].member.port[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		writer_init(&w, buf, sizeof(buf));
		assert_int_equal(object_encode(&w, &bad[i]), -EINVAL);
		assert_int_equal(writer_len(&w), 0);
	}
}

/* One octet of a good record changed, so that it breaks one rule. */
static void decoder_refuses(void **state)
{
	(void)state;
	const struct {
		struct object obj;
		size_t at;
		uint8_t value;
		const char *rule;
	} cases[] = {
		{a_local(), 0, 0, "unknown kind"},
		{a_local(), 0, 9, "unknown kind"},
		{a_local(), 0, 255, "unknown kind"},
		{a_local(), 1, 0, "unknown operation"},
		{a_local(), 1, 3, "unknown operation"},
		{a_local(), 2, 2, "longer than any record"},
		{a_local(), 3, 7, "shorter than an id"},
		{a_local(), 3, 23, "body too short for its kind"},
		{a_local(), 11, 0, "id 0"},
		{a_local(), 1, OBJECT_DELETE, "a delete with more than the id"},
		{a_link(), 14, 1, "local routing where nobody is attached"},
		{a_link(), 13, 2, "a truth value that is neither"},
		{a_link(), 15, 0, "an empty name"},
		{a_link(), 15, 4, "octets left over"},
		{a_link(), 15, OBJECT_PORT_NAME_MAX + 1, "a long name"},
		{a_link(), 16, 0, "a NUL in a name"},
		{a_link(), 16, 0x80, "a name that is not ASCII"},
		{a_path(), 12, 0, "unknown path kind"},
		{a_path(), 12, 5, "unknown path kind"},
		{a_path(), 12, PATH_ON_LINK, "octets left over"},
		{an_on_link_path(), 29, 0, "an empty name"},
		{an_on_link_path(), 12, PATH_IP6_IN_IP6, "body too short for its kind"},
		{a_subscriber(), 24, 0, "no prefix"},
		{a_subscriber(), 24, 1, "octets left over"},
		{a_subscriber(), 24, OBJECT_PREFIXES_MAX + 1, "too many prefixes"},
		{a_subscriber(), 25, 0, "no path"},
		{a_subscriber(), 25, 2, "fewer paths than said"},
		{a_subscriber(), 25, OBJECT_PATHS_MAX + 1, "too many paths"},
		{a_subscriber(), 42, 129, "a prefix longer than an address"},
		{a_subscriber(), 42, 64, "bits behind the prefix"},
		{a_subscriber(), 68, STEERING_COUNT, "unknown steering"},
		{a_subscriber(), 68, 1, "nothing to share among"},
		{a_subscriber(), 69, 1, "shares that nobody wants"},
		{a_rule(), 19, 0, "no subscriber"},
		{a_rule(), 22, 0, "unknown action"},
		{a_rule(), 22, 4, "unknown action"},
		{a_rule(), 22, 2, "dropped to a path"},
		{a_rule(), 23, 0, "no path"},
		{a_rule(), 23, 1, "octets left over"},
		{a_rule(), 23, RULE_PATHS_MAX + 1, "too many paths"},
		{a_rule(), 40, 5, "unknown version"},
		{a_rule(), 40, 4, "IPv6 addresses of IPv4"},
		{a_rule(), 41, 0x11, "octets left over"},
		{a_rule(), 41, 0xb1, "a field more than there is"},
		{a_rule(), 42, 0x21, "an end before its start"},
		{a_rule(), 78, 0x12, "an end before its start"},
		{a_data_plane(), 28, 0, "an empty name"},
		{a_data_plane(), 28, 3, "octets left over"},
		{a_data_plane(), 28, OBJECT_NAME_MAX + 1, "a long name"},
		{a_data_plane(), 29, ' ', "a space in a name"},
		{a_group(), 12, 0xff, "a source that is a group"},
		{a_group(), 28, 0xfe, "a group that is none"},
		{a_group(), 29, 0x02, "a group of the link"},
		{a_group(), 44, OBJECT_PORT_NAME_MAX + 1, "a long name"},
		{a_group(), 56, 1, "a port and a path"},
		{a_member(), 20, 4, "unknown kind of member"},
		{a_member(), 28, 0, "no subscriber"},
		{a_member(), 20, MEMBER_LINK, "a link with a target"},
		{a_link_member(), 20, MEMBER_PATH, "a path with a port"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t buf[2 * OBJECT_WIRE_MAX] = {0};
		struct object got;
		struct writer w;
		struct cursor c;

		writer_init(&w, buf, OBJECT_WIRE_MAX);
		assert_int_equal(object_encode(&w, &cases[i].obj), 0);
		buf[cases[i].at] = cases[i].value;
		cursor_init(&c, buf, cases[i].at == 2 ? sizeof(buf) : writer_len(&w));
		if (object_decode(&c, &got) != -EBADMSG)
			fail_msg("accepted: %s", cases[i].rule);
		assert_false(cursor_ok(&c));
	}
}

/* The digest says what is set, all of it, and nothing else; control and data planes of one version
 * must agree on it, so its value is fixed. */
static void digest(void **state)
{
	(void)state;
	struct object changed[64];
	size_t n = 0;

	changed[n++] = a_path();
	changed[n] = a_path(), changed[n].id++, changed[n++].path.id++;
	changed[n] = a_path(), changed[n++].path.local.s6_addr[15] ^= 1;
	changed[n] = a_path(), changed[n++].path.remote.s6_addr[0] ^= 0x80;
	changed[n] = a_path(), changed[n++].path.data_plane = 0;
	changed[n] = a_path(), changed[n++].path.mtu = 0;
	changed[n++] = a_subscriber();
	changed[n] = a_subscriber(), changed[n++].subscriber.paths[0]++;
	changed[n++] = a_full_subscriber();
	changed[n++] = a_steered_subscriber();
	changed[n] = a_steered_subscriber(), changed[n++].subscriber.weights[1] = 3;
	changed[n] = a_steered_subscriber(), changed[n++].subscriber.steering = STEERING_FLOW;
	changed[n++] = a_rule();
	changed[n] = a_rule(), changed[n++].rule.subscriber++;
	changed[n] = a_rule(), changed[n++].rule.priority++;
	changed[n] = a_rule(), changed[n++].rule.paths[1]++;
	changed[n] = a_rule(), changed[n++].rule.path_count--;
	changed[n] = a_rule(), changed[n++].rule.selector.version = 0;
	changed[n] = a_rule(), changed[n++].rule.selector.numbers[RULE_SOURCE_PORT].last++;
	changed[n] = a_rule(), changed[n++].rule.selector.addresses[0].last.s6_addr[15]++;
	changed[n++] = a_data_plane();
	changed[n++] = a_local();
	changed[n++] = a_link();
	changed[n++] = a_group();
	changed[n] = a_group(), changed[n++].group.source.s6_addr[15] ^= 1;
	changed[n] = a_group(), changed[n++].group.group.s6_addr[15] ^= 1;
	changed[n] = a_group(), changed[n++].group.port[0] = '\0';
	changed[n++] = a_tunnelled_group();
	changed[n] = a_group(), changed[n++].group.rate++;
	changed[n++] = a_member();
	changed[n] = a_member(), changed[n++].member.group++;
	changed[n] = a_member(), changed[n++].member.kind = MEMBER_PATH;
	changed[n] = a_member(), changed[n++].member.target++;
	changed[n++] = a_link_member();
	changed[n] = a_link(), changed[n++].link.access = true;
	changed[n] = changed[n - 1], changed[n++].link.local_routing = true;
	changed[n++] = an_on_link_path();
	changed[n] = an_on_link_path(), changed[n++].path.mac.b[5]++;
	changed[n] = an_on_link_path(), changed[n++].path.port[0]++;
	for (size_t i = 0; i < n; i++) {
		assert_int_not_equal(object_digest(&changed[i]), 0);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(
				object_digest(&changed[i]), object_digest(&changed[j]));
	}
	assert_int_equal(object_digest(&changed[0]), 0x3b6b1d5f49ece200);
	changed[0].op = OBJECT_DELETE;
	assert_int_equal(object_digest(&changed[0]), 0x3b6b1d5f49ece200);
	changed[0].id = 0;
	assert_int_equal(object_digest(&changed[0]), 0);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(object_kind_name(OBJECT_LOCAL), "local");
	assert_string_equal(object_kind_name(OBJECT_LINK), "link");
	assert_string_equal(object_kind_name(OBJECT_PATH), "path");
	assert_string_equal(object_kind_name(OBJECT_SUBSCRIBER), "subscriber");
	assert_string_equal(object_kind_name(OBJECT_DATA_PLANE), "data-plane");
	assert_string_equal(object_kind_name(OBJECT_GROUP), "group");
	assert_string_equal(member_kind_name(MEMBER_LINK), "link");
	assert_string_equal(member_kind_name(0), "unknown");
	assert_string_equal(object_kind_name(0), "unknown");
	assert_string_equal(object_kind_name(99), "unknown");
	assert_string_equal(path_kind_name(PATH_IP6_IN_IP6), "ip6-in-ip6");
	assert_string_equal(path_kind_name(0), "unknown");
	assert_string_equal(path_kind_name(99), "unknown");
	assert_string_equal(steering_name(STEERING_PACKET), "packet");
	assert_string_equal(steering_name(STEERING_COUNT), "unknown");
	assert_true(object_kind_known(OBJECT_SUBSCRIBER));
	assert_false(object_kind_known(0));
	assert_false(object_kind_known(9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(round_trip_and_truncation),
		cmocka_unit_test(no_room),
		cmocka_unit_test(encoder_refuses),
		cmocka_unit_test(decoder_refuses),
		cmocka_unit_test(digest),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
