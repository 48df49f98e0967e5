/* dp.audit */
#include "ctrl/api/request.h"
#include "ctrl/config.h"
#include "ctrl/publish/publish.h"

#include <errno.h>
#include <stdlib.h>

static const char *outcome(const struct publish_audit_result *result)
{
	if (!result->compared)
		return "unknown";
	return result->equal ? "equal" : "differs";
}

static json_t *kind_list(const struct publish_audit_result *result)
{
	json_t *list = json_array();

	for (unsigned kind = 0; kind < UPDATE_DIGEST_KINDS; kind++) {
		json_t *item;

		if (!object_kind_known(kind))
			continue;
		item = json_object();
		json_put_str(item, "kind", object_kind_name(kind));
		json_put_uint(item, "wanted", result->wanted.kinds[kind].count);
		json_put_uint(item, "found", result->found.kinds[kind].count);
		json_put_bool(item, "equal",
			result->wanted.kinds[kind].count == result->found.kinds[kind].count &&
				result->wanted.kinds[kind].sum == result->found.kinds[kind].sum);
		json_array_append_new(list, item);
	}
	return list;
}

/* r->state counts the items. */
static void take_done(void *arg, unsigned dp, const struct publish_audit_result *result)
{
	struct api_request *r = arg;
	json_t *item = json_object();

	json_put_str(item, "name", ctrl_config_data_plane_name(r->ctrl->config, dp));
	json_put_str(item, "result", outcome(result));
	if (result->compared)
		json_put_uint(item, "sequence", result->sequence);
	else
		json_object_set_new(item, "sequence", json_null());
	json_put_bool(item, "healing", result->healing);
	json_object_set_new(item, "kinds", result->compared ? kind_list(result) : json_array());
	++*(size_t *)r->state;
	api_item(r, item);
}

static void take_end(void *arg)
{
	struct api_request *r = arg;

	api_count(r, *(const size_t *)r->state);
}

void api_dp_audit(struct api_request *r, const json_t *params)
{
	const struct publish_audit_fns fns = {.arg = r, .done = take_done, .end = take_end};
	size_t count = r->ctrl->config->data_planes.count;
	uint64_t set = count < 64 ? (1ull << count) - 1 : UINT64_MAX;
	const char *name = NULL;
	struct json_why why;

	if (json_field_str(params, "name", JSON_FIELD_OPTIONAL, 1, UPDATE_NAME_MAX, &name, &why) <
		0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	if (name) {
		int dp = ctrl_config_data_plane(r->ctrl->config, name);

		if (dp < 0) {
			api_error(r, "not-found", "no data plane \"%.64s\" is configured", name);
			return;
		}
		set = 1ull << dp;
	}
	r->state = calloc(1, sizeof(size_t));
	r->release = free;
	if (!r->state || publish_audit(r->ctrl->publish, set, &fns) < 0)
		api_errno(r, -ENOMEM);
}
