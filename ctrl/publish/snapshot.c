#include "ctrl/publish/snapshot.h"

#include "ctrl/config.h"
#include "ctrl/publish/publisher.h"

#include <errno.h>
#include <string.h>

enum { LOOK_MOST = 4096 }; /* bundles looked at for one message: they may all be of other buckets */

static void start(struct session *s)
{
	struct publish *p = s->publish;

	s->adopt.asked = false;
	s->audit.healing = false;
	s->snapshot.active = true;
	s->snapshot.begun = false;
	s->snapshot.unacked = true;
	s->snapshot.sequence = publish_sequence(p);
	s->snapshot.groups = false;
	s->snapshot.slot = 0;
	s->ready_at = s->snapshot.sequence;
	s->failures = 0;
}

void snapshot_start(struct session *s)
{
	start(s);
	s->snapshot.adopts = false;
	s->sync = PUBLISH_SYNC_SNAPSHOT;
	s->snapshots++;
	counter_add(&s->publish->counters[PUBLISH_SNAPSHOTS], 1);
}

void snapshot_heal(struct session *s)
{
	snapshot_start(s);
	s->audit.healing = true;
}

void snapshot_adopt(struct session *s, const struct object_buckets *buckets)
{
	bool all = object_buckets_count(buckets) == 0;

	start(s);
	s->snapshot.adopts = true;
	s->snapshot.buckets = *buckets;
	s->sync = all ? PUBLISH_SYNC_ADOPTED : PUBLISH_SYNC_PARTIAL;
	counter_add(&s->publish->counters[all ? PUBLISH_ADOPTED : PUBLISH_PARTIALS], 1);
}

bool snapshot_has(const struct session *s, size_t fixed)
{
	const struct ctrl_config *config = s->publish->config;
	const char *link = s->publish->links[fixed];
	int dp = link ? ctrl_config_link_data_plane(config, link) : -1;

	if (!link || dp == (int)s->dp)
		return true;
	if (dp >= 0)
		return false;
	for (size_t i = 0; i < s->hello.port_count; i++)
		if (strcmp(s->hello.ports[i].name, link) == 0)
			return true;
	/* A single one that lacks the port is told, so that its refusal shows the mistake. */
	return config->data_planes.count == 1;
}

/* The data plane has everything that it is to get before the deltas. */
static void end(struct session *s)
{
	s->snapshot.active = false;
	s->sent = s->snapshot.sequence;
}

static int send_begin(struct session *s)
{
	struct publish *p = s->publish;
	struct writer w;
	int error;

	session_start(
		p, &w, s->snapshot.adopts ? UPDATE_ADOPT : UPDATE_BEGIN, s->snapshot.sequence);
	if (s->snapshot.adopts)
		update_adopt_encode(&w, &(struct update_adopt){.epoch = s->adopt.epoch,
						.sequence = s->adopt.sequence,
						.buckets = s->snapshot.buckets});
	error = session_message(s, &w);
	s->snapshot.begun = !error;
	if (!error && s->snapshot.adopts && object_buckets_count(&s->snapshot.buckets) == 0)
		end(s);
	return error;
}

static int send_end(struct session *s)
{
	struct writer w;
	int error;

	session_start(s->publish, &w, UPDATE_END, s->snapshot.sequence);
	error = session_message(s, &w);
	if (!error)
		end(s);
	return error;
}

/* Groups alone, as many as fit one message; when these are all, what is left comes next. */
static int send_groups(struct session *s, const struct object_buckets *only, struct writer *w)
{
	size_t slot = s->snapshot.slot;
	bool more = state_copy_groups(&s->publish->state, only, LOOK_MOST, &slot, w);
	int error = writer_len(w) > UPDATE_HEAD_LEN ? session_message(s, w) : -EINPROGRESS;

	if (error && error != -EINPROGRESS)
		return error;
	s->snapshot.groups = !more;
	s->snapshot.slot = more ? slot : 0;
	return error;
}

int snapshot_send(struct session *s)
{
	const struct object_buckets *only = s->snapshot.adopts ? &s->snapshot.buckets : NULL;
	struct publish *p = s->publish;
	size_t slot = s->snapshot.slot;
	struct writer w;
	bool more;
	int error;

	if (!s->snapshot.begun)
		return send_begin(s);
	session_start(p, &w, UPDATE_OBJECTS, s->snapshot.sequence);
	if (!s->snapshot.groups)
		return send_groups(s, only, &w);
	if (slot == 0)
		for (size_t i = 0; i < p->fixed_count; i++)
			if (snapshot_has(s, i))
				writer_bytes(&w, p->fixed[i].octets, p->fixed[i].len);
	more = state_copy(&p->state, only, LOOK_MOST, &slot, &w);
	if (writer_len(&w) > UPDATE_HEAD_LEN) {
		error = session_message(s, &w);
		if (!error)
			s->snapshot.slot = slot ? slot : 1;
		return error;
	}
	s->snapshot.slot = slot;
	return more ? -EINPROGRESS : send_end(s);
}
