#include "common/counter.h"

json_t *counter_json(const struct counter_def *defs, const uint64_t *values, size_t count)
{
	json_t *obj = json_object();

	for (size_t i = 0; obj && i < count; i++) {
		uint64_t value = counter_get(&values[i]);

		if (value > INT64_MAX)
			value = INT64_MAX;
		if (json_object_set_new(obj, defs[i].name, json_integer((json_int_t)value)) < 0) {
			json_decref(obj);
			return NULL;
		}
	}
	return obj;
}

json_t *counter_json_help(const struct counter_def *defs, size_t count)
{
	json_t *obj = json_object();

	for (size_t i = 0; obj && i < count; i++) {
		if (json_object_set_new(obj, defs[i].name, json_string(defs[i].help)) < 0) {
			json_decref(obj);
			return NULL;
		}
	}
	return obj;
}
