#include "proto/mobility/option_rows.h"

#define FIRST_UNASSIGNED 71

const struct option_def *const option_rows[OPTION_TYPE_COUNT] = {
#define OPTION_ROW_LIST(id, number) [number] = &option_def_##id,
	OPTION_ROWS(OPTION_ROW_LIST)
#undef OPTION_ROW_LIST
};

const struct option_def *option_def_find(uint16_t type)
{
	return type < OPTION_TYPE_COUNT ? option_rows[type] : NULL;
}

static bool number_valid(uint8_t number)
{
	return number == 0 || number == OPTION_EXPERIMENTAL || number >= FIRST_UNASSIGNED;
}

bool option_numbers_valid(const struct option_numbers *numbers)
{
	if (numbers->multicast_state && numbers->multicast_state == numbers->ha_tunnel)
		return false;
	return number_valid(numbers->multicast_state) && number_valid(numbers->ha_tunnel);
}

/* Whether NUMBER was given to this option. Option 18 may be anybody's: its length and the message
 * that it is in decide. */
static bool is_private(const struct option_def *def, uint8_t assigned, const struct mh *mh,
	uint8_t number, uint8_t len)
{
	if (!assigned || number != assigned)
		return false;
	return number != OPTION_EXPERIMENTAL ||
	       (option_shape_find(def, len) && option_allowed(def, mh));
}

const struct option_def *option_def_number(
	const struct option_numbers *numbers, const struct mh *mh, uint8_t number, uint8_t len)
{
	const struct option_def *multicast = option_rows[OPTION_MULTICAST_STATE];
	const struct option_def *tunnel = option_rows[OPTION_HA_TUNNEL];

	if (numbers && is_private(multicast, numbers->multicast_state, mh, number, len))
		return multicast;
	if (numbers && is_private(tunnel, numbers->ha_tunnel, mh, number, len))
		return tunnel;
	return option_rows[number];
}

uint8_t option_def_wire(const struct option_numbers *numbers, const struct option_def *def)
{
	if (def->type == OPTION_MULTICAST_STATE)
		return numbers ? numbers->multicast_state : 0;
	if (def->type == OPTION_HA_TUNNEL)
		return numbers ? numbers->ha_tunnel : 0;
	return (uint8_t)def->type;
}
