/* dmmctl: what people and their scripts ask the control plane with. */
#include <signal.h>
#include <stdio.h>

#include "common/daemon.h"
#include "tools/dmmctl/command.h"

#define DEFAULT_SOCKET  "ipc:///run/dmm/ctrl.api"
#define DEFAULT_TIMEOUT 5000

int main(int argc, char **argv)
{
	struct command_context context = {.socket = DEFAULT_SOCKET,
		.timeout_ms = DEFAULT_TIMEOUT,
		.out = stdout,
		.err = stderr};
	int rc;

	/* Subscriber keys pass through this process. */
	daemon_protect_secrets();
	rc = command_main(&context, argc, argv);
	zsock_context_end();
	if (fflush(stdout) && rc == COMMAND_DONE) {
		perror("dmmctl: standard output");
		rc = COMMAND_FAILED;
	}
	return rc;
}
