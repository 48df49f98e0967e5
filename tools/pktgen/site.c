#include "tools/pktgen/site.h"

#include "tools/pktgen/command.h"
#include "tools/pktgen/eal.h"
#include "tools/pktgen/neighbour.h"

enum { PATIENCE_S = 30 };

static bool started;

int site_open(struct ports *ports, const struct pktgen_config *config)
{
	int rc = eal_start(config, port_memory_mib(config));

	*ports = (struct ports){0};
	started = rc == 0;
	if (rc == 0)
		rc = port_open_all(ports, config);
	if (rc == 0)
		rc = neighbour_resolve(ports, PATIENCE_S, &command_stopped);
	return rc;
}

void site_close(struct ports *ports)
{
	if (!started)
		return;
	port_close_all(ports);
	eal_stop();
	started = false;
}
