/* dmm-mhdump: shows the mobility messages of a capture, of an interface, or of octets in
 * hexadecimal. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/args.h"
#include "tools/mhdump/capture.h"
#include "tools/mhdump/dissect.h"
#include "tools/mhdump/hex.h"
#include "tools/mhdump/link.h"
#include "tools/mhdump/print.h"
#include "tools/mhdump/record.h"

#define EXIT_BAD   1 /* a message had an error */
#define EXIT_FILE  2 /* a file or an interface could not be read */
#define PACKET_MAX UINT16_MAX

enum arg { ARG_INTERFACE, ARG_HEX, ARG_TEXT, ARG_COUNT, ARG_MULTICAST_NUMBER, ARG_TUNNEL_NUMBER };

static const struct args_option options[] = {
	{'i', "interface", "NAME", "capture on this interface until interrupted"},
	{'x', "hex", "HEX",
		"a packet from its IP header on, or a Mobility Header,\nas hexadecimal digits"},
	{'t', "text", NULL, "indented text for people, with the clause that\ndefines each part"},
	{'c', "count", "N", "end after so many messages"},
	{0, "multicast-state", "N", "number of the Multicast State option (200); 0: none"},
	{0, "ha-tunnel", "N",
		"number of the alternate home agent tunnel address\noption (18); 0: none"},
	{0}};

static const struct args_program program = {.name = "dmm-mhdump",
	.usage = "[OPTION]... FILE | --hex HEX | -i NAME",
	.summary = "Shows the mobility messages of a capture (pcap or pcapng), one JSON object a "
		   "line.",
	.options = options,
	.epilogue = "FILE may be '-' for standard input. Exits with 1 if a message had an error,\n"
		    "with 2 if FILE or the interface cannot be read."};

struct dump {
	const char *path, *interface, *hex;
	bool as_text;
	uint64_t count; /* of messages still to be shown */
	uint64_t bad;   /* messages with an error so far */
	struct record_frame frame;
	struct dissect dissect;
};

static struct capture *interrupted;

static void interrupt(int number)
{
	(void)number;
	capture_break(interrupted);
}

static void show(void *context, const struct dissect_found *found)
{
	struct dump *d = context;
	struct print print = {.out = stdout};

	if (!d->count)
		return;
	d->count--;
	d->bad += found->error.what != NULL;
	record_visit(
		&d->frame, found, &(struct visitor){d->as_text ? print_text : print_json, &print});
	/* Who follows an interface wants to see it now; a reader that is gone ends the program. */
	if (d->interface)
		fflush(stdout);
}

static int fail(const char *text)
{
	fprintf(stderr, "dmm-mhdump: %s\n", text);
	return EXIT_FILE;
}

static int dump_capture(struct dump *d)
{
	char error[CAPTURE_ERROR_SIZE] = "";
	struct capture *c = d->interface ? capture_open_live(d->interface, error)
					 : capture_open_file(d->path, error);
	struct capture_frame frame;
	int rc = 0;

	if (!c)
		return fail(error);
	interrupted = c;
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	if (d->interface)
		fprintf(stderr, "dmm-mhdump: listening on %s\n", d->interface);
	while (d->count && !ferror(stdout) && (rc = capture_next(c, &frame, error)) > 0) {
		size_t len = 0;
		const uint8_t *pkt = link_packet(capture_link(c), frame.octets, frame.len, &len);

		d->frame.number++;
		d->frame.time = &frame.time;
		if (pkt)
			dissect_packet(&d->dissect, pkt, len);
	}
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	capture_close(c);
	return rc < 0 ? fail(error) : 0;
}

/* A Mobility Header begins with its Payload Proto, which is 59 and so no version of IP. */
static int dump_hex(struct dump *d)
{
	static uint8_t octets[PACKET_MAX];
	char text[120];
	size_t at = 0;
	ssize_t n = hex_parse(d->hex, octets, sizeof(octets), &at);

	if (n == -EINVAL) {
		snprintf(text, sizeof(text),
			"--hex: two hexadecimal digits an octet are needed, not '%.8s' at position "
			"%zu",
			d->hex + at, at + 1);
		return fail(text);
	}
	if (n <= 0)
		return fail(n ? "--hex: more than 65535 octets" : "--hex: no octets");
	d->frame.number = 1;
	if (octets[0] >> 4 == 4 || octets[0] >> 4 == 6)
		dissect_packet(&d->dissect, octets, (size_t)n);
	else
		dissect_message(&d->dissect, octets, (size_t)n);
	return 0;
}

static void number(struct args *a, uint64_t max, uint64_t *out)
{
	if (args_parse_uint(a->value, 0, max, out))
		args_fail(a, "--%s: a number from 0 to %llu is needed, not '%s'",
			options[a->index].name, (unsigned long long)max, a->value);
}

static void take(struct args *a, struct dump *d)
{
	uint64_t n = 0;

	switch ((enum arg)a->index) {
	case ARG_INTERFACE:
		d->interface = a->value;
		break;
	case ARG_HEX:
		d->hex = a->value;
		break;
	case ARG_TEXT:
		d->as_text = true;
		break;
	case ARG_COUNT:
		number(a, INT64_MAX, &d->count);
		break;
	case ARG_MULTICAST_NUMBER:
		number(a, UINT8_MAX, &n);
		d->dissect.numbers.multicast_state = (uint8_t)n;
		break;
	case ARG_TUNNEL_NUMBER:
		number(a, UINT8_MAX, &n);
		d->dissect.numbers.ha_tunnel = (uint8_t)n;
		break;
	}
}

static void check(struct args *a, struct dump *d)
{
	int arguments = a->argc - a->first;

	d->path = arguments ? a->argv[a->first] : NULL;
	if (arguments > 1)
		args_fail(a, "one file is read at a time, '%s' is too much", a->argv[a->first + 1]);
	else if (!d->path + !d->interface + !d->hex != 2)
		args_fail(a, "one of FILE, --hex and --interface is needed");
	else if (!option_numbers_valid(&d->dissect.numbers))
		args_fail(a, "--multicast-state, --ha-tunnel: two different numbers are needed, "
			     "each 0, 18 or 71 to 255");
}

int main(int argc, char **argv)
{
	struct dump d = {
		.count = UINT64_MAX, .dissect = {.fn = show, .numbers = OPTION_NUMBERS_DEFAULT}};
	struct args a;
	int rc;

	d.dissect.context = &d;
	args_begin(&a, &program, argc, argv);
	while (args_next(&a))
		take(&a, &d);
	if (!a.done)
		check(&a, &d);
	if (a.done)
		return a.exit_code;
	rc = d.hex ? dump_hex(&d) : dump_capture(&d);
	if (fflush(stdout) || ferror(stdout)) {
		perror("dmm-mhdump: standard output");
		return EXIT_FILE;
	}
	return rc ? rc : d.bad ? EXIT_BAD : 0;
}
