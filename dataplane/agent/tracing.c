#include "dataplane/agent/tracing.h"

#include <rte_cycles.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "dataplane/nodes/trace.h"
#include "dataplane/port.h"
#include "dataplane/tables/tables.h"

enum { RECORD_ROOM = 512 }; /* no record is longer */

static bool same(const struct trace_wanted *a, const struct trace_wanted *b)
{
	if (a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (prefix6_compare(&a->prefixes[i], &b->prefixes[i]) != 0)
			return false;
	return true;
}

/* No worker looks any more, afterwards; what they saw is void. */
static void stop(struct tracing *t, struct tables *tables)
{
	struct trace_record record;

	if (!t->on)
		return;
	atomic_store_explicit(&trace_wanted_now, NULL, memory_order_release);
	tables_quiesce(tables);
	t->on = false;
	while (trace_take(&record))
		;
}

void tracing_want(struct tracing *t, struct tables *tables, const struct trace_wanted *wanted,
	uint64_t now_ms)
{
	t->until_ms = now_ms + TRACE_LEASE_MS;
	if (t->on ? same(&t->wanted, wanted) : !wanted->count)
		return;
	stop(t, tables);
	if (!wanted->count)
		return;
	t->wanted = *wanted;
	t->on = true;
	atomic_store_explicit(&trace_wanted_now, &t->wanted, memory_order_release);
}

void tracing_tick(struct tracing *t, struct tables *tables, uint64_t now_ms)
{
	if (t->on && now_ms >= t->until_ms)
		stop(t, tables);
}

static uint64_t real_of(uint64_t tsc)
{
	const uint64_t ago = rte_rdtsc() - tsc;

	return clock_real_ns() -
	       (uint64_t)((double)ago * CLOCK_NS_PER_S / (double)rte_get_tsc_hz());
}

static void put_name(char name[OBJECT_PORT_NAME_MAX + 1], uint16_t number)
{
	const struct port *port = port_get(number);

	snprintf(name, OBJECT_PORT_NAME_MAX + 1, "%s", port ? port->name : "");
}

static int append(const struct tracing *t, const struct trace_record *r, struct writer *w)
{
	struct trace_packet p = {.prefix = t->wanted.prefixes[r->prefix % TRACE_PREFIXES_MAX],
		.real_ns = real_of(r->tsc),
		.how = r->how,
		.missed = r->missed,
		.length = r->length,
		.captured = r->captured,
		.octets = r->octets};

	put_name(p.from, r->from);
	if (r->how == TRACE_DROPPED)
		snprintf(p.reason, sizeof(p.reason), "%s",
			drop_reason_name((enum drop_reason)r->reason));
	if (r->how == TRACE_SENT) {
		put_name(p.by, r->by);
		p.to = r->to;
	}
	return trace_packet_encode(w, &p);
}

unsigned tracing_take(const struct tracing *t, struct writer *w)
{
	struct trace_record record;
	unsigned count = 0;

	while (t->on && writer_left(w) >= RECORD_ROOM && trace_take(&record))
		count += append(t, &record, w) == 0;
	return count;
}
