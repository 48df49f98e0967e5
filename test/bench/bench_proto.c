/*
 * bench_proto: mobility messages that one core decodes, encodes and checks in a second.
 *
 * Many copies of a message take turns, so that it does not lie in the nearest cache by itself, and
 * windows are short enough that most are not interrupted: the median of them counts.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/args.h"
#include "common/clock.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh.h"

enum {
	COPIES = 64,
	WINDOW = 2048, /* messages */
	WINDOWS = 600,
};

/* Octets of identifiers and authenticators. */
static const uint8_t octets[40] = "mn12345678@subscribers.example.net";
static const struct in6_addr address = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};

static struct mh_option *add(struct mh *mh, uint16_t type)
{
	struct mh_option *option = option_add(mh, type);

	if (!option)
		abort();
	return option;
}

static void add_mn_id(struct mh *mh)
{
	add(mh, OPTION_MN_ID)->mn_id =
		(struct option_mn_id){.subtype = OPTION_MN_ID_NAI, .id = {octets, 34}};
}

static void add_auth(struct mh *mh)
{
	add(mh, OPTION_AUTH)->auth = (struct option_auth){
		.subtype = OPTION_AUTH_MN_HA, .spi = 1000, .data = {octets, 12}};
}

static void binding_update(struct mh *mh)
{
	*mh = (struct mh){.type = MH_BU,
		.bu = {.sequence = 1, .flags = FLAGS_BU_A | FLAGS_BU_H, .lifetime = 60}};
	add(mh, OPTION_ALTERNATE_COA)->alternate_coa.coa = address;
	add_mn_id(mh);
	add(mh, OPTION_IP4_HOME)->ip4_home =
		(struct option_ip4_home){.prefix_len = 32, .address = {0x050200c0}};
	add(mh, OPTION_MESG_ID)->mesg_id.timestamp = 17197942577453992252u;
	add_auth(mh);
}

static void proxy_binding_update(struct mh *mh)
{
	*mh = (struct mh){.type = MH_BU,
		.bu = {.sequence = 1, .flags = FLAGS_BU_A | FLAGS_BU_P, .lifetime = 60}};
	add_mn_id(mh);
	for (unsigned i = 0; i < 2; i++)
		add(mh, OPTION_HOME_NETWORK_PREFIX)->prefix =
			(struct option_prefix){.len = 64, .prefix = address};
	add(mh, OPTION_HANDOFF)->handoff.value = 1;
	add(mh, OPTION_ACCESS_TECHNOLOGY)->access.value = 4;
	add(mh, OPTION_TIMESTAMP)->timestamp.time = 0x0000690000001234;
	add(mh, OPTION_MN_LINK_ID)->octets.octets = (struct field_bytes){octets, 8};
	add(mh, OPTION_LINK_LOCAL)->ip6.address = address;
	add(mh, OPTION_SERVICE_SELECTION)->octets.octets = (struct field_bytes){octets, 12};
	add(mh, OPTION_GRE_KEY)->gre_key.key = (struct field_optional){.value = 7, .present = true};
}

static void bulk_update(struct mh *mh)
{
	*mh = (struct mh){.type = MH_BU,
		.bu = {.sequence = 1, .flags = FLAGS_BU_A | FLAGS_BU_H, .lifetime = 60}};
	for (uint16_t i = 1; i <= 8; i++)
		add(mh, OPTION_BID)->bid = (struct option_bid){
			.bid = i, .priority = (uint8_t)i, .coa = {.ip6 = address, .len = 16}};
	add_mn_id(mh);
	add_auth(mh);
}

static const struct subject {
	const char *name;
	const char *text;
	void (*make)(struct mh *mh);
} subjects[] = {
	{"bu", "Binding Update with 5 options", binding_update},
	{"pbu", "Proxy Binding Update with 10 options", proxy_binding_update},
	{"bulk", "bulk Binding Update of 8 care-of addresses", bulk_update},
};

struct run {
	struct mh mh;
	uint8_t wire[COPIES][MH_SIZE_MAX];
	size_t len;
	uint64_t sum; /* keeps the work from being left out */
};

static void decode_one(struct run *r, unsigned copy)
{
	struct mh mh;

	if (mh_decode(r->wire[copy], r->len, &mh, NULL))
		abort();
	r->sum += mh.option_count;
}

static void encode_one(struct run *r, unsigned copy)
{
	r->sum += (uint64_t)mh_encode(&r->mh, r->wire[copy], MH_SIZE_MAX);
}

static void checksum_one(struct run *r, unsigned copy)
{
	r->sum += mh_checksum(&address, &address, r->wire[copy], r->len);
}

static const struct work {
	const char *name;
	void (*one)(struct run *r, unsigned copy);
} works[] = {{"decode", decode_one}, {"encode", encode_one}, {"checksum", checksum_one}};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Nanoseconds for one message, the median of many windows. */
static double measure(const struct work *work, struct run *r)
{
	static uint64_t took[WINDOWS];

	for (unsigned w = 0; w < WINDOWS; w++) {
		uint64_t start = clock_mono_ns();

		for (unsigned i = 0; i < WINDOW; i++)
			work->one(r, i % COPIES);
		took[w] = clock_mono_ns() - start;
	}
	qsort(took, WINDOWS, sizeof(took[0]), by_value);
	return (double)took[WINDOWS / 2] / WINDOW;
}

static void prepare(const struct subject *subject, struct run *r)
{
	ssize_t n;

	subject->make(&r->mh);
	n = mh_encode(&r->mh, r->wire[0], MH_SIZE_MAX);
	if (n < 0) {
		fprintf(stderr, "bench_proto: %s cannot be encoded (%d)\n", subject->name, (int)n);
		exit(EXIT_FAILURE);
	}
	r->len = (size_t)n;
	for (unsigned i = 1; i < COPIES; i++)
		memcpy(r->wire[i], r->wire[0], r->len);
}

static json_t *measure_subject(const struct subject *subject, struct run *r, bool as_json)
{
	json_t *row = json_pack("{s:s, s:i, s:i}", "message", subject->name, "octets", (int)r->len,
		"options", (int)r->mh.option_count);

	if (!as_json)
		printf("%-42s %6zu", subject->text, r->len);
	for (unsigned i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		double ns = measure(&works[i], r);
		char key[40];

		snprintf(key, sizeof(key), "%s_per_second", works[i].name);
		json_object_set_new(row, key, json_integer((json_int_t)(1e9 / ns)));
		if (!as_json)
			printf("  %7.2f M/s %6.1f ns", 1e3 / ns, ns);
		fflush(stdout);
	}
	if (!as_json)
		printf("\n");
	return row;
}

int main(int argc, char **argv)
{
	static const struct args_option options[] = {
		{'j', "json", NULL, "one JSON document instead of a table"}, {0}};
	static const struct args_program program = {.name = "bench_proto",
		.usage = "[--json]",
		.summary =
			"Mobility messages that one core decodes, encodes and checks in a second.",
		.options = options};
	static struct run r;
	json_t *rows = json_array();
	bool as_json = false;
	struct args a;

	args_begin(&a, &program, argc, argv);
	while (args_next(&a))
		as_json = true;
	if (!a.done && a.first < argc)
		args_fail(&a, "no argument is expected, not '%s'", argv[a.first]);
	if (a.done)
		return a.exit_code;
	if (!as_json)
		printf("%-42s %6s  %21s  %21s  %21s\n", "message", "octets", "decode", "encode",
			"checksum");
	for (unsigned i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		prepare(&subjects[i], &r);
		json_array_append_new(rows, measure_subject(&subjects[i], &r, as_json));
	}
	if (as_json)
		json_dumpf(rows, stdout, JSON_INDENT(2));
	if (as_json)
		printf("\n");
	json_decref(rows);
	return 0;
}
