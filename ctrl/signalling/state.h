/*
 * The state of the signalling, shared by the files of this folder and by nobody else.
 */
#pragma once

#include "common/histogram.h"
#include "common/hmac.h"
#include "common/token_bucket.h"
#include "common/wheel.h"
#include "ctrl/signalling/counter.h"
#include "ctrl/signalling/discovery.h"
#include "ctrl/signalling/error.h"
#include "ctrl/signalling/home_agents.h"
#include "ctrl/signalling/signalling.h"

struct signalling {
	struct signalling_config config;
	struct signalling_ops ops;
	struct subscriber_db *subscribers;
	struct binding_cache *cache;
	struct care_of_index *care_of; /* of the live bindings in it */
	struct hmac *hmac;
	struct ha_request *requests; /* free list */
	struct link_local_claim *claims;
	struct revocation *revocations; /* that wait for their acknowledgement */
	size_t revocation_count;
	uint16_t revocation_sequence; /* of the last one */
	struct signalling_role roles[SIGNALLING_ROLES_MAX];
	size_t role_count;
	size_t live;                /* bindings that are BINDING_LIVE */
	size_t starting;            /* first registrations that the commit works on */
	struct token_bucket errors; /* that may be sent */
	struct token_bucket forged; /* Binding Updates that may be refused */
	struct home_agents home_agents;
	struct discovery_pace pace;
	uint64_t counters[SIGNALLING_COUNTERS];
	struct tracer tracer;
	struct histogram answers; /* Binding Update to acknowledgement */
	struct wheel wheel;
};

static inline void state_count(struct signalling *s, enum signalling_counter counter)
{
	counter_add(&s->counters[counter], 1);
}

static inline uint64_t state_now(const struct signalling *s)
{
	return s->ops.now_ns(s->ops.context);
}

static inline uint64_t state_real(const struct signalling *s)
{
	return s->ops.real_ns(s->ops.context);
}

/* The numbers of options that the registry has none for. */
static inline struct option_numbers state_numbers(const struct signalling *s)
{
	return (struct option_numbers){.multicast_state = s->config.multicast_number,
		.ha_tunnel = s->config.tunnel_number};
}

/* The home prefix of an address if it is on a link, else NULL. */
static inline const struct home_prefix *state_linked_prefix(
	const struct signalling *s, const struct in6_addr *home)
{
	const struct home_prefix *prefix = home_prefix_find(&s->config.policy, home);

	return prefix && prefix->link ? prefix : NULL;
}
