#include "dataplane/tables/hash.h"
#include "dataplane/tables/subscriber_table.h"

#include <string.h>

enum {
	STRIDE = 32, /* packets a stage of the pipeline works on before the next stage follows */
	HOST_LEN = 128,
};

/* What is looked for; the hash is computed once for all buckets and retries. */
struct key {
	const struct in6_addr *prefix;
	uint64_t hash;
	uint32_t tag;
};

static inline bool entry_is(const void *table, uint32_t number, const void *of)
{
	const struct key *key = of;
	const struct subscriber_entry *entry = subscriber_at(table, number);

	return entry->tag == key->tag && addr_equal(&entry->prefix, key->prefix);
}

static inline const struct subscriber_entry *find(
	const struct subscriber_table *t, const struct key *key)
{
	uint32_t number = sig_index_find(&t->by_prefix, key->hash, entry_is, t, key);

	return number == SIG_INDEX_NONE ? NULL : subscriber_at(t, number);
}

/* First stage: hash, and fetch the bucket. */
static inline void stage_hash(const struct subscriber_table *t, uint32_t tag,
	const struct in6_addr addresses[], struct key keys[], unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		keys[i] = (struct key){&addresses[i], table_hash(&addresses[i], tag), tag};
		sig_index_prefetch(&t->by_prefix, keys[i].hash);
	}
}

/* Second stage: match signatures, and fetch the entry, or the other bucket where none matches. */
static inline void stage_match(const struct subscriber_table *t, const struct key keys[],
	uint32_t numbers[], unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		uint16_t sig = sig_index_sig(keys[i].hash);
		uint32_t home = sig_index_home(&t->by_prefix, keys[i].hash);
		const struct sig_bucket *b = &t->by_prefix.buckets[home];
		uint32_t match = sig_index_match(b, sig);

		if (likely(match)) {
			numbers[i] = sig_index_value(b, match);
			rte_prefetch0(subscriber_at(t, numbers[i]));
		} else {
			numbers[i] = SIG_INDEX_NONE;
			rte_prefetch0(
				&t->by_prefix.buckets[sig_index_other(&t->by_prefix, home, sig)]);
		}
	}
}

/* The entry that a bucket has for a key, or NULL. */
static inline const struct subscriber_entry *in_bucket(
	const struct subscriber_table *t, const struct key *key, uint32_t bucket)
{
	const struct sig_bucket *b = &t->by_prefix.buckets[bucket];
	uint32_t match = sig_index_match(b, sig_index_sig(key->hash));

	for (; unlikely(match); match &= match - 1) {
		uint32_t number = sig_index_value(b, match);

		if (entry_is(t, number, key))
			return subscriber_at(t, number);
	}
	return NULL;
}

/*
 * Third stage: compare the key. A signature that only looked right is rare, and looked for one by
 * one; where the first bucket had none, the second decides. Returns how many were not found.
 */
static inline unsigned stage_verify(const struct subscriber_table *t, const struct key keys[],
	const uint32_t numbers[], const struct subscriber_entry *out[], unsigned from, unsigned to)
{
	unsigned missing = 0;

	for (unsigned i = from; i < to; i++) {
		if (unlikely(numbers[i] == SIG_INDEX_NONE))
			out[i] = in_bucket(t, &keys[i],
				sig_index_other(&t->by_prefix,
					sig_index_home(&t->by_prefix, keys[i].hash),
					sig_index_sig(keys[i].hash)));
		else if (likely(entry_is(t, numbers[i], &keys[i])))
			out[i] = subscriber_at(t, numbers[i]);
		else
			out[i] = find(t, &keys[i]);
		missing += out[i] == NULL;
	}
	return missing;
}

/*
 * One length: the stages follow each other a stride apart, so that fetches have time to arrive.
 * A miss is certain only if nothing was moved meanwhile. Returns how many were not found.
 */
static unsigned lookup_tag(const struct subscriber_table *t, uint32_t tag,
	const struct in6_addr addresses[], unsigned n, const struct subscriber_entry *out[])
{
	struct key keys[SUBSCRIBER_BURST_MAX];
	uint32_t numbers[SUBSCRIBER_BURST_MAX];
	const uint32_t moves = sig_index_moves(&t->by_prefix);
	unsigned missing = 0;

	for (unsigned at = 0; at < n + 2 * STRIDE; at += STRIDE) {
		if (at < n)
			stage_hash(t, tag, addresses, keys, at, RTE_MIN(at + STRIDE, n));
		if (at >= STRIDE && at - STRIDE < n)
			stage_match(t, keys, numbers, at - STRIDE, RTE_MIN(at, n));
		if (at >= 2 * STRIDE)
			missing += stage_verify(
				t, keys, numbers, out, at - 2 * STRIDE, RTE_MIN(at - STRIDE, n));
	}
	atomic_thread_fence(memory_order_acquire);
	if (unlikely(missing && moves != sig_index_moves(&t->by_prefix))) {
		missing = 0;
		for (unsigned i = 0; i < n; i++) {
			if (!out[i])
				out[i] = find(t, &keys[i]);
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

void subscriber_table_lookup(const struct subscriber_table *t, uint32_t domain,
	const struct in6_addr addresses[], unsigned n, const struct subscriber_entry *out[])
{
	unsigned missing = n;

	if (atomic_load_explicit(&t->lengths[2], memory_order_acquire))
		missing = lookup_tag(t, domain << 8 | HOST_LEN, addresses, n, out);
	else
		memset(out, 0, n * sizeof(out[0]));
	for (int word = 1; word >= 0; word--) {
		uint64_t bits = atomic_load_explicit(&t->lengths[word], memory_order_acquire);

		if (likely(bits == 0))
			continue;
		for (; bits && missing; bits &= ~(1ull << (63 - __builtin_clzll(bits)))) {
			int len = word * 64 + 63 - __builtin_clzll(bits);

			missing = lookup_len(t, domain, (uint8_t)len, addresses, n, out);
		}
	}
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
	const struct key key = {prefix, table_hash(prefix, tag), tag};

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
	const struct in6_addr *remote, const struct in6_addr *local)
{
	const struct data_plane_set *set = data_plane_table_get(paths->data_planes);
	const struct path *path = path_at(paths, number);

	return addr_equal(&path->remote, remote) &&
	       (addr_equal(path_shape_local(path_shape_at(paths, path->shape)), local) ||
		       addr_equal(&set->own, local));
}

bool subscriber_accepts(const struct subscriber_table *t, const struct subscriber_entry *entry,
	const struct in6_addr *remote, const struct in6_addr *local)
{
	const struct path_table *paths = t->paths;

	if (likely(addr_equal(&entry->remote, remote)) && likely(!entry->relayed) &&
		addr_equal(path_shape_local(path_shape_at(paths, entry->shape)), local))
		return true;
	if (entry->paths == POOL_NONE)
		return path_accepts(paths, entry->path, remote, local);

	const struct path_list *list = path_list_at(paths, entry->paths);

	for (uint32_t i = 0; i < list->count; i++)
		if (path_accepts(paths, list->paths[i], remote, local))
			return true;
	return false;
}

bool subscriber_sends(const struct subscriber_table *t, const struct subscriber_entry *entry,
	const struct in6_addr *remote, const struct in6_addr *local)
{
	const struct path_shape *shape = path_shape_at(t->paths, entry->shape);

	return (addr_equal(&entry->remote, remote) && addr_equal(path_shape_local(shape), local)) ||
	       subscriber_accepts(t, entry, remote, local);
}
