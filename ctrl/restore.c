#include "ctrl/restore.h"

#include "ctrl/binding/binding_cache.h"
#include "ctrl/binding/flow.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/publish/publish.h"
#include "ctrl/role.h"
#include "ctrl/signalling/signalling.h"
#include "ctrl/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 32 }; /* records read ahead */

struct restore {
	struct ctrl *ctrl;
	size_t number;           /* of the record that is being restored, from 0 */
	struct binding *binding; /* all of whose records may not have been read yet */
	unsigned count;
	struct binding_record records[BATCH];
	/* Keys of flow bindings whose home address is not bound any more: its end came before
	 * theirs was written. */
	size_t orphan_count, flows;
	uint8_t (*orphans)[FLOW_KEY_SIZE];
};

/* What was restored is what data planes are to have. */
static int publish_binding(const struct ctrl *ctrl, const struct binding *b)
{
	struct binding_record room[BINDING_MAX];
	struct binding_list list = binding_list(&b->now, b->more, room);
	struct bundle bundle;
	int error = publish_compile(ctrl->config, &list, &bundle);

	return error ? error : publish_restore(ctrl->publish, b->now.subscriber_id, &bundle);
}

/* The records that were read ahead. */
static int restore_batch(struct restore *r)
{
	struct ctrl *ctrl = r->ctrl;
	struct binding_cache *cache = signalling_cache(ctrl->signalling);
	uint64_t ids[BATCH];
	int error = 0;

	for (unsigned i = 0; i < r->count; i++)
		ids[i] = r->records[i].subscriber_id;
	publish_expect(ctrl->publish, ids, r->count);
	signalling_expect_records(ctrl->signalling, r->records, r->count);
	for (unsigned i = 0; i < r->count && !error; i++) {
		struct binding *b;

		error = signalling_restore(ctrl->signalling, &r->records[i]);
		if (error)
			break;
		b = binding_cache_find(cache, &r->records[i].home);
		if (r->binding && r->binding != b)
			error = publish_binding(ctrl, r->binding);
		r->binding = b;
		r->number++;
	}
	r->count = 0;
	return error;
}

static int read_binding(void *arg, const void *key, size_t key_len, const void *octets, size_t len)
{
	struct restore *r = arg;
	struct cursor c;
	int error;

	(void)key;
	(void)key_len;
	cursor_init(&c, octets, len);
	error = binding_record_decode(&c, &r->records[r->count]);
	if (error)
		r->number += r->count;
	else if (++r->count == BATCH)
		error = restore_batch(r);
	return error;
}

static int add_orphan(struct restore *r, const void *key)
{
	uint8_t(*keys)[FLOW_KEY_SIZE] = realloc(r->orphans, (r->orphan_count + 1) * sizeof(*keys));

	if (!keys)
		return -ENOMEM;
	r->orphans = keys;
	memcpy(keys[r->orphan_count++], key, FLOW_KEY_SIZE);
	return 0;
}

static int restore_flow(void *arg, const void *key, size_t key_len, const void *octets, size_t len)
{
	struct restore *r = arg;
	struct flow_binding flow;
	struct in6_addr home;
	struct cursor c;
	int error;

	cursor_init(&c, octets, len);
	error = key_len == FLOW_KEY_SIZE ? flow_record_decode(&c, &home, &flow) : -EBADMSG;
	if (!error)
		error = signalling_restore_flow(r->ctrl->signalling, &home, &flow);
	r->flows += !error;
	return error == -ENOENT ? add_orphan(r, key) : error;
}

static int restore_flows(struct restore *r)
{
	struct store *store = r->ctrl->store;
	int error = store_each(store, STORE_FLOW, restore_flow, r);

	for (size_t i = 0; i < r->orphan_count && !error; i++)
		error = store_delete(store, STORE_FLOW, r->orphans[i], FLOW_KEY_SIZE);
	if (!error && r->orphan_count)
		error = store_commit(store);
	free(r->orphans);
	return error;
}

static int publish_flows(const struct ctrl *ctrl, const struct binding *b)
{
	struct binding_record room[BINDING_MAX];
	struct binding_list list = binding_list(&b->now, b->more, room);
	int error = 0;

	for (unsigned i = 0; b->flows && i < b->flows->count && !error; i++) {
		uint64_t id = publish_rule_id(b->now.subscriber_id, b->flows->at[i].fid);
		struct bundle bundle;

		error = publish_compile_flow(&b->flows->at[i], &list, &bundle);
		if (!error)
			error = publish_restore(ctrl->publish, id, &bundle);
	}
	return error;
}

static int publish_all_flows(const struct restore *r)
{
	struct binding_cache *cache = signalling_cache(r->ctrl->signalling);
	struct binding *b = NULL;
	int error = 0;

	while (r->flows && !error && (b = binding_cache_next(cache, b)))
		error = publish_flows(r->ctrl, b);
	return error;
}

/* Tables of their final size spare what is there already from being put into ever larger ones. */
static void make_room(const struct ctrl *ctrl)
{
	size_t subscribers = subscriber_db_count(ctrl->subscribers);
	size_t most = ctrl->config->binding.max_bindings;

	publish_reserve(ctrl->publish, subscribers < most ? subscribers : most);
}

int restore_bindings(struct ctrl *ctrl, char *why, size_t why_size)
{
	struct restore r = {.ctrl = ctrl};
	char what[64];
	int error;

	make_room(ctrl);
	error = store_each(ctrl->store, STORE_BINDING, read_binding, &r);
	if (!error)
		error = restore_batch(&r);
	if (error) {
		snprintf(what, sizeof(what), "binding number %zu", r.number);
		return role_not_restored(ctrl, error, what, "it is", why, why_size);
	}
	error = restore_flows(&r);
	if (error)
		return role_not_restored(ctrl, error, "flow bindings", "they are", why, why_size);
	if (r.binding)
		error = publish_binding(ctrl, r.binding);
	if (!error)
		error = publish_all_flows(&r);
	if (error)
		snprintf(why, why_size, "bindings of the store cannot be published: %s",
			strerror(-error));
	return error;
}
