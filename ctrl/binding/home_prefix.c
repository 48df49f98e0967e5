#include "ctrl/binding/home_prefix.h"

const struct home_prefix *home_prefix_find(
	const struct home_policy *policy, const struct in6_addr *addr)
{
	const struct home_prefix *best = NULL;

	for (size_t i = 0; i < policy->prefix_count; i++) {
		const struct home_prefix *p = &policy->prefixes[i];

		if (prefix6_contains(&p->prefix, addr) &&
			(!best || p->prefix.len > best->prefix.len))
			best = p;
	}
	return best;
}

static bool among(const struct in6_addr *list, size_t count, const struct in6_addr *addr)
{
	for (size_t i = 0; i < count; i++)
		if (addr_equal(&list[i], addr))
			return true;
	return false;
}

bool home_prefix_is_agent(const struct home_policy *policy, const struct in6_addr *addr)
{
	return among(policy->agents, policy->agent_count, addr);
}

bool home_prefix_is_own(const struct home_policy *policy, const struct in6_addr *addr)
{
	return home_prefix_is_agent(policy, addr) ||
	       among(policy->locals, policy->local_count, addr);
}

enum home_care_of home_prefix_care_of(const struct home_policy *policy, const struct in6_addr *addr)
{
	if (!addr_is_unicast_routable(addr))
		return HOME_CARE_OF_UNROUTABLE;
	if (home_prefix_is_own(policy, addr))
		return HOME_CARE_OF_OWN;
	if (home_prefix_find(policy, addr))
		return HOME_CARE_OF_AT_HOME;
	return HOME_CARE_OF_GOOD;
}

struct in6_addr home_prefix_source(
	const struct home_policy *policy, const struct home_prefix *prefix, const struct mac *mac)
{
	for (size_t i = 0; i < policy->agent_count; i++)
		if (prefix6_contains(&prefix->prefix, &policy->agents[i]))
			return policy->agents[i];
	return addr_link_local_of_mac(mac);
}
