/* subscriber.add, subscriber.del, subscriber.show, subscriber.import */
#include "ctrl/binding/subscriber.h"
#include "common/hmac.h"
#include "common/wait_group.h"
#include "ctrl/api/request.h"
#include "ctrl/binding/binding.h"
#include "ctrl/binding/flow.h"
#include "ctrl/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Index of a text in a table of names, or -EINVAL with why. */
static int read_name(const json_t *params, const char *key, const char *const *names, int *out,
	struct json_why *why)
{
	const char *text = NULL;
	int found = json_field_str(params, key, JSON_FIELD_OPTIONAL, 1, 32, &text, why);

	if (found <= 0)
		return found;
	for (int i = 0; names[i]; i++) {
		if (strcmp(names[i], text) == 0) {
			*out = i;
			return 0;
		}
	}
	snprintf(why->text, sizeof(why->text), "field '%s': expected \"%s\" or \"%s\", got \"%s\"",
		key, names[0], names[1], text);
	return -EINVAL;
}

static int read_homes(const json_t *params, struct subscriber_spec *spec, struct json_why *why)
{
	const json_t *homes, *home;
	size_t i;

	if (json_field_array(params, "home_addresses", JSON_FIELD_REQUIRED, &homes, why) < 0)
		return -EINVAL;
	if (json_array_size(homes) < 1 || json_array_size(homes) > SUBSCRIBER_HOME_MAX) {
		snprintf(why->text, sizeof(why->text),
			"field 'home_addresses': expected 1 to %d addresses, got %zu",
			SUBSCRIBER_HOME_MAX, json_array_size(homes));
		return -EINVAL;
	}
	json_array_foreach(homes, i, home)
	{
		const char *text = json_string_value(home);

		if (!text || addr_parse(text, &spec->home[i]) < 0) {
			snprintf(why->text, sizeof(why->text),
				"field 'home_addresses': expected IPv6 addresses, got \"%.64s\"",
				text ? text : "something else than text");
			return -EINVAL;
		}
	}
	spec->home_count = (uint8_t)json_array_size(homes);
	return 0;
}

/* SPI and key. */
static int read_security(const json_t *params, struct subscriber_spec *spec, struct json_why *why)
{
	enum json_need need =
		spec->auth == SUBSCRIBER_AUTH_NONE ? JSON_FIELD_OPTIONAL : JSON_FIELD_REQUIRED;
	uint64_t spi = 0;
	size_t key_len = 0;

	if (json_field_uint(params, "spi", need, SUBSCRIBER_SPI_MIN, UINT32_MAX, &spi, why) < 0 ||
		json_field_hex(params, "key", need, SUBSCRIBER_KEY_LEN, SUBSCRIBER_KEY_LEN,
			spec->key, &key_len, why) < 0)
		return -EINVAL;
	spec->spi = (uint32_t)spi;
	spec->has_key = key_len > 0;
	return 0;
}

static int read_groups(
	const json_t *groups, struct subscriber_multicast *multicast, struct json_why *why)
{
	const json_t *group;
	size_t i;

	if (json_array_size(groups) > SUBSCRIBER_GROUPS_MAX) {
		snprintf(why->text, sizeof(why->text),
			"field 'multicast_groups': expected at most %d prefixes, got %zu",
			SUBSCRIBER_GROUPS_MAX, json_array_size(groups));
		return -EINVAL;
	}
	json_array_foreach(groups, i, group)
	{
		const char *text = json_string_value(group);

		if (!text || prefix6_parse(text, &multicast->groups[i]) < 0) {
			snprintf(why->text, sizeof(why->text),
				"field 'multicast_groups': expected prefixes such as ff1e::/16, "
				"got "
				"\"%.64s\"",
				text ? text : "something else than text");
			return -EINVAL;
		}
	}
	multicast->group_count = (uint8_t)json_array_size(groups);
	return 0;
}

/* What it may listen to; without either field it is not limited. */
static int read_multicast(
	const json_t *params, struct subscriber_multicast *multicast, struct json_why *why)
{
	uint64_t most = SUBSCRIBER_LISTEN_MAX;
	const json_t *groups;
	int counted = json_field_uint(params, "multicast_max_groups", JSON_FIELD_OPTIONAL, 0,
		SUBSCRIBER_LISTEN_MAX, &most, why);
	int listed = counted < 0 ? counted
				 : json_field_array(params, "multicast_groups", JSON_FIELD_OPTIONAL,
					   &groups, why);

	if (listed < 0)
		return -EINVAL;
	multicast->limited = counted > 0 || listed > 0;
	multicast->max_groups = multicast->limited ? (uint8_t)most : 0;
	return listed > 0 ? read_groups(groups, multicast, why) : 0;
}

/* How many care-of addresses and flow bindings; without the field as configured. */
static int read_limits(const json_t *params, struct subscriber_limits *limits, struct json_why *why)
{
	uint64_t bindings = 0, flows = 0;
	int has_bindings = json_field_uint(
		params, "max_bindings", JSON_FIELD_OPTIONAL, 0, BINDING_MAX, &bindings, why);
	int has_flows = has_bindings < 0 ? has_bindings
					 : json_field_uint(params, "max_flows", JSON_FIELD_OPTIONAL,
						   0, FLOW_MAX, &flows, why);

	if (has_flows < 0)
		return -EINVAL;
	*limits = (struct subscriber_limits){.has_bindings = has_bindings > 0,
		.has_flows = has_flows > 0,
		.bindings = (uint8_t)bindings,
		.flows = (uint16_t)flows};
	return 0;
}

/* A subscriber as docs/api.md has it. The caller wipes *spec. 0, or -EINVAL with why. */
static int read_subscriber(const json_t *params, struct subscriber_spec *spec, struct json_why *why)
{
	int auth = SUBSCRIBER_AUTH_REQUIRED, replay = SUBSCRIBER_REPLAY_TIMESTAMP;
	uint64_t lifetime = 0;
	const char *mn_id;

	memset(spec, 0, sizeof(*spec));
	spec->enabled = true;
	if (json_field_str(params, "mn_id", JSON_FIELD_REQUIRED, 1, SUBSCRIBER_MN_ID_MAX, &mn_id,
		    why) < 0 ||
		read_homes(params, spec, why) < 0 ||
		read_name(params, "auth", subscriber_auth_names, &auth, why) < 0 ||
		read_name(params, "replay", subscriber_replay_names, &replay, why) < 0 ||
		json_field_uint(params, "max_lifetime_s", JSON_FIELD_OPTIONAL,
			SUBSCRIBER_LIFETIME_MIN, SUBSCRIBER_LIFETIME_MAX, &lifetime, why) < 0 ||
		json_field_bool(params, "enabled", JSON_FIELD_OPTIONAL, &spec->enabled, why) < 0)
		return -EINVAL;
	strcpy(spec->mn_id, mn_id);
	spec->mn_id_len = (uint8_t)strlen(mn_id);
	spec->auth = (enum subscriber_auth)auth;
	spec->replay = (enum subscriber_replay)replay;
	spec->max_lifetime_s = (uint32_t)lifetime;
	if (read_limits(params, &spec->limits, why) < 0 ||
		read_multicast(params, &spec->multicast, why) < 0)
		return -EINVAL;
	return read_security(params, spec, why);
}

/* Reads and adds one, not yet durable. Returns NULL, or the code of the error with why. */
static const char *add_one(struct ctrl *ctrl, const json_t *params, struct json_why *why)
{
	struct subscriber_spec spec;
	struct subscriber_why refused;
	int error = read_subscriber(params, &spec, why);

	if (!error) {
		error = subscriber_db_add(ctrl->subscribers, &spec, &refused);
		if (error)
			snprintf(why->text, sizeof(why->text), "%s", refused.text);
	}
	hmac_wipe(&spec, sizeof(spec));
	if (!error)
		return NULL;
	return error == -EEXIST ? "exists" : error == -EINVAL ? "invalid" : "internal";
}

void api_subscriber_add(struct api_request *r, const json_t *params)
{
	struct json_why why;
	const char *code = add_one(r->ctrl, params, &why);
	int error;

	if (code) {
		api_error(r, code, "%s", why.text);
		return;
	}
	error = subscriber_db_commit(r->ctrl->subscribers);
	if (error)
		api_errno(r, error);
	else
		api_result(r, json_pack("{s:O}", "mn_id", json_object_get(params, "mn_id")));
}

/* One element of `lines`: NULL, or the code of the error with why. */
static const char *import_line(struct ctrl *ctrl, const json_t *line, struct json_why *why)
{
	static const char *const fields[] = {"line", "subscriber", NULL};
	static const char *const known[] = {"mn_id", "home_addresses", "spi", "key", "replay",
		"auth", "max_lifetime_s", "enabled", "max_bindings", "max_flows",
		"multicast_max_groups", "multicast_groups", NULL};
	const json_t *subscriber;

	if (json_fields_known(line, fields, why) < 0 ||
		json_field_object(line, "subscriber", JSON_FIELD_REQUIRED, &subscriber, why) < 0 ||
		json_fields_known(subscriber, known, why) < 0)
		return "invalid";
	return add_one(ctrl, subscriber, why);
}

void api_subscriber_import(struct api_request *r, const json_t *params)
{
	const json_t *lines, *line;
	json_t *errors = json_array();
	json_int_t imported = 0, skipped = 0;
	struct json_why why;
	size_t i;
	int error;

	if (json_field_array(params, "lines", JSON_FIELD_REQUIRED, &lines, &why) < 0) {
		json_decref(errors);
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	json_array_foreach(lines, i, line)
	{
		const json_t *number = json_object_get(line, "line");
		const char *code = import_line(r->ctrl, line, &why);

		if (!code) {
			imported++;
			continue;
		}
		skipped++;
		json_array_append_new(
			errors, json_pack("{s:I,s:s,s:s}", "line",
					json_is_integer(number) ? json_integer_value(number)
								: (json_int_t)i + 1,
					"code", code, "message", why.text));
	}
	error = subscriber_db_commit(r->ctrl->subscribers);
	if (error) {
		json_decref(errors);
		api_errno(r, error);
		return;
	}
	api_result(r, json_pack("{s:I,s:I,s:o}", "imported", imported, "skipped", skipped, "errors",
			      errors));
}

static size_t live_bindings(struct ctrl *ctrl, const struct subscriber *s)
{
	struct binding_cache *cache = signalling_cache(ctrl->signalling);
	size_t n = 0;

	for (uint8_t i = 0; i < s->home_count; i++) {
		const struct binding *b = binding_cache_find(cache, &s->home[i].addr);

		n += b && binding_is_live(b) ? binding_count(b) : 0;
	}
	return n;
}

static void put_multicast(json_t *obj, const struct subscriber_multicast *multicast)
{
	json_t *groups = multicast && multicast->group_count ? json_array() : json_null();

	for (uint8_t i = 0; multicast && i < multicast->group_count; i++)
		json_array_append_new(groups, json_string(PREFIX6_TEXT(&multicast->groups[i])));
	json_object_set_new(obj, "multicast_max_groups",
		multicast ? json_integer(multicast->max_groups) : json_null());
	json_object_set_new(obj, "multicast_groups", groups);
}

static json_t *subscriber_item(struct ctrl *ctrl, const struct in6_addr *home)
{
	const struct subscriber *s = subscriber_db_find_home(ctrl->subscribers, home, NULL);
	json_t *obj, *homes;

	if (!s)
		return NULL;
	obj = json_object();
	homes = json_array();
	for (uint8_t i = 0; i < s->home_count; i++)
		json_array_append_new(homes, json_string(ADDR_TEXT(&s->home[i].addr)));
	json_put_str(obj, "mn_id", s->mn_id);
	json_object_set_new(obj, "home_addresses", homes);
	json_object_set_new(obj, "spi", s->spi ? json_integer(s->spi) : json_null());
	json_put_str(obj, "replay", subscriber_replay_names[s->replay]);
	json_put_str(obj, "auth", subscriber_auth_names[s->auth]);
	json_object_set_new(obj, "max_lifetime_s",
		s->max_lifetime_s ? json_integer(s->max_lifetime_s) : json_null());
	json_put_bool(obj, "enabled", s->enabled);
	json_object_set_new(obj, "max_bindings",
		s->limits.has_bindings ? json_integer(s->limits.bindings) : json_null());
	json_object_set_new(obj, "max_flows",
		s->limits.has_flows ? json_integer(s->limits.flows) : json_null());
	put_multicast(obj, s->multicast);
	json_put_uint(obj, "bindings", live_bindings(ctrl, s));
	return obj;
}

struct names {
	struct in6_addr *all;
	size_t count;
};

static int add_name(void *arg, struct subscriber *s)
{
	struct names *names = arg;

	names->all[names->count++] = s->home[0].addr;
	return 0;
}

void api_subscriber_show(struct api_request *r, const json_t *params)
{
	struct subscriber_db *db = r->ctrl->subscribers;
	struct names names = {0};
	struct subscriber *s = NULL;
	struct json_why why;
	const char *mn_id;
	int found = json_field_str(
		params, "mn_id", JSON_FIELD_OPTIONAL, 1, SUBSCRIBER_MN_ID_MAX, &mn_id, &why);

	if (found < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	if (found && !(s = subscriber_db_find(db, mn_id, strlen(mn_id)))) {
		api_error(r, "not-found", "there is no subscriber '%s'", mn_id);
		return;
	}
	names.all = calloc(s ? 1 : subscriber_db_count(db) + 1, sizeof(*names.all));
	if (!names.all) {
		api_errno(r, -ENOMEM);
		return;
	}
	if (s)
		add_name(&names, s);
	else
		subscriber_db_each(db, add_name, &names);
	api_list_send(r, names.all, names.count, subscriber_item);
}

/* What subscriber.del waits for. */
struct removal {
	struct wait_group group; /* home addresses whose bindings are to end */
	json_int_t cleared;
	char mn_id[SUBSCRIBER_MN_ID_MAX + 1];
};

/* Its bindings have ended, or with an error not all of them. */
static void bindings_ended(void *context, int error)
{
	struct api_request *r = context;
	struct removal *removal = r->state;
	struct subscriber_db *db = r->ctrl->subscribers;
	struct subscriber *s = subscriber_db_find(db, removal->mn_id, strlen(removal->mn_id));

	if (!s) {
		api_error(r, "not-found", "there is no subscriber '%s'", removal->mn_id);
		return;
	}
	if (!error)
		error = subscriber_db_del(db, removal->mn_id);
	if (!error)
		error = subscriber_db_commit(db);
	if (error) {
		s->leaving = false;
		api_errno(r, error);
		return;
	}
	api_result(r, json_pack("{s:s,s:I}", "mn_id", removal->mn_id, "bindings_cleared",
			      removal->cleared));
}

void api_subscriber_del(struct api_request *r, const json_t *params)
{
	struct removal *removal;
	struct subscriber *s;
	struct json_why why;
	const char *mn_id;

	if (json_field_str(params, "mn_id", JSON_FIELD_REQUIRED, 1, SUBSCRIBER_MN_ID_MAX, &mn_id,
		    &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	s = subscriber_db_find(r->ctrl->subscribers, mn_id, strlen(mn_id));
	if (!s) {
		api_error(r, "not-found", "there is no subscriber '%s'", mn_id);
		return;
	}
	if (s->leaving) {
		api_error(r, "unavailable", "subscriber '%s' is being deleted", mn_id);
		return;
	}
	removal = calloc(1, sizeof(*removal));
	if (!removal) {
		api_errno(r, -ENOMEM);
		return;
	}
	strcpy(removal->mn_id, s->mn_id);
	removal->cleared = (json_int_t)live_bindings(r->ctrl, s);
	r->state = removal;
	r->release = free;
	/* It must not register again while its bindings end. */
	s->leaving = true;
	wait_group_init(&removal->group, bindings_ended, r);
	for (uint8_t i = 0; i < s->home_count; i++) {
		int started;

		wait_group_add(&removal->group);
		started = signalling_clear(
			r->ctrl->signalling, &s->home[i].addr, 0, wait_group_done, &removal->group);
		if (started <= 0)
			wait_group_done(&removal->group, started);
	}
	wait_group_done(&removal->group, 0);
}
