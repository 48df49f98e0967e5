/* Sub-options of a flow and traffic selectors: whatever arrives is refused with a reason, or
 * decodes to what encodes and decodes to itself. The first octet is the format of a selector that
 * is also read alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mobility/flow.h"
#include "proto/mobility/visit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int count_depth(void *context, const struct visit_value *value)
{
	int *depth = context;

	*depth += value->kind == VISIT_LIST || value->kind == VISIT_OBJECT;
	*depth -= value->kind == VISIT_END;
	require(*depth >= 0);
	return 0;
}

static void check_selector(uint8_t format, const uint8_t *data, size_t size)
{
	static uint8_t first[512], second[512];
	struct traffic_selector selector, again;
	size_t offset;
	enum traffic_fault fault = traffic_selector_decode(format, data, size, &selector, &offset);
	int depth = 0;
	ssize_t n;

	require(fault < TRAFFIC_FAULT_COUNT && traffic_fault_name(fault) && offset <= size);
	if (fault)
		return;
	require(traffic_selector_visit(&selector, &(struct visitor){count_depth, &depth}) == 0);
	n = traffic_selector_encode(&selector, first, sizeof(first));
	require(n == (ssize_t)size);
	require(traffic_selector_decode(format, first, (size_t)n, &again, NULL) == 0);
	require(traffic_selector_encode(&again, second, sizeof(second)) == n);
	require(memcmp(first, second, (size_t)n) == 0);
	n = (ssize_t)traffic_selector_align(&selector);
	require(n == 1 || n == 2 || n == 4 || n == 8);
}

static void check_visit(const struct field_bytes *subs)
{
	const struct field field = {.name = "sub_options", .kind = FIELD_REST, .visit = flow_visit};
	int depth = 0;

	require(flow_visit(&field, subs, &(struct visitor){count_depth, &depth}) == 0);
	require(depth == 0);
}

static void check_flow(const uint8_t *data, size_t size)
{
	uint8_t first[FLOW_SUBS_MAX], second[FLOW_SUBS_MAX];
	struct field_bytes subs = {data, (uint8_t)size}, again = {first, 0};
	struct flow_error err;
	struct flow flow;
	char text[120];
	ssize_t n;

	check_visit(&subs);
	if (flow_decode(&subs, &flow, &err)) {
		require(err.fault > FLOW_FAULT_NONE && err.fault < FLOW_FAULT_COUNT);
		require(err.offset <= FLOW_AT_SUBS + size);
		require(strlen(flow_error_print(&err, text, sizeof(text))) < sizeof(text) - 1);
		return;
	}
	n = flow_encode(&flow, first, sizeof(first));
	if (n < 0)
		return; /* with its padding it is too long */
	again.len = (uint8_t)n;
	require(flow_decode(&again, &flow, NULL) == 0);
	require(flow_encode(&flow, second, sizeof(second)) == n);
	require(memcmp(first, second, (size_t)n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > FLOW_SUBS_MAX + 1)
		return 0;
	check_selector(data[0], data + 1, size - 1);
	check_flow(data + 1, size - 1);
	return 0;
}
