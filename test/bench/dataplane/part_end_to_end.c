/*
 * From outside: tools/bench end-to-end, short enough to be a part of all this, whose rows are also
 * its rows. What it says goes to standard output as it comes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "part.h"
#include "rig.h"

/* Whether it ran and wrote its figures to path. */
static bool run_tool(const char *path)
{
	char *args[] = {BENCH_TOOL, "end-to-end", "--json", (char *)(uintptr_t)path,
		"--subscribers", "10000", "--sizes", "64,256,512,1024,1400", "--trial", "0.3",
		"--attempts", "4", "--resolution", "3", NULL};
	int status = 0;
	pid_t child = fork();

	if (child < 0)
		rig_die("process", errno);
	if (child == 0) {
		execv(args[0], args);
		rig_die(args[0], errno);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

json_t *part_end_to_end(const struct plan *plan)
{
	char path[] = "/tmp/bench-dataplane-XXXXXX";
	int fd = mkstemp(path);
	json_t *document = NULL, *rows;

	(void)plan;
	if (fd < 0)
		rig_die("temporary file", errno);
	printf("\nfrom outside, dmm-pktgen on one core and dmm-dp on the other\n");
	fflush(stdout);
	if (run_tool(path))
		document = json_loadfd(fd, 0, NULL);
	else
		fprintf(stderr, "tools/bench end-to-end failed: not measured from outside\n");
	close(fd);
	unlink(path);
	rows = json_incref(json_object_get(document, "end_to_end"));
	json_decref(document);
	return rows ? rows : json_array();
}
