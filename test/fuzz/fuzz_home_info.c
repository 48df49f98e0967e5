/* DHCPv6 options: whatever arrives is refused with a reason, or encodes to what it was; names
 * survive being text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mobility/home_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_name(const struct home_info *option)
{
	uint8_t again[HOME_INFO_NAME_MAX];
	char text[HOME_INFO_TEXT_SIZE];

	require(home_info_name_print(option->octets.at, option->octets.len, text, sizeof(text)) ==
		0);
	if (strchr(text, '\\'))
		return;
	require(home_info_name_parse(text, again, sizeof(again)) == option->octets.len);
	require(memcmp(again, option->octets.at, option->octets.len) == 0);
}

static void check_options(const uint8_t *options, size_t len, unsigned depth)
{
	enum home_info_fault fault;
	struct home_info option;
	size_t at = 0, before = 0;
	int rc;

	while ((rc = home_info_next(options, len, &at, &option, &fault)) > 0) {
		uint8_t *again = malloc(at - before);

		require(again && at > before && at <= len);
		require(home_info_encode(&option, again, at - before) == (ssize_t)(at - before));
		/* but for the bits behind a prefix */
		require(option.code == HOME_INFO_PREFIX ||
			memcmp(again, options + before, at - before) == 0);
		free(again);
		before = at;
		if (option.code == HOME_INFO_NETWORK_ID || option.code == HOME_INFO_AGENT_NAME)
			check_name(&option);
		if (depth && option.code != HOME_INFO_PREFIX && option.code != HOME_INFO_AGENT)
			check_options(option.octets.at, option.octets.len, depth - 1);
	}
	require(rc == 0 || (fault > HOME_INFO_FAULT_NONE && fault < HOME_INFO_FAULT_COUNT &&
				   home_info_fault_name(fault)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_options(data, size, 3);
	return 0;
}
