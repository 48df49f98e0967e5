#include "part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

static void run_child(part part, const struct plan *plan, FILE *result)
{
	json_t *rows = part(plan);

	if (json_dumpf(rows, result, 0) < 0 || fflush(result) != 0)
		rig_die("result", errno ? errno : EIO);
	fflush(stdout);
	/* What DPDK would tidy up goes with the process. */
	_exit(0);
}

json_t *part_run(part part, const struct plan *plan)
{
	FILE *result = tmpfile();
	json_t *rows = NULL;
	int status = 0;
	pid_t child;

	if (!result)
		rig_die("temporary file", errno);
	fflush(stdout);
	child = fork();
	if (child < 0)
		rig_die("process", errno);
	if (child == 0)
		run_child(part, plan, result);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		rewind(result);
		rows = json_loadf(result, 0, NULL);
	}
	fclose(result);
	return rows;
}
