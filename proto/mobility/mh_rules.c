#include "proto/mobility/mh_rules.h"

unsigned mh_rules_count(const struct mh *mh, unsigned before, uint16_t type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < before; i++)
		n += mh->options[i].type == type && mh->options[i].state == OPTION_KNOWN;
	return n;
}
