#include "dataplane/config_ports.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/device.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

/* A port, and where what is wrong with it goes. */
struct checked {
	const struct dp_config_port *port;
	size_t index;
	const char *file;
	struct config_report *report;
};

#define COMPLAIN(c, member, ...)                                                                   \
	config_report_add((c)->report, (c)->file, 0,                                               \
		CONFIG_ITEM_TEXT("ports", (c)->index, member), __VA_ARGS__)

/* A port and one before it. */
static void check_pair(const struct checked *c, const struct dp_config_port *other)
{
	char mine[DEVICE_NAME_MAX], its[DEVICE_NAME_MAX];
	char interface[DEVICE_INTERFACE_SIZE], other_interface[DEVICE_INTERFACE_SIZE];
	const struct dp_config_port *port = c->port;

	if (!strcmp(port->name, other->name))
		COMPLAIN(c, "name", "'%s' names two ports", port->name);
	if (!strcmp(device_name(port->device, mine), device_name(other->device, its)))
		COMPLAIN(c, "device",
			"'%s' is given to '%s' and to '%s'; each needs a device of its own, such "
			"as net_af_packet0 and net_af_packet1",
			mine, other->name, port->name);
	if (device_interface(port->device, interface) &&
		device_interface(other->device, other_interface) &&
		!strcmp(interface, other_interface))
		COMPLAIN(c, "device", "interface '%s' is given to '%s' and to '%s'", interface,
			other->name, port->name);
}

/* The twin of a port is made with its name. */
static void check_twin(const struct checked *c, const struct dp_config_port *other)
{
	char interface[DEVICE_INTERFACE_SIZE];

	if (device_interface(other->device, interface) && !strcmp(c->port->name, interface))
		COMPLAIN(c, "name",
			"'%s' is the interface that '%s' takes over; the port's twin in Linux "
			"needs a name of its own",
			interface, other->name);
}

static void check_device(const struct checked *c)
{
	char interface[DEVICE_INTERFACE_SIZE];

	if (device_needs_interface(c->port->device) &&
		!device_interface(c->port->device, interface))
		COMPLAIN(c, "device", "'%s' needs ',iface=NAME', at most %d characters",
			c->port->device, DEVICE_INTERFACE_SIZE - 1);
}

void dp_config_check_ports(
	const struct dp_config *config, const char *file, struct config_report *report)
{
	bool public = false;

	for (size_t i = 0; i < config->ports.count; i++) {
		const struct checked c = {dp_config_port(config, i), i, file, report};

		for (size_t j = 0; j < i; j++)
			check_pair(&c, dp_config_port(config, j));
		for (size_t j = 0; j < config->ports.count; j++)
			check_twin(&c, dp_config_port(config, j));
		check_device(&c);
		public |= c.port->domain == 0;
	}
	if (!public)
		config_report_add(report, file, 0, "ports",
			"all are of domains, but tunnels need one of the public one (domain = 0)");
}

void dp_config_check_devices(
	const struct dp_config *config, const char *file, struct config_report *report)
{
	for (size_t i = 0; i < config->ports.count; i++) {
		const struct checked c = {dp_config_port(config, i), i, file, report};
		char name[DEVICE_NAME_MAX], interface[DEVICE_INTERFACE_SIZE];
		char path[sizeof(PCI_DEVICES) + DEVICE_NAME_MAX];

		device_name(c.port->device, name);
		snprintf(path, sizeof(path), PCI_DEVICES "/%s", name);
		if (device_interface(c.port->device, interface) && !if_nametoindex(interface))
			COMPLAIN(&c, "device", "there is no interface '%s'", interface);
		else if (device_is_pci(c.port->device) && access(path, F_OK) < 0)
			COMPLAIN(&c, "device", "there is no PCI device %s", name);
		else if (if_nametoindex(name))
			COMPLAIN(&c, "device",
				"'%s' is an interface of Linux; its device is "
				"\"net_af_packet%zu,iface=%s\"",
				name, i, name);
	}
}
