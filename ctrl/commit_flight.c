#include "ctrl/commit_flight.h"

#include <stdlib.h>

int commit_make_image(
	struct commit *commit, const struct binding_record *record, struct commit_image *image)
{
	struct writer w;
	int error;

	image->len = 0;
	image->bundle.len = 0;
	if (!record || record->life == BINDING_NONE) {
		image->subscriber_id = record ? record->subscriber_id : 0;
		image->path_id = record ? record->path_id : 0;
		return 0;
	}
	image->subscriber_id = record->subscriber_id;
	image->path_id = record->path_id;
	writer_init(&w, image->record, sizeof(image->record));
	error = binding_record_encode(&w, record);
	image->len = (uint16_t)writer_len(&w);
	return error ? error : publish_compile(commit->config, record, &image->bundle);
}

struct commit_flight *commit_flight_find(struct commit *commit, const struct binding_record *record)
{
	struct commit_flight_key key = {.home = record->home, .bid = record->bid};
	struct commit_flight *flight;

	HASH_FIND(hh, commit->flights, &key, sizeof(key), flight);
	return flight;
}

struct commit_flight *commit_flight_new(struct commit *commit, const struct binding_record *good,
	const struct binding_record *record)
{
	struct commit_flight *flight = malloc(sizeof(*flight));

	if (!flight)
		return NULL;
	memset(flight, 0, offsetof(struct commit_flight, good));
	memset(&flight->hh, 0, sizeof(flight->hh));
	flight->key = (struct commit_flight_key){.home = record->home, .bid = record->bid};
	if (commit_make_image(commit, good, &flight->good) < 0) {
		free(flight);
		return NULL;
	}
	if (!flight->good.subscriber_id) {
		flight->good.subscriber_id = record->subscriber_id;
		flight->good.path_id = record->path_id;
	}
	HASH_ADD(hh, commit->flights, key, sizeof(flight->key), flight);
	return flight;
}

void commit_flight_put(struct commit *commit, struct commit_flight *flight)
{
	if (flight->first || flight->take_back)
		return;
	HASH_DEL(commit->flights, flight);
	free(flight);
}
