/*
 * Requests to the kernel's routing tables by netlink (libmnl): addresses, routes, rules, links.
 *
 * One socket for requests, each waits for the kernel's answer (microseconds). Single thread.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

struct rtnl;

/* Opens the request socket. Returns 0 or a negative errno; rtnl_close(NULL) is allowed. */
int rtnl_open(struct rtnl **out);
void rtnl_close(struct rtnl *r);

/* Handles one message of a dump. */
typedef void rtnl_fn(const struct nlmsghdr *nlh, void *context);

/* Dumps all IPv6 objects of a kind (RTM_GETADDR, RTM_GETROUTE, RTM_GETLINK) to fn. The kernel may
 * change them meanwhile, and the dump is then begun again: fn may see an object twice. 0 or a
 * negative errno. */
int rtnl_dump(struct rtnl *r, uint16_t type, rtnl_fn *fn, void *context);

/*
 * Adds an address of length 128 to an interface, valid for ever, without a prefix route, or
 * removes it. With `detect` the kernel runs duplicate address detection first. 0 or a negative
 * errno; an address that is already there, or already gone, is no error.
 */
int rtnl_address_add(struct rtnl *r, unsigned ifindex, const struct in6_addr *addr, bool detect);
int rtnl_address_del(struct rtnl *r, unsigned ifindex, const struct in6_addr *addr, uint8_t len);

/*
 * Gives an interface a link-local address back that duplicate address detection has failed for,
 * without another detection now; when the link comes up again it is detected as ever. 0 or a
 * negative errno.
 */
int rtnl_link_local_renew(struct rtnl *r, unsigned ifindex, const struct in6_addr *addr);

/* A route by an interface. All zero but ifindex and table: an on-link default route. */
struct rtnl_route {
	unsigned ifindex;
	struct prefix6 dst;
	uint32_t table;                 /* RT_TABLE_MAIN or another */
	uint32_t metric;                /* 0: any, for removal */
	const struct in6_addr *gateway; /* NULL: on-link */
	const struct in6_addr *source;  /* preferred source address, NULL: none */
};

/* Adds or removes a route; being there or gone already is no error. */
int rtnl_route_add(struct rtnl *r, const struct rtnl_route *route);
int rtnl_route_del(struct rtnl *r, const struct rtnl_route *route);

/* Adds or removes the rule "from SOURCE/128 lookup TABLE priority P"; idempotent. */
int rtnl_rule_add(struct rtnl *r, const struct in6_addr *source, uint32_t table, uint32_t priority);
int rtnl_rule_del(struct rtnl *r, const struct in6_addr *source, uint32_t table, uint32_t priority);

/* Brings a link up and sets its MTU. */
int rtnl_link_up(struct rtnl *r, unsigned ifindex, uint32_t mtu);
