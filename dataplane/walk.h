/*
 * One walk of a graph, with and without taking the time of its nodes.
 *
 * Reading the clock twice for each node that is called costs as much as the work of the node on a
 * packet or two. The library decides when it is compiled whether its walk does; here it is compiled
 * both ways.
 */
#pragma once

#include <rte_graph.h>

/* Walks; calls, packets and cycles of each node are added up in struct rte_node. */
void walk_timed(struct rte_graph *graph);

/* Walks; nothing is added up. */
void walk_plain(struct rte_graph *graph);
