#include "tools/mn/link_iface.h"

#include <linux/if_addr.h>

#include "common/log.h"

static int find(const struct link_iface *i, const struct in6_addr *addr)
{
	for (int n = 0; n < i->address_count; n++)
		if (addr_equal(&i->addresses[n].addr, addr))
			return n;
	return -1;
}

void link_iface_address_set(struct link_iface *i, const struct link_address *address)
{
	static struct log_limit limit = LOG_LIMIT(1);
	int n = find(i, &address->addr);

	if (n < 0 && i->address_count == LINK_ADDRESSES_MAX) {
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "link", "too-many-addresses",
			"interface=%s address=%s max=%d", i->name, ADDR_TEXT(&address->addr),
			LINK_ADDRESSES_MAX);
		return;
	}
	i->addresses[n < 0 ? i->address_count++ : n] = *address;
}

void link_iface_address_del(struct link_iface *i, const struct in6_addr *addr)
{
	int n = find(i, addr);

	if (n >= 0)
		i->addresses[n] = i->addresses[--i->address_count];
}

void link_iface_forget(struct link_iface *i)
{
	i->advertised = false;
	i->prefix_count = 0;
	i->router_count = 0;
	i->solicitations = 0;
}

static void prefix_set(struct link_iface *i, const struct ra_prefix *p)
{
	for (int n = 0; n < i->prefix_count; n++) {
		if (prefix6_compare(&i->prefixes[n], &p->prefix) != 0)
			continue;
		if (p->valid_s == 0)
			i->prefixes[n] = i->prefixes[--i->prefix_count];
		return;
	}
	if (p->valid_s && i->prefix_count < RA_PREFIXES_MAX)
		i->prefixes[i->prefix_count++] = p->prefix;
}

void link_iface_advertised(struct link_iface *i, const struct in6_addr *router, const struct ra *ra)
{
	i->advertised = true;
	if (!link_iface_has_router(i, router) && i->router_count < LINK_ROUTERS_MAX)
		i->routers[i->router_count++] = *router;
	for (int n = 0; n < ra->prefix_count; n++)
		prefix_set(i, &ra->prefixes[n]);
}

bool link_iface_has_router(const struct link_iface *i, const struct in6_addr *router)
{
	for (int n = 0; n < i->router_count; n++)
		if (addr_equal(&i->routers[n], router))
			return true;
	return false;
}

static bool on_link(const struct link_iface *i, const struct in6_addr *addr)
{
	for (int n = 0; n < i->prefix_count; n++)
		if (prefix6_contains(&i->prefixes[n], addr))
			return true;
	return false;
}

bool link_iface_is_stale(const struct link_iface *i, const struct link_address *address)
{
	return address->from_router && !addr_is_link_local(&address->addr) && i->advertised &&
	       !on_link(i, &address->addr);
}

bool link_iface_needs_prefix(const struct link_iface *i, const struct prefix6 *prefix)
{
	for (int n = 0; n < i->prefix_count; n++)
		if (prefix6_compare(&i->prefixes[n], prefix) == 0)
			return true;
	for (int n = 0; n < i->address_count; n++) {
		const struct link_address *a = &i->addresses[n];

		if (a->len == prefix->len && prefix6_contains(prefix, &a->addr) &&
			!link_iface_is_stale(i, a))
			return true;
	}
	return false;
}

bool link_iface_at_home(
	const struct link_iface *i, const struct prefix6 *home, const struct in6_addr *home_address)
{
	for (int n = 0; n < i->prefix_count; n++)
		if (prefix6_compare(&i->prefixes[n], home) == 0)
			return true;
	if (i->advertised)
		return false;
	/* without routers a configured address can still tell */
	for (int n = 0; n < i->address_count; n++) {
		const struct link_address *a = &i->addresses[n];

		if (!a->from_router && prefix6_contains(home, &a->addr) &&
			!addr_equal(&a->addr, home_address))
			return true;
	}
	return false;
}

static bool usable(const struct link_iface *i, const struct link_address *a)
{
	if (a->flags & (IFA_F_DADFAILED | IFA_F_DEPRECATED))
		return false;
	if ((a->flags & IFA_F_TENTATIVE) && !(a->flags & IFA_F_OPTIMISTIC))
		return false;
	if (!addr_is_unicast_routable(&a->addr))
		return false;
	return !a->from_router || on_link(i, &a->addr);
}

const struct in6_addr *link_iface_care_of(
	const struct link_iface *i, const struct in6_addr *home_address, const struct in6_addr *now)
{
	const struct link_address *best = NULL;

	for (int n = 0; n < i->address_count; n++) {
		const struct link_address *a = &i->addresses[n];

		if (!usable(i, a) || addr_equal(&a->addr, home_address))
			continue;
		if (addr_equal(&a->addr, now))
			return &a->addr;
		if (!best || ((best->flags & IFA_F_TEMPORARY) && !(a->flags & IFA_F_TEMPORARY)))
			best = a;
	}
	return best ? &best->addr : NULL;
}

bool link_iface_has_identifier(const struct link_iface *i, const struct in6_addr *addr)
{
	for (int n = 0; n < i->address_count; n++) {
		const struct in6_addr *a = &i->addresses[n].addr;

		if (addr_is_link_local(a) && memcmp(a->s6_addr + 8, addr->s6_addr + 8, 8) == 0)
			return true;
	}
	return false;
}
