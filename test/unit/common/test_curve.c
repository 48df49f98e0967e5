#include "common/curve.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/dmm-curve-XXXXXX";
static char public_path[64], secret_path[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(public_path, sizeof(public_path), "%s/a.pub", dir);
	snprintf(secret_path, sizeof(secret_path), "%s/a.key", dir);
	return 0;
}

static int clear_dir(void **state)
{
	(void)state;
	unlink(public_path);
	unlink(secret_path);
	return 0;
}

static int remove_dir(void **state)
{
	clear_dir(state);
	return rmdir(dir);
}

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void text_and_back(void **state)
{
	char text[CURVE_TEXT_SIZE];
	struct curve_key key, again;

	(void)state;
	for (int i = 0; i < CURVE_KEY_LEN; i++)
		key.b[i] = (uint8_t)(i * 37 + 200);
	assert_int_equal(strlen(curve_text(&key, text)), 64);
	assert_int_equal(strncmp(text, "c8ed12375c81", 12), 0);
	assert_int_equal(curve_parse(text, &again), 0);
	assert_true(curve_equal(&key, &again));
	text[2] = 'E';
	assert_int_equal(curve_parse(text, &again), 0);
	assert_true(curve_equal(&key, &again));
	again.b[31] ^= 1;
	assert_false(curve_equal(&key, &again));
}

static void wrong_texts(void **state)
{
	static const char right[] =
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	char text[80];
	struct curve_key key;

	(void)state;
	assert_int_equal(curve_parse(right, &key), 0);
	assert_int_equal(curve_parse("", &key), -EINVAL);
	snprintf(text, sizeof(text), "%.63s", right);
	assert_int_equal(curve_parse(text, &key), -EINVAL);
	snprintf(text, sizeof(text), "%s0", right);
	assert_int_equal(curve_parse(text, &key), -EINVAL);
	snprintf(text, sizeof(text), "%.62s0g", right);
	assert_int_equal(curve_parse(text, &key), -EINVAL);
	snprintf(text, sizeof(text), " %.63s", right);
	assert_int_equal(curve_parse(text, &key), -EINVAL);
}

static void pairs_are_pairs(void **state)
{
	struct curve_key public_key, secret_key, other_public, other_secret, found;

	(void)state;
	assert_int_equal(curve_generate(&public_key, &secret_key), 0);
	assert_int_equal(curve_generate(&other_public, &other_secret), 0);
	assert_false(curve_equal(&public_key, &other_public));
	assert_false(curve_equal(&secret_key, &other_secret));
	assert_int_equal(curve_public(&secret_key, &found), 0);
	assert_true(curve_equal(&found, &public_key));
	curve_wipe(&secret_key);
	assert_true(curve_equal(&secret_key, &(struct curve_key){0}));
}

static void files_hold_what_was_written(void **state)
{
	struct curve_key public_key, secret_key, read;
	const char *failed;
	mode_t before = umask(0);
	char why[200];

	(void)state;
	assert_int_equal(curve_generate(&public_key, &secret_key), 0);
	assert_int_equal(
		curve_write_pair(public_path, &public_key, secret_path, &secret_key, &failed), 0);
	umask(0077);
	assert_int_equal(mode_of(public_path), 0644);
	assert_int_equal(mode_of(secret_path), 0600);
	assert_int_equal(curve_read_public(public_path, &read, why, sizeof(why)), 0);
	assert_true(curve_equal(&read, &public_key));
	assert_int_equal(curve_read_secret(secret_path, &read, why, sizeof(why)), 0);
	assert_true(curve_equal(&read, &secret_key));

	/* One for the other is noticed. */
	assert_int_equal(curve_read_public(secret_path, &read, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "secret key, a public"));
	assert_int_equal(chmod(public_path, 0600), 0);
	assert_int_equal(curve_read_secret(public_path, &read, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "public key, a secret"));
	assert_true(curve_equal(&read, &(struct curve_key){0}));

	/* Permissions do not depend on the umask. */
	clear_dir(NULL);
	assert_int_equal(
		curve_write_pair(public_path, &public_key, secret_path, &secret_key, &failed), 0);
	assert_int_equal(mode_of(public_path), 0644);
	umask(before);
}

static void nothing_is_overwritten(void **state)
{
	struct curve_key public_key, secret_key, read;
	const char *failed = NULL;
	char why[200], text[CURVE_TEXT_SIZE + 32] = "";
	FILE *file;

	(void)state;
	assert_int_equal(curve_generate(&public_key, &secret_key), 0);
	put(public_path, "mine\n", 0644);
	assert_int_equal(
		curve_write_pair(public_path, &public_key, secret_path, &secret_key, &failed),
		-EEXIST);
	assert_string_equal(failed, public_path);
	assert_int_equal(access(secret_path, F_OK), -1);
	file = fopen(public_path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "mine\n");

	unlink(public_path);
	put(secret_path, "mine\n", 0600);
	assert_int_equal(
		curve_write_pair(public_path, &public_key, secret_path, &secret_key, &failed),
		-EEXIST);
	assert_string_equal(failed, secret_path);
	assert_int_equal(access(public_path, F_OK), -1);
	assert_int_equal(curve_read_secret(secret_path, &read, why, sizeof(why)), -EINVAL);
}

static void secret_files_are_the_owners(void **state)
{
	struct curve_key public_key, secret_key, read;
	const char *failed;
	char why[200];

	(void)state;
	assert_int_equal(curve_generate(&public_key, &secret_key), 0);
	assert_int_equal(
		curve_write_pair(public_path, &public_key, secret_path, &secret_key, &failed), 0);
	assert_int_equal(chmod(secret_path, 0640), 0);
	assert_int_equal(curve_read_secret(secret_path, &read, why, sizeof(why)), -EACCES);
	assert_non_null(strstr(why, "0640"));
	assert_true(curve_equal(&read, &(struct curve_key){0}));
}

static void broken_files(void **state)
{
	static const char *const texts[] = {"", "\n", "dmm-curve-public \n",
		"dmm-curve-public 00\n",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
		"dmm-curve-public "
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n\n",
		"dmm-curve-public "
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f and more\n"};
	struct curve_key read;
	char why[200];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(public_path, texts[i], 0644);
		assert_int_equal(curve_read_public(public_path, &read, why, sizeof(why)), -EINVAL);
		assert_non_null(strstr(why, "no public key"));
	}
	unlink(public_path);
	assert_int_equal(curve_read_public(public_path, &read, why, sizeof(why)), -ENOENT);
	assert_int_equal(curve_read_public(dir, &read, why, sizeof(why)), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_back),
		cmocka_unit_test(wrong_texts),
		cmocka_unit_test(pairs_are_pairs),
		cmocka_unit_test_teardown(files_hold_what_was_written, clear_dir),
		cmocka_unit_test_teardown(nothing_is_overwritten, clear_dir),
		cmocka_unit_test_teardown(secret_files_are_the_owners, clear_dir),
		cmocka_unit_test_teardown(broken_files, clear_dir),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
