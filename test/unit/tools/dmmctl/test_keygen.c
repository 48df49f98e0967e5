/* dmmctl keygen: pairs that fit, files that are the owner's, nothing overwritten, nothing told. */
#include "common/curve.h"
#include "tools/dmmctl/command.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 96

static char dir[] = "/tmp/dmm-keygen-XXXXXX";
static char *out, *err;

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static const char *in_dir(const char *name)
{
	static char path[4][PATH_SIZE];
	static unsigned next;
	char *to = path[next++ % 4];

	snprintf(to, PATH_SIZE, "%s/%s", dir, name);
	return to;
}

static int clear(void **state)
{
	static const char *const names[] = {"dp1.key", "dp1.pub", "a.key", "a.pub", "b", "b.pub"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_dir(names[i]));
	free(out);
	free(err);
	out = err = NULL;
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* Runs "dmmctl keygen" with up to three words; out and err are what it said. */
static int keygen(const char *a, const char *b, const char *c)
{
	char *argv[] = {"dmmctl", "keygen", (char *)a, (char *)b, (char *)c, NULL};
	size_t out_size, err_size;
	struct command_context context = {.socket = "ipc:///nowhere", .timeout_ms = 1};
	int argc = 2 + (a != NULL) + (b != NULL) + (c != NULL);

	free(out);
	free(err);
	context.out = open_memstream(&out, &out_size);
	context.err = open_memstream(&err, &err_size);
	int rc = command_main(&context, argc, argv);
	fclose(context.out);
	fclose(context.err);
	return rc;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* The files are a pair, and the public key alone was told. */
static void check_pair(const char *secret_path, const char *public_path)
{
	struct curve_key secret, public, found;
	char text[CURVE_TEXT_SIZE], why[200];

	assert_int_equal(curve_read_secret(secret_path, &secret, why, sizeof(why)), 0);
	assert_int_equal(curve_read_public(public_path, &public, why, sizeof(why)), 0);
	assert_int_equal(curve_public(&secret, &found), 0);
	assert_true(curve_equal(&found, &public));
	assert_int_equal(mode_of(secret_path), 0600);
	assert_int_equal(mode_of(public_path), 0644);
	assert_non_null(strstr(out, curve_text(&public, text)));
	assert_null(strstr(out, curve_text(&secret, text)));
	assert_string_equal(err, "");
}

static void in_a_directory(void **state)
{
	(void)state;
	assert_int_equal(keygen("--name=dp1", dir, NULL), 0);
	check_pair(in_dir("dp1.key"), in_dir("dp1.pub"));
}

static void as_a_file(void **state)
{
	(void)state;
	assert_int_equal(keygen(in_dir("a.key"), NULL, NULL), 0);
	check_pair(in_dir("a.key"), in_dir("a.pub"));
	assert_int_equal(keygen(in_dir("b"), NULL, NULL), 0);
	check_pair(in_dir("b"), in_dir("b.pub"));
}

static void as_json(void **state)
{
	(void)state;
	assert_int_equal(keygen("--json", in_dir("a.key"), NULL), 0);
	check_pair(in_dir("a.key"), in_dir("a.pub"));
	json_t *doc = json_loads(out, 0, NULL);
	const char *secret_path = NULL, *public_path = NULL, *key = NULL;

	assert_int_equal(json_unpack(doc, "{s:s,s:s,s:s!}", "public_key", &key, "public_key_file",
				 &public_path, "secret_key_file", &secret_path),
		0);
	assert_string_equal(secret_path, in_dir("a.key"));
	assert_string_equal(public_path, in_dir("a.pub"));
	assert_int_equal(strlen(key), 64);
	json_decref(doc);
}

static void never_over_another(void **state)
{
	struct curve_key before, after;
	char why[200];

	(void)state;
	assert_int_equal(keygen("--name=dp1", dir, NULL), 0);
	assert_int_equal(curve_read_secret(in_dir("dp1.key"), &before, why, sizeof(why)), 0);
	assert_int_equal(keygen("--name=dp1", dir, NULL), 1);
	assert_non_null(strstr(err, "dp1.key"));
	assert_non_null(strstr(err, "never overwritten"));
	assert_int_equal(curve_read_secret(in_dir("dp1.key"), &after, why, sizeof(why)), 0);
	assert_true(curve_equal(&before, &after));

	/* Nor when only the public half is there; no half is left behind. */
	assert_int_equal(unlink(in_dir("dp1.key")), 0);
	assert_int_equal(keygen("--json", "--name=dp1", dir), 1);
	assert_non_null(strstr(err, "dp1.pub"));
	assert_non_null(strstr(out, "\"exists\""));
	assert_int_equal(access(in_dir("dp1.key"), F_OK), -1);
}

static void wrong_usage(void **state)
{
	(void)state;
	assert_int_equal(keygen(NULL, NULL, NULL), 2);
	assert_non_null(strstr(err, "missing"));
	assert_int_equal(keygen(dir, NULL, NULL), 2);
	assert_non_null(strstr(err, "--name"));
	assert_int_equal(keygen("--name=../x", dir, NULL), 2);
	assert_non_null(strstr(err, "not '../x'"));
	assert_int_equal(keygen("--name=dp1", in_dir("a.key"), NULL), 2);
	assert_non_null(strstr(err, "is for a directory"));
	assert_int_equal(keygen("/nonexistent/a.key", NULL, NULL), 1);
	assert_non_null(strstr(err, "/nonexistent/a.key: No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(in_a_directory, clear),
		cmocka_unit_test_teardown(as_a_file, clear),
		cmocka_unit_test_teardown(as_json, clear),
		cmocka_unit_test_teardown(never_over_another, clear),
		cmocka_unit_test_teardown(wrong_usage, clear),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
