#include "common/addr.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"

const char *ip6_fault_name(enum ip6_fault fault)
{
	static const char *const names[IP6_FAULT_COUNT] = {
		[IP6_FAULT_NONE] = "none",
		[IP6_FAULT_TRUNCATED] = "truncated",
		[IP6_FAULT_VERSION] = "version",
		[IP6_FAULT_HEADERS] = "headers",
		[IP6_FAULT_HEADER_LENGTH] = "header-length",
		[IP6_FAULT_HOP_BY_HOP_PLACE] = "hop-by-hop-place",
		[IP6_FAULT_OPTIONS] = "options",
		[IP6_FAULT_OPTION_LENGTH] = "option-length",
		[IP6_FAULT_OPTION_UNKNOWN] = "option-unknown",
		[IP6_FAULT_HOME_ADDRESS_REPEATED] = "home-address-repeated",
		[IP6_FAULT_HOME_ADDRESS_PLACE] = "home-address-place",
		[IP6_FAULT_HOME_ADDRESS_VALUE] = "home-address-value",
		[IP6_FAULT_ROUTING_TYPE] = "routing-type",
		[IP6_FAULT_ROUTING2_REPEATED] = "routing2-repeated",
		[IP6_FAULT_ROUTING2_LENGTH] = "routing2-length",
		[IP6_FAULT_ROUTING2_SEGMENTS] = "routing2-segments",
		[IP6_FAULT_ROUTING2_VALUE] = "routing2-value",
	};

	return fault < IP6_FAULT_COUNT ? names[fault] : "unknown";
}

/* What the two highest bits of an option type say about a node that does not know it. */
static int unknown_option(uint8_t type, const struct in6_addr *dst)
{
	switch (type >> 6) {
	case 2:
		return ICMP6_PARAMETER_OPTION;
	case 3:
		return dst && !addr_is_multicast(dst) ? ICMP6_PARAMETER_OPTION : -1;
	default:
		return -1;
	}
}

int ip6_error_icmp(const struct ip6_error *error, const struct in6_addr *dst)
{
	switch (error->fault) {
	case IP6_FAULT_HOP_BY_HOP_PLACE:
		return ICMP6_PARAMETER_HEADER;
	case IP6_FAULT_ROUTING_TYPE:
		return ICMP6_PARAMETER_FIELD;
	case IP6_FAULT_OPTION_UNKNOWN:
		return unknown_option((uint8_t)error->value, dst);
	default:
		return -1;
	}
}
