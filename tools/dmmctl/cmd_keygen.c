#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/curve.h"
#include "tools/dmmctl/command.h"

#define PATH_SIZE 1024

enum keygen_option { KEYGEN_NAME };

static const struct args_option options[] = {
	[KEYGEN_NAME] = {'n', "name", "NAME", "of the files within a directory"},
	{0},
};

/* Where the two files go. */
struct place {
	char secret_path[PATH_SIZE];
	char public_path[PATH_SIZE];
};

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_word(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return false;
	return *name && *name != '.';
}

/* DIR/NAME.key and DIR/NAME.pub; or FILE and, without its ".key", FILE.pub. 0 or COMMAND_USAGE. */
static int find_place(struct args *args, const char *where, const char *name, struct place *place)
{
	size_t len = strlen(where);

	if (len + (name ? strlen(name) : 0) + 8 > PATH_SIZE)
		return args_fail(args, "the path is too long");
	if (is_directory(where)) {
		if (!name)
			return args_fail(args,
				"'%s' is a directory: say with --name whose key it is", where);
		if (!is_word(name))
			return args_fail(args,
				"--name: expected letters, digits, '-', '_' and '.', not '%s'",
				name);
		snprintf(place->secret_path, PATH_SIZE, "%s/%s.key", where, name);
		snprintf(place->public_path, PATH_SIZE, "%s/%s.pub", where, name);
		return 0;
	}
	if (name)
		return args_fail(args, "--name is for a directory, and '%s' is none", where);
	if (len > 4 && strcmp(where + len - 4, ".key") == 0)
		len -= 4;
	snprintf(place->secret_path, PATH_SIZE, "%s", where);
	snprintf(place->public_path, PATH_SIZE, "%.*s.pub", (int)len, where);
	return 0;
}

static int fail(struct command_context *context, const char *path, int error)
{
	struct client_error why;

	snprintf(why.code, sizeof(why.code), "%s", error == -EEXIST ? "exists" : "unwritable");
	snprintf(why.message, sizeof(why.message), "%s: %s", path,
		error == -EEXIST ? "is there already; a key is never overwritten"
				 : strerror(-error));
	return command_error(context, &why);
}

static void print(struct command_context *context, const struct place *place,
	const struct curve_key *public_key)
{
	char text[CURVE_TEXT_SIZE];

	curve_text(public_key, text);
	if (context->json) {
		json_t *doc = json_pack("{s:s,s:s,s:s}", "public_key", text, "public_key_file",
			place->public_path, "secret_key_file", place->secret_path);

		command_json(context, doc);
		json_decref(doc);
		return;
	}
	fprintf(context->out, "Secret key: %s (stays on its host, readable by its owner)\n",
		place->secret_path);
	fprintf(context->out, "Public key: %s\n            %s\n", place->public_path, text);
}

static int keygen(struct command_context *context, struct args *args, const char *const *values)
{
	struct curve_key public_key, secret_key;
	struct place place;
	const char *failed;
	int rc = find_place(args, args->argv[args->first], values[KEYGEN_NAME], &place);

	if (rc)
		return rc;
	rc = curve_generate(&public_key, &secret_key);
	if (rc < 0)
		return command_error(context,
			&(struct client_error){"unsupported", "libzmq was built without CURVE"});
	rc = curve_write_pair(
		place.public_path, &public_key, place.secret_path, &secret_key, &failed);
	curve_wipe(&secret_key);
	if (rc < 0)
		return fail(context, failed, rc);
	print(context, &place, &public_key);
	return COMMAND_DONE;
}

const struct command keygen_commands[] = {
	{.group = "keygen",
		.usage = "[OPTION]... DIR|FILE",
		.summary = "Make a key pair for a program that speaks over TCP.",
		.options = options,
		.run = keygen,
		.arguments_min = 1,
		.arguments_max = 1},
	{0},
};
