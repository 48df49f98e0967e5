#include "ctrl/api/request.h"

#include "common/log.h"
#include "ctrl/events.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BURST = 256 }; /* items of a list sent in one round */

void api_request_free(struct api_request *r)
{
	for (struct api_request **at = &r->api->requests; *at; at = &(*at)->next) {
		if (*at != r)
			continue;
		*at = r->next;
		r->api->request_count--;
		break;
	}
	if (r->left)
		r->left(r->api);
	if (r->release)
		r->release(r->state);
	free(r->list.names);
	free(r);
}

/* Sends {key: value}; takes the value. */
static int send_reply(struct api_request *r, const char *key, json_t *value)
{
	json_t *reply = json_pack("{s:o}", key, value);
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	int error = -ENOMEM;

	if (text) {
		const struct iovec parts[] = {
			{.iov_base = r->identity, .iov_len = r->identity_len},
			{.iov_base = text, .iov_len = strlen(text)},
		};

		error = zsock_send(&r->api->socket, parts, 2);
	}
	free(text);
	json_decref(reply);
	return error;
}

json_t *api_prefixes(const struct prefix6 *prefixes, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(PREFIX6_TEXT(&prefixes[i])));
	return list;
}

int api_item(struct api_request *r, json_t *item)
{
	return send_reply(r, "item", item);
}

void api_result(struct api_request *r, json_t *result)
{
	send_reply(r, "result", result);
	api_request_free(r);
}

void api_error(struct api_request *r, const char *code, const char *fmt, ...)
{
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	json_t *error = json_object();

	json_put_str(error, "code", code);
	json_put_str(error, "message", message);
	send_reply(r, "error", error);
	api_request_free(r);
}

void api_count(struct api_request *r, size_t n)
{
	api_result(r, json_pack("{s:I}", "count", (json_int_t)n));
}

bool api_refuse_without(struct api_request *r, const void *role, const char *name)
{
	if (!role)
		api_error(r, "unavailable", "this process has not the role \"%s\"", name);
	return !role;
}

void api_release_result(void *state)
{
	json_decref(state);
}

void api_done(void *request, int error)
{
	struct api_request *r = request;

	if (error)
		api_errno(r, error);
	else
		api_result(r, json_incref(r->state));
}

void api_put_time(json_t *obj, const char *key, uint64_t real_ns)
{
	char text[EVENTS_TIME_SIZE];

	json_put_str(obj, key, real_ns ? events_time(text, real_ns) : NULL);
}

void api_errno(struct api_request *r, int error)
{
	switch (error) {
	case -EIO:
	case -ENOSPC:
		api_error(r, "unavailable", "the store refused the change (%s)", strerror(-error));
		return;
	case -ENOTCONN:
	case -ETIMEDOUT:
		api_error(r, "unavailable", "no data plane acknowledged the change");
		return;
	case -EBUSY:
		api_error(r, "unavailable", "what was asked for before has not ended");
		return;
	default:
		api_error(r, "internal", "%s", strerror(-error));
	}
}

void api_list_send(struct api_request *r, struct in6_addr *names, size_t count, api_item_fn *item)
{
	r->list = (struct api_list){.names = names, .count = count, .item = item};
}

/* Sends the items of a name, from list->part on: one, or an array of them. 0 or what sending said.
 */
static int send_items(struct api_request *r, json_t *items)
{
	struct api_list *list = &r->list;
	int error = 0;

	if (!items)
		return 0;
	if (!json_is_array(items)) {
		error = api_item(r, items);
		list->sent += !error;
		return error;
	}
	for (; list->part < json_array_size(items) && !error; list->part += !error)
		error = api_item(r, json_incref(json_array_get(items, list->part)));
	if (!error)
		list->sent += list->part;
	if (!error)
		list->part = 0;
	json_decref(items);
	return error;
}

bool api_list_more(struct api_request *r)
{
	struct api_list *list = &r->list;

	for (int i = 0; i < LIST_BURST && list->next < list->count; i++) {
		int error = send_items(r, list->item(r->ctrl, &list->names[list->next]));

		if (error == -EAGAIN)
			return true;
		if (error) {
			api_request_free(r);
			return false;
		}
		list->next++;
	}
	if (list->next < list->count)
		return true;
	list->item = NULL;
	if (!r->watches_bindings)
		api_count(r, list->sent);
	return false;
}

/* Who does not take its events is cut off: nothing is kept for it. */
void api_live(struct api_request *r, json_t *item)
{
	static struct log_limit limit = LOG_LIMIT(2);
	int error = api_item(r, item);

	if (!error)
		return;
	if (error == -EAGAIN)
		LOG_LIMITED(
			&limit, LOG_LEVEL_WARN, "api", "watcher-too-slow", "method=%s", r->method);
	api_request_free(r);
}
