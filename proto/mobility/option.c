#include "proto/mobility/option.h"

#include "proto/mobility/mh_rules.h"

const char *option_name(uint16_t type)
{
	const struct option_def *def = option_def_find(type);

	return def ? def->name : "unknown";
}

const struct option_shape *option_shape_find(const struct option_def *def, uint8_t len)
{
	return mh_rules_shape(def, len);
}

bool option_allowed(const struct option_def *def, const struct mh *mh)
{
	return mh_rules_allowed(def, mh);
}

static const struct mh_option *find_from(const struct mh *mh, unsigned i, uint16_t type)
{
	for (; i < mh->option_count; i++)
		if (mh->options[i].type == type && mh->options[i].state == OPTION_KNOWN)
			return &mh->options[i];
	return NULL;
}

const struct mh_option *option_find(const struct mh *mh, uint16_t type)
{
	return find_from(mh, 0, type);
}

const struct mh_option *option_next(const struct mh *mh, const struct mh_option *prev)
{
	return find_from(mh, (unsigned)(prev - mh->options) + 1, prev->type);
}

struct mh_option *option_add(struct mh *mh, uint16_t type)
{
	const struct option_def *def = option_def_find(type);
	struct mh_option *option;

	if (mh->option_count >= MH_OPTIONS_MAX || !def || def->flags & OPTION_F_PAD)
		return NULL;
	option = &mh->options[mh->option_count++];
	*option = (struct mh_option){.type = type};
	return option;
}
