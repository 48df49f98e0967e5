/*
 * Frames of any content through the whole graph: it must neither crash nor lose a buffer.
 *
 * The first octet chooses the port (bits 0, 1), whether the packet comes in a tunnel from the
 * subscriber's care-of address (bit 2) and whether an ICMPv6 checksum is made good (bit 3), which
 * chance would not find; the rest is the IPv6 packet.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/dataplane/lab/lab.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	IN_TUNNEL = 4,
	MEND_CHECKSUM = 8,
	PACKET_LEN_MAX = 1500,
};

static struct lab *lab;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	void *state = NULL;

	(void)argc;
	(void)argv;
	if (lab_eal(NULL) != 0 || lab_setup(&state) != 0)
		abort();
	lab = state;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p = {.len = 0};

	if (size < 1 || size > PACKET_LEN_MAX)
		return -1;

	enum lab_port port = (enum lab_port)((data[0] & 3) % LAB_PORTS);
	struct mac dst = lab_mac(port), src = lab_peer_mac(port);

	p.len = (uint16_t)(size - 1);
	memcpy(p.data, data + 1, p.len);
	if (data[0] & MEND_CHECKSUM)
		packet_mend_icmp(&p);
	if (data[0] & IN_TUNNEL)
		packet_wrap(&p, LAB_CARE_OF, LAB_LOCAL);
	packet_ether(&p, &dst, &src);
	lab_receive(lab, port, &p);
	lab_walk(lab);
	if (lab_drain(lab) > 0) {
		fprintf(stderr, "a packet buffer is missing\n");
		abort();
	}
	return 0;
}
