/*
 * What the text says by which the configuration names a DPDK device: "0000:03:00.0",
 * "net_af_packet0,iface=eth1". Pure functions.
 */
#pragma once

#include <stdbool.h>

enum {
	DEVICE_NAME_MAX = 64,
	DEVICE_INTERFACE_SIZE = 16, /* of a name in Linux, with its end */
};

/* Whether the device is one of the PCI bus, also with arguments or without the domain. */
bool device_is_pci(const char *device);

/* The device without its arguments, as DPDK calls it: with the domain of a PCI address. Returns
 * name, which holds no more than fits. */
const char *device_name(const char *device, char name[static DEVICE_NAME_MAX]);

/* Whether the driver of the device takes packets from an interface of the kernel. */
bool device_needs_interface(const char *device);

/*
 * The kernel's interface that a device takes over ("net_af_packet0,iface=eth1"), in interface;
 * false if it names none.
 */
bool device_interface(const char *device, char interface[static DEVICE_INTERFACE_SIZE]);
