/* Bindings that another data plane is to serve. */
#include "ctrl/signalling/ha_queue.h"
#include "ctrl/signalling/state.h"

struct walk {
	struct signalling *s;
	signalling_wish_fn *wish;
	void *context;
	size_t busy;
};

/* A home binding has the data plane of its home link or, beside others, none. */
static enum signalling_wish wish_of_home(const struct walk *w, const struct binding_record *record)
{
	uint64_t id;

	w->s->ops.choose_home(w->s->ops.context, &record->home, 0, &id);
	return id == record->data_plane ? SIGNALLING_STAYS : SIGNALLING_GOES;
}

/* Whether one of the bindings of a home address is to be served by another. */
static enum signalling_wish wish_of(const struct walk *w, const struct binding *b)
{
	enum signalling_wish wish = SIGNALLING_STAYS;

	for (unsigned i = 0; i < binding_count(b) && wish == SIGNALLING_STAYS; i++) {
		const struct binding_record *record = binding_record_at(b, i);

		if (!record->at_home)
			wish = w->wish(w->context, &record->care_of, record->data_plane);
		else if (b->more)
			wish = wish_of_home(w, record);
	}
	return wish;
}

/* Those that have a change under way are left alone: that change chooses anew. */
static bool look(void *arg, struct binding *b)
{
	struct walk *w = arg;
	enum signalling_wish wish;
	struct ha_request *request;

	if (b->now.life != BINDING_LIVE)
		return true;
	wish = wish_of(w, b);
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
