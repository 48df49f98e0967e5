#include "tools/mhdump/message.h"

#include <stdio.h>

#include "common/cursor.h"
#include "proto/mobility/flow.h"
#include "proto/mobility/mcast.h"

#define HEADER      "Mobility Header"
#define OPTION_HEAD 2 /* octets before the body of an option */

void message_fault(struct dissect_found *found, const char *what, const char *header,
	uint32_t offset, uint64_t value, const char *text)
{
	struct dissect_error *e = &found->error;

	if (e->what)
		return;
	e->what = what;
	e->header = header;
	e->offset = offset;
	e->value = value;
	snprintf(e->text, sizeof(e->text), "%s", text);
}

/* A wrong checksum hides nothing: the message is shown as it stands. */
static void checksum(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *mh,
	size_t size, struct dissect_found *found)
{
	char text[120];
	struct cursor c;
	uint16_t is, right;

	if (mh_checksum_ok(src, dst, mh, size)) {
		found->checksum = DISSECT_CHECKSUM_GOOD;
		return;
	}
	found->checksum = DISSECT_CHECKSUM_BAD;
	cursor_init(&c, mh, size);
	cursor_skip(&c, MH_AT_CHECKSUM);
	is = cursor_u16(&c);
	right = mh_checksum(src, dst, mh, size);
	snprintf(text, sizeof(text), "offset %d: wrong checksum (0x%04x), right would be 0x%04x",
		MH_AT_CHECKSUM, is, right);
	message_fault(found, "checksum", HEADER, MH_AT_CHECKSUM, is, text);
}

/* What is decoded apart from its message, which stands when one of them is wrong. */
static void flows(struct dissect_found *found)
{
	const struct mh_option *option = option_find(&found->mh, OPTION_FLOW_ID);
	char line[160], text[240];
	struct flow_error err;
	struct flow flow;

	for (; option; option = option_next(&found->mh, option)) {
		if (!flow_decode(&option->flow_id.subs, &flow, &err))
			continue;
		snprintf(text, sizeof(text), "option %u (%s) at offset %u: %s", option->number,
			option_name(option->type), option->offset,
			flow_error_print(&err, line, sizeof(line)));
		message_fault(found, flow_fault_name(err.fault), HEADER,
			option->offset + err.offset, err.len, text);
	}
}

static void reports(struct dissect_found *found)
{
	const struct mh_option *option = option_find(&found->mh, OPTION_MULTICAST_STATE);
	struct mcast_report report;
	enum mcast_fault fault;
	char text[240];
	size_t at;

	for (; option; option = option_next(&found->mh, option)) {
		const struct field_bytes *body = &option->multicast_state.report;
		uint32_t offset = option->offset + OPTION_HEAD;

		fault = mcast_report_decode(body->at, body->len, &report, &at);
		if (!fault)
			continue;
		snprintf(text, sizeof(text), "option %u (%s) at offset %u: report, octet %zu: %s",
			option->number, option_name(option->type), option->offset, at,
			mcast_fault_name(fault));
		message_fault(found, mcast_fault_name(fault), HEADER, offset + (uint32_t)at,
			body->len, text);
	}
}

void message_read(const struct option_numbers *numbers, const struct in6_addr *src,
	const struct in6_addr *dst, const uint8_t *mh, size_t len, struct dissect_found *found)
{
	size_t size = mh_size(mh, len);
	struct mh_error err;
	char text[200];

	found->kind = DISSECT_MESSAGE;
	if (len > MH_AT_TYPE) {
		found->has_type = true;
		found->type = mh[MH_AT_TYPE];
	}
	if (mh_decode_with(numbers, mh, len, &found->mh, &err)) {
		message_fault(found, mh_fault_name(err.fault), HEADER, err.offset, err.value,
			mh_error_print(&err, text, sizeof(text)));
	} else {
		found->is_decoded = true;
		flows(found);
		reports(found);
	}
	if (src && size && size <= len)
		checksum(src, dst, mh, size, found);
}
