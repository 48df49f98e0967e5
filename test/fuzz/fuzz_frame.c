/*
 * Frames of any content through the whole graph: it must neither crash nor lose a buffer.
 *
 * The first octet chooses the port (bits 0, 1), whether the packet comes in a tunnel from the
 * subscriber's care-of address (bit 2), from another data plane (bit 4) or in GRE (bit 5), and
 * whether an ICMPv6 checksum is made good (bit 3), which chance would not find; the rest is the
 * IPv6 packet, or the GRE header and what follows. One in GRE comes several times with bit 6: an
 * octet says how often again (4 bits), and an octet for each of these what is then added to the
 * place of the sequence number of a header with a key.
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
	RELAYED = 16,
	IN_GRE = 32,
	NUMBERED = 64,
	COPIES_MASK = 15,
	GRE_KEY = 7,
	GRE_SIZE = 12, /* with key and sequence number, which are its last octets */
	PACKET_LEN_MAX = 1500,
};

#define OWN         "2001:db8:ffff::a"
#define FAR         "2001:db8:ffff::b"
#define FAR_HOME    "2001:db8:1::20" /* of subscriber 2, which the other data plane serves */
#define GRE_HOME    "2001:db8:4::"   /* of subscriber 3, in a tunnel of GRE with keys */
#define GRE_CARE_OF "2001:db8:f::20"

static struct lab *lab;

static void set_data_plane(uint64_t id, const char *name, const char *addr)
{
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = id};

	o.data_plane = (struct object_data_plane){.id = id, .addr = packet_addr(addr)};
	snprintf(o.data_plane.name, sizeof(o.data_plane.name), "%s", name);
	lab_apply(lab, &o, 0);
}

static void relay(void)
{
	const uint64_t path = 2;
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = path};

	set_data_plane(1, LAB_NAME, OWN);
	set_data_plane(2, "far", FAR);
	o.path = (struct object_path){.id = path,
		.kind = PATH_IP6_IN_IP6,
		.local = packet_addr(FAR),
		.remote = packet_addr("2001:db8:e::20"),
		.data_plane = 2};
	lab_apply(lab, &o, 0);
	lab_set_subscriber(lab, 2, FAR_HOME "/128", 7, &path, 1, 0);
}

/* Its packets are put in order; anew, nothing of what came before is known. */
static void set_gre_node(void)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = 3};

	o.subscriber = (struct object_subscriber){.id = 3,
		.link_id = 7,
		.prefix_count = 1,
		.path_count = 1,
		.paths = {3},
		.steering = STEERING_PACKET,
		.weights = {1},
		.order = {true, 4, 1}};
	prefix6_parse(GRE_HOME "/64", &o.subscriber.prefixes[0]);
	lab_delete(lab, OBJECT_SUBSCRIBER, 3);
	lab_apply(lab, &o, 0);
}

static void set_gre(void)
{
	const struct lab_keys keys = {.out = GRE_KEY + 1, .in = GRE_KEY};

	lab_set_gre(lab, 3, GRE_CARE_OF, &keys);
	set_gre_node();
}

static void wrap_gre(struct packet *p)
{
	packet_wrap(p, GRE_CARE_OF, LAB_LOCAL);
	p->data[6] = IPPROTO_GRE;
}

static void end(void)
{
	void *state = lab;

	lab_teardown(&state);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	void *state = NULL;

	(void)argc;
	(void)argv;
	if (lab_eal(NULL) != 0 || lab_setup(&state) != 0)
		abort();
	lab = state;
	relay();
	set_gre();
	/* Memory of DPDK is not looked at for what leads to other memory. */
	atexit(end);
	return 0;
}

static void receive(enum lab_port port, const struct packet *p)
{
	struct mac dst = lab_mac(port), src = lab_peer_mac(port);
	struct packet frame = *p;

	packet_ether(&frame, &dst, &src);
	lab_receive(lab, port, &frame);
}

/* It, and then as many copies as there are octets, which say how much their numbers are higher. */
static void receive_numbered(
	enum lab_port port, const struct packet *p, const uint8_t *more, size_t copies)
{
	struct packet copy;

	for (size_t i = 0; i <= copies; i++) {
		copy = *p;
		for (size_t at = GRE_SIZE, carry = i ? more[i - 1] : 0;
			copy.len >= GRE_SIZE && at-- > GRE_SIZE - 4; carry >>= 8) {
			carry += copy.data[at];
			copy.data[at] = (uint8_t)carry;
		}
		wrap_gre(&copy);
		receive(port, &copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p = {.len = 0};
	size_t copies = 0, head = 1;

	if (size < 1 || size > PACKET_LEN_MAX)
		return -1;
	if (data[0] & NUMBERED) {
		copies = size > 1 ? data[1] & COPIES_MASK : 0;
		head = 2 + copies;
		if (head > size)
			return -1;
	}

	enum lab_port port = (enum lab_port)((data[0] & 3) % LAB_PORTS);

	p.len = (uint16_t)(size - head);
	memcpy(p.data, data + head, p.len);
	if (data[0] & MEND_CHECKSUM)
		packet_mend_icmp(&p);
	if (data[0] & IN_TUNNEL)
		packet_wrap(&p, LAB_CARE_OF, LAB_LOCAL);
	else if (data[0] & RELAYED)
		packet_wrap(&p, FAR, OWN);
	if ((data[0] & (IN_TUNNEL | RELAYED | IN_GRE)) == IN_GRE)
		receive_numbered(port, &p, data + 2, copies);
	else
		receive(port, &p);
	lab_walk(lab);
	if (lab_drain(lab) > 0) {
		fprintf(stderr, "a packet buffer is missing\n");
		abort();
	}
	if (data[0] & IN_GRE)
		set_gre_node();
	return 0;
}
