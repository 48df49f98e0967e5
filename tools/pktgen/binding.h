/*
 * The mobility messages of the nodes that are played: Binding Updates out, answers in (RFC 6275,
 * 11.7; RFC 4285, 5 and 6). Pure but for the HMAC context: one thread for each.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "common/hmac.h"
#include "tools/pktgen/config.h"

enum { BINDING_PACKET_MAX = 512 };

/* Keys of all nodes, made once. */
struct binding_keys;

/* Makes the keys. NULL with errno set. */
struct binding_keys *binding_keys_new(const struct pktgen_config *config);

/* Wipes and frees them. NULL is allowed. */
void binding_keys_free(struct binding_keys *keys);

/* A Binding Update to be. */
struct binding_update {
	uint32_t node;
	uint32_t place;
	uint32_t lifetime_s; /* 0: deregistration */
	uint16_t sequence;
};

/* Writes its packet: home registration from the care-of address, with home address option and
 * timestamp, authenticated. real_ns: clock_real_ns(). Returns the octets written or a negative
 * errno. */
ssize_t binding_write(const struct pktgen_config *config, struct binding_keys *keys,
	const struct binding_update *update, uint64_t real_ns, uint8_t *buf, size_t size);

enum binding_kind {
	BINDING_FOREIGN,         /* not for a node of ours, or not of the home agent */
	BINDING_DAMAGED,         /* a wrong checksum, or it does not decode */
	BINDING_UNAUTHENTICATED, /* an acknowledgement without a valid authenticator */
	BINDING_ACK,             /* a Binding Acknowledgement */
	BINDING_REFRESH_REQUEST, /* a Binding Refresh Request */
	BINDING_OTHER,           /* another message: a Binding Error */
	BINDING_KINDS
};

/* Stable names of the kinds, for figures. */
extern const char *const binding_kind_names[BINDING_KINDS];

struct binding_answer {
	uint32_t node; /* not for BINDING_FOREIGN, BINDING_DAMAGED and BINDING_OTHER */
	uint8_t status;
	uint16_t sequence;
};

/* Reads an IPv6 packet with a Mobility Header. */
enum binding_kind binding_read(const struct pktgen_config *config, struct binding_keys *keys,
	const uint8_t *packet, size_t len, struct binding_answer *out);
