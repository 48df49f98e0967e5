#include "tools/mhdump/message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/cursor.h"
#include "proto/mobility/flow.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/mcast.h"

#define HEADER      "Mobility Header"
#define OPTION_HEAD 2 /* octets before the body of an option */
#define AT_CODE     1 /* octets before the Code of ICMPv6 */

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

/* A wrong checksum hides nothing: the message is shown as it stands. What stands AT that octet of
 * HEADER is wrong, RIGHT would be right. */
static void wrong_checksum(struct dissect_found *found, const char *header, const uint8_t *message,
	unsigned at, uint16_t right)
{
	char text[120];
	struct cursor c;
	uint16_t is;

	cursor_init(&c, message, at + 2u);
	cursor_skip(&c, at);
	is = cursor_u16(&c);
	found->checksum = DISSECT_CHECKSUM_BAD;
	snprintf(text, sizeof(text), "offset %u: wrong checksum (0x%04x), right would be 0x%04x",
		at, is, right);
	message_fault(found, "checksum", header, at, is, text);
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
	if (mh_decode_with(numbers, mh, len, &found->mh, &err))
		message_fault(found, mh_fault_name(err.fault), HEADER, err.offset, err.value,
			mh_error_print(&err, text, sizeof(text)));
	found->is_decoded = !err.fault || mh_fault_is_option(err.fault);
	if (found->is_decoded) {
		flows(found);
		reports(found);
	}
	if (!src || !size || size > len)
		return;
	if (mh_checksum_ok(src, dst, mh, size))
		found->checksum = DISSECT_CHECKSUM_GOOD;
	else
		wrong_checksum(found, HEADER, mh, MH_AT_CHECKSUM, mh_checksum(src, dst, mh, size));
}

bool message_read_icmp6(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *icmp,
	size_t len, struct dissect_found *found)
{
	enum home_discovery_fault fault;
	struct icmp6_message message;
	int rc = icmp6_decode(src, dst, icmp, len, &message);
	char text[120];

	if (rc == -EBADMSG || !home_discovery_clause(message.type))
		return false;
	found->kind = DISSECT_DISCOVERY;
	found->has_type = true;
	found->type = message.type;
	fault = home_discovery_decode(&message, &found->discovery);
	found->is_decoded = !fault;
	if (fault) {
		unsigned at = fault == HOME_DISCOVERY_FAULT_CODE ? AT_CODE : ICMP6_HEADER_SIZE;
		uint64_t value = at == AT_CODE ? message.code : message.body_len;

		snprintf(text, sizeof(text), "offset %u: wrong %s (%" PRIu64 ")", at,
			home_discovery_fault_name(fault), value);
		message_fault(found, home_discovery_fault_name(fault), "ICMPv6", at, value, text);
	}
	if (rc)
		wrong_checksum(found, "ICMPv6", icmp, ICMP6_AT_CHECKSUM,
			icmp6_checksum(src, dst, icmp, len));
	else
		found->checksum = DISSECT_CHECKSUM_GOOD;
	return true;
}
