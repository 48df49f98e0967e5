/*
 * Which addresses of a link the gateway holds for absent nodes (RFC 6275, 10.4.1).
 */
#pragma once

#include <stdbool.h>

#include "dataplane/nodes/node.h"

/* Whether the address, link-local or other, is defended on the link of a port. */
static inline bool is_defended(
	const struct worker *w, const struct in6_addr *address, uint16_t port)
{
	const struct link_table *links = &w->tables->links;
	uint32_t domain = addr_is_link_local(address)
				  ? link_word_domain(link_table_on(links, port))
				  : domain_table_of_port(&w->tables->domains, port);
	const struct subscriber_entry *entry =
		subscriber_table_find(&w->tables->subscribers, domain, address);

	return entry && entry->link != SUBSCRIBER_LINK_NONE &&
	       link_table_is(links, entry->link, port);
}
