#include "ctrl/binding/session.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	MN_ID_NAI = 1,     /* RFC 4283, 3.1 */
	WITHOUT_PATHS = 1, /* versions of records */
	WITHOUT_DATA_PLANES = 2,
	WITHOUT_ENCAPSULATIONS = 3,
	WITHOUT_DELEGATED = 4,
	WITHOUT_DOMAINS = 5,
	BID_LAST = 254, /* RFC 8278, 4.1 */
};

const char *session_life_name(enum session_life life)
{
	static const char *const names[] = {
		[SESSION_NONE] = "none",
		[SESSION_LIVE] = "live",
		[SESSION_ENDING] = "ending",
	};
	size_t count = sizeof(names) / sizeof(*names);

	return (size_t)life < count ? names[life] : "unknown";
}

uint64_t session_number_after(
	uint64_t last, bool (*has_key)(void *context, uint32_t key), void *context)
{
	for (;;) {
		const uint32_t key = session_own_key(++last);

		if (key && !(last >> 32 && has_key(context, key)))
			return last;
	}
}

void session_mn_id_encode(struct writer *w, const struct session_mn_id *mn_id)
{
	writer_u8(w, mn_id->subtype);
	writer_u8(w, mn_id->len);
	writer_bytes(w, mn_id->octets, mn_id->len);
}

struct session_mn_id session_mn_id_decode(struct cursor *c)
{
	struct session_mn_id mn_id = {.subtype = cursor_u8(c)};

	mn_id.len = cursor_u8(c);
	mn_id.octets = cursor_bytes(c, mn_id.len);
	return mn_id;
}

const char *session_encapsulation_name(enum session_gre gre)
{
	return gre == SESSION_GRE_PLAIN || gre == SESSION_GRE_KEYED ? "gre" : "ip6-in-ip6";
}

void session_encapsulation_encode(struct writer *w, const struct session_encapsulation *e)
{
	writer_u8(w, (uint8_t)e->gre);
	writer_u32(w, e->gre == SESSION_GRE_KEYED ? e->peer_key : 0);
}

struct session_encapsulation session_encapsulation_decode(struct cursor *c)
{
	struct session_encapsulation e = {.gre = (enum session_gre)cursor_u8(c)};

	e.peer_key = cursor_u32(c);
	if (e.gre >= SESSION_GRE_COUNT || (e.gre != SESSION_GRE_KEYED && e.peer_key))
		cursor_fail(c);
	return e;
}

void session_prefixes_encode(struct writer *w, const struct prefix6 *prefixes, uint8_t count)
{
	writer_u8(w, count);
	for (size_t i = 0; i < count; i++) {
		writer_u8(w, prefixes[i].len);
		writer_addr6(w, &prefixes[i].addr);
	}
}

uint8_t session_prefixes_decode(struct cursor *c, struct prefix6 *prefixes, uint8_t max)
{
	uint8_t count = cursor_u8(c);

	if (count > max)
		cursor_fail(c);
	for (size_t i = 0; i < count && cursor_ok(c); i++) {
		uint8_t len = cursor_u8(c);
		struct in6_addr addr = cursor_addr6(c);

		prefixes[i] = prefix6_of(&addr, len <= 128 ? len : 0);
		if (len > 128 || !addr_equal(&prefixes[i].addr, &addr))
			cursor_fail(c);
	}
	return cursor_ok(c) ? count : 0;
}

bool session_mn_id_equal(const struct session_mn_id *a, const struct session_mn_id *b)
{
	return a->subtype == b->subtype && a->len == b->len &&
	       memcmp(a->octets, b->octets, a->len) == 0;
}

bool session_link_id_equal(const struct session_link_id *a, const struct session_link_id *b)
{
	return a->len == b->len && memcmp(a->octets, b->octets, a->len) == 0;
}

const char *session_mn_id_text(
	char buf[static SESSION_MN_ID_TEXT_SIZE], const struct session_mn_id *mn_id)
{
	size_t i;

	for (i = 0; i < mn_id->len; i++) {
		if (mn_id->subtype == MN_ID_NAI)
			buf[i] = isgraph(mn_id->octets[i]) ? (char)mn_id->octets[i] : '?';
		else
			snprintf(buf + 2 * i, 3, "%02x", mn_id->octets[i]);
	}
	buf[mn_id->subtype == MN_ID_NAI ? i : 2 * i] = '\0';
	return buf;
}

const struct session_path *session_path_find(const struct session_record *record, uint8_t bid)
{
	for (size_t i = 0; i < record->path_count; i++)
		if (record->paths[i].bid == bid)
			return &record->paths[i];
	return NULL;
}

int session_path_put(struct session_record *record, const struct session_path *path)
{
	size_t at = 0;

	while (at < record->path_count && record->paths[at].bid < path->bid)
		at++;
	if (at == record->path_count || record->paths[at].bid != path->bid) {
		if (record->path_count == SESSION_PATHS_MAX)
			return -ENOSPC;
		memmove(&record->paths[at + 1], &record->paths[at],
			(record->path_count - at) * sizeof(record->paths[0]));
		record->path_count++;
	}
	record->paths[at] = *path;
	return 0;
}

void session_path_remove(struct session_record *record, uint8_t bid)
{
	size_t kept = 0;

	for (size_t i = 0; i < record->path_count; i++)
		if (record->paths[i].bid != bid)
			record->paths[kept++] = record->paths[i];
	record->path_count = (uint8_t)kept;
}

bool session_prefix_is_in(
	const struct prefix6 *prefix, const struct prefix6 *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (prefix6_compare(prefix, &prefixes[i]) == 0)
			return true;
	return false;
}

bool session_has_prefixes(
	const struct session_record *record, const struct prefix6 *prefixes, size_t count)
{
	if (count != record->prefix_count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!session_prefix_is_in(&record->prefixes[i], prefixes, count))
			return false;
	return true;
}

/* In the order of their identifiers, each of its own. */
static bool paths_good(const struct session_record *record)
{
	uint8_t last = 0;

	if (record->path_count > SESSION_PATHS_MAX)
		return false;
	for (size_t i = 0; i < record->path_count; i++) {
		if (record->paths[i].bid <= last || record->paths[i].bid > BID_LAST)
			return false;
		last = record->paths[i].bid;
	}
	return true;
}

static bool counts_good(const struct session_record *record)
{
	return (record->life == SESSION_LIVE || record->life == SESSION_ENDING) && record->number &&
	       record->mn_id.len && record->mn_id.len <= SESSION_MN_ID_MAX &&
	       record->link_id.len <= SESSION_LINK_ID_MAX && record->prefix_count &&
	       record->prefix_count <= SESSION_PREFIXES_MAX &&
	       record->delegated_count <= SESSION_DELEGATED_MAX && paths_good(record);
}

static void encode_paths(struct writer *w, const struct session_record *record)
{
	writer_u8(w, record->path_count);
	for (size_t i = 0; i < record->path_count; i++) {
		const struct session_path *path = &record->paths[i];

		writer_u8(w, path->bid);
		writer_u8(w, path->access);
		writer_u8(w, path->label);
		writer_u16(w, path->lifetime);
		writer_addr6(w, &path->care_of);
		writer_addr6(w, &path->anchor);
		writer_u64(w, path->expires_ns);
		writer_u64(w, path->timestamp);
	}
}

int session_record_encode(struct writer *w, const struct session_record *record)
{
	if (!counts_good(record))
		return -EINVAL;
	writer_u8(w, SESSION_RECORD_VERSION);
	writer_u8(w, (uint8_t)record->life);
	writer_u64(w, record->number);
	writer_u16(w, record->sequence);
	writer_u16(w, record->lifetime);
	writer_u16(w, record->flags);
	writer_u8(w, record->access);
	writer_u8(w, record->handoff);
	writer_addr6(w, &record->care_of);
	writer_addr6(w, &record->anchor);
	writer_addr6(w, &record->link_local);
	writer_u64(w, record->registered_ns);
	writer_u64(w, record->updated_ns);
	writer_u64(w, record->expires_ns);
	writer_u64(w, record->timestamp);
	session_mn_id_encode(w, &record->mn_id);
	writer_u8(w, record->link_id.len);
	writer_bytes(w, record->link_id.octets, record->link_id.len);
	session_prefixes_encode(w, record->prefixes, record->prefix_count);
	encode_paths(w, record);
	writer_u64(w, record->data_plane);
	for (size_t i = 0; i < record->path_count; i++)
		writer_u64(w, record->paths[i].data_plane);
	session_encapsulation_encode(w, &record->encapsulation);
	for (size_t i = 0; i < record->path_count; i++)
		session_encapsulation_encode(w, &record->paths[i].encapsulation);
	session_prefixes_encode(w, record->delegated, record->delegated_count);
	writer_u32(w, record->domain);
	return writer_ok(w) ? 0 : -ENOSPC;
}

static void decode_paths(struct cursor *c, struct session_record *record)
{
	record->path_count = cursor_u8(c);
	for (size_t i = 0; i < record->path_count && i < SESSION_PATHS_MAX; i++) {
		struct session_path *path = &record->paths[i];

		path->bid = cursor_u8(c);
		path->access = cursor_u8(c);
		path->label = cursor_u8(c);
		path->lifetime = cursor_u16(c);
		path->care_of = cursor_addr6(c);
		path->anchor = cursor_addr6(c);
		path->expires_ns = cursor_u64(c);
		path->timestamp = cursor_u64(c);
	}
}

static void decode_data_planes(struct cursor *c, struct session_record *record)
{
	record->data_plane = cursor_u64(c);
	for (size_t i = 0; i < record->path_count && i < SESSION_PATHS_MAX; i++)
		record->paths[i].data_plane = cursor_u64(c);
}

static void decode_encapsulations(struct cursor *c, struct session_record *record)
{
	record->encapsulation = session_encapsulation_decode(c);
	for (size_t i = 0; i < record->path_count && i < SESSION_PATHS_MAX; i++)
		record->paths[i].encapsulation = session_encapsulation_decode(c);
}

/* What comes behind the fields of fixed length. */
static int decode_lists(struct cursor *c, uint8_t version, struct session_record *record)
{
	record->mn_id = session_mn_id_decode(c);
	record->link_id.len = cursor_u8(c);
	if (record->link_id.len > SESSION_LINK_ID_MAX)
		return -EBADMSG;
	cursor_copy(c, record->link_id.octets, record->link_id.len);
	record->prefix_count = session_prefixes_decode(c, record->prefixes, SESSION_PREFIXES_MAX);
	if (version != WITHOUT_PATHS)
		decode_paths(c, record);
	if (version > WITHOUT_DATA_PLANES)
		decode_data_planes(c, record);
	if (version > WITHOUT_ENCAPSULATIONS)
		decode_encapsulations(c, record);
	if (version > WITHOUT_DELEGATED)
		record->delegated_count =
			session_prefixes_decode(c, record->delegated, SESSION_DELEGATED_MAX);
	if (version > WITHOUT_DOMAINS)
		record->domain = cursor_u32(c);
	return cursor_ok(c) && cursor_left(c) == 0 && counts_good(record) ? 0 : -EBADMSG;
}

int session_record_decode(struct cursor *c, struct session_record *record)
{
	uint8_t version = cursor_u8(c);

	*record = (struct session_record){.life = (enum session_life)cursor_u8(c)};
	if (!cursor_ok(c))
		return -EBADMSG;
	if (version < WITHOUT_PATHS || version > SESSION_RECORD_VERSION)
		return -EPROTO;
	record->number = cursor_u64(c);
	record->sequence = cursor_u16(c);
	record->lifetime = cursor_u16(c);
	record->flags = cursor_u16(c);
	record->access = cursor_u8(c);
	record->handoff = cursor_u8(c);
	record->care_of = cursor_addr6(c);
	record->anchor = cursor_addr6(c);
	record->link_local = cursor_addr6(c);
	record->registered_ns = cursor_u64(c);
	record->updated_ns = cursor_u64(c);
	record->expires_ns = cursor_u64(c);
	record->timestamp = cursor_u64(c);
	return decode_lists(c, version, record);
}
