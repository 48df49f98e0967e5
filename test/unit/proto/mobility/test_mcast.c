/* MLDv2 and IGMPv3, octet by octet from the figures of RFC 3810, 5 and RFC 3376, 4; and how a
 * listener's state is spread over reports of a limited size. */
#include <errno.h>

#include "octets.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/mcast.h"

#define GROUP  "ff3e0000 00000000 00000000 00000001"
#define GROUP2 "ff3e0000 00000000 00000000 00000002"
#define S1     "20010db8 00000000 00000000 00000001"
#define S2     "20010db8 00000000 00000000 00000002"
#define S3     "20010db8 00000000 00000000 00000003"
#define HEAD   8u
#define RECORD 20u /* of MLD, without sources */

static void mld_report(void **state)
{
	uint8_t buf[200];
	size_t n = octets("8f aa 1234 bbbb 0002 | 01 00 0002" GROUP S1 S2 "| 04 01 0000" GROUP2
			  "cccccccc | dddd",
		buf, sizeof(buf));
	uint8_t *copy = exact(buf, n);
	struct mcast_report report;
	struct mcast_record record;
	size_t at = 0;

	(void)state;
	assert_int_equal(mcast_report_decode(copy, n, &report, NULL), MCAST_FAULT_NONE);
	assert_int_equal(report.type, MCAST_MLD2_REPORT);
	assert_int_equal(report.record_count, 2);
	assert_true(mcast_report_next(&report, &at, &record));
	assert_int_equal(record.type, MCAST_IS_INCLUDE);
	assert_int_equal(record.source_count, 2);
	assert_octets(record.group, 16, GROUP);
	assert_octets(record.sources, 32, S1 S2);
	assert_true(mcast_report_next(&report, &at, &record));
	assert_int_equal(record.type, MCAST_TO_EXCLUDE);
	assert_int_equal(record.source_count, 0);
	assert_octets(record.group, 16, GROUP2);
	assert_false(mcast_report_next(&report, &at, &record));
	free(copy);
}

static void igmp_report(void **state)
{
	static const char hex[] = "22 00 0000 0000 0001 | 06 00 0001 e8000001 c0000201";
	uint8_t buf[64], again[64];
	size_t n = octets(hex, buf, sizeof(buf)), at = 0;
	struct mcast_report report;
	struct mcast_record record;
	struct mcast_writer w;

	(void)state;
	assert_int_equal(mcast_report_decode(buf, n, &report, NULL), MCAST_FAULT_NONE);
	assert_true(mcast_report_next(&report, &at, &record));
	assert_int_equal(record.type, MCAST_BLOCK_OLD);
	assert_octets(record.group, 4, "e8000001");
	assert_octets(record.sources, 4, "c0000201");
	mcast_writer_init(&w, MCAST_IGMP3_REPORT, &record, 1);
	assert_octets(again, mcast_writer_next(&w, again, sizeof(again)), hex);
	assert_int_equal(mcast_writer_next(&w, again, sizeof(again)), 0);
	/* RFC 3376, 4.2.2: 2200 + 0001 + 0600 + 0001 + e800 + 0001 + c000 + 0201, inverted */
	mcast_igmp_checksum_set(again, n);
	assert_octets(again, (ssize_t)n, "22 00 2dfa 0000 0001 | 06 00 0001 e8000001 c0000201");
	assert_true(mcast_igmp_checksum_ok(again, n));
	again[9] ^= 1;
	assert_false(mcast_igmp_checksum_ok(again, n));
}

static void mld_checksum_is_that_of_icmp6(void **state)
{
	struct in6_addr src = address("fe80::1"), dst = address("ff02::16");
	struct icmp6_message icmp;
	uint8_t buf[64];
	size_t n = octets("8f 00 0000 0000 0001 | 04 00 0000" GROUP, buf, sizeof(buf));

	(void)state;
	assert_int_equal(icmp6_decode(&src, &dst, buf, n, &icmp), -EILSEQ);
	mcast_mld_checksum_set(&src, &dst, buf, n);
	assert_int_equal(icmp6_decode(&src, &dst, buf, n, &icmp), 0);
}

static void bad_reports(void **state)
{
	static const struct {
		const char *hex;
		enum mcast_fault fault;
		size_t at;
	} bad[] = {
		{"", MCAST_FAULT_TRUNCATED, 0},
		{"8f 00 0000 0000 00", MCAST_FAULT_TRUNCATED, 0},
		{"83 00 0000 0000 0000", MCAST_FAULT_TYPE, 0},
		{"82 00 0000 0000 0000", MCAST_FAULT_TYPE, 0},
		{"8f 00 0000 0000 0001", MCAST_FAULT_RECORDS, 8},
		{"22 00 0000 0000 0002 | 04 00 0000 e8000001 | 04 00 0001 e8000002",
			MCAST_FAULT_RECORDS, 16},
		{"22 00 0000 0000 0001 | 04 01 0000 e8000001", MCAST_FAULT_RECORDS, 8},
		{"22 00 0000 0000 ffff", MCAST_FAULT_RECORDS, 8},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		uint8_t buf[64];
		size_t n = octets(bad[i].hex, buf, sizeof(buf)), at = 99;
		uint8_t *copy = exact(buf, n);
		struct mcast_report report;

		assert_int_equal(mcast_report_decode(copy, n, &report, &at), bad[i].fault);
		assert_int_equal(at, bad[i].at);
		assert_string_not_equal(mcast_fault_name(bad[i].fault), "unknown");
		free(copy);
	}
}

/* Records of GROUP with the sources S1 to S3. */
static struct mcast_record record_of(
	enum mcast_record_type type, const uint8_t *group, const uint8_t *sources, uint16_t count)
{
	return (struct mcast_record){
		.type = type, .group = group, .sources = sources, .source_count = count};
}

struct split_case {
	size_t size;
	enum mcast_record_type first;
	const char *reports[4]; /* then no more */
};

/* Two records, the first with three sources (RFC 3810, 5.2.15). */
static void split(void **state)
{
	static const struct split_case cases[] = {
		{HEAD + 2 * RECORD + 48, MCAST_IS_INCLUDE,
			{"8f 00 0000 0000 0002 | 01 00 0003" GROUP S1 S2 S3 "| 04 00 0000" GROUP2}},
		/* whole records are not split for the sake of a fuller report */
		{HEAD + 2 * RECORD + 47, MCAST_IS_INCLUDE,
			{"8f 00 0000 0000 0001 | 01 00 0003" GROUP S1 S2 S3,
				"8f 00 0000 0000 0001 | 04 00 0000" GROUP2}},
		{HEAD + RECORD + 48, MCAST_TO_EXCLUDE,
			{"8f 00 0000 0000 0001 | 04 00 0003" GROUP S1 S2 S3,
				"8f 00 0000 0000 0001 | 04 00 0000" GROUP2}},
		{HEAD + RECORD + 47, MCAST_IS_INCLUDE,
			{"8f 00 0000 0000 0001 | 01 00 0002" GROUP S1 S2,
				"8f 00 0000 0000 0002 | 01 00 0001" GROUP S3
				"| 04 00 0000" GROUP2}},
		{HEAD + RECORD + 16, MCAST_ALLOW_NEW,
			{"8f 00 0000 0000 0001 | 05 00 0001" GROUP S1,
				"8f 00 0000 0000 0001 | 05 00 0001" GROUP S2,
				"8f 00 0000 0000 0001 | 05 00 0001" GROUP S3,
				"8f 00 0000 0000 0001 | 04 00 0000" GROUP2}},
		/* EXCLUDE loses what does not fit */
		{HEAD + RECORD + 47, MCAST_IS_EXCLUDE,
			{"8f 00 0000 0000 0001 | 02 00 0002" GROUP S1 S2,
				"8f 00 0000 0000 0001 | 04 00 0000" GROUP2}},
	};
	uint8_t groups[2][16], sources[48], buf[200];

	(void)state;
	octets(GROUP, groups[0], 16);
	octets(GROUP2, groups[1], 16);
	octets(S1 S2 S3, sources, 48);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct mcast_record records[] = {
			record_of(cases[i].first, groups[0], sources, 3),
			record_of(MCAST_TO_EXCLUDE, groups[1], NULL, 0)};
		struct mcast_writer w;

		mcast_writer_init(&w, MCAST_MLD2_REPORT, records, 2);
		for (size_t k = 0; k < COUNT(cases[i].reports) && cases[i].reports[k]; k++)
			assert_octets(buf, mcast_writer_next(&w, buf, cases[i].size),
				cases[i].reports[k]);
		assert_int_equal(mcast_writer_next(&w, buf, cases[i].size), 0);
	}
}

static void what_cannot_be_written(void **state)
{
	uint8_t group[16] = {0xff}, source[16] = {0x20}, buf[100];
	struct mcast_record record = record_of(MCAST_IS_INCLUDE, group, source, 1);
	struct mcast_writer w;

	(void)state;
	mcast_writer_init(&w, MCAST_MLD2_REPORT, &record, 1);
	assert_int_equal(mcast_writer_next(&w, buf, 0), -ENOSPC);
	assert_int_equal(mcast_writer_next(&w, buf, HEAD), -ENOSPC);
	assert_int_equal(mcast_writer_next(&w, buf, HEAD + RECORD + 15), -ENOSPC);
	assert_int_equal(mcast_writer_next(&w, buf, HEAD + RECORD + 16), HEAD + RECORD + 16);
	mcast_writer_init(&w, MCAST_MLD_QUERY, &record, 1);
	assert_int_equal(mcast_writer_next(&w, buf, sizeof(buf)), -EINVAL);
	record.type = 7;
	mcast_writer_init(&w, MCAST_MLD2_REPORT, &record, 1);
	assert_int_equal(mcast_writer_next(&w, buf, sizeof(buf)), -EINVAL);
	record.type = MCAST_IS_INCLUDE;
	record.group = NULL;
	assert_int_equal(mcast_writer_next(&w, buf, sizeof(buf)), -EINVAL);
}

struct query_case {
	const char *hex;
	struct mcast_query query; /* without views */
};

static void queries(void **state)
{
	static const struct query_case cases[] = {
		{"82 00 0000 2710 0000" GROUP "0a 7d 0001" S1, {.type = MCAST_MLD_QUERY,
								       .response_ms = 10000,
								       .suppress = true,
								       .robustness = 2,
								       .interval_s = 125,
								       .source_count = 1}},
		/* 1, exponent 1, mantissa 0x234: (0x234 | 0x1000) << 4; 1, 2, 3: (3 | 0x10) << 5 */
		{"82 00 0000 9234 0000" GROUP "00 a3 0000",
			{.type = MCAST_MLD_QUERY, .response_ms = 0x12340, .interval_s = 608}},
		{"82 00 0000 ffff 0000" GROUP "07 ff 0000", {.type = MCAST_MLD_QUERY,
								    .response_ms = 0x1fff << 10,
								    .robustness = 7,
								    .interval_s = 0x1f << 10}},
		{"11 64 0000 e8000001 02 7d 0001 c0000201", {.type = MCAST_IGMP_QUERY,
								    .response_ms = 10000,
								    .robustness = 2,
								    .interval_s = 125,
								    .source_count = 1}},
		{"11 80 0000 00000000 00 80 0000",
			{.type = MCAST_IGMP_QUERY, .response_ms = 12800, .interval_s = 128}},
		/* MLDv1: RFC 2710, 3; IGMPv2: RFC 2236, 2 */
		{"82 00 0000 ffff 0000" GROUP,
			{.type = MCAST_MLD_QUERY, .is_old = true, .response_ms = 65535}},
		{"11 ff 0000 00000000",
			{.type = MCAST_IGMP_QUERY, .is_old = true, .response_ms = 25500}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct mcast_query *q = &cases[i].query;
		uint8_t buf[64];
		size_t n = octets(cases[i].hex, buf, sizeof(buf));
		uint8_t *copy = exact(buf, n);
		struct mcast_query out;

		assert_int_equal(mcast_query_decode(copy, n, &out, NULL), MCAST_FAULT_NONE);
		assert_int_equal(out.type, q->type);
		assert_int_equal(out.is_old, q->is_old);
		assert_int_equal(out.response_ms, q->response_ms);
		assert_int_equal(out.suppress, q->suppress);
		assert_int_equal(out.robustness, q->robustness);
		assert_int_equal(out.interval_s, q->interval_s);
		assert_int_equal(out.source_count, q->source_count);
		assert_octets(buf, mcast_query_encode(&out, buf, n), cases[i].hex);
		assert_int_equal(mcast_query_encode(&out, buf, n - 1), -ENOSPC);
		free(copy);
	}
}

/* What a code cannot express becomes the next shorter that it can. */
static void times(void **state)
{
	static const struct {
		uint32_t asked, got;
	} cases[] = {{127, 127}, {128, 128}, {135, 128}, {136, 136}, {255, 248}, {256, 256},
		{31744, 31744}, {31745, 31744}, {UINT32_MAX, 31744}};
	uint8_t group[16] = {0}, buf[32];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct mcast_query q = {
			.type = MCAST_MLD_QUERY, .group = group, .interval_s = cases[i].asked};
		ssize_t n = mcast_query_encode(&q, buf, sizeof(buf));

		assert_int_equal(n, 28);
		assert_int_equal(mcast_query_decode(buf, 28, &q, NULL), MCAST_FAULT_NONE);
		assert_int_equal(q.interval_s, cases[i].got);
	}
}

static void bad_queries(void **state)
{
	static const struct {
		const char *hex;
		enum mcast_fault fault;
		size_t at;
	} bad[] = {
		{"", MCAST_FAULT_TRUNCATED, 0},
		{"8f 00 0000 0000 0000" GROUP, MCAST_FAULT_TYPE, 0},
		{"11 00 0000 000000", MCAST_FAULT_TRUNCATED, 0},
		/* neither an old query nor a new one (RFC 3810, 8.1) */
		{"82 00 0000 0000 0000" GROUP "000000", MCAST_FAULT_TRUNCATED, 24},
		{"11 00 0000 e8000001 0000 0001 c00002", MCAST_FAULT_SOURCES, 12},
	};
	uint8_t group[16] = {0}, buf[64];
	struct mcast_query q = {.type = MCAST_MLD_QUERY, .group = group, .robustness = 8};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		size_t n = octets(bad[i].hex, buf, sizeof(buf)), at = 99;
		uint8_t *copy = exact(buf, n);
		struct mcast_query out;

		assert_int_equal(mcast_query_decode(copy, n, &out, &at), bad[i].fault);
		assert_int_equal(at, bad[i].at);
		free(copy);
	}
	assert_int_equal(mcast_query_encode(&q, buf, sizeof(buf)), -EINVAL);
	q = (struct mcast_query){.type = MCAST_MLD_QUERY};
	assert_int_equal(mcast_query_encode(&q, buf, sizeof(buf)), -EINVAL);
	q = (struct mcast_query){.type = MCAST_MLD2_REPORT, .group = group};
	assert_int_equal(mcast_query_encode(&q, buf, sizeof(buf)), -EINVAL);
	q = (struct mcast_query){
		.type = MCAST_MLD_QUERY, .group = group, .is_old = true, .response_ms = 65536};
	assert_int_equal(mcast_query_encode(&q, buf, sizeof(buf)), -EINVAL);
}

/* RFC 2710, 3 and RFC 2236, 2; what they mean: RFC 3810, 8.3.2 and RFC 3376, 7.3.2 */
static void older_versions(void **state)
{
	static const struct {
		const char *hex;
		uint8_t record;
	} messages[] = {
		{"83 00 0000 0000 0000" GROUP, MCAST_IS_EXCLUDE},
		{"84 00 0000 0000 0000" GROUP, MCAST_TO_INCLUDE},
		{"12 00 0000 e8010203", MCAST_IS_EXCLUDE},
		{"16 00 0000 e8010203", MCAST_IS_EXCLUDE},
		{"17 00 0000 e8010203", MCAST_TO_INCLUDE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		uint8_t wire[32] = {0}, again[32];
		size_t n = octets(messages[i].hex, wire, sizeof(wire));
		size_t address_size = mcast_address_size(wire[0]);
		struct mcast_record record;

		for (size_t len = 0; len < n; len++) {
			uint8_t *copy = exact(wire, len);

			assert_int_equal(
				mcast_old_decode(copy, len, &record), MCAST_FAULT_TRUNCATED);
			assert_int_equal(mcast_old_encode(wire[0], wire, again, len), -ENOSPC);
			free(copy);
		}
		assert_int_equal(mcast_old_decode(wire, n, &record), MCAST_FAULT_NONE);
		assert_int_equal(record.type, messages[i].record);
		assert_int_equal(record.source_count, 0);
		assert_ptr_equal(record.group, wire + n - address_size);
		assert_octets(again, mcast_old_encode(wire[0], record.group, again, sizeof(again)),
			messages[i].hex);
		wire[0] = MCAST_MLD2_REPORT;
		assert_int_equal(mcast_old_decode(wire, n, &record), MCAST_FAULT_TYPE);
		assert_int_equal(
			mcast_old_encode(MCAST_IGMP_QUERY, wire, again, sizeof(again)), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mld_report),
		cmocka_unit_test(igmp_report),
		cmocka_unit_test(mld_checksum_is_that_of_icmp6),
		cmocka_unit_test(bad_reports),
		cmocka_unit_test(split),
		cmocka_unit_test(what_cannot_be_written),
		cmocka_unit_test(queries),
		cmocka_unit_test(times),
		cmocka_unit_test(bad_queries),
		cmocka_unit_test(older_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
