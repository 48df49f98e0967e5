#include "ctrl/binding/binding.h"

#include <errno.h>

#include "common/clock.h"

enum { VERSION_WITHOUT_DATA_PLANE = 1, VERSION_WITHOUT_BID = 2 };

static const char *const state_names[] = {
	[BINDING_STATE_DAD] = "dad",
	[BINDING_STATE_COMMITTING] = "committing",
	[BINDING_STATE_ACTIVE] = "active",
	[BINDING_STATE_EXPIRING] = "expiring",
	[BINDING_STATE_DELETED] = "deleted",
};

const char *binding_state_name(enum binding_state state)
{
	size_t count = sizeof(state_names) / sizeof(*state_names);

	return (size_t)state < count && state_names[state] ? state_names[state] : "unknown";
}

uint16_t binding_lifetime_grant(uint16_t requested, uint32_t max_s)
{
	uint32_t max = max_s / BINDING_LIFETIME_UNIT;

	if (max == 0)
		max = 1;
	return requested < max ? requested : (uint16_t)max;
}

uint64_t binding_lifetime_ns(uint16_t lifetime)
{
	return (uint64_t)lifetime * BINDING_LIFETIME_UNIT * CLOCK_NS_PER_S;
}

uint64_t binding_left_ns(uint64_t expires_ns, uint64_t now_ns, uint64_t most)
{
	uint64_t left = expires_ns > now_ns ? expires_ns - now_ns : 0;

	return left < most ? left : most;
}

uint64_t binding_remaining_s(const struct binding_record *record, uint64_t now_ns)
{
	return binding_left_ns(record->expires_ns, now_ns, binding_lifetime_ns(record->lifetime)) /
	       CLOCK_NS_PER_S;
}

const struct binding_record *binding_record_of(const struct binding *b, uint16_t bid)
{
	for (unsigned i = 0; i < binding_count(b); i++)
		if (binding_record_at(b, i)->bid == bid)
			return binding_record_at(b, i);
	return NULL;
}

const struct binding_record *binding_last_heard(const struct binding *b)
{
	const struct binding_record *best = &b->now;

	for (unsigned i = 1; i < binding_count(b); i++) {
		const struct binding_record *record = binding_record_at(b, i);

		if (best->at_home || (!record->at_home && record->updated_ns > best->updated_ns))
			best = record;
	}
	return best;
}

struct binding_list binding_list(const struct binding_record *now, const struct binding_more *more,
	struct binding_record room[static BINDING_MAX])
{
	unsigned count = 1;

	if (!more)
		return (struct binding_list){.records = now, .count = 1};
	room[0] = *now;
	for (; count <= more->count; count++)
		room[count] = more->further[count - 1].now;
	return (struct binding_list){.records = room, .count = (uint8_t)count};
}

int binding_record_encode(struct writer *w, const struct binding_record *record)
{
	if (record->life != BINDING_LIVE && record->life != BINDING_DELETED)
		return -EINVAL;
	if (writer_left(w) < BINDING_RECORD_SIZE)
		return -ENOSPC;
	writer_u8(w, record->bid ? BINDING_RECORD_VERSION : VERSION_WITHOUT_BID);
	writer_u8(w, record->life);
	writer_u16(w, record->bid);
	writer_u16(w, record->sequence);
	writer_u16(w, record->lifetime);
	writer_u16(w, record->flags);
	writer_addr6(w, &record->home);
	writer_addr6(w, &record->care_of);
	writer_addr6(w, &record->agent);
	writer_u64(w, record->subscriber_id);
	writer_u64(w, record->path_id);
	writer_u64(w, record->registered_ns);
	writer_u64(w, record->updated_ns);
	writer_u64(w, record->expires_ns);
	writer_u64(w, record->timestamp);
	writer_u64(w, record->data_plane);
	if (record->bid) {
		writer_u8(w, (uint8_t)(record->at_home << 7 | record->priority));
		writer_bytes(w, record->mac.b, sizeof(record->mac.b));
	}
	return 0;
}

/* What versions from 3 on have. */
static void decode_multihoming(struct cursor *c, struct binding_record *record)
{
	uint8_t octet = cursor_u8(c);

	record->at_home = octet >> 7;
	record->priority = octet & 0x7f;
	cursor_copy(c, record->mac.b, sizeof(record->mac.b));
}

int binding_record_decode(struct cursor *c, struct binding_record *record)
{
	uint8_t version = cursor_u8(c);
	uint8_t life = cursor_u8(c);

	if (!cursor_ok(c))
		return -EBADMSG;
	if (version < VERSION_WITHOUT_DATA_PLANE || version > BINDING_RECORD_VERSION)
		return -EPROTO;
	if (life != BINDING_LIVE && life != BINDING_DELETED)
		return -EBADMSG;
	*record = (struct binding_record){.life = life};
	record->bid = cursor_u16(c);
	record->sequence = cursor_u16(c);
	record->lifetime = cursor_u16(c);
	record->flags = cursor_u16(c);
	record->home = cursor_addr6(c);
	record->care_of = cursor_addr6(c);
	record->agent = cursor_addr6(c);
	record->subscriber_id = cursor_u64(c);
	record->path_id = cursor_u64(c);
	record->registered_ns = cursor_u64(c);
	record->updated_ns = cursor_u64(c);
	record->expires_ns = cursor_u64(c);
	record->timestamp = cursor_u64(c);
	if (version != VERSION_WITHOUT_DATA_PLANE)
		record->data_plane = cursor_u64(c);
	if (version > VERSION_WITHOUT_BID)
		decode_multihoming(c, record);
	if (!cursor_ok(c) || cursor_left(c) != 0)
		return -EBADMSG;
	if (record->subscriber_id == 0 || record->path_id == 0)
		return -EBADMSG;
	if (version == BINDING_RECORD_VERSION && record->bid == 0)
		return -EBADMSG;
	return 0;
}
