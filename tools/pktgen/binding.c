#include "tools/pktgen/binding.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/option.h"

struct binding_keys {
	struct hmac *hmac;
	uint32_t count;
	uint8_t keys[][POPULATION_KEY_SIZE];
};
static_assert((int)POPULATION_KEY_SIZE == (int)AUTH_KEY_SIZE, "keys of RFC 4285");

const char *const binding_kind_names[BINDING_KINDS] = {
	[BINDING_FOREIGN] = "foreign",
	[BINDING_DAMAGED] = "damaged",
	[BINDING_UNAUTHENTICATED] = "unauthenticated",
	[BINDING_ACK] = "acknowledgements",
	[BINDING_REFRESH_REQUEST] = "refresh_requests",
	[BINDING_OTHER] = "other",
};

struct binding_keys *binding_keys_new(const struct pktgen_config *config)
{
	const uint32_t count = config->subscribers.count;
	struct binding_keys *k = malloc(sizeof(*k) + (size_t)count * POPULATION_KEY_SIZE);
	int rc = 0;

	if (!k)
		return NULL;
	k->count = count;
	k->hmac = hmac_new();
	if (!k->hmac)
		rc = -errno;
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = population_key(&config->subscribers, k->hmac, i, k->keys[i]);
	if (rc < 0) {
		binding_keys_free(k);
		errno = -rc;
		return NULL;
	}
	return k;
}

void binding_keys_free(struct binding_keys *k)
{
	if (!k)
		return;
	hmac_free(k->hmac);
	hmac_wipe(k->keys, (size_t)k->count * POPULATION_KEY_SIZE);
	free(k);
}

ssize_t binding_write(const struct pktgen_config *config, struct binding_keys *keys,
	const struct binding_update *update, uint64_t real_ns, uint8_t *buf, size_t size)
{
	const struct population *p = &config->subscribers;
	const struct in6_addr home = population_home(p, update->node);
	struct ip6_build head = {.src = population_care_of(p, update->node, update->place),
		.dst = config->home_agent,
		.home_address = &home};
	const struct mh_packet_key key = {
		.hmac = keys->hmac, .key = keys->keys[update->node], .coa = head.src, .hoa = home};
	char mn_id[POPULATION_MN_ID_MAX];
	struct mh mh = {.type = MH_BU};
	struct mh_option *option;

	mh.bu.sequence = update->sequence;
	mh.bu.flags = FLAGS_BU_A | FLAGS_BU_H;
	mh.bu.lifetime = (uint16_t)(update->lifetime_s / MH_LIFETIME_UNIT);
	option = option_add(&mh, OPTION_MN_ID);
	option->mn_id.subtype = OPTION_MN_ID_NAI;
	option->mn_id.id.len = (uint8_t)population_mn_id(p, update->node, mn_id);
	option->mn_id.id.at = (const uint8_t *)mn_id;
	option = option_add(&mh, OPTION_MESG_ID);
	option->mesg_id.timestamp = clock_ntp_from_ns(real_ns);
	const int rc = auth_add(&mh, p->spi);

	return rc < 0 ? rc : mh_packet_encode(&head, &mh, &key, buf, size);
}

/* The node whose address this is, from its last 32 bits; false if it is none of ours. */
static bool node_of(const struct population *p, const struct in6_addr *a, uint32_t *node)
{
	uint32_t low;

	memcpy(&low, a->s6_addr + 12, sizeof(low));
	low = be32toh(low);
	if (low < p->first || low - p->first >= p->count)
		return false;
	*node = (uint32_t)(low - p->first);
	return true;
}

static enum binding_kind read_ack(const struct pktgen_config *config, struct binding_keys *keys,
	const struct ip6_packet *ip, const uint8_t *raw, const struct mh *mh,
	struct binding_answer *out)
{
	const struct in6_addr *home = ip6_packet_effective_dst(ip);
	const struct mh_option *auth = auth_find(mh, OPTION_AUTH_MN_HA);
	struct in6_addr expected;

	if (!node_of(&config->subscribers, home, &out->node))
		return BINDING_FOREIGN;
	expected = population_home(&config->subscribers, out->node);
	if (!addr_equal(&expected, home))
		return BINDING_FOREIGN;
	if (!auth || auth->auth.spi != config->subscribers.spi ||
		auth_verify(keys->hmac, keys->keys[out->node], &ip->dst, home, raw, mh) !=
			AUTH_GOOD)
		return BINDING_UNAUTHENTICATED;
	out->status = mh->ba.status;
	out->sequence = mh->ba.sequence;
	return BINDING_ACK;
}

enum binding_kind binding_read(const struct pktgen_config *config, struct binding_keys *keys,
	const uint8_t *packet, size_t len, struct binding_answer *out)
{
	struct ip6_packet ip;
	struct mh mh;

	*out = (struct binding_answer){0};
	if (ip6_packet_decode(packet, len, &ip, NULL) || ip.proto != MH_NEXT_HEADER ||
		ip.is_fragment)
		return BINDING_DAMAGED;
	if (!addr_equal(&ip.src, &config->home_agent))
		return BINDING_FOREIGN;
	const uint8_t *raw = packet + ip.offset;

	if (!mh_checksum_ok(
		    ip6_packet_effective_src(&ip), ip6_packet_effective_dst(&ip), raw, ip.len) ||
		mh_decode(raw, ip.len, &mh, NULL))
		return BINDING_DAMAGED;
	switch (mh.type) {
	case MH_BA:
		return read_ack(config, keys, &ip, raw, &mh, out);
	case MH_BRR:
		return node_of(&config->subscribers, &ip.dst, &out->node) ? BINDING_REFRESH_REQUEST
									  : BINDING_FOREIGN;
	default:
		return BINDING_OTHER;
	}
}
