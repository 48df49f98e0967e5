#include "proto/mobility/mcast_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/addr.h"
#include "common/cursor.h"
#include "proto/mobility/mh.h"
#include "proto/mobility/option.h"

enum {
	ADDRESS = sizeof(struct in6_addr),
	SOURCES_MAX = (MCAST_STATE_SPACE - 20) / ADDRESS,
	SCOPE_LINK = 2, /* RFC 4291, 2.7 */
	SCOPE_RESERVED = 15,
	MAPPED = 12, /* octets in front of an IPv4 address */
};

/* What a listener wants of a group, being worked on. */
struct filter {
	bool exclude;
	uint16_t count;
	struct in6_addr sources[SOURCES_MAX];
};

void mcast_state_clear(struct mcast_state *state)
{
	memset(state, 0, sizeof(*state));
}

bool mcast_state_equal(const struct mcast_state *a, const struct mcast_state *b)
{
	return a->len == b->len && memcmp(a->records, b->records, a->len) == 0;
}

bool mcast_state_group_ok(const struct in6_addr *group)
{
	uint8_t scope = group->s6_addr[1] & 0x0f;

	return addr_is_multicast(group) && scope > SCOPE_LINK && scope < SCOPE_RESERVED;
}

bool mcast_state_is_ip4(const struct in6_addr *group)
{
	return IN6_IS_ADDR_V4MAPPED(group);
}

bool mcast_state_next(const struct mcast_state *state, size_t *at, struct mcast_record *out)
{
	const struct mcast_report all = {.type = MCAST_MLD2_REPORT,
		.record_count = state->count,
		.records = state->records,
		.len = state->len};

	return mcast_report_next(&all, at, out);
}

/* Where the record of a group is, or would be; false: it is not there. */
static bool place(const struct mcast_state *state, const struct in6_addr *group, size_t *from,
	struct mcast_record *out)
{
	size_t at = 0;

	for (*from = 0; mcast_state_next(state, &at, out); *from = at) {
		int order = memcmp(out->group, group, ADDRESS);

		if (order >= 0)
			return order == 0;
	}
	return false;
}

bool mcast_state_find(
	const struct mcast_state *state, const struct in6_addr *group, struct mcast_record *out)
{
	size_t from;

	return place(state, group, &from, out);
}

static struct in6_addr source_at(const struct mcast_record *record, unsigned i)
{
	struct in6_addr source;

	memcpy(&source, record->sources + (size_t)i * ADDRESS, ADDRESS);
	return source;
}

bool mcast_state_wants(const struct mcast_state *state, const struct in6_addr *group,
	const struct in6_addr *source)
{
	struct mcast_record record;

	if (!mcast_state_find(state, group, &record))
		return false;
	return mcast_record_has(&record, source) != (record.type == MCAST_IS_EXCLUDE);
}

static size_t record_size(const struct mcast_record *record)
{
	return 4 + ADDRESS + (size_t)record->source_count * ADDRESS;
}

void mcast_state_remove(struct mcast_state *state, const struct in6_addr *group)
{
	struct mcast_record record;
	size_t from, size;

	if (!place(state, group, &from, &record))
		return;
	size = record_size(&record);
	memmove(state->records + from, state->records + from + size, state->len - from - size);
	state->len = (uint16_t)(state->len - size);
	memset(state->records + state->len, 0, size);
	state->count--;
}

/* ---- filters ------------------------------------------------------------------------------ */

static bool filter_has(const struct filter *f, const struct in6_addr *source, uint16_t *at)
{
	for (*at = 0; *at < f->count; (*at)++)
		if (addr_equal(&f->sources[*at], source))
			return true;
	return false;
}

static int filter_add(struct filter *f, const struct mcast_record *record)
{
	uint16_t at;

	for (unsigned i = 0; i < record->source_count; i++) {
		struct in6_addr source = source_at(record, i);

		if (filter_has(f, &source, &at))
			continue;
		if (f->count == SOURCES_MAX)
			return -ENOSPC;
		f->sources[f->count++] = source;
	}
	return 0;
}

static void filter_take(struct filter *f, const struct mcast_record *record)
{
	uint16_t at;

	for (unsigned i = 0; i < record->source_count; i++) {
		struct in6_addr source = source_at(record, i);

		if (filter_has(f, &source, &at))
			f->sources[at] = f->sources[--f->count];
	}
}

/* RFC 3810, 5.2.12, of the one listener whose filter this is. */
static int filter_apply(struct filter *f, const struct mcast_record *record)
{
	switch (record->type) {
	case MCAST_IS_INCLUDE:
	case MCAST_TO_INCLUDE:
	case MCAST_IS_EXCLUDE:
	case MCAST_TO_EXCLUDE:
		f->exclude = record->type == MCAST_IS_EXCLUDE || record->type == MCAST_TO_EXCLUDE;
		f->count = 0;
		return filter_add(f, record);
	case MCAST_ALLOW_NEW:
	case MCAST_BLOCK_OLD:
		if ((record->type == MCAST_BLOCK_OLD) == f->exclude)
			return filter_add(f, record);
		filter_take(f, record);
		return 0;
	default:
		return 0;
	}
}

/* In ascending order, so that equal filters are equal octets. */
static void filter_sort(struct filter *f)
{
	for (unsigned i = 1; i < f->count; i++) {
		struct in6_addr moved = f->sources[i];
		unsigned to = i;

		for (; to && memcmp(&f->sources[to - 1], &moved, ADDRESS) > 0; to--)
			f->sources[to] = f->sources[to - 1];
		f->sources[to] = moved;
	}
}

/* Puts a filter in the place of the one that the group has now. */
static int put(struct mcast_state *state, const struct in6_addr *group, struct filter *f)
{
	struct mcast_record before;
	size_t from, size = 4 + ADDRESS + (size_t)f->count * ADDRESS;
	bool there = place(state, group, &from, &before);
	size_t freed = there ? record_size(&before) : 0;
	struct writer w;

	if (!f->exclude && !f->count) {
		mcast_state_remove(state, group);
		return 0;
	}
	if (state->len - freed + size > MCAST_STATE_SPACE)
		return -ENOSPC;
	filter_sort(f);
	mcast_state_remove(state, group);
	memmove(state->records + from + size, state->records + from, state->len - from);
	writer_init(&w, state->records + from, size);
	writer_u8(&w, f->exclude ? MCAST_IS_EXCLUDE : MCAST_IS_INCLUDE);
	writer_u8(&w, 0);
	writer_u16(&w, f->count);
	writer_addr6(&w, group);
	writer_bytes(&w, f->sources, (size_t)f->count * ADDRESS);
	state->len = (uint16_t)(state->len + size);
	state->count++;
	return 0;
}

/* Unicast addresses that can send beyond their link (RFC 3810, 5.2.10). */
static bool sources_ok(const struct mcast_record *record)
{
	for (unsigned i = 0; i < record->source_count; i++) {
		struct in6_addr source = source_at(record, i);

		if (IN6_IS_ADDR_UNSPECIFIED(&source) || IN6_IS_ADDR_LOOPBACK(&source) ||
			IN6_IS_ADDR_MULTICAST(&source) || IN6_IS_ADDR_LINKLOCAL(&source))
			return false;
	}
	return true;
}

/* A record of a sound group with sound sources. */
static int apply(struct mcast_state *state, const struct mcast_record *record)
{
	struct filter filter = {.exclude = false};
	struct mcast_record before;
	struct in6_addr group;
	int error = 0;

	memcpy(&group, record->group, ADDRESS);
	if (mcast_state_find(state, &group, &before)) {
		filter.exclude = before.type == MCAST_IS_EXCLUDE;
		error = filter_add(&filter, &before);
	}
	if (!error)
		error = filter_apply(&filter, record);
	return error ? error : put(state, &group, &filter);
}

int mcast_state_apply(struct mcast_state *state, const struct mcast_record *record)
{
	struct in6_addr group;

	memcpy(&group, record->group, ADDRESS);
	if (!mcast_state_group_ok(&group) || !sources_ok(record))
		return -EINVAL;
	return apply(state, record);
}

/* ---- IPv4 --------------------------------------------------------------------------------- */

static uint32_t ip4_of(const uint8_t *mapped)
{
	uint32_t addr;

	memcpy(&addr, mapped + MAPPED, sizeof(addr));
	return ntohl(addr);
}

/* RFC 5771, 4: packets to 224.0.0.0/24 stay on their link. */
static bool ip4_group_ok(uint32_t group)
{
	return IN_MULTICAST(group) && group >> 8 != 0xe00000;
}

/* Unicast addresses that can send beyond their link (RFC 6890, 2.2.2). */
static bool ip4_sources_ok(const struct mcast_record *record)
{
	for (unsigned i = 0; i < record->source_count; i++) {
		const uint8_t *at = record->sources + (size_t)i * ADDRESS;
		const uint32_t source = ip4_of(at);
		struct in6_addr mapped;

		memcpy(&mapped, at, ADDRESS);
		if (!mcast_state_is_ip4(&mapped) || source >> 24 == 0 || source >> 24 == 127 ||
			source >> 16 == 0xa9fe || source >> 28 >= 0xe)
			return false;
	}
	return true;
}

int mcast_state_keep(struct mcast_state *state, const struct mcast_record *record)
{
	struct in6_addr group;

	memcpy(&group, record->group, ADDRESS);
	if (!mcast_state_is_ip4(&group))
		return mcast_state_apply(state, record);
	if (!ip4_group_ok(ip4_of(record->group)) || !ip4_sources_ok(record))
		return -EINVAL;
	return apply(state, record);
}

static struct in6_addr mapped(const uint8_t *ip4)
{
	struct in6_addr addr = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(&addr.s6_addr[MAPPED], ip4, sizeof(struct in_addr));
	return addr;
}

/* ---- options ------------------------------------------------------------------------------ */

/* Takes a record whose group is sound. */
static void add_record(struct mcast_state *state, const struct mcast_record *record,
	struct mcast_state_faults *faults)
{
	struct mcast_record part = *record;
	int error;

	if (part.type == MCAST_IS_INCLUDE || part.type == MCAST_TO_INCLUDE)
		part.type = MCAST_ALLOW_NEW;
	error = mcast_state_keep(state, &part);
	faults->source += error == -EINVAL;
	faults->full += error == -ENOSPC;
}

static void read_record(struct mcast_state *state, const struct mcast_record *record,
	struct mcast_state_faults *faults)
{
	struct in6_addr group;

	memcpy(&group, record->group, ADDRESS);
	if (mcast_state_group_ok(&group))
		add_record(state, record, faults);
	else
		++*(addr_is_multicast(&group) ? &faults->scope : &faults->no_group);
}

static void read_ip4_record(struct mcast_state *state, const struct mcast_record *record,
	struct mcast_state_faults *faults)
{
	const struct in6_addr group = mapped(record->group);
	const uint32_t ip4 = ip4_of(group.s6_addr);
	struct in6_addr sources[SOURCES_MAX];
	struct mcast_record part = {.type = record->type,
		.source_count = record->source_count,
		.group = group.s6_addr,
		.sources = sources->s6_addr};

	if (!ip4_group_ok(ip4)) {
		++*(IN_MULTICAST(ip4) ? &faults->scope : &faults->no_group);
		return;
	}
	if (record->source_count > SOURCES_MAX) {
		faults->full++;
		return;
	}
	for (unsigned i = 0; i < record->source_count; i++)
		sources[i] = mapped(record->sources + i * sizeof(struct in_addr));
	add_record(state, &part, faults);
}

static void read_report(struct mcast_state *state, const struct mcast_report *report,
	struct mcast_state_faults *faults)
{
	struct mcast_record record;
	size_t at = 0;

	while (mcast_report_next(report, &at, &record))
		if (report->type == MCAST_IGMP3_REPORT)
			read_ip4_record(state, &record, faults);
		else
			read_record(state, &record, faults);
}

/* The report of an option; false: it is none, or of the other protocol. */
static bool open_option(const struct mh_option *o, uint8_t type, struct mcast_report *report,
	struct mcast_state_faults *faults)
{
	const uint8_t *body = o->multicast_state.report.at;
	const bool counts = type == MCAST_MLD2_REPORT;

	if (o->type != OPTION_MULTICAST_STATE ||
		(o->state != OPTION_KNOWN && o->state != OPTION_MALFORMED))
		return false;
	if (o->state == OPTION_MALFORMED ||
		mcast_report_decode(body, o->multicast_state.report.len, report, NULL)) {
		faults->malformed += counts;
		return false;
	}
	faults->checksum += counts && (body[2] || body[3]);
	return report->type == type;
}

/* IPv4 groups come last, so that they take no room from others. */
bool mcast_state_read(
	const struct mh *mh, struct mcast_state *state, struct mcast_state_faults *faults)
{
	struct mcast_report report;
	bool found = false;

	mcast_state_clear(state);
	*faults = (struct mcast_state_faults){0};
	for (unsigned i = 0; i < mh->option_count; i++)
		if (open_option(&mh->options[i], MCAST_MLD2_REPORT, &report, faults)) {
			found = true;
			read_report(state, &report, faults);
		}
	for (unsigned i = 0; i < mh->option_count; i++)
		if (open_option(&mh->options[i], MCAST_IGMP3_REPORT, &report, faults)) {
			found = true;
			faults->unsupported += report.record_count;
			read_report(state, &report, faults);
		}
	return found;
}

static int add_body(struct mh *mh, const uint8_t *body, size_t len)
{
	struct mh_option *o = option_add(mh, OPTION_MULTICAST_STATE);

	if (!o)
		return -ENOSPC;
	o->multicast_state.report.at = body;
	o->multicast_state.report.len = (uint8_t)len;
	return 0;
}

int mcast_state_add(
	const struct mcast_state *state, struct mh *mh, struct mcast_state_bodies *bodies)
{
	struct mcast_record records[MCAST_STATE_RECORDS_MAX];
	struct mcast_writer writer;
	size_t count = 0, at = 0;

	memset(bodies->octets[0], 0, MCAST_REPORT_HEAD);
	bodies->octets[0][0] = MCAST_MLD2_REPORT;
	while (count < MCAST_STATE_RECORDS_MAX && mcast_state_next(state, &at, &records[count])) {
		struct in6_addr group;

		memcpy(&group, records[count].group, ADDRESS);
		count += !mcast_state_is_ip4(&group);
	}
	if (!count)
		return add_body(mh, bodies->octets[0], MCAST_REPORT_HEAD);
	mcast_writer_init(&writer, MCAST_MLD2_REPORT, records, count);
	for (unsigned i = 0; i < MCAST_STATE_OPTIONS; i++) {
		ssize_t len = mcast_writer_next(&writer, bodies->octets[i], MCAST_STATE_BODY);
		int error = len > 0 ? add_body(mh, bodies->octets[i], (size_t)len) : 0;

		if (len <= 0 || error)
			return error ? error : (int)len;
	}
	return writer.at == count ? 0 : -ENOSPC;
}

int mcast_state_add_no_ip4(struct mh *mh)
{
	static const uint8_t body[MCAST_REPORT_HEAD] = {MCAST_IGMP3_REPORT};

	return add_body(mh, body, sizeof(body));
}
