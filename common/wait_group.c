#include "common/wait_group.h"

void wait_group_init(struct wait_group *group, wait_group_ended *ended, void *context)
{
	*group = (struct wait_group){.left = 1, .ended = ended, .context = context};
}

void wait_group_add(struct wait_group *group)
{
	group->left++;
}

void wait_group_done(void *group, int error)
{
	struct wait_group *g = group;

	if (error)
		g->error = error;
	if (--g->left == 0)
		g->ended(g->context, g->error);
}
