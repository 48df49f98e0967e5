/* Bindings that another data plane is to serve. */
#include "ctrl/signalling/ha_queue.h"
#include "ctrl/signalling/state.h"

struct walk {
	struct signalling *s;
	signalling_wish_fn *wish;
	void *context;
	size_t busy;
};

/* One that has a change under way is left alone: that change chooses anew. */
static bool look(void *arg, struct binding *b)
{
	struct walk *w = arg;
	enum signalling_wish wish;
	struct ha_request *request;

	if (b->now.life != BINDING_LIVE)
		return true;
	wish = w->wish(w->context, &b->now.care_of, b->now.data_plane);
	if (wish != SIGNALLING_GOES)
		return wish != SIGNALLING_STOP;
	request = b->running || b->waiting ? NULL : ha_request_new(w->s, HA_REDIRECT);
	if (request)
		ha_queue_put(w->s, b, request);
	else
		w->busy++;
	return true;
}

bool signalling_redirect(struct signalling *s, size_t *at, size_t budget, signalling_wish_fn *wish,
	void *context, size_t *busy)
{
	struct walk walk = {.s = s, .wish = wish, .context = context};
	bool more = binding_cache_walk(s->cache, at, budget, look, &walk);

	*busy += walk.busy;
	return more;
}
