#include "ctrl/signalling/link_local.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

#include "ctrl/binding/binding.h"
#include "ctrl/signalling/receive.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/flags.h"

struct claim_key {
	uint64_t link;
	struct in6_addr addr;
};
static_assert(sizeof(struct claim_key) == 24, "hashed as octets: no padding");

struct link_local_claim {
	struct claim_key key;
	struct binding *binding;
	UT_hash_handle hh;
};
static_assert(sizeof(struct link_local_claim) <= 104, "as documented");

static struct link_local_claim *find(
	const struct signalling *s, const struct home_link *link, const struct in6_addr *addr)
{
	struct claim_key key = {.link = link->id, .addr = *addr};
	struct link_local_claim *claim;

	HASH_FIND(hh, s->claims, &key, sizeof(key), claim);
	return claim;
}

/* Whether it is the address of the gateway's port on the link. */
static bool is_own(struct signalling *s, const struct home_link *link, const struct in6_addr *addr)
{
	struct signalling_port port;
	struct in6_addr own;

	if (s->ops.port(s->ops.context, link, &port))
		return false;
	own = addr_link_local_of_mac(&port.mac);
	return addr_equal(&own, addr);
}

int link_local_claim(struct signalling *s, struct binding *b, uint16_t flags)
{
	const struct home_prefix *prefix = state_linked_prefix(s, &b->now.home);
	struct in6_addr addr = addr_link_local_of(&b->now.home);
	struct link_local_claim *claim;

	if (!prefix || !(flags & FLAGS_BU_L)) {
		link_local_release(s, b);
		return 0;
	}
	if (b->claimed)
		return 0;
	if (find(s, prefix->link, &addr) || is_own(s, prefix->link, &addr))
		return -EEXIST;
	claim = malloc(sizeof(*claim));
	if (!claim)
		return -ENOMEM;
	*claim = (struct link_local_claim){
		.key = {.link = prefix->link->id, .addr = addr}, .binding = b};
	HASH_ADD(hh, s->claims, key, sizeof(claim->key), claim);
	b->claimed = true;
	return 0;
}

void link_local_release(struct signalling *s, struct binding *b)
{
	const struct home_prefix *prefix = state_linked_prefix(s, &b->now.home);
	struct in6_addr addr = addr_link_local_of(&b->now.home);
	struct link_local_claim *claim;

	if (!b->claimed)
		return;
	b->claimed = false;
	claim = find(s, prefix->link, &addr);
	HASH_DEL(s->claims, claim);
	free(claim);
}

struct binding *link_local_find(
	struct signalling *s, const struct receive_packet *packet, const struct in6_addr *addr)
{
	const struct home_policy *policy = &s->config.policy;

	for (size_t i = 0; i < policy->prefix_count; i++) {
		const struct home_link *link = policy->prefixes[i].link;
		const struct link_local_claim *claim;

		if (!link || strcmp(link->port, packet->punt->port) != 0)
			continue;
		claim = find(s, link, addr);
		if (claim)
			return claim->binding;
	}
	return NULL;
}

void link_local_free(struct signalling *s)
{
	struct link_local_claim *claim, *next;

	HASH_ITER (hh, s->claims, claim, next) {
		HASH_DEL(s->claims, claim);
		free(claim);
	}
}
