/*
 * The TAP twin of a port: the interface by which Linux speaks on it. It is named as the port, has
 * its MAC and MTU, and is persistent: addresses and routes that operators gave it outlive a restart
 * of the data plane. Its link-local address is made of the MAC.
 */
#pragma once

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

struct twin {
	int fd; /* + 1; 0: closed */
	int ifindex;
	bool carrier;
};

/*
 * Makes the twin, or takes the one that is there, gives it the MAC and MTU and brings it up, with a
 * carrier or without. Returns 0 or a negative errno after a log line: -EBUSY if another process has
 * it, -EEXIST if an interface of another kind has the name.
 */
int twin_open(struct twin *twin, const char *name, const struct rte_ether_addr *mac, uint16_t mtu,
	bool carrier);

/* Lets go of it; the interface stays, without a carrier. */
void twin_close(struct twin *twin);

/* The descriptor to poll for frames of the kernel; -1 if the twin is not open. */
int twin_fd(const struct twin *twin);

/* Tells the kernel whether the port has a link. Does nothing if it knows. */
void twin_set_carrier(struct twin *twin, bool up);

/* Gives one frame to the kernel. 0, -EAGAIN if it has no room, or another negative errno. Does not
 * free the frame. */
int twin_write(struct twin *twin, struct rte_mbuf *m);

/* Reads one frame of the kernel into an empty buffer. Its length, or -EAGAIN, -EMSGSIZE (it does
 * not fit; it is lost) or another negative errno. */
int twin_read(struct twin *twin, struct rte_mbuf *m);
