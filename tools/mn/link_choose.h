/*
 * Which interfaces are used, and which care-of address of each (RFC 6275, 11.5.1 to 11.5.3; RFC
 * 5648, 5.1). Pure.
 */
#pragma once

#include "tools/mn/config.h"
#include "tools/mn/link.h"
#include "tools/mn/link_iface.h"

/*
 * The first interface that gives a place decides where the node is: that is all[0]. With
 * multihoming, those behind it that are on foreign links are used besides. With `beside` the home
 * link decides nothing while there are foreign ones: it is one of them (RFC 5648, 5.6), once
 * (5.6.3). `before` are the attachments so far: a care-of address that is still good stays. Returns
 * how many there are; 0: the node is nowhere.
 */
unsigned link_choose(const struct mn_config *config, bool beside, const struct link_iface *ifaces,
	unsigned count, const struct link_attachment *before, unsigned before_count,
	struct link_attachment all[static LINK_INTERFACES_MAX]);

/* Which of them says where the node is: away as soon as one is on a foreign link. Nowhere if there
 * is none. */
struct link_attachment link_choose_first(const struct link_attachment *all, unsigned count);
