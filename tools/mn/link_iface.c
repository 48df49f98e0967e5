#include "tools/mn/link_iface.h"

#include <linux/if_addr.h>

#include "common/clock.h"
#include "common/log.h"

enum { SILENT_INTERVALS = 3 };

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

static void prefix_remove(struct link_iface *i, int n)
{
	i->prefixes[n] = i->prefixes[--i->prefix_count];
}

static void prefix_set(struct link_iface *i, const struct in6_addr *router,
	const struct ra_prefix *p, uint64_t now_ns)
{
	struct link_prefix new = {.prefix = p->prefix, .router = *router, .expires_ns = UINT64_MAX};
	int n = 0;

	if (p->valid_s != UINT32_MAX)
		new.expires_ns = now_ns + p->valid_s *CLOCK_NS_PER_S;
	while (n < i->prefix_count && prefix6_compare(&i->prefixes[n].prefix, &p->prefix) != 0)
		n++;
	if (n < i->prefix_count && p->valid_s == 0)
		prefix_remove(i, n);
	else if (n < i->prefix_count)
		i->prefixes[n] = new;
	else if (p->valid_s && n < RA_PREFIXES_MAX)
		i->prefixes[i->prefix_count++] = new;
}

static struct link_router *router_find(struct link_iface *i, const struct in6_addr *addr)
{
	for (int n = 0; n < i->router_count; n++)
		if (addr_equal(&i->routers[n].addr, addr))
			return &i->routers[n];
	return NULL;
}

static void router_set(
	struct link_iface *i, const struct in6_addr *addr, const struct ra *ra, uint64_t now_ns)
{
	struct link_router *r = router_find(i, addr);

	if (!r && i->router_count < LINK_ROUTERS_MAX)
		r = &i->routers[i->router_count++];
	if (!r)
		return;
	*r = (struct link_router){.addr = *addr,
		.is_default = ra->router_lifetime_s != 0,
		.has_mac = ra->has_mac,
		.mac = ra->mac,
		.overdue_ns = UINT64_MAX};
	if (ra->interval_ms)
		r->overdue_ns = now_ns + SILENT_INTERVALS * ra->interval_ms * CLOCK_NS_PER_MS;
	else if (ra->router_lifetime_s)
		r->overdue_ns = now_ns + ra->router_lifetime_s * CLOCK_NS_PER_S;
}

static bool forget_silent(struct link_iface *i, uint64_t now_ns)
{
	bool forgotten = false;

	for (int n = i->router_count - 1; n >= 0; n--) {
		struct in6_addr gone = i->routers[n].addr;

		if (i->routers[n].overdue_ns > now_ns)
			continue;
		i->routers[n] = i->routers[--i->router_count];
		forgotten = true;
		for (int m = i->prefix_count - 1; m >= 0; m--)
			if (addr_equal(&i->prefixes[m].router, &gone))
				prefix_remove(i, m);
	}
	return forgotten;
}

bool link_iface_advertised(
	struct link_iface *i, const struct in6_addr *router, const struct ra *ra, uint64_t now_ns)
{
	i->advertised = true;
	router_set(i, router, ra, now_ns);
	bool forgotten = forget_silent(i, now_ns);

	for (int n = 0; n < ra->prefix_count; n++)
		prefix_set(i, router, &ra->prefixes[n], now_ns);
	return forgotten;
}

uint64_t link_iface_expire(struct link_iface *i, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	for (int n = i->prefix_count - 1; n >= 0; n--) {
		if (i->prefixes[n].expires_ns <= now_ns)
			prefix_remove(i, n);
		else if (i->prefixes[n].expires_ns < next)
			next = i->prefixes[n].expires_ns;
	}
	return next;
}

bool link_iface_has_router(const struct link_iface *i, const struct in6_addr *router)
{
	for (int n = 0; n < i->router_count; n++)
		if (addr_equal(&i->routers[n].addr, router))
			return true;
	return false;
}

const struct mac *link_iface_next_hop(const struct link_iface *i)
{
	for (int n = 0; n < i->router_count; n++)
		if (i->routers[n].is_default && i->routers[n].has_mac)
			return &i->routers[n].mac;
	return NULL;
}

static bool on_link(const struct link_iface *i, const struct in6_addr *addr)
{
	for (int n = 0; n < i->prefix_count; n++)
		if (prefix6_contains(&i->prefixes[n].prefix, addr))
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
		if (prefix6_compare(&i->prefixes[n].prefix, prefix) == 0)
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
		if (prefix6_compare(&i->prefixes[n].prefix, home) == 0)
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
	const struct link_iface *i, const struct prefix6 *home, const struct in6_addr *now)
{
	const struct link_address *best = NULL;

	for (int n = 0; n < i->address_count; n++) {
		const struct link_address *a = &i->addresses[n];

		if (!usable(i, a) || prefix6_contains(home, &a->addr))
			continue;
		if (addr_equal(&a->addr, now))
			return &a->addr;
		if (!best || ((best->flags & IFA_F_TEMPORARY) && !(a->flags & IFA_F_TEMPORARY)))
			best = a;
	}
	return best ? &best->addr : NULL;
}

bool link_iface_has_link_local(const struct link_iface *i)
{
	for (int n = 0; n < i->address_count; n++)
		if (addr_is_link_local(&i->addresses[n].addr) &&
			!(i->addresses[n].flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
			return true;
	return false;
}

const struct link_address *link_iface_link_local_of(
	const struct link_iface *i, const struct in6_addr *addr)
{
	struct in6_addr link_local = addr_link_local_of(addr);
	int n = find(i, &link_local);

	return n < 0 ? NULL : &i->addresses[n];
}
