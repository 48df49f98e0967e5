/*
 * Rules: which packets to a subscriber take which of its paths.
 *
 * A selector says what a packet must be: every field that it compares holds a value of the field's
 * range. The fields and ranges are those of RFC 6088, 3.1 and 3.2. A packet that does not have a
 * field (the ports of an ICMP message) matches no rule that compares it.
 *
 * All integers are in host order, addresses in network order. Pure functions: any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/cursor.h"

enum rule_field {
	RULE_SOURCE,      /* who sends to the subscriber */
	RULE_DESTINATION, /* the subscriber's address */
	RULE_SPI,         /* of ESP and AH */
	RULE_FLOW_LABEL,
	RULE_SOURCE_PORT,
	RULE_DESTINATION_PORT,
	RULE_CLASS,    /* DS field or traffic class without its two low bits, which count as 0 */
	RULE_PROTOCOL, /* IPv4 protocol; last next header value */
	RULE_FIELDS
};

enum {
	RULE_PATHS_MAX = 8,        /* paths that one rule names */
	RULE_SUBSCRIBER_MAX = 256, /* rules of one subscriber */
	RULE_ADDRESS_FIELDS = 2,   /* RULE_SOURCE and RULE_DESTINATION are addresses */
	RULE_VERSION_ANY = 0,      /* IPv4 and IPv6 */
};

/* A range of addresses, both ends in it; IPv4 addresses are mapped (RFC 4291, 2.5.5.2). */
struct rule_addresses {
	struct in6_addr first, last;
};

struct rule_range {
	uint32_t first, last;
};

struct rule_selector {
	uint8_t version; /* of IP: 4, 6 or RULE_VERSION_ANY */
	uint8_t fields;  /* bit 1 << enum rule_field: compared; ranges of others are 0 */
	struct rule_addresses addresses[RULE_ADDRESS_FIELDS];
	struct rule_range numbers[RULE_FIELDS]; /* those of addresses are not used */
};

enum rule_action {
	RULE_TO_PATHS = 1, /* to each of the paths that the subscriber has, a copy to each */
	RULE_DROP = 2,
	RULE_TO_FIRST = 3, /* to the first of them, in this order, that the subscriber has */
};

/*
 * One rule of a subscriber. Of those that match the one with the lowest priority value counts, of
 * these the one with the lowest id. A rule all of whose paths the subscriber lacks is passed over.
 */
struct object_rule {
	uint64_t id;
	uint64_t subscriber;
	uint16_t priority;
	enum rule_action action;
	uint8_t path_count; /* RULE_DROP: 0; else 1 to RULE_PATHS_MAX */
	uint64_t paths[RULE_PATHS_MAX];
	struct rule_selector selector;
};

/* What rules look at in a packet. A field of the header of which has lacks the bit is 0. */
struct rule_packet {
	uint8_t version; /* 4 or 6 */
	uint8_t has;     /* bit 1 << enum rule_field */
	struct in6_addr addresses[RULE_ADDRESS_FIELDS];
	uint32_t numbers[RULE_FIELDS];
};

/* Stable lower case name of a field ("source-port") and of an action; "unknown" for others. */
const char *rule_field_name(enum rule_field field);
const char *rule_action_name(enum rule_action action);

/* Largest value of a field that is a number; the two low bits of a class are not part of it. */
uint32_t rule_field_max(enum rule_field field);

/* Whether a selector keeps the rules of this header: known version, fields in range, no range that
 * ends before it begins, IPv4 addresses mapped, nothing where no field is compared. */
bool rule_selector_ok(const struct rule_selector *selector);

/* Whether a packet is what a selector says. */
bool rule_matches(const struct rule_selector *selector, const struct rule_packet *packet);

/* Whether a rule comes before another one of the same subscriber. */
static inline bool rule_before(const struct object_rule *a, const struct object_rule *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->id < b->id;
}

/*
 * For object.c: whether a rule may be set, its body behind the id, and its digest over h. Body:
 * subscriber (64 bits), priority (16), action (8), path count (8), path ids (64), version (8),
 * fields (8), then first and last of each field that is compared: addresses, SPI and flow label
 * (32), ports (16), class and protocol (8).
 */
bool rule_ok(const struct object_rule *rule);
void rule_encode(struct writer *w, const struct object_rule *rule);
void rule_decode(struct cursor *c, struct object_rule *rule);
uint64_t rule_digest(uint64_t h, const struct object_rule *rule);
