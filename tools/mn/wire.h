/*
 * The mobile node's own sockets on the links: whole IPv6 packets out by raw socket, signalling in
 * by packet socket.
 *
 * A kernel without Mobile IPv6 answers type 2 routing headers and the Mobility Header with errors;
 * a packet socket sees packets before it, and an idle raw socket for protocol 135 keeps it quiet
 * (hostnet.h has the firewall rule for the routing header). Single thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/addr.h"

struct wire;

/* Opens the sockets; nothing is used to send by yet. 0 or a negative errno. */
int wire_open(struct wire **out);

/* Closes them. NULL is allowed. */
void wire_close(struct wire *w);

/* The interface that wire_send() uses from now on; 0: none. 0 or a negative errno. */
int wire_use(struct wire *w, unsigned ifindex);

/* Sends a whole IPv6 packet by the interface in use; the kernel finds the neighbour. */
int wire_send(struct wire *w, const uint8_t *pkt, size_t len);

/* Sends an Ethernet payload (IPv6) to a link-layer address, without asking the kernel. */
int wire_send_to(
	struct wire *w, unsigned ifindex, const struct mac *to, const uint8_t *pkt, size_t len);

/* Joins the solicited-node group of an address at link layer, so that its solicitations are seen
 * although the kernel does not have the address there. Left when the socket closes. */
int wire_listen_for(struct wire *w, unsigned ifindex, const struct in6_addr *addr);

/* To poll: a mobility message, neighbour solicitation or Parameter Problem has come in. */
int wire_fd(const struct wire *w);

/* The next such packet from its IPv6 header: its length, *ifindex and the sender's link-layer
 * address in *from; -EAGAIN when there is none. */
ssize_t wire_receive(
	struct wire *w, uint8_t *buf, size_t size, unsigned *ifindex, struct mac *from);
