#include "common/counter.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>

enum { RECEIVED, DROPPED, COUNTERS };
static const struct counter_def defs[COUNTERS] = {
	[RECEIVED] = {"received", "messages received"},
	[DROPPED] = {"dropped", "messages dropped"},
};

static void renders_by_name(void **state)
{
	uint64_t values[COUNTERS] = {0};

	(void)state;
	counter_add(&values[RECEIVED], 3);
	counter_add(&values[RECEIVED], 4);
	values[DROPPED] = UINT64_MAX;
	assert_true(counter_get(&values[RECEIVED]) == 7);

	json_t *json = counter_json(defs, values, COUNTERS);
	char *text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, "{\"received\":7,\"dropped\":9223372036854775807}");
	free(text);
	json_decref(json);

	json = counter_json_help(defs, COUNTERS);
	assert_string_equal(
		json_string_value(json_object_get(json, "dropped")), "messages dropped");
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renders_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
