/*
 * graph-doc: prints docs/graph.md from the nodes of the graph that workers walk. graph-doc FILE:
 * fails when FILE is not what it would print.
 */
#include <rte_graph.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/page.h"
#include "dataplane/nodes/drop.h"
#include "dataplane/worker.h"

enum {
	NODES = 256,
	EDGES = 64,
};

#define DROP     "drop_"
#define DROP_LEN (sizeof(DROP) - 1)
#define ALL_OTHERS                                                                                 \
	"express" /* leads to any node on the common way; its arrows would hide the rest */

/* The nodes that the sources lead to, by name. */
static struct {
	const char *names[NODES];
	unsigned count;
} nodes;

/* The names of the nodes that one leads to, each once; returns how many. */
static unsigned next_of(const char *node, char *next[EDGES])
{
	const rte_node_t id = rte_node_from_name(node);
	const rte_edge_t edges = id == RTE_NODE_ID_INVALID ? 0 : rte_node_edge_count(id);
	unsigned count = 0;

	if (id == RTE_NODE_ID_INVALID || edges > EDGES) {
		fprintf(stderr, "graph-doc: cannot tell where '%s' leads to\n", node);
		exit(2);
	}
	if (edges)
		rte_node_edge_get(id, next);
	for (unsigned i = 0; i < edges; i++) {
		unsigned before = 0;

		while (before < count && strcmp(next[before], next[i]) != 0)
			before++;
		if (before == count)
			next[count++] = next[i];
	}
	return count;
}

static bool is_drop(const char *node)
{
	return strncmp(node, DROP, DROP_LEN) == 0;
}

static void find(const char *node)
{
	char *next[EDGES];
	unsigned count;

	for (unsigned i = 0; i < nodes.count; i++)
		if (strcmp(nodes.names[i], node) == 0)
			return;
	if (is_drop(node) || nodes.count == NODES)
		return;
	nodes.names[nodes.count++] = node;
	count = next_of(node, next);
	for (unsigned i = 0; i < count; i++)
		find(next[i]);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_source(const char *node)
{
	for (const char *const *source = worker_sources; *source; source++)
		if (strcmp(*source, node) == 0)
			return true;
	return false;
}

static void write_picture(FILE *out)
{
	fputs("```mermaid\nflowchart LR\n", out);
	for (const char *const *source = worker_sources; *source; source++)
		fprintf(out, "  %s([%s])\n", *source, *source);
	for (unsigned n = 0; n < nodes.count; n++) {
		char *next[EDGES];
		const unsigned count = next_of(nodes.names[n], next);

		for (unsigned i = 0; strcmp(nodes.names[n], ALL_OTHERS) != 0 && i < count; i++)
			if (!is_drop(next[i]))
				fprintf(out, "  %s --> %s\n", nodes.names[n], next[i]);
	}
	fputs("```\n", out);
}

/* The names among some that are those of drops, or that are not. */
static void write_names(FILE *out, char *const *names, unsigned count, bool drops)
{
	const char *comma = "";

	for (unsigned i = 0; i < count; i++) {
		if (is_drop(names[i]) != drops)
			continue;
		fprintf(out, "%s`%s`", comma, drops ? names[i] + DROP_LEN : names[i]);
		comma = ", ";
	}
}

static void write_nodes(FILE *out)
{
	fputs("| node | hands packets to | drops them for |\n| --- | --- | --- |\n", out);
	for (unsigned n = 0; n < nodes.count; n++) {
		char *next[EDGES];
		const unsigned count = next_of(nodes.names[n], next);

		fprintf(out, "| `%s`%s | ", nodes.names[n],
			is_source(nodes.names[n]) ? ", a source" : "");
		write_names(out, next, count, false);
		fputs(" | ", out);
		write_names(out, next, count, true);
		fputs(" |\n", out);
	}
}

static void write_drops(FILE *out)
{
	fputs("| reason | what was wrong | dropped by |\n| --- | --- | --- |\n", out);
	for (unsigned reason = 0; reason < DROP_COUNT; reason++) {
		const char *name = drop_reason_name(reason), *comma = "";

		fprintf(out, "| `%s` | %s | ", name, drop_reason_help(reason));
		for (unsigned n = 0; n < nodes.count; n++) {
			char *next[EDGES];
			const unsigned count = next_of(nodes.names[n], next);

			for (unsigned i = 0; i < count; i++) {
				if (!is_drop(next[i]) || strcmp(next[i] + DROP_LEN, name) != 0)
					continue;
				fprintf(out, "%s`%s`", comma, nodes.names[n]);
				comma = ", ";
			}
		}
		fputs(" |\n", out);
	}
}

static void write_page(FILE *out)
{
	for (const char *const *source = worker_sources; *source; source++)
		find(*source);
	qsort(nodes.names, nodes.count, sizeof(*nodes.names), by_name);
	fputs("# The graph of the data plane\n\n"
	      "Where packets may go, printed from the nodes that workers walk. This page is made "
	      "by\n"
	      "`graph-doc > docs/graph.md` (`dataplane/graph_doc.c`); a test fails when it is not "
	      "what\n"
	      "they say. [architecture.md](architecture.md) follows packets through it.\n\n"
	      "An arrow leads from a node to one that it may hand packets to; round ones are "
	      "sources.\n"
	      "`" ALL_OTHERS
	      "`, the way of nearly every packet, hands what it does not do itself to the\n"
	      "node that does; its arrows, and those to drops, are only in the tables below. "
	      "Between\n"
	      "`group` and `replicate`, `resequence_take` and `resequence`, `hold_take` or "
	      "`hold_tunnel`\n"
	      "and `hold` there is no arrow: what the first has taken waits for the second.\n\n",
		out);
	write_picture(out);
	fputs("\n## Nodes\n\n", out);
	write_nodes(out);
	fputs("\n## Drops\n\nEach reason is a node, `drop_REASON`, and a counter (`dmmctl "
	      "stats`).\n\n",
		out);
	write_drops(out);
}

int main(int argc, char **argv)
{
	return page_main("graph-doc", argc, argv, write_page);
}
