#include "ctrl/commit_flight.h"

#include <stdlib.h>
#include <string.h>

void commit_image_copy(struct commit_image *to, const struct commit_image *from)
{
	to->len = from->len;
	to->bundle_id = from->bundle_id;
	to->bundle.len = from->bundle.len;
	memcpy(to->record, from->record, from->len);
	memcpy(to->bundle.octets, from->bundle.octets, from->bundle.len);
}

struct commit_change *commit_change_new(struct commit *commit)
{
	struct commit_change *c = commit->spare_changes;

	if (c)
		commit->spare_changes = c->next;
	return c ? c : malloc(sizeof(*c));
}

void commit_change_free(struct commit *commit, struct commit_change *c)
{
	c->next = commit->spare_changes;
	commit->spare_changes = c;
}

void commit_spare_free(struct commit *commit)
{
	while (commit->spare_changes) {
		struct commit_change *c = commit->spare_changes;

		commit->spare_changes = c->next;
		free(c);
	}
	while (commit->spare_flights) {
		struct commit_flight *f = commit->spare_flights;

		commit->spare_flights = f->hh.next;
		free(f);
	}
}

int commit_make_image(
	struct commit *commit, const struct binding_record *record, struct commit_image *image)
{
	struct writer w;
	int error;

	image->len = 0;
	image->bundle.len = 0;
	image->bundle_id = record ? record->subscriber_id : 0;
	if (!record || record->life == BINDING_NONE)
		return 0;
	writer_init(&w, image->record, sizeof(image->record));
	error = binding_record_encode(&w, record);
	image->len = (uint16_t)writer_len(&w);
	return error ? error : publish_compile(commit->config, record, &image->bundle);
}

struct commit_flight_key commit_flight_key(const struct binding_record *record)
{
	struct commit_flight_key key = {.table = STORE_BINDING};
	struct writer w;

	writer_init(&w, key.octets, sizeof(key.octets));
	writer_addr6(&w, &record->home);
	writer_u16(&w, record->bid);
	key.len = (uint8_t)writer_len(&w);
	return key;
}

struct commit_flight *commit_flight_find(struct commit *commit, const struct commit_flight_key *key)
{
	struct commit_flight *flight;

	HASH_FIND(hh, commit->flights, key, sizeof(*key), flight);
	return flight;
}

struct commit_flight *commit_flight_new(
	struct commit *commit, const struct commit_flight_key *key, const struct commit_image *good)
{
	struct commit_flight *flight = commit->spare_flights;

	if (flight)
		commit->spare_flights = flight->hh.next;
	else
		flight = malloc(sizeof(*flight));
	if (!flight)
		return NULL;
	memset(flight, 0, offsetof(struct commit_flight, good));
	memset(&flight->hh, 0, sizeof(flight->hh));
	flight->key = *key;
	commit_image_copy(&flight->good, good);
	HASH_ADD(hh, commit->flights, key, sizeof(flight->key), flight);
	return flight;
}

void commit_flight_put(struct commit *commit, struct commit_flight *flight)
{
	if (flight->first || flight->take_back)
		return;
	HASH_DEL(commit->flights, flight);
	flight->hh.next = commit->spare_flights;
	commit->spare_flights = flight;
}
