/*
 * What is measured: the tables and workers of a data plane, between the source of traffic.h and a
 * port of DPDK's null driver, which takes everything and frees it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables/tables.h"
#include "dataplane/worker.h"
#include "traffic.h"

/* Ends the program with a message. */
void rig_die(const char *what, int err) __attribute__((noreturn));

/* Octets of memory that a table of so many subscribers and all else needs, in MiB. */
unsigned long rig_memory_mb(uint32_t subscribers);

/* MiB of 2 MiB pages that are free. */
unsigned long rig_free_huge_mb(void);

/* Whether pages of a kind ("2M", "4K") are enough for so many subscribers. */
bool rig_has_pages(const char *pages, uint32_t subscribers);

/* Starts DPDK on cores ("1", "0,1": the first is this thread's) with pages ("2M", "4K"), which
 * tables will be in, too, and opens the port. Once a process. */
void rig_start(const char *pages, const char *cores);

/* Tables that know so many subscribers, each with a path of its own, and where all packets go. */
struct tables *rig_tables(uint32_t subscribers);

/* What such tables have beside subscribers, again. */
void rig_set_fixed(struct tables *tables);

/* The same with room for rules. */
struct tables *rig_tables_for(uint32_t subscribers, uint32_t rules);

/* The same, with room for a multicast group of so many members. */
struct tables *rig_tables_with(uint32_t subscribers, uint32_t rules, uint32_t members);

/* Path object and subscriber object of number i, as rig_tables() sets them; the care-of address of
 * version v is another for each v. */
struct object rig_path(uint32_t i, uint32_t version);
struct object rig_subscriber(uint32_t i);

/* Octets of table memory a subscriber. */
double rig_bytes(const struct tables *tables);

/* A worker whose graph begins with the source; index counts from 0. */
struct worker *rig_worker(struct tables *tables, unsigned index);
