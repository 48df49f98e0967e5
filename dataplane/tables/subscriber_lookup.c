#include "dataplane/tables/hash.h"
#include "dataplane/tables/subscriber_key.h"
#include "dataplane/tables/subscriber_table.h"

#include <string.h>

enum {
	STRIDE = 32, /* packets a stage of the pipeline works on before the next stage follows */
	HOST_LEN = 128,
};

static bool entry_is(const void *table, uint32_t number, const void *key)
{
	return subscriber_key_is(table, key, number);
}

const struct subscriber_entry *subscriber_key_find(
	const struct subscriber_table *t, const struct subscriber_key *key)
{
	uint32_t number = sig_index_find(&t->by_prefix, key->hash, entry_is, t, key);

	return number == SIG_INDEX_NONE ? NULL : subscriber_at(t, number);
}

/* The steps of one stride of keys, `count` of them: those that no bucket of their own has are
 * looked for in the other at last. */
static void match_stride(const struct subscriber_table *t, const struct sig_array *a,
	struct subscriber_key keys[], unsigned count)
{
	struct subscriber_key *rest[STRIDE];
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		if (!subscriber_key_match(a, &keys[i]))
			rest[n++] = &keys[i];
	for (unsigned i = 0; i < count; i++)
		subscriber_key_enter(t, &keys[i]);
	for (unsigned i = 0; i < n; i++)
		subscriber_key_second(t, a, rest[i]);
}

/*
 * One length: the steps follow each other a stride apart, so that fetches have time to arrive.
 * A miss is certain only if nothing was moved meanwhile, and the index has not grown. Returns how
 * many were not found.
 */
static unsigned lookup_tag(const struct subscriber_table *t, uint32_t tag,
	const struct in6_addr addresses[], unsigned n, const struct subscriber_entry *out[])
{
	struct subscriber_key keys[SUBSCRIBER_BURST_MAX];
	const uint64_t version = sig_index_version(&t->by_prefix);
	const struct sig_array *a = sig_index_array(&t->by_prefix);
	unsigned missing = 0;

	for (unsigned at = 0; at < n + 2 * STRIDE; at += STRIDE) {
		for (unsigned i = at; i < RTE_MIN(at + STRIDE, n); i++) {
			subscriber_key_make(a, &keys[i], &addresses[i], tag);
			subscriber_key_ask(a, &keys[i]);
		}
		if (at >= STRIDE && at - STRIDE < n)
			match_stride(t, a, &keys[at - STRIDE], RTE_MIN(at, n) - (at - STRIDE));
		if (at < 2 * STRIDE)
			continue;
		for (unsigned i = at - 2 * STRIDE; i < RTE_MIN(at - STRIDE, n); i++) {
			out[i] = subscriber_key_entry(t, &keys[i]);
			missing += out[i] == NULL;
		}
	}
	atomic_thread_fence(memory_order_acquire);
	if (unlikely(missing && version != sig_index_version(&t->by_prefix))) {
		missing = 0;
		for (unsigned i = 0; i < n; i++) {
			if (!out[i])
				out[i] = subscriber_key_find(t, &keys[i]);
			missing += out[i] == NULL;
		}
	}
	return missing;
}

/* Those that nothing longer took are looked up again by their first len bits. */
static unsigned lookup_len(const struct subscriber_table *t, uint32_t domain, uint8_t len,
	const struct in6_addr addresses[], unsigned n, const struct subscriber_entry *out[])
{
	struct in6_addr prefixes[SUBSCRIBER_BURST_MAX];
	const struct subscriber_entry *found[SUBSCRIBER_BURST_MAX];
	uint16_t of[SUBSCRIBER_BURST_MAX];
	unsigned count = 0, missing;

	for (unsigned i = 0; i < n; i++) {
		if (out[i])
			continue;
		prefixes[count] = prefix6_of(&addresses[i], len).addr;
		of[count++] = (uint16_t)i;
	}
	if (count == 0)
		return 0;
	missing = lookup_tag(t, domain << 8 | len, prefixes, count, found);
	for (unsigned i = 0; i < count; i++)
		out[of[i]] = found[i];
	return missing;
}

struct subscriber_lengths subscriber_table_lengths(const struct subscriber_table *t)
{
	struct subscriber_lengths lengths = {.longest = 0};
	bool found = false;

	for (int word = 2; word >= 0; word--) {
		uint64_t bits = atomic_load_explicit(&t->lengths[word], memory_order_acquire);

		if (bits && !found) {
			int bit = 63 - __builtin_clzll(bits);

			lengths.longest = (uint8_t)(word * 64 + bit);
			found = true;
			bits &= ~(1ull << bit);
		}
		lengths.shorter |= bits != 0;
	}
	return lengths;
}

void subscriber_table_lookup_shorter(const struct subscriber_table *t, uint32_t domain,
	uint8_t below, const struct in6_addr addresses[], unsigned n,
	const struct subscriber_entry *out[])
{
	unsigned missing = n;

	for (int word = 1; word >= 0; word--) {
		uint64_t bits = atomic_load_explicit(&t->lengths[word], memory_order_acquire);

		if (likely(bits == 0))
			continue;
		for (; bits && missing; bits &= ~(1ull << (63 - __builtin_clzll(bits)))) {
			int len = word * 64 + 63 - __builtin_clzll(bits);

			if (len < below)
				missing = lookup_len(t, domain, (uint8_t)len, addresses, n, out);
		}
	}
}

void subscriber_table_lookup(const struct subscriber_table *t, uint32_t domain,
	const struct in6_addr addresses[], unsigned n, const struct subscriber_entry *out[])
{
	unsigned missing = n;

	if (atomic_load_explicit(&t->lengths[2], memory_order_acquire))
		missing = lookup_tag(t, domain << 8 | HOST_LEN, addresses, n, out);
	else
		memset(out, 0, n * sizeof(out[0]));
	if (missing)
		subscriber_table_lookup_shorter(t, domain, HOST_LEN, addresses, n, out);
}

const struct subscriber_entry *subscriber_table_find(
	const struct subscriber_table *t, uint32_t domain, const struct in6_addr *address)
{
	const struct subscriber_entry *entry;

	subscriber_table_lookup(t, domain, address, 1, &entry);
	return entry;
}

uint32_t subscriber_table_number(
	const struct subscriber_table *t, const struct in6_addr *prefix, uint32_t tag)
{
	const struct subscriber_key key = {
		.prefix = *prefix, .hash = table_hash(prefix, tag), .tag = tag};

	return sig_index_find(&t->by_prefix, key.hash, entry_is, t, &key);
}

static inline bool has_id(const void *table, uint32_t number, const void *id)
{
	return subscriber_at(table, number)->id == *(const uint64_t *)id;
}

const struct subscriber_entry *subscriber_table_by_id(const struct subscriber_table *t, uint64_t id)
{
	uint32_t number = sig_index_find(&t->by_id, table_hash_id(id), has_id, t, &id);

	return number == SIG_INDEX_NONE ? NULL : subscriber_at(t, number);
}

/* A node may not know yet that its data plane has changed: what it sends to the old one, which has
 * become a relay, is taken there. */
static bool path_accepts(const struct path_table *paths, uint32_t number,
	const struct in6_addr *remote, const struct in6_addr *local, const struct path_mark *mark)
{
	const struct data_plane_set *set = data_plane_table_get(paths->data_planes);
	const struct path *path = path_at(paths, number);
	const struct path_shape *shape = path_shape_at(paths, path->shape);

	return addr_equal(&path->remote, remote) &&
	       (addr_equal(path_shape_local(shape), local) || addr_equal(&set->own, local)) &&
	       (!mark || path_is_marked(paths, shape->header, number, mark));
}

bool subscriber_accepts_else(const struct subscriber_table *t, const struct subscriber_entry *entry,
	const struct in6_addr *remote, const struct in6_addr *local, const struct path_mark *mark)
{
	const struct path_table *paths = t->paths;

	if (entry->paths == POOL_NONE)
		return path_accepts(paths, entry->path, remote, local, mark);

	const struct path_list *list = path_list_at(paths, entry->paths);

	for (uint32_t i = 0; i < list->count; i++)
		if (path_accepts(paths, list->paths[i], remote, local, mark))
			return true;
	return false;
}

static bool path_is_gre(const struct path_table *paths, uint32_t number)
{
	return path_header_gre(path_shape_at(paths, path_at(paths, number)->shape)->header);
}

bool subscriber_has_gre(const struct subscriber_table *t, const struct subscriber_entry *entry)
{
	const struct path_list *list;
	bool any = false;

	if (entry->paths == POOL_NONE)
		return path_is_gre(t->paths, entry->path);
	list = path_list_at(t->paths, entry->paths);
	for (uint32_t i = 0; i < list->count; i++)
		any |= path_is_gre(t->paths, list->paths[i]);
	return any;
}

bool subscriber_sends(const struct subscriber_table *t, const struct subscriber_entry *entry,
	const struct in6_addr *remote, const struct in6_addr *local)
{
	const struct path_shape *shape = path_shape_at(t->paths, entry->shape);

	return (addr_equal(&entry->remote, remote) && addr_equal(path_shape_local(shape), local)) ||
	       subscriber_accepts_else(t, entry, remote, local, NULL);
}

void subscriber_table_links(const struct subscriber_table *t, bool used[])
{
	for (size_t place = 0; place < sig_index_places(&t->by_id); place++) {
		uint32_t first = sig_index_at(&t->by_id, place);

		if (first != POOL_NONE)
			used[subscriber_at(t, first)->link] = true;
	}
}
