/* What mobility options hold once they are decoded: one struct for each layout. Options that look
 * alike share one. Numbers are in host order, addresses in network order; views (field_bytes) point
 * into the decoded octets. To encode, a view whose `at` is NULL writes `len` zeros. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/mobility/field.h"

struct option_refresh_advice {
	uint16_t interval; /* units of 4 seconds */
};

struct option_alternate_coa {
	struct in6_addr coa;
};

struct option_nonce_indices {
	uint16_t home;
	uint16_t careof;
};

struct option_authorization_data {
	struct field_bytes authenticator;
};

/* Mobile Network Prefix, Home Network Prefix, Anchored Prefix, Local Prefix */
struct option_prefix {
	uint8_t len;  /* bits */
	bool offlink; /* Home Network Prefix only: L (RFC 7864, 4.1) */
	struct in6_addr prefix;
};

/* MH Link-Layer Address */
struct option_link_address {
	uint8_t code; /* enum codes_link */
	struct field_bytes address;
};

/* Mobile Node Identifier, MAG Identifier */
struct option_mn_id {
	uint8_t subtype; /* enum codes_mn_id, others are carried as they are */
	struct field_bytes id;
};

struct option_auth {
	uint8_t subtype; /* enum option_auth_subtype */
	uint32_t spi;
	struct field_bytes data; /* to encode: at may be NULL with len > 0, zeros are written */
};

struct option_mesg_id {
	uint64_t timestamp; /* NTP: seconds since 1900 in the upper 32 bits, fraction below */
};

struct option_dns_update {
	uint8_t status; /* enum codes_dns; 0 in a Binding Update */
	bool remove;
	struct field_bytes fqdn;
};

/* Experimental, Service Selection, MN Link-layer Identifier, DLIF Link-Layer Address */
struct option_octets {
	struct field_bytes octets;
};

struct option_vendor {
	uint32_t vendor; /* IANA private enterprise number */
	uint8_t subtype;
	struct field_bytes data;
};

/* Handoff Indicator, Access Technology Type */
struct option_number {
	uint8_t value; /* enum codes_handoff, enum codes_access */
};

/* Link-local Address, Serving MAAR, DLIF Link-Local Address, Alternate Home Agent Tunnel Address */
struct option_ip6 {
	struct in6_addr address;
};

/* Timestamp of a proxy registration; not the same clock as option_mesg_id. */
struct option_timestamp {
	uint64_t time; /* seconds since 1970 in the upper 48 bits, 1/65536 of a second below */
};

struct option_restart_counter {
	uint32_t counter;
};

/* IPv4 Home Address, IPv4 Home Address Request */
struct option_ip4_home {
	uint8_t prefix_len;  /* bits; 6 bits wide */
	bool request_prefix; /* IPv4 Home Address only: P */
	struct in_addr address;
};

/* IPv4 Address Acknowledgement, IPv4 Home Address Reply */
struct option_ip4_reply {
	uint8_t status; /* enum codes_ipv4 */
	uint8_t prefix_len;
	struct in_addr address;
};

struct option_nat_detection {
	bool force;       /* F: use UDP encapsulation although there is no NAT */
	uint32_t refresh; /* seconds; all ones: no NAT; 0: to be ignored */
};

/* IPv4 Care-of Address, IPv4 Default-Router Address */
struct option_ip4 {
	struct in_addr address;
};

struct option_gre_key {
	struct field_optional key; /* absent: GRE without keys */
};

struct option_bid {
	uint16_t bid;     /* 0 is reserved */
	uint8_t status;   /* enum status_ba */
	bool home;        /* H: at home and away at the same time */
	uint8_t priority; /* BID-PRI, 7 bits, lower is preferred (RFC 6089, 4.1) */
	struct field_addr coa;
};

struct option_dhcp_mode {
	bool server; /* the mobile access gateway is the DHCP server; else a relay */
};

struct option_flow_summary {
	struct field_bytes fids; /* 16 bits each: field_list16 */
};

struct option_flow_id {
	uint16_t fid;            /* 0 is reserved */
	uint16_t priority;       /* 0 is reserved, lower is matched first */
	uint8_t status;          /* enum codes_flow */
	struct field_bytes subs; /* sub-options: flow.h */
};

struct option_delegated_prefix {
	bool is_ip4; /* V, agrees with the length of the prefix */
	uint8_t prefix_len;
	struct field_addr prefix;
};

/* LMA User-Plane Address */
struct option_lma_address {
	struct field_addr address; /* in a request it may be empty or all zeros */
};

struct option_mag_multipath {
	uint8_t access; /* enum codes_access */
	uint8_t label;
	uint8_t bid;    /* 1 to 254 */
	bool bulk;      /* B: update all bindings of the mobile node */
	bool overwrite; /* O: never with B */
};

struct option_previous_maar {
	uint8_t prefix_len;
	struct in6_addr maar;
	struct in6_addr prefix;
};

/* Multicast State: a whole MLDv2 or IGMPv3 report from its Type octet on */
struct option_multicast_state {
	struct field_bytes report;
};
