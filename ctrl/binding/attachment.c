#include "ctrl/binding/attachment.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Versions of records. */
enum {
	WITHOUT_PATHS = 1,
	WITHOUT_USER_PLANES = 2,
	WITHOUT_ENCAPSULATIONS = 3,
	WITHOUT_DELEGATED = 4,
	WITHOUT_DOMAINS = 5,
	WITHOUT_ACCESS = 6,
};

static bool paths_good(const struct attachment_record *record)
{
	if (record->path_count > SESSION_PATHS_MAX)
		return false;
	for (size_t i = 0; i < record->path_count; i++)
		if (!record->paths[i].bid ||
			(i && record->paths[i].bid <= record->paths[i - 1].bid))
			return false;
	return true;
}

static bool is_good(const struct attachment_record *record)
{
	size_t len = strnlen(record->link, sizeof(record->link));

	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)record->link[i]))
			return false;
	return record->number && len && len <= OBJECT_PORT_NAME_MAX && record->lifetime &&
	       record->mn_id.len && record->mn_id.len <= SESSION_MN_ID_MAX &&
	       record->prefix_count && record->prefix_count <= SESSION_PREFIXES_MAX &&
	       record->delegated_count <= SESSION_DELEGATED_MAX && paths_good(record);
}

int attachment_record_encode(struct writer *w, const struct attachment_record *record)
{
	uint8_t link_len = (uint8_t)strnlen(record->link, sizeof(record->link));

	if (!is_good(record))
		return -EINVAL;
	writer_u8(w, ATTACHMENT_RECORD_VERSION);
	writer_u64(w, record->number);
	writer_bytes(w, record->mac.b, sizeof(record->mac.b));
	writer_addr6(w, &record->anchor);
	writer_u64(w, record->attached_ns);
	writer_u64(w, record->updated_ns);
	writer_u64(w, record->expires_ns);
	writer_u16(w, record->sequence);
	writer_u16(w, record->lifetime);
	session_mn_id_encode(w, &record->mn_id);
	writer_u8(w, link_len);
	writer_bytes(w, record->link, link_len);
	session_prefixes_encode(w, record->prefixes, record->prefix_count);
	writer_u8(w, record->path_count);
	for (size_t i = 0; i < record->path_count; i++) {
		writer_u8(w, record->paths[i].bid);
		writer_u16(w, record->paths[i].lifetime);
		writer_u64(w, record->paths[i].expires_ns);
	}
	writer_addr6(w, &record->user_plane);
	for (size_t i = 0; i < record->path_count; i++)
		writer_addr6(w, &record->paths[i].user_plane);
	session_encapsulation_encode(w, &record->encapsulation);
	for (size_t i = 0; i < record->path_count; i++)
		session_encapsulation_encode(w, &record->paths[i].encapsulation);
	session_prefixes_encode(w, record->delegated, record->delegated_count);
	writer_u32(w, record->domain);
	writer_u8(w, record->access);
	return writer_ok(w) ? 0 : -ENOSPC;
}

static void decode_paths(struct cursor *c, struct attachment_record *record)
{
	record->path_count = cursor_u8(c);
	for (size_t i = 0; i < record->path_count && i < SESSION_PATHS_MAX; i++) {
		record->paths[i].bid = cursor_u8(c);
		record->paths[i].lifetime = cursor_u16(c);
		record->paths[i].expires_ns = cursor_u64(c);
	}
}

static void decode_user_planes(struct cursor *c, struct attachment_record *record)
{
	record->user_plane = cursor_addr6(c);
	for (size_t i = 0; i < record->path_count && i < SESSION_PATHS_MAX; i++)
		record->paths[i].user_plane = cursor_addr6(c);
}

static void decode_encapsulations(struct cursor *c, struct attachment_record *record)
{
	record->encapsulation = session_encapsulation_decode(c);
	for (size_t i = 0; i < record->path_count && i < SESSION_PATHS_MAX; i++)
		record->paths[i].encapsulation = session_encapsulation_decode(c);
}

/* What comes behind the fields of fixed length. */
static int decode_lists(struct cursor *c, uint8_t version, struct attachment_record *record)
{
	uint8_t link_len;

	record->mn_id = session_mn_id_decode(c);
	link_len = cursor_u8(c);
	if (link_len > OBJECT_PORT_NAME_MAX)
		return -EBADMSG;
	cursor_copy(c, record->link, link_len);
	if (strlen(record->link) != link_len)
		return -EBADMSG;
	record->prefix_count = session_prefixes_decode(c, record->prefixes, SESSION_PREFIXES_MAX);
	if (version != WITHOUT_PATHS)
		decode_paths(c, record);
	if (version > WITHOUT_USER_PLANES)
		decode_user_planes(c, record);
	if (version > WITHOUT_ENCAPSULATIONS)
		decode_encapsulations(c, record);
	if (version > WITHOUT_DELEGATED)
		record->delegated_count =
			session_prefixes_decode(c, record->delegated, SESSION_DELEGATED_MAX);
	if (version > WITHOUT_DOMAINS)
		record->domain = cursor_u32(c);
	if (version > WITHOUT_ACCESS)
		record->access = cursor_u8(c);
	return cursor_ok(c) && cursor_left(c) == 0 && is_good(record) ? 0 : -EBADMSG;
}

int attachment_record_decode(struct cursor *c, struct attachment_record *record)
{
	uint8_t version = cursor_u8(c);

	if (!cursor_ok(c))
		return -EBADMSG;
	if (version < WITHOUT_PATHS || version > ATTACHMENT_RECORD_VERSION)
		return -EPROTO;
	memset(record, 0, sizeof(*record));
	record->number = cursor_u64(c);
	cursor_copy(c, record->mac.b, sizeof(record->mac.b));
	record->anchor = cursor_addr6(c);
	record->attached_ns = cursor_u64(c);
	record->updated_ns = cursor_u64(c);
	record->expires_ns = cursor_u64(c);
	record->sequence = cursor_u16(c);
	record->lifetime = cursor_u16(c);
	return decode_lists(c, version, record);
}
