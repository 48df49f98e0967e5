/*
 * The part of the configuration that is about domains: customers of an anchor or a gateway whose
 * prefixes may be the same (RFC 5845). A domain has a number, which data planes know, and a name,
 * which people and the rest of the configuration do; the public one has the number 0 and no name.
 */
#pragma once

#include <stdint.h>

#include "common/config.h"

struct ctrl_config;

/* What the public domain is called where one has to be named; no other has this name. */
#define CTRL_CONFIG_PUBLIC "public"

struct ctrl_config_domain {
	char *name;
	uint32_t number;
};

/* The table of keys of an item. */
extern const struct config_key ctrl_config_domain_keys[];

/* What the table cannot know, with whatever names a domain; into the report. */
void ctrl_config_check_domains(
	const struct ctrl_config *config, const char *file, struct config_report *report);

/* The number of a domain: 0 for NULL, the public one; -1: there is none of that name. */
int64_t ctrl_config_domain_number(const struct ctrl_config *config, const char *name);

/* The name of a domain; NULL: it is the public one, or not configured. */
const char *ctrl_config_domain_name(const struct ctrl_config *config, uint32_t number);
