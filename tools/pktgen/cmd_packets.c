#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/pktgen/command.h"
#include "tools/pktgen/packet.h"
#include "tools/pktgen/pick.h"
#include "tools/pktgen/sizes.h"

enum { FRAME_MAX = 9100, NS_PER_PACKET = 1000 };

/* The file format: nanoseconds, Ethernet. */
struct pcap_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, longest, link;
};

struct pcap_frame {
	uint32_t seconds, nanoseconds, captured, length;
};

struct capture {
	FILE *to;
	const struct pktgen_config *config;
	struct packet_plan plan;
	struct packet_template templates[PACKET_STREAMS];
	struct pick picks[PACKET_STREAMS];
	struct random random;
	uint64_t written;
};

static int put(struct capture *c, enum packet_stream stream, uint32_t flow)
{
	static uint8_t frame[FRAME_MAX]; /* zero behind the head, as it must be */
	const uint64_t time = c->written * NS_PER_PACKET;
	const struct packet_mark mark = {.stream = (uint8_t)stream, .time = time, .flow = flow};
	const uint16_t size = sizes_next(&c->config->traffic.sizes, &c->random);
	const uint16_t len = packet_write(&c->templates[stream], &c->plan, &mark, size, frame);
	const struct pcap_frame head = {.seconds = (uint32_t)(time / 1000000000u),
		.nanoseconds = (uint32_t)(time % 1000000000u),
		.captured = len,
		.length = len};

	c->written++;
	return fwrite(&head, sizeof(head), 1, c->to) == 1 && fwrite(frame, len, 1, c->to) == 1
		       ? 0
		       : -errno;
}

/* Every flow of every stream once. */
static int put_each(struct capture *c)
{
	int rc = 0;

	for (enum packet_stream s = 0; s < PACKET_STREAMS; s++)
		for (uint32_t i = 0; rc == 0 && c->config->traffic.weight[s] &&
				     i < pktgen_config_flows(c->config, s);
			i++)
			rc = put(c, s, i);
	return rc;
}

static int put_chosen(struct capture *c, uint64_t count)
{
	const uint32_t *weight = c->config->traffic.weight;
	const uint32_t weights =
		weight[PACKET_DOWNLINK] + weight[PACKET_UPLINK] + weight[PACKET_MULTICAST];
	int rc = 0;

	while (rc == 0 && count-- > 0) {
		uint32_t turn = random_below(&c->random, weights);
		int stream = 0;

		while (turn >= weight[stream])
			turn -= weight[stream++];
		rc = put(c, (enum packet_stream)stream, pick_next(&c->picks[stream], &c->random));
	}
	return rc;
}

static int prepare(struct capture *c)
{
	static const struct mac from = {{2, 0, 0, 0, 0, 1}}, unknown = {{2, 0, 0, 0, 0, 2}}, none;
	const struct pktgen_config_traffic *t = &c->config->traffic;
	const struct pcap_head head = {0xa1b23c4d, 2, 4, 0, 0, FRAME_MAX, 1};
	int rc = 0;

	c->plan = pktgen_config_plan(c->config);
	c->random.state = t->seed;
	for (enum packet_stream s = 0; rc == 0 && s < PACKET_STREAMS; s++) {
		const struct pktgen_config_port *port =
			s == PACKET_UPLINK ? pktgen_config_access(c->config) : &c->config->core;
		const struct pick_config pick = {
			.kind = s == PACKET_MULTICAST ? PICK_UNIFORM : t->distribution,
			.count = pktgen_config_flows(c->config, s),
			.exponent = t->exponent,
			.elephant_percent = t->elephant_percent};

		packet_template_init(&c->templates[s], &c->plan, s, &from,
			mac_equal(&port->gateway_mac, &none) ? &unknown : &port->gateway_mac);
		rc = pick_open(&c->picks[s], &pick);
	}
	if (rc == 0 && fwrite(&head, sizeof(head), 1, c->to) != 1)
		rc = -errno;
	return rc;
}

static int run(struct pktgen_config *config, const char *const *texts)
{
	const char *path = texts[COMMAND_OUTPUT], *name = path ? path : "standard output";
	struct capture c = {.config = config, .to = path ? fopen(path, "we") : stdout};
	uint64_t count = 0;
	int rc = c.to ? 0 : -errno;

	if (texts[COMMAND_COUNT])
		args_parse_uint(texts[COMMAND_COUNT], 1, UINT64_MAX, &count);
	if (rc == 0)
		rc = prepare(&c);
	if (rc == 0)
		rc = count ? put_chosen(&c, count) : put_each(&c);
	for (unsigned s = 0; s < PACKET_STREAMS; s++)
		pick_close(&c.picks[s]);
	if (c.to && fflush(c.to) && rc == 0)
		rc = -errno;
	if (c.to && path && fclose(c.to) && rc == 0)
		rc = -errno;
	if (rc < 0)
		fprintf(stderr, "dmm-pktgen: %s: %s\n", name, strerror(-rc));
	return rc < 0 ? COMMAND_FAILED : COMMAND_DONE;
}

const struct command command_packets = {
	.name = "packets",
	.summary = "Writes the traffic as a capture (pcap), for other generators to send.",
	.options = COMMAND_TAKES(COMMAND_CONFIG) | COMMAND_TAKES(COMMAND_SUBSCRIBERS) |
		   COMMAND_TAKES(COMMAND_STREAMS) | COMMAND_TAKES(COMMAND_SIZES) |
		   COMMAND_TAKES(COMMAND_DISTRIBUTION) | COMMAND_TAKES(COMMAND_OUTPUT) |
		   COMMAND_TAKES(COMMAND_COUNT),
	.run = run,
};
