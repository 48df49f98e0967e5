#include "ctrl/commit_flight.h"

#include <stdlib.h>

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
	struct commit_flight *flight = malloc(sizeof(*flight));

	if (!flight)
		return NULL;
	memset(flight, 0, offsetof(struct commit_flight, good));
	memset(&flight->hh, 0, sizeof(flight->hh));
	flight->key = *key;
	flight->good = *good;
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
