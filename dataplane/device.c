#include "dataplane/device.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool device_is_pci(const char *device)
{
	const char *p = device;
	unsigned colons = 0;

	while (isxdigit((unsigned char)*p) || *p == ':')
		colons += *p++ == ':';
	return (colons == 1 || colons == 2) && p[0] == '.' && isdigit((unsigned char)p[1]);
}

const char *device_name(const char *device, char name[static DEVICE_NAME_MAX])
{
	const bool short_pci = device_is_pci(device) && strchr(device, ':') == strrchr(device, ':');

	snprintf(name, DEVICE_NAME_MAX, "%s%.*s", short_pci ? "0000:" : "",
		(int)strcspn(device, ","), device);
	return name;
}

bool device_needs_interface(const char *device)
{
	static const char *const drivers[] = {"net_af_packet", "net_af_xdp", "net_pcap"};
	bool takes = false;

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		takes |= !strncmp(device, drivers[i], strlen(drivers[i]));
	return takes;
}

bool device_interface(const char *device, char interface[static DEVICE_INTERFACE_SIZE])
{
	const char *at = device_needs_interface(device) ? strstr(device, ",iface=") : NULL;

	if (!at)
		return false;
	at += strlen(",iface=");
	size_t len = strcspn(at, ",");
	if (len == 0 || len >= DEVICE_INTERFACE_SIZE)
		return false;
	memcpy(interface, at, len);
	interface[len] = '\0';
	return true;
}
