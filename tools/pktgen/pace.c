#include "tools/pktgen/pace.h"

enum { BACKLOGS_A_SECOND = 1000 };

void pace_begin(struct pace *p, uint64_t rate, uint64_t hz, uint64_t now)
{
	const uint64_t backlog = rate / BACKLOGS_A_SECOND;

	*p = (struct pace){.start = now,
		.per_cycle = (uint64_t)(((unsigned __int128)rate << 64) / hz),
		.backlog_max = backlog > PACE_BACKLOG_MIN ? backlog : PACE_BACKLOG_MIN};
}
