#include "tools/pktgen/report.h"

#define NS_PER_US 1000.0

static const char *const other_names[PACKET_KINDS] = {
	[PACKET_OTHER] = "other",
	[PACKET_MARKED] = "stale",
	[PACKET_DAMAGED] = "damaged",
	[PACKET_ND] = "neighbour_discovery",
	[PACKET_ICMP_ERROR] = "icmp_errors",
	[PACKET_MOBILITY] = "mobility",
};

static uint32_t members_of(const struct pktgen_config *config, enum packet_stream stream)
{
	return stream == PACKET_MULTICAST ? config->multicast.members : 1;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

struct report_loss report_loss(
	const struct pktgen_config *config, const struct traffic_result *result)
{
	struct report_loss loss = {0};

	for (enum packet_stream s = 0; s < PACKET_STREAMS; s++) {
		const struct traffic_sent *sent = &result->sent[s];
		const uint32_t members = members_of(config, s);

		loss.offered += (sent->packets + sent->unsent) * members;
		loss.lost += traffic_lost(result, s, members) + sent->unsent * members;
	}
	loss.percent = percent(loss.lost, loss.offered);
	return loss;
}

void report_head(FILE *to)
{
	fprintf(to, "%6s %12s %12s %10s %9s %9s %9s %9s %9s\n", "second", "sent", "received",
		"unsent", "Mbit/s", "back", "p50 us", "p99 us", "max us");
	fflush(to);
}

void report_row(FILE *to, uint32_t number, const struct traffic_row *row)
{
	fprintf(to, "%6u %12ju %12ju %10ju %9.1f %9.1f %9.1f %9.1f %9.1f\n", number,
		(uintmax_t)row->sent, (uintmax_t)row->received, (uintmax_t)row->unsent,
		(double)row->octets_sent * 8 / 1e6, (double)row->octets_received * 8 / 1e6,
		(double)row->p50 / NS_PER_US, (double)row->p99 / NS_PER_US,
		(double)row->max / NS_PER_US);
	fflush(to);
}

static void print_stream(FILE *to, const struct pktgen_config *config,
	const struct traffic_result *result, enum packet_stream s)
{
	const struct traffic_sent *sent = &result->sent[s];
	const struct traffic_received *r = &result->received[s];
	const uint64_t lost = traffic_lost(result, s, members_of(config, s));

	fprintf(to, "%-10s sent %ju, received %ju, lost %ju (%.4f %%), unsent %ju\n",
		packet_stream_names[s], (uintmax_t)sent->packets, (uintmax_t)r->packets,
		(uintmax_t)lost, percent(lost, sent->packets * members_of(config, s)),
		(uintmax_t)sent->unsent);
	fprintf(to, "%-10s reordered %ju, duplicates %ju, astray %ju\n", "",
		(uintmax_t)r->reordered, (uintmax_t)r->duplicates, (uintmax_t)r->astray);
	fprintf(to, "%-10s latency us: p50 %.1f, p90 %.1f, p99 %.1f, p99.9 %.1f, max %.1f\n", "",
		(double)histogram_percentile(&r->latency, 50) / NS_PER_US,
		(double)histogram_percentile(&r->latency, 90) / NS_PER_US,
		(double)histogram_percentile(&r->latency, 99) / NS_PER_US,
		(double)histogram_percentile(&r->latency, 99.9) / NS_PER_US,
		(double)r->latency.max / NS_PER_US);
}

void report_result(
	FILE *to, const struct pktgen_config *config, const struct traffic_result *result)
{
	for (enum packet_stream s = 0; s < PACKET_STREAMS; s++)
		if (config->traffic.weight[s])
			print_stream(to, config, result, s);
	if (result->skipped)
		fprintf(to, "the generator had no time to send %ju packets\n",
			(uintmax_t)result->skipped);
	for (unsigned i = 0; i < PACKET_KINDS; i++)
		if (result->others[i])
			fprintf(to, "other frames: %s %ju\n", other_names[i],
				(uintmax_t)result->others[i]);
}

json_t *report_json_latency(const struct histogram *h)
{
	return json_pack("{s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "count", (json_int_t)h->count, "min",
		(double)h->min / NS_PER_US, "mean", histogram_mean(h) / NS_PER_US, "p50",
		(double)histogram_percentile(h, 50) / NS_PER_US, "p90",
		(double)histogram_percentile(h, 90) / NS_PER_US, "p99",
		(double)histogram_percentile(h, 99) / NS_PER_US, "p99_9",
		(double)histogram_percentile(h, 99.9) / NS_PER_US, "max",
		(double)h->max / NS_PER_US);
}

static json_t *json_stream(const struct pktgen_config *config, const struct traffic_result *result,
	enum packet_stream s)
{
	const struct traffic_sent *sent = &result->sent[s];
	const struct traffic_received *r = &result->received[s];
	const uint64_t lost = traffic_lost(result, s, members_of(config, s));

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:I,s:I,s:I,s:o}", "sent",
		(json_int_t)sent->packets, "octets_sent", (json_int_t)sent->octets, "unsent",
		(json_int_t)sent->unsent, "received", (json_int_t)r->packets, "octets_received",
		(json_int_t)r->octets, "lost", (json_int_t)lost, "loss_percent",
		percent(lost, sent->packets * members_of(config, s)), "reordered",
		(json_int_t)r->reordered, "duplicates", (json_int_t)r->duplicates, "astray",
		(json_int_t)r->astray, "latency_us", report_json_latency(&r->latency));
}

static json_t *json_rows(const struct traffic_result *result)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < result->row_count; i++) {
		const struct traffic_row *row = &result->rows[i];

		json_array_append_new(rows,
			json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:f}", "second", (int)i + 1,
				"sent", (json_int_t)row->sent, "unsent", (json_int_t)row->unsent,
				"received", (json_int_t)row->received, "octets_sent",
				(json_int_t)row->octets_sent, "octets_received",
				(json_int_t)row->octets_received, "p50_us",
				(double)row->p50 / NS_PER_US, "p99_us",
				(double)row->p99 / NS_PER_US, "max_us",
				(double)row->max / NS_PER_US));
	}
	return rows;
}

json_t *report_json_others(const uint64_t others[static PACKET_KINDS])
{
	json_t *object = json_object();

	for (unsigned i = 0; i < PACKET_KINDS; i++)
		json_object_set_new(object, other_names[i], json_integer((json_int_t)others[i]));
	return object;
}

json_t *report_json(const struct pktgen_config *config, const struct traffic_result *result)
{
	const struct report_loss loss = report_loss(config, result);
	json_t *streams = json_object();
	uint64_t sent = 0;

	for (enum packet_stream s = 0; s < PACKET_STREAMS; s++) {
		sent += result->sent[s].packets;
		if (config->traffic.weight[s])
			json_object_set_new(
				streams, packet_stream_names[s], json_stream(config, result, s));
	}
	return json_pack("{s:I,s:I,s:f,s:f,s:I,s:I,s:f,s:I,s:I,s:o,s:o,s:o}", "tsc_hz",
		(json_int_t)result->hz, "rate", (json_int_t)result->trial.rate, "seconds",
		result->seconds, "sent_pps",
		result->seconds > 0 ? (double)sent / result->seconds : 0.0, "offered",
		(json_int_t)loss.offered, "lost", (json_int_t)loss.lost, "loss_percent",
		loss.percent, "skipped", (json_int_t)result->skipped, "neighbour_answers",
		(json_int_t)result->neighbour_answers, "streams", streams, "others",
		report_json_others(result->others), "rows", json_rows(result));
}

json_t *report_json_traffic(const struct pktgen_config *config)
{
	json_t *weights = json_object(), *sizes = json_array();

	for (unsigned s = 0; s < PACKET_STREAMS; s++)
		json_object_set_new(
			weights, packet_stream_names[s], json_integer(config->traffic.weight[s]));
	for (uint32_t i = 0, before = 0; i < config->traffic.sizes.count; i++) {
		const struct sizes_part *part = &config->traffic.sizes.parts[i];

		json_array_append_new(sizes, json_pack("{s:i,s:i,s:i}", "from", part->from, "to",
						     part->to, "weight", part->below - before));
		before = part->below;
	}
	return json_pack("{s:I,s:s,s:o,s:o}", "subscribers", (json_int_t)config->subscribers.count,
		"distribution", pick_names[config->traffic.distribution], "weights", weights,
		"sizes", sizes);
}
