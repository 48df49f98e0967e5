/*
 * Cutting the kernel off from an interface that a port takes over (AF_PACKET, AF_XDP): without
 * it Linux would answer and forward every packet a second time. IPv6 is switched off there, so is
 * ARP, and an nft ingress chain drops everything: AF_PACKET sees packets before that chain does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Large enough for an interface name and an nft table named after it. */
struct cutoff {
	char interface[16];
	char table[64];       /* of nft's netdev family; empty: not cut off */
	int old_disable_ipv6; /* as the kernel had it before */
	bool old_noarp;
	int lock; /* + 1; 0: not held */
};

/*
 * Cuts the kernel off and brings the interface up, hearing all of multicast. What a crashed process
 * left behind is taken over, with the settings that were before it. Returns 0 or a negative errno
 * after a log line, and then nothing is changed. May sleep; runs nft.
 */
int cutoff_begin(struct cutoff *cut, const char *interface);

/* Whether the interface that is cut off has a carrier. May sleep. */
bool cutoff_has_link(const struct cutoff *cut);

/* Sets its MTU, octets of IP. 0 or a negative errno. */
int cutoff_set_mtu(const struct cutoff *cut, uint16_t mtu);

/* Gives the interface back as it was. Nothing if it is not cut off. */
void cutoff_end(struct cutoff *cut);
