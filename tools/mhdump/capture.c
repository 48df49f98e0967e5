#include "tools/mhdump/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhdump/link.h"

#define SNAPLEN 65535
#define WAIT_MS 100 /* for a frame, before signals are looked at */

struct capture {
	pcap_t *pcap;
};

static struct capture *opened(pcap_t *pcap, const char *name, char error[CAPTURE_ERROR_SIZE])
{
	struct capture *c;
	int type = pcap_datalink(pcap);

	if (!link_is_known(type)) {
		snprintf(error, CAPTURE_ERROR_SIZE,
			"%s: link layer %s is not supported: use Ethernet, Linux cooked or raw IP",
			name, pcap_datalink_val_to_name(type));
		pcap_close(pcap);
		return NULL;
	}
	c = malloc(sizeof(*c));
	if (!c) {
		snprintf(error, CAPTURE_ERROR_SIZE, "out of memory");
		pcap_close(pcap);
		return NULL;
	}
	c->pcap = pcap;
	return c;
}

struct capture *capture_open_file(const char *path, char error[CAPTURE_ERROR_SIZE])
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap =
		pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);

	if (!pcap) {
		/* libpcap names the file when the system refuses it, not when its content is wrong.
		 */
		bool named = strncmp(why, path, strlen(path)) == 0;

		snprintf(error, CAPTURE_ERROR_SIZE, "%.200s%s%s", named ? "" : path,
			named ? "" : ": ", why);
		return NULL;
	}
	return opened(pcap, path, error);
}

struct capture *capture_open_live(const char *interface, char error[CAPTURE_ERROR_SIZE])
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(interface, why);
	int rc;

	if (!pcap) {
		snprintf(error, CAPTURE_ERROR_SIZE, "%.64s: %s", interface, why);
		return NULL;
	}
	pcap_set_snaplen(pcap, SNAPLEN);
	pcap_set_promisc(pcap, 1);
	pcap_set_immediate_mode(pcap, 1);
	pcap_set_timeout(pcap, WAIT_MS);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	rc = pcap_activate(pcap);
	if (rc < 0) {
		const char *text = pcap_geterr(pcap);

		snprintf(error, CAPTURE_ERROR_SIZE, "%.64s: %s", interface,
			*text ? text : pcap_statustostr(rc));
		pcap_close(pcap);
		return NULL;
	}
	return opened(pcap, interface, error);
}

int capture_link(const struct capture *capture)
{
	return pcap_datalink(capture->pcap);
}

int capture_next(struct capture *capture, struct capture_frame *out, char error[CAPTURE_ERROR_SIZE])
{
	struct pcap_pkthdr *header;
	const u_char *octets;
	long unit =
		pcap_get_tstamp_precision(capture->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
	int rc;

	do
		rc = pcap_next_ex(capture->pcap, &header, &octets);
	while (rc == 0);
	if (rc == PCAP_ERROR_BREAK)
		return 0;
	if (rc < 0) {
		snprintf(error, CAPTURE_ERROR_SIZE, "%s", pcap_geterr(capture->pcap));
		return -EIO;
	}
	*out = (struct capture_frame){.time = {header->ts.tv_sec, header->ts.tv_usec * unit},
		.octets = octets,
		.len = header->caplen};
	return 1;
}

void capture_break(struct capture *capture)
{
	pcap_breakloop(capture->pcap);
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	pcap_close(capture->pcap);
	free(capture);
}
