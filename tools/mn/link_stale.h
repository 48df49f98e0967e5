/*
 * What the kernel keeps of a link that an interface has left: autoconfigured addresses, default
 * routes and on-link routes. It would go on using them for seconds. Single thread.
 */
#pragma once

#include "tools/mn/link_iface.h"
#include "tools/mn/rtnl.h"

/* Removes them, after the present link's routers have advertised it. Configured addresses and their
 * routes stay. Best effort: what cannot be removed goes away by its lifetime. */
void link_stale_remove(struct rtnl *rtnl, struct link_iface *i);
