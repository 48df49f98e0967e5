/* Ports that cannot work, one against another or on this host. */
#pragma once

#include "dataplane/config.h"

/* Whether any names, devices, interfaces or domains of ports contradict each other; into the
 * report. */
void dp_config_check_ports(
	const struct dp_config *config, const char *file, struct config_report *report);

/* Whether the host has the devices; into the report. Not asked by --check, since a file may be for
 * another host, or for later. */
void dp_config_check_devices(
	const struct dp_config *config, const char *file, struct config_report *report);
