/*
 * What is allowed of RFC 6089.
 */
#pragma once

struct flow_policy {
	unsigned max; /* flow bindings of one home address, up to FLOW_MAX; further ones are refused
		       * with status 128 */
};
