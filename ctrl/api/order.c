/* path.order: whether the packets of a node that takes several paths are kept in order, and what
 * became of them */
#include "ctrl/api/request.h"
#include "ctrl/binding/session_cache.h"
#include "ctrl/publish/publish.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/mag/mag.h"

#include <errno.h>
#include <stdlib.h>

static const char *const keys[UPDATE_ORDER_VALUES] = {
	[UPDATE_ORDER_SENT] = "sent",
	[UPDATE_ORDER_IN_ORDER] = "in_order",
	[UPDATE_ORDER_HELD] = "held",
	[UPDATE_ORDER_REORDERED] = "reordered",
	[UPDATE_ORDER_RESTORED] = "restored",
	[UPDATE_ORDER_LATE] = "late",
	[UPDATE_ORDER_TIMED_OUT] = "timed_out",
	[UPDATE_ORDER_NO_ROOM] = "no_room",
};

/* What all data planes say of it. */
struct asked {
	char mn_id[SESSION_MN_ID_TEXT_SIZE];
	enum path_policy_order order;
	uint64_t subscriber;
	bool known; /* some data plane has an order of it */
	uint64_t values[UPDATE_ORDER_VALUES];
};

static void take_record(void *arg, unsigned dp, const struct update_stat *stat)
{
	struct api_request *r = arg;
	struct asked *asked = r->state;

	(void)dp;
	if (stat->group != UPDATE_STAT_ORDER)
		return;
	asked->known = true;
	for (unsigned i = 0; i < UPDATE_ORDER_VALUES; i++)
		asked->values[i] += stat->values[i];
}

static void take_done(void *arg, unsigned dp, bool answered)
{
	(void)arg;
	(void)dp;
	(void)answered;
}

static void take_end(void *arg)
{
	struct api_request *r = arg;
	const struct asked *asked = r->state;
	json_t *obj = json_object();

	json_put_str(obj, "mn_id", asked->mn_id);
	json_put_str(obj, "order", path_policy_order_names[asked->order]);
	for (unsigned i = 0; i < UPDATE_ORDER_VALUES; i++)
		json_object_set_new(obj, keys[i],
			asked->known ? json_integer((json_int_t)asked->values[i]) : json_null());
	api_result(r, obj);
}

static bool find_session(
	const struct ctrl *ctrl, const struct session *session, struct asked *asked)
{
	if (!session)
		return false;
	session_mn_id_text(asked->mn_id, &session->now.mn_id);
	asked->order = publish_session_order(ctrl->config, &session->now, ctrl->path_policy);
	asked->subscriber = publish_session_id(session->now.number);
	return true;
}

static bool is_in(const struct in6_addr *addr, const struct prefix6 *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct prefix6 prefix = prefix6_of(addr, prefixes[i].len);

		if (addr_equal(&prefix.addr, &prefixes[i].addr))
			return true;
	}
	return false;
}

static bool has_address(const struct attachment_record *record, const struct in6_addr *addr)
{
	return record->lifetime && (is_in(addr, record->prefixes, record->prefix_count) ||
					   is_in(addr, record->delegated, record->delegated_count));
}

static bool find_attachment(
	const struct ctrl *ctrl, const struct in6_addr *addr, struct asked *asked)
{
	for (const struct mag_attachment *a = NULL; (a = mag_next(ctrl->mag, a));) {
		if (!has_address(&a->now, addr))
			continue;
		session_mn_id_text(asked->mn_id, &a->now.mn_id);
		asked->order = publish_attachment_order(ctrl->config, &a->now, ctrl->path_policy);
		asked->subscriber = publish_attachment_id(a->now.number);
		return true;
	}
	return false;
}

void api_path_order(struct api_request *r, const json_t *params)
{
	const struct publish_stats_fns fns = {
		.arg = r, .record = take_record, .done = take_done, .end = take_end};
	struct ctrl *ctrl = r->ctrl;
	struct session *session = NULL;
	bool answered = false;
	struct asked *asked;
	struct in6_addr addr;
	struct json_why why;

	if (!ctrl->path_policy) {
		api_error(
			r, "unavailable", "this process has neither the role \"lma\" nor \"mag\"");
		return;
	}
	if (json_field_addr(params, "address", JSON_FIELD_REQUIRED, &addr, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	if (ctrl->lma)
		session = api_session_at(r, params, &addr, &answered);
	if (answered)
		return;
	asked = calloc(1, sizeof(*asked));
	if (!asked) {
		api_errno(r, -ENOMEM);
		return;
	}
	r->state = asked;
	r->release = free;
	if (!(ctrl->lma && find_session(ctrl, session, asked)) &&
		!(ctrl->mag && find_attachment(ctrl, &addr, asked)))
		api_error(r, "not-found", "%s is of no node", ADDR_TEXT(&addr));
	else if (publish_stats_of(ctrl->publish, &asked->subscriber, 1, &fns) < 0)
		api_errno(r, -ENOMEM);
}
