#include "tools/mhdump/print.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static bool opens(const struct visit_value *value)
{
	return value->kind == VISIT_LIST || value->kind == VISIT_OBJECT;
}

static void open_level(struct print *p, bool is_list)
{
	p->depth++;
	assert(p->depth < PRINT_DEPTH_MAX);
	p->is_first[p->depth] = true;
	p->is_list[p->depth] = is_list;
}

static void print_octets(FILE *out, const struct visit_value *value)
{
	char text[INET6_ADDRSTRLEN];

	if (value->kind == VISIT_ADDR4 || value->kind == VISIT_ADDR6) {
		inet_ntop(value->kind == VISIT_ADDR4 ? AF_INET : AF_INET6, value->octets, text,
			sizeof(text));
		fputs(text, out);
		return;
	}
	for (size_t i = 0; i < value->len; i++)
		fprintf(out, "%02x", value->octets[i]);
}

static void json_text(FILE *out, const char *text, size_t len)
{
	json_t *string = json_stringn(text, len);

	json_dumpf(string, out, JSON_ENCODE_ANY);
	json_decref(string);
}

static void json_key(struct print *p, const char *name, const char *suffix)
{
	if (!p->is_first[p->depth])
		fputs(", ", p->out);
	p->is_first[p->depth] = false;
	if (name && !p->is_list[p->depth])
		fprintf(p->out, "\"%s%s\": ", name, suffix);
}

static void json_string_or_null(struct print *p, const char *text)
{
	if (text)
		json_text(p->out, text, strlen(text));
	else
		fputs("null", p->out);
}

static void json_value(struct print *p, const struct visit_value *value)
{
	switch ((enum visit_kind)value->kind) {
	case VISIT_NUMBER:
		fprintf(p->out, "%" PRIu64, value->number);
		break;
	case VISIT_BOOL:
		fputs(value->number ? "true" : "false", p->out);
		break;
	case VISIT_NAMED:
		fprintf(p->out, "%" PRIu64, value->number);
		if (p->is_list[p->depth])
			break;
		json_key(p, value->name, "_name");
		json_string_or_null(p, value->text);
		break;
	case VISIT_FLAGS:
	case VISIT_STRING:
		json_string_or_null(p, value->text);
		break;
	case VISIT_TEXT:
		json_text(p->out, (const char *)value->octets, value->len);
		break;
	default:
		fputc('"', p->out);
		print_octets(p->out, value);
		fputc('"', p->out);
	}
}

int print_json(void *context, const struct visit_value *value)
{
	struct print *p = context;

	if (value->kind == VISIT_END) {
		fputc(p->is_list[p->depth] ? ']' : '}', p->out);
		p->depth--;
		if (!p->depth)
			fputc('\n', p->out);
	} else {
		if (p->depth)
			json_key(p, value->name, "");
		if (opens(value)) {
			fputc(value->kind == VISIT_LIST ? '[' : '{', p->out);
			open_level(p, value->kind == VISIT_LIST);
		} else {
			json_value(p, value);
		}
	}
	return ferror(p->out) ? -EIO : 0;
}

/* The start of a line: in a list, and for the first line of an object in a list, a dash. */
static void text_begin(struct print *p, const char *name)
{
	bool dash = p->is_list[p->depth];

	if (!dash && p->is_first[p->depth] && p->depth > 1 && p->is_list[p->depth - 1])
		fputs("- ", p->out);
	else
		fprintf(p->out, "%*s%s", (p->depth - 1) * 2, "", dash ? "- " : "");
	p->is_first[p->depth] = false;
	if (name && !dash)
		fprintf(p->out, "%s:", name);
}

static void text_value(struct print *p, const struct visit_value *value)
{
	const char *space = p->is_list[p->depth] ? "" : " ";

	fputs(space, p->out);
	switch ((enum visit_kind)value->kind) {
	case VISIT_NUMBER:
		fprintf(p->out, "%" PRIu64, value->number);
		if (value->unit)
			fprintf(p->out, " x %s", value->unit);
		break;
	case VISIT_BOOL:
		fputs(value->number ? "yes" : "no", p->out);
		break;
	case VISIT_NAMED:
		fprintf(p->out, "%" PRIu64 " (%s)", value->number, value->text);
		break;
	case VISIT_FLAGS:
		fprintf(p->out, "0x%0*" PRIx64 " %s", value->size * 2, value->number, value->text);
		break;
	case VISIT_STRING:
		fputs(value->text ? value->text : "-", p->out);
		break;
	case VISIT_TEXT:
		fwrite(value->octets, 1, value->len, p->out);
		break;
	default:
		print_octets(p->out, value);
	}
	fputc('\n', p->out);
}

static void text_open(struct print *p, const struct visit_value *value)
{
	bool in_list = p->depth && p->is_list[p->depth];

	if (in_list && value->kind == VISIT_OBJECT)
		/* its first line gets the dash */
		fprintf(p->out, "%*s", (p->depth - 1) * 2, "");
	else if (p->depth) {
		text_begin(p, value->name);
		fputc('\n', p->out);
	}
	open_level(p, value->kind == VISIT_LIST);
	if (value->clause) {
		text_begin(p, "clause");
		fprintf(p->out, " %s\n", value->clause);
	}
}

int print_text(void *context, const struct visit_value *value)
{
	struct print *p = context;

	if (value->kind == VISIT_END) {
		p->depth--;
		if (!p->depth)
			fputc('\n', p->out);
	} else if (opens(value)) {
		text_open(p, value);
	} else {
		text_begin(p, value->name);
		text_value(p, value);
	}
	return ferror(p->out) ? -EIO : 0;
}
