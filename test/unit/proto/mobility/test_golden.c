/* Runs the tests with octets written out from the figures of the RFCs, then sees that no row of the
 * tables of messages and options was left out. */
#include "golden.h"

static bool messages[256];
static bool options[OPTION_TYPE_COUNT][OPTION_SHAPES_MAX];

void golden_seen(const struct mh *mh)
{
	messages[mh->type] = true;
	for (unsigned n = 0; n < mh->option_count; n++) {
		const struct mh_option *option = &mh->options[n];
		const struct option_def *def = option_def_find(option->type);
		size_t least = UINT8_MAX, len;

		if (option->state != OPTION_KNOWN || !def)
			continue;
		for (unsigned i = 0; i < OPTION_SHAPES_MAX && def->shapes[i].align_n; i++)
			least = def->shapes[i].min < least ? def->shapes[i].min : least;
		len = def->walks.size(option, 2 + least) - 2;
		for (unsigned shape = 0; shape < OPTION_SHAPES_MAX; shape++)
			options[option->type][shape] |=
				option_shape_find(def, (uint8_t)len) == &def->shapes[shape];
	}
}

static void every_message(void **state)
{
	(void)state;
	for (unsigned type = 0; type < COUNT(messages); type++)
		if (mh_def_find((uint8_t)type) && !messages[type])
			fail_msg("no octets are written out for message %u", type);
}

/* Padding is part of what the others are encoded to. */
static void every_option(void **state)
{
	(void)state;
	for (uint16_t type = 0; type < OPTION_TYPE_COUNT; type++) {
		const struct option_def *def = option_def_find(type);

		if (!def || def->flags & OPTION_F_PAD)
			continue;
		for (unsigned i = 0; i < OPTION_SHAPES_MAX && def->shapes[i].align_n; i++)
			if (!options[type][i])
				fail_msg("no octets are written out for option %u with length %u "
					 "to %u",
					type, def->shapes[i].min, def->shapes[i].max);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message),
		cmocka_unit_test(every_option),
	};
	int failed = golden_mh() + golden_messages() + golden_option() + golden_option_base() +
		     golden_option_client() + golden_option_proxy() + golden_option_dmm() +
		     golden_flow();

	return failed + cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
