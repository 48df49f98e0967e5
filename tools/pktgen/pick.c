#include "tools/pktgen/pick.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

const char *const pick_names[PICK_KINDS + 1] = {"uniform", "zipf", "elephant", NULL};

/* Shares of all subscribers, scaled so that their mean is 1. */
static void zipf_shares(double *share, uint32_t count, double exponent)
{
	double sum = 0;

	for (uint32_t i = count; i-- > 0;) /* small ones first, for the precision of the sum */
		sum += share[i] = pow(i + 1.0, -exponent);
	for (uint32_t i = 0; i < count; i++)
		share[i] *= count / sum;
}

/*
 * Vose's way to an alias table: a slot is filled up to the mean, with what a subscriber that has
 * more than the mean can give. `todo` holds those below the mean from its start, the others from
 * its end.
 */
static void fill(struct pick_slot *slots, double *share, uint32_t *todo, uint32_t count)
{
	uint32_t small = 0, large = count;

	for (uint32_t i = 0; i < count; i++)
		todo[share[i] < 1 ? small++ : --large] = i;
	while (small > 0 && large < count) {
		const uint32_t poor = todo[--small], rich = todo[large];

		slots[poor].keep = (uint32_t)(share[poor] * 0x1p32);
		slots[poor].other = rich;
		share[rich] -= 1 - share[poor];
		if (share[rich] < 1) {
			large++;
			todo[small++] = rich;
		}
	}
	/* What is left is full but for rounding. */
	while (small > 0) {
		const uint32_t i = todo[--small];

		slots[i] = (struct pick_slot){UINT32_MAX, i};
	}
	for (; large < count; large++)
		slots[todo[large]] = (struct pick_slot){UINT32_MAX, todo[large]};
}

int pick_open(struct pick *pick, const struct pick_config *config)
{
	*pick = (struct pick){.kind = config->kind, .count = config->count};
	pick->elephant = ((uint64_t)config->elephant_percent << 32) / 100;
	if (config->kind != PICK_ZIPF)
		return 0;

	double *share = calloc(config->count, sizeof(*share));
	uint32_t *todo = calloc(config->count, sizeof(*todo));

	pick->slots = calloc(config->count, sizeof(*pick->slots));
	if (share && todo && pick->slots) {
		zipf_shares(share, config->count, config->exponent);
		fill(pick->slots, share, todo, config->count);
	} else
		pick_close(pick);
	free(share);
	free(todo);
	return pick->slots ? 0 : -ENOMEM;
}

void pick_close(struct pick *pick)
{
	free(pick->slots);
	pick->slots = NULL;
}
