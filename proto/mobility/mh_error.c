#include <stdio.h>

#include "proto/mobility/mh.h"

struct fault_def {
	const char *name;
	const char *text;      /* for people; the value follows in brackets */
	enum mh_answer answer; /* RFC 6275, 9.2 */
};

static const struct fault_def faults[MH_FAULT_COUNT] = {
	[MH_FAULT_NONE] = {"none", "no error", MH_ANSWER_NONE},
	[MH_FAULT_TRUNCATED] = {"truncated", "too few octets", MH_ANSWER_NONE},
	[MH_FAULT_TYPE] = {"type", "unknown MH Type", MH_ANSWER_BINDING_ERROR},
	[MH_FAULT_PAYLOAD_PROTO] = {"payload-proto", "Payload Proto is not 59",
		MH_ANSWER_PARAMETER_PROBLEM},
	[MH_FAULT_MINIMUM] = {"minimum", "Header Len below the minimum of the type",
		MH_ANSWER_PARAMETER_PROBLEM},
	[MH_FAULT_HEADER_LEN] = {"header-len", "Header Len beyond the end of the packet",
		MH_ANSWER_NONE},
	[MH_FAULT_OPTION_TRUNCATED] = {"option-truncated", "length beyond the end of the message",
		MH_ANSWER_NONE},
	[MH_FAULT_OPTION_LENGTH] = {"option-length", "wrong length", MH_ANSWER_NONE},
	[MH_FAULT_OPTION_REPEATED] = {"option-repeated", "more often than allowed", MH_ANSWER_NONE},
	[MH_FAULT_OPTION_ORDER] = {"option-order", "at the wrong place", MH_ANSWER_NONE},
	[MH_FAULT_OPTION_COUNT] = {"option-count", "more options than supported", MH_ANSWER_NONE},
};

const char *mh_fault_name(enum mh_fault fault)
{
	return fault < MH_FAULT_COUNT ? faults[fault].name : "unknown";
}

enum mh_answer mh_error_answer(const struct mh_error *error)
{
	return error->fault < MH_FAULT_COUNT ? faults[error->fault].answer : MH_ANSWER_NONE;
}

const char *mh_error_print(const struct mh_error *error, char *buf, size_t size)
{
	const char *text = error->fault < MH_FAULT_COUNT ? faults[error->fault].text : "unknown";

	if (mh_fault_is_option(error->fault))
		snprintf(buf, size, "option %u (%s) at offset %u: %s (%u)", error->number,
			option_name(error->option), error->offset, text, error->value);
	else
		snprintf(buf, size, "offset %u: %s (%u)", error->offset, text, error->value);
	return buf;
}
