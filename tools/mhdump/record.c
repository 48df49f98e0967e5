#include "tools/mhdump/record.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *const checksums[] = {
	[DISSECT_CHECKSUM_UNKNOWN] = NULL,
	[DISSECT_CHECKSUM_GOOD] = "good",
	[DISSECT_CHECKSUM_BAD] = "bad",
	[DISSECT_CHECKSUM_IGNORED] = "ignored",
};

static const char *const kinds[] = {
	[DISSECT_MESSAGE] = "unknown",
	[DISSECT_DISCOVERY] = "unknown",
	[DISSECT_ESP] = "ESP",
	[DISSECT_FRAGMENT] = "fragment of a Mobility Header",
	[DISSECT_BROKEN] = "unreadable",
};

/* RFC 3339, in UTC. */
static int visit_time(const struct timespec *time, const struct visitor *v)
{
	char text[80], seconds[40];
	struct tm tm;

	if (!time || !gmtime_r(&time->tv_sec, &tm))
		return visit_string(v, "time", NULL);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%09ldZ", seconds, time->tv_nsec);
	return visit_string(v, "time", text);
}

static int visit_address(
	const char *name, int family, const uint8_t *octets, const struct visitor *v)
{
	if (!family)
		return visit_string(v, name, NULL);
	if (family == AF_INET)
		return visit_octets(v, name, VISIT_ADDR4, octets, sizeof(struct in_addr));
	return visit_octets(v, name, VISIT_ADDR6, octets, sizeof(struct in6_addr));
}

/* The home address of the packet; that of a Binding Error is a field of the message (RFC 6275,
 * 6.1.9), and a key stands only once. */
static int visit_home_address(const struct dissect_found *found, const struct visitor *v)
{
	if (found->kind == DISSECT_MESSAGE && found->is_decoded && found->type == MH_BE)
		return 0;
	return visit_address("home_address", found->has_home_address ? AF_INET6 : 0,
		(const uint8_t *)&found->home_address, v);
}

static int visit_type(const struct dissect_found *found, const struct visitor *v)
{
	bool is_icmp6 = found->kind == DISSECT_DISCOVERY;
	int rc;

	if (found->has_type)
		return v->fn(v->context, &(struct visit_value){.kind = VISIT_NAMED,
						 .name = "type",
						 .number = found->type,
						 .text = is_icmp6 ? icmp6_type_name(found->type)
								  : mh_type_name(found->type)});
	rc = visit_string(v, "type", NULL);
	return rc ? rc : visit_string(v, "type_name", kinds[found->kind]);
}

static int visit_head(const struct record_frame *frame, const struct dissect_found *found,
	const struct visitor *v)
{
	int rc = visit_number(v, "frame", frame->number, NULL);

	if (!rc)
		rc = visit_time(frame->time, v);
	if (!rc)
		rc = visit_address("src", found->family, found->src, v);
	if (!rc)
		rc = visit_address("dst", found->family, found->dst, v);
	if (!rc)
		rc = visit_home_address(found, v);
	if (!rc)
		rc = visit_string(v, "headers", *found->headers ? found->headers : NULL);
	if (!rc)
		rc = visit_type(found, v);
	return rc;
}

static int visit_esp(const struct dissect_found *found, const struct visitor *v)
{
	int rc = visit_number(v, "spi", found->spi, NULL);

	return rc ? rc : visit_number(v, "sequence", found->sequence, NULL);
}

/* Who reads the options of every message finds a list. */
static int visit_no_options(const struct visitor *v)
{
	int rc = visit_begin(v, "options", VISIT_LIST, NULL);

	return rc ? rc : visit_end(v);
}

static int visit_body(const struct dissect_found *found, const struct visitor *v)
{
	int rc;

	if (found->kind == DISSECT_ESP)
		return visit_esp(found, v);
	if (found->kind != DISSECT_MESSAGE && found->kind != DISSECT_DISCOVERY)
		return 0;
	rc = visit_string(v, "checksum", checksums[found->checksum]);
	if (rc)
		return rc;
	if (!found->is_decoded)
		return visit_no_options(v);
	if (found->kind == DISSECT_DISCOVERY)
		return home_discovery_visit(&found->discovery, v);
	rc = visit_message(&found->mh, v);
	return rc ? rc : visit_options(&found->mh, v);
}

static int visit_error(const struct dissect_error *error, const struct visitor *v)
{
	int rc;

	if (!error->what)
		return visit_string(v, "error", NULL);
	rc = visit_begin(v, "error", VISIT_OBJECT, NULL);
	if (!rc)
		rc = visit_string(v, "what", error->what);
	if (!rc)
		rc = visit_string(v, "header", error->header);
	if (!rc)
		rc = visit_number(v, "where", error->offset, NULL);
	if (!rc)
		rc = visit_number(v, "value", error->value, NULL);
	if (!rc)
		rc = visit_string(v, "text", error->text);
	return rc ? rc : visit_end(v);
}

static const char *clause_of(const struct dissect_found *found)
{
	const struct mh_def *def = found->has_type ? mh_def_find(found->type) : NULL;

	if (found->kind == DISSECT_DISCOVERY)
		return home_discovery_clause(found->type);
	return def ? def->clause : NULL;
}

int record_visit(const struct record_frame *frame, const struct dissect_found *found,
	const struct visitor *v)
{
	int rc = visit_begin(v, NULL, VISIT_OBJECT, clause_of(found));

	if (!rc)
		rc = visit_head(frame, found, v);
	if (!rc)
		rc = visit_body(found, v);
	if (!rc)
		rc = visit_error(&found->error, v);
	return rc ? rc : visit_end(v);
}
