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

static const struct name ba_rows[] = {
#define STATUS_BA_ROW(id, code, name, rfc) {code, name, "RFC " #rfc},
	STATUS_BA_LIST(STATUS_BA_ROW)
#undef STATUS_BA_ROW
};

static const struct name be_rows[] = {
	{STATUS_BE_UNKNOWN_BINDING, "unknown binding for Home Address destination option",
		"RFC 6275"},
	{STATUS_BE_UNKNOWN_TYPE, "unrecognized MH Type value", "RFC 6275"},
};

const struct names status_ba_names = {
	"Binding Acknowledgement status", ba_rows, sizeof(ba_rows) / sizeof(ba_rows[0])};
const struct names status_be_names = {
	"Binding Error status", be_rows, sizeof(be_rows) / sizeof(be_rows[0])};

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
	return names_find(&status_be_names, code);
}
