#include "proto/mobility/names.h"

const char *names_find(const struct names *names, unsigned code)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->rows[i].code == code)
			return names->rows[i].name;
	return "unassigned";
}
