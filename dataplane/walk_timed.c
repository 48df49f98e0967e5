#include "dataplane/walk.h"

#include <rte_graph_worker.h>

static_assert(RTE_LIBRTE_GRAPH_STATS, "the library's walk takes the time");

void walk_timed(struct rte_graph *graph)
{
	rte_graph_walk(graph);
}
