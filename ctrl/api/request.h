/*
 * A request under way, and how methods answer it. Private to ctrl/api/.
 *
 * A request lives until its result or its error was sent, or its client is gone. A method that
 * answers later keeps its own state in `state`, which `release` frees in either case.
 */
#pragma once

#include "common/json.h"
#include "common/wheel.h"
#include "common/zsock.h"
#include "ctrl/api/api.h"
#include "proto/channel/trace.h"

enum {
	API_REQUESTS_MAX = 256,        /* under way at once */
	API_MESSAGE_MAX = 1024 * 1024, /* octets of a request */
	API_IDENTITY_MAX = 255,
};

/* Makes the items of a list for a home address: one, or an array of them; NULL: it is gone. */
typedef json_t *api_item_fn(struct ctrl *ctrl, const struct in6_addr *home);

/* A list that is sent a piece at a time: the names of its elements, gathered at the start. */
struct api_list {
	struct in6_addr *names;
	size_t count, next, sent;
	size_t part; /* items of the next name that were sent */
	api_item_fn *item;
};

struct api_request {
	struct api_request *next;
	struct api *api;
	struct ctrl *ctrl;
	const char *method;
	/* Items follow as they happen, without end. */
	bool watches_bindings, watches_events;
	bool traces;                   /* the subscriber whose MN-ID is `state` */
	void (*left)(struct api *api); /* called when it is gone, or NULL */
	struct api_list list;
	void *state;
	void (*release)(void *state);
	size_t identity_len;
	uint8_t identity[API_IDENTITY_MAX];
};

struct api {
	struct ctrl *ctrl;
	struct zsock socket;
	struct api_request *requests;
	size_t request_count;
	struct wheel_timer again; /* lists wait for room in a client's queue */
	uint64_t started_ns, started_real_ns;
};

/* Forgets a request, answered or not. */
void api_request_free(struct api_request *r);

/* Answers. After api_result() and api_error() the request is gone. */
int api_item(struct api_request *r, json_t *item); /* takes the item; -errno: client too slow */
void api_result(struct api_request *r, json_t *result); /* takes the result */
void api_error(struct api_request *r, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The result of a list: {"count": n}. */
void api_count(struct api_request *r, size_t n);

/* Whether a request is for a role that this process has not; r was answered then. */
bool api_refuse_without(struct api_request *r, const void *role, const char *name);

/* `release` of a request whose state is a JSON value. */
void api_release_result(void *state);

/* The completion of what such a request has started: answers with that value, or with the error.
 * It may come before the call that starts it returns; the request is gone then. */
void api_done(void *request, int error);

/* Puts a time of CLOCK_REALTIME into an object as text; 0: null. */
void api_put_time(json_t *obj, const char *key, uint64_t real_ns);

/* A list of prefixes as text. NULL: no memory. */
json_t *api_prefixes(const struct prefix6 *prefixes, size_t count);

/* The error for a negative errno of a commit or of the store. */
void api_errno(struct api_request *r, int error);

/*
 * Sends the elements with these names (taken over, from malloc) as items, then {"count"} unless
 * the request watches.
 */
void api_list_send(struct api_request *r, struct in6_addr *names, size_t count, api_item_fn *item);

/* Sends a piece of a list. Returns whether more is left that must wait. The request may be gone
 * afterwards. */
bool api_list_more(struct api_request *r);

/* Home addresses that have bindings which are shown, from malloc. 0 or -ENOMEM. */
int api_binding_names(struct ctrl *ctrl, struct in6_addr **names, size_t *count);

/* The home addresses that `home_address` and `mn_id` of the parameters ask for, from malloc: one,
 * those of one node, or all. 0; after an error r was answered. */
int api_binding_asked(
	struct api_request *r, const json_t *params, struct in6_addr **names, size_t *count);

/* Index of the data plane that serves what names this id, negative: none. */
int api_serving(const struct ctrl *ctrl, uint64_t id);

/* The same of a binding. */
struct binding_record;
int api_serving_binding(const struct ctrl *ctrl, const struct binding_record *record);

/* Sends an item of a request without end, which it takes; a client that is too slow is cut off. */
void api_live(struct api_request *r, json_t *item);

/* What data planes are to trace, and what they traced: of publish_handlers, arg is the api. */
void api_trace_wanted(void *api, struct trace_wanted *wanted);
void api_traced_packet(void *api, unsigned dp, const struct trace_packet *packet);

/* A binding as docs/api.md shows it, one of the records of an entry; NULL: no memory. */
json_t *api_binding_json(
	struct ctrl *ctrl, const struct binding *b, const struct binding_record *record);

/* Answers binding.show with what the paths of the bindings of these home addresses carried (names
 * are taken over). */
void api_traffic_show(struct api_request *r, struct in6_addr *names, size_t count);

/* Whether multicast is not served by this process; r was answered then. */
bool api_mcast_unserved(struct api_request *r);

/* What data planes copy by: a stream, and how many are its members, or who they are. NULL: no
 * memory. */
struct membership_stream;
json_t *api_mcast_object_json(
	struct ctrl *ctrl, const struct membership_stream *stream, bool with_members);

/* The names of data planes (bits: by index). NULL: no memory. */
json_t *api_mcast_names(const struct ctrl *ctrl, uint64_t data_planes);

/* Answers mcast.show for these groups, with their members or not, and with what data planes have
 * counted; with rates after a second. False: r is to be answered without, as there is no item, or
 * there are too many. */
bool api_mcast_counted(struct api_request *r, const struct in6_addr *groups, size_t count,
	bool with_members, bool rates);

/* The session that an address is of, with the role "lma", in the domain that the field domain of
 * params names ("public": none), or in whichever it is if there is no such field. NULL: there is
 * none, or, and then r was answered, it is of several, or params are at fault. */
struct session *api_session_at(
	struct api_request *r, const json_t *params, const struct in6_addr *addr, bool *answered);

/* Whether binding.show shows the bindings of an entry: it is bound, or about to be. */
bool api_binding_shown(const struct binding *b);

/* Methods: params has only fields that the table in api.c names. They answer r in the end. */
typedef void api_method_fn(struct api_request *r, const json_t *params);
api_method_fn api_status, api_dp_audit, api_dp_show, api_path_show, api_path_order, api_path_weight,
	api_stats, api_events, api_trace;
api_method_fn api_binding_show, api_binding_watch, api_binding_clear, api_binding_revoke;
api_method_fn api_flow_show, api_flow_explain;
api_method_fn api_mag_show, api_mag_attach, api_mag_move, api_mag_detach, api_mag_revoke,
	api_peer_show;
api_method_fn api_mcast_show, api_mcast_links, api_mcast_tunnels, api_mcast_explain;
api_method_fn api_session_show, api_session_clear, api_session_revoke, api_session_renew,
	api_prefix_show, api_delegation_show;
api_method_fn api_subscriber_add, api_subscriber_del, api_subscriber_show, api_subscriber_import;
