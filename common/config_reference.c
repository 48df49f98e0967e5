#include "common/config_value.h"

#include <inttypes.h>

#define TITLE_MAX 128

static bool has_keys(const struct config_key *key)
{
	return key->kind == CONFIG_GROUP || key->kind == CONFIG_GROUPS;
}

/* The column "type": what may stand there. */
static void print_type(FILE *to, const struct config_key *key)
{
	struct config_key item = config_value_item(key);
	char allowed[512];

	config_value_allowed(item.kind == CONFIG_NONE ? key : &item, allowed, sizeof(allowed));
	if (item.kind != CONFIG_NONE)
		fprintf(to, "list, each %s", allowed);
	else
		fprintf(to, "%s", allowed);
	if (key->max_items)
		fprintf(to, ", at most %zu", key->max_items);
	if (key->unit)
		fprintf(to, key->kind == CONFIG_DURATION ? ", or a number of %s" : ", %s",
			key->unit);
}

static void print_default(FILE *to, const struct config_key *key)
{
	if (key->required)
		fprintf(to, "required");
	else if (key->text && *key->text)
		fprintf(to, "`%s`", key->text);
	else
		fprintf(to, "none");
}

static void print_table(FILE *to, const struct config_key *keys, const char *title)
{
	char path[TITLE_MAX];

	fprintf(to, "| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
	for (const struct config_key *key = keys; key->kind != CONFIG_NONE; key++) {
		fprintf(to, "| `%s` | ", key->name);
		print_type(to, key);
		fprintf(to, " | ");
		print_default(to, key);
		fprintf(to, " | %s |\n", key->help ? key->help : "");
	}
	for (const struct config_key *key = keys; key->kind != CONFIG_NONE; key++) {
		if (!has_keys(key))
			continue;
		snprintf(path, sizeof(path), "%s%s%s", title, *title ? "." : "", key->name);
		fprintf(to, "\n### `%s`%s\n\n", path,
			key->kind == CONFIG_GROUPS ? " (each item)" : "");
		print_table(to, key->keys, path);
	}
}

void config_print_reference(FILE *to, const struct config_key *keys)
{
	print_table(to, keys, "");
}
