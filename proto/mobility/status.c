#include "proto/mobility/status.h"

#include <stddef.h>

struct status_def {
	const char *name;
	uint16_t rfc;
};

static const struct status_def table[256] = {
#define STATUS_BA_ROW(id, code, name, rfc) [code] = {name, rfc},
	STATUS_BA_LIST(STATUS_BA_ROW)
#undef STATUS_BA_ROW
};

const char *status_ba_name(uint8_t code)
{
	return table[code].name ? table[code].name : "unassigned";
}

unsigned status_ba_rfc(uint8_t code)
{
	return table[code].rfc;
}

const char *status_be_name(uint8_t code)
{
	switch (code) {
	case STATUS_BE_UNKNOWN_BINDING:
		return "unknown binding for Home Address destination option";
	case STATUS_BE_UNKNOWN_TYPE:
		return "unrecognized MH Type value";
	default:
		return "unassigned";
	}
}
