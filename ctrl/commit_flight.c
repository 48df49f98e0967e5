#include "ctrl/commit_flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct commit_image *image_new(struct commit *commit)
{
	struct commit_image *i = commit->spare_images;

	if (i)
		commit->spare_images = i->next;
	return i ? i : malloc(sizeof(*i));
}

void commit_image_free(struct commit *commit, struct commit_image *image)
{
	if (!image)
		return;
	image->next = commit->spare_images;
	commit->spare_images = image;
}

struct commit_change *commit_change_new(struct commit *commit, commit_done_fn *done, void *arg)
{
	struct commit_change *c = commit->spare_changes;

	if (c)
		commit->spare_changes = c->next;
	else
		c = malloc(sizeof(*c));
	if (!c)
		return NULL;
	memset(c, 0, offsetof(struct commit_change, waits));
	c->culprit = -1;
	c->done = done;
	c->arg = arg;
	return c;
}

void commit_change_free(struct commit *commit, struct commit_change *c)
{
	commit_image_free(commit, c->image);
	c->next = commit->spare_changes;
	commit->spare_changes = c;
}

static void flight_free(struct commit *commit, struct commit_flight *flight)
{
	HASH_DEL(commit->flights, flight);
	commit_image_free(commit, flight->good);
	flight->hh.next = commit->spare_flights;
	commit->spare_flights = flight;
}

void commit_flights_free(struct commit *commit)
{
	while (commit->flights) {
		struct commit_change *c;

		while ((c = commit->flights->first)) {
			commit->flights->first = c->later;
			commit_change_free(commit, c);
		}
		flight_free(commit, commit->flights);
	}
	for (struct commit_change *c; (c = commit->spare_changes); free(c))
		commit->spare_changes = c->next;
	for (struct commit_flight *f; (f = commit->spare_flights); free(f))
		commit->spare_flights = f->hh.next;
	for (struct commit_image *i; (i = commit->spare_images); free(i))
		commit->spare_images = i->next;
}

int commit_make_image(
	struct commit *commit, const struct binding_list *list, struct commit_image **image)
{
	struct commit_image *i = image_new(commit);
	struct writer w;
	int error = 0;

	if (!i)
		return -ENOMEM;
	i->bundle_id = list->records->subscriber_id;
	i->count = list->count;
	for (unsigned n = 0; n < list->count && !error; n++) {
		const struct binding_record *record = &list->records[n];

		i->at[n].bid = record->bid;
		i->at[n].at = (uint16_t)(n * BINDING_RECORD_SIZE);
		writer_init(&w, i->records + i->at[n].at, BINDING_RECORD_SIZE);
		if (record->life != BINDING_NONE)
			error = binding_record_encode(&w, record);
		i->at[n].len = (uint16_t)writer_len(&w);
	}
	if (!error)
		error = publish_compile(commit->config, list, &i->bundle);
	if (error)
		commit_image_free(commit, i);
	else
		*image = i;
	return error;
}

int commit_copy_image(
	struct commit *commit, const struct commit_item *item, struct commit_image **image)
{
	struct commit_image *i = image_new(commit);

	if (!i)
		return -ENOMEM;
	i->bundle_id = item->bundle_id;
	i->count = 1;
	i->at[0].bid = 0;
	i->at[0].len = item->record_len;
	i->at[0].at = 0;
	memcpy(i->records, item->record, item->record_len);
	i->bundle.len = item->bundle.len;
	memcpy(i->bundle.octets, item->bundle.octets, item->bundle.len);
	*image = i;
	return 0;
}

struct commit_flight_key commit_flight_key(const struct in6_addr *home)
{
	struct commit_flight_key key = {.table = STORE_BINDING, .len = sizeof(*home)};

	memcpy(key.octets, home, sizeof(*home));
	return key;
}

struct commit_flight_key commit_flight_item_key(const struct commit_item *item)
{
	struct commit_flight_key key = {.table = (uint8_t)item->table, .len = item->key_len};

	memcpy(key.octets, item->key, item->key_len);
	return key;
}

struct commit_flight *commit_flight_find(struct commit *commit, const struct commit_flight_key *key)
{
	struct commit_flight *flight;

	HASH_FIND(hh, commit->flights, key, sizeof(*key), flight);
	return flight;
}

struct commit_flight *commit_flight_new(
	struct commit *commit, const struct commit_flight_key *key, struct commit_image *good)
{
	struct commit_flight *flight = commit->spare_flights;

	if (flight)
		commit->spare_flights = flight->hh.next;
	else
		flight = malloc(sizeof(*flight));
	if (!flight)
		return NULL;
	memset(flight, 0, sizeof(*flight));
	flight->key = *key;
	flight->good = good;
	HASH_ADD(hh, commit->flights, key, sizeof(flight->key), flight);
	return flight;
}

void commit_flight_put(struct commit *commit, struct commit_flight *flight)
{
	if (!flight->first && !flight->take_back)
		flight_free(commit, flight);
}
