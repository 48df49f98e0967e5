/* Metrics of ways: whatever arrives is refused, or encodes to what it was but for what is reserved.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mobility/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct metrics_list list;
	uint8_t again[METRICS_DATA_MAX];

	if (metrics_decode(data, size, &list) < 0)
		return 0;
	require(metrics_encode(&list, again, sizeof(again)) == (ssize_t)size);
	for (size_t i = 0; i < size; i++)
		require(i % METRICS_WAY_SIZE == 1 || again[i] == data[i]);
	return 0;
}
