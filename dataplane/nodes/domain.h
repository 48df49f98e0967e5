/*
 * The domain of a packet (tables/domain_table.h): that of the port that it came by, or of the
 * subscriber whose tunnel it came out of. It goes with the packet until that is in a tunnel itself,
 * or leaves by a port of the domain; a tunnel packet is public, and so are packets without this
 * mark, which express knows alone.
 *
 * Beside a flag of the mbuf, which every buffer is without when it is taken from its pool, it costs
 * those without nothing but a look at that flag, and, in nodes that nearly no packet comes to, at
 * whether any port has a domain.
 */
#pragma once

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include "common/addr.h"
#include "dataplane/tables/path_table.h"
#include "dataplane/tables/subscriber_table.h"

struct worker;

extern uint64_t domain_flag;
extern int domain_offset;

/* Registers flag and field, once, before the first worker. 0 or a negative errno. Main thread. */
int domain_register(void);

static inline uint32_t domain_of(struct rte_mbuf *m)
{
	return likely(!(m->ol_flags & domain_flag))
		       ? 0
		       : *RTE_MBUF_DYNFIELD(m, domain_offset, uint32_t *);
}

static inline void domain_set(struct rte_mbuf *m, uint32_t domain)
{
	m->ol_flags &= ~domain_flag;
	if (likely(domain == 0))
		return;
	m->ol_flags |= domain_flag;
	*RTE_MBUF_DYNFIELD(m, domain_offset, uint32_t *) = domain;
}

/* Looks up an address of each packet, n of them, as subscriber_table_lookup() does, each in the
 * domain of its packet. */
void domain_lookup(const struct worker *w, struct rte_mbuf *const mbufs[],
	const struct in6_addr addresses[], unsigned n, const struct subscriber_entry *out[]);

/* A packet between the ends of a tunnel. */
struct domain_tunnel {
	struct in6_addr remote, local;
	struct path_mark mark;         /* what it says */
	struct in6_addr source, inner; /* of the packet inside; destination */
};

/*
 * The subscriber of any domain but the public one whose tunnel a packet with a key came by:
 * domain_sender() by inner source; domain_receiver(), one on a link here, by inner destination.
 * NULL: it is of none. The key is of one subscriber alone, so that no other domain has one that it
 * fits.
 */
const struct subscriber_entry *domain_sender(
	const struct worker *w, const struct domain_tunnel *at);
const struct subscriber_entry *domain_receiver(
	const struct worker *w, const struct domain_tunnel *at);

/* Whether, whatever the mark, the inner source is a subscriber's of such a domain with a tunnel
 * between these ends: then it is the mark that is wrong. */
bool domain_tunnel_is(const struct worker *w, const struct domain_tunnel *at);

/*
 * The subscriber, of any domain, that a packet to an inner destination was sent to by us, between
 * the ends of a tunnel, with this mark; NULL: none. Its domain is in its tag.
 */
const struct subscriber_entry *domain_sent_to(const struct worker *w, const struct in6_addr *inner,
	const struct in6_addr *remote, const struct in6_addr *local, const struct path_mark *mark);

/* The domain of a subscriber; of link-local addresses on a home link, the public one. */
static inline uint32_t domain_of_subscriber(const struct subscriber_entry *entry)
{
	const uint32_t domain = entry->tag >> 8;

	return domain & OBJECT_DOMAIN_LINK ? 0 : domain;
}
