#include "dataplane/nodes/domain.h"

#include <rte_errno.h>
#include <stdalign.h>

#include "dataplane/worker.h"

uint64_t domain_flag;
int domain_offset = -1;

int domain_register(void)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "dmm_domain",
		.size = sizeof(uint32_t),
		.align = alignof(uint32_t),
	};
	static const struct rte_mbuf_dynflag flag = {.name = "dmm_domain"};
	int bit = rte_mbuf_dynflag_register(&flag);

	if (bit < 0)
		return -rte_errno;
	domain_flag = 1ull << bit;
	domain_offset = rte_mbuf_dynfield_register(&field);
	return domain_offset < 0 ? -rte_errno : 0;
}

void domain_lookup(const struct worker *w, struct rte_mbuf *const mbufs[],
	const struct in6_addr addresses[], unsigned n, const struct subscriber_entry *out[])
{
	const struct subscriber_table *t = &w->tables->subscribers;
	unsigned unmarked = 0;

	while (unmarked < n && likely(!(mbufs[unmarked]->ol_flags & domain_flag)))
		unmarked++;
	if (likely(unmarked == n)) {
		subscriber_table_lookup(t, 0, addresses, n, out);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		out[i] = subscriber_table_find(t, domain_of(mbufs[i]), &addresses[i]);
}

static bool is_attached(const struct subscriber_table *t, const struct subscriber_entry *entry)
{
	return path_header_on_link(path_shape_at(t->paths, entry->shape)->header);
}

/* Whether a packet came by a tunnel of this subscriber. */
static bool accepts(const struct subscriber_table *t, const struct subscriber_entry *entry,
	const struct domain_tunnel *at)
{
	return entry && subscriber_accepts_gre(t, entry, &at->remote, &at->local, &at->mark);
}

/* By one of its inner addresses, with the domain that its key was of last first. */
static const struct subscriber_entry *find(const struct worker *w, const struct domain_tunnel *at,
	const struct in6_addr *address, bool attached)
{
	const struct subscriber_table *t = &w->tables->subscribers;
	const struct domain_table *domains = &w->tables->domains;
	unsigned place;

	if (domains->count == 0 || at->mark.gre != PATH_GRE_KEYED)
		return NULL;
	place = domain_table_guess(domains, at->mark.key);
	for (unsigned i = 0; i < domains->count; i++) {
		const struct subscriber_entry *entry =
			subscriber_table_find(t, domains->numbers[place], address);

		if (accepts(t, entry, at) && (!attached || is_attached(t, entry))) {
			domain_table_learn(domains, at->mark.key, place);
			return entry;
		}
		place = (place + 1) % domains->count;
	}
	return NULL;
}

const struct subscriber_entry *domain_sender(const struct worker *w, const struct domain_tunnel *at)
{
	return find(w, at, &at->source, false);
}

const struct subscriber_entry *domain_receiver(
	const struct worker *w, const struct domain_tunnel *at)
{
	return find(w, at, &at->inner, true);
}

bool domain_tunnel_is(const struct worker *w, const struct domain_tunnel *at)
{
	const struct subscriber_table *t = &w->tables->subscribers;
	const struct domain_table *domains = &w->tables->domains;

	for (unsigned i = 0; i < domains->count; i++) {
		const struct subscriber_entry *entry =
			subscriber_table_find(t, domains->numbers[i], &at->source);

		if (entry && subscriber_accepts_else(t, entry, &at->remote, &at->local, NULL))
			return true;
	}
	return false;
}

/* Whether what is sent by a path has these addresses and this mark. */
static bool sends(const struct path_table *t, uint32_t number, const struct in6_addr *remote,
	const struct in6_addr *local, const struct path_mark *mark)
{
	const struct path *path = path_at(t, number);
	const struct path_shape *shape = path_shape_at(t, path->shape);

	return addr_equal(&path->remote, remote) && addr_equal(path_shape_local(shape), local) &&
	       path_header_gre(shape->header) == mark->gre &&
	       path_key_out(t, shape->header, number) == mark->key;
}

static bool any_sends(const struct path_table *t, const struct subscriber_entry *entry,
	const struct in6_addr *remote, const struct in6_addr *local, const struct path_mark *mark)
{
	const struct path_list *list;

	if (entry->paths == POOL_NONE)
		return sends(t, entry->path, remote, local, mark);
	list = path_list_at(t, entry->paths);
	for (uint32_t i = 0; i < list->count; i++)
		if (sends(t, list->paths[i], remote, local, mark))
			return true;
	return false;
}

const struct subscriber_entry *domain_sent_to(const struct worker *w, const struct in6_addr *inner,
	const struct in6_addr *remote, const struct in6_addr *local, const struct path_mark *mark)
{
	const struct subscriber_table *t = &w->tables->subscribers;
	const struct domain_table *domains = &w->tables->domains;
	const struct subscriber_entry *entry = subscriber_table_find(t, 0, inner);

	/* Where there is one domain alone, addresses say enough. */
	if (entry && subscriber_sends(t, entry, remote, local) &&
		(domains->count == 0 || mark->gre != PATH_GRE_KEYED ||
			any_sends(t->paths, entry, remote, local, mark)))
		return entry;
	for (unsigned i = 0; i < domains->count && mark->gre == PATH_GRE_KEYED; i++) {
		entry = subscriber_table_find(t, domains->numbers[i], inner);
		if (entry && any_sends(t->paths, entry, remote, local, mark))
			return entry;
	}
	return NULL;
}
