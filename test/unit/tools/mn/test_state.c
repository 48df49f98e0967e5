/* The state file: what is written is read again, what is broken is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/mn/state.h"

struct fixture {
	char folder[64], file[96];
};

static int setup(void **context)
{
	static struct fixture f;

	strcpy(f.folder, "/tmp/test-mn-state-XXXXXX");
	if (!mkdtemp(f.folder))
		return -1;
	snprintf(f.file, sizeof(f.file), "%s/state", f.folder);
	*context = &f;
	return 0;
}

static int teardown(void **context)
{
	struct fixture *f = *context;

	unlink(f->file);
	return rmdir(f->folder);
}

static void write_file(const struct fixture *f, const char *text)
{
	FILE *file = fopen(f->file, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void no_file_means_nothing_is_known(void **context)
{
	struct fixture *f = *context;
	struct state state = {.bound = true};

	assert_int_equal(state_load(f->file, &state), 0);
	assert_false(state.known);
	assert_false(state.bound);
}

static void reads_what_it_wrote(void **context)
{
	struct fixture *f = *context;
	struct state state = {.bound = true,
		.routed = true,
		.sequence = 65535,
		.home_interface = "wlan0",
		.setting_count = 1,
		.settings = {{STATE_SETTINGS_FOLDER "wlan0/optimistic_dad", "0"}}};
	struct state got;

	assert_int_equal(state_save(f->file, &state), 0);
	assert_int_equal(state_load(f->file, &got), 0);
	assert_true(got.known);
	assert_true(got.bound);
	assert_true(got.routed);
	assert_int_equal(got.sequence, 65535);
	assert_string_equal(got.home_interface, "wlan0");
	assert_int_equal(got.setting_count, 1);
	assert_string_equal(got.settings[0].path, state.settings[0].path);
	assert_string_equal(got.settings[0].before, "0");
	/* replaced, and nothing is left beside it (teardown removes the folder) */
	state.bound = state.routed = false;
	state.setting_count = 0;
	assert_int_equal(state_save(f->file, &state), 0);
	assert_int_equal(state_load(f->file, &got), 0);
	assert_false(got.bound);
	assert_int_equal(got.setting_count, 0);
}

static void broken_files_are_not_believed(void **context)
{
	struct fixture *f = *context;
	static const char *const broken[] = {
		"",
		"{",
		"[]",
		"{\"bound\": true}",
		"{\"bound\": 1, \"routed\": false, \"sequence\": 1, \"home_interface\": \"\", "
		"\"settings\": []}",
		"{\"bound\": true, \"routed\": false, \"sequence\": 65536, \"home_interface\": "
		"\"\", "
		"\"settings\": []}",
		"{\"bound\": true, \"routed\": false, \"sequence\": 1, \"home_interface\": "
		"\"an-interface-with-a-long-name\", \"settings\": []}",
		"{\"bound\": true, \"routed\": false, \"sequence\": 1, \"home_interface\": \"\", "
		"\"settings\": [{\"path\": \"/proc/sys/net/ipv6/conf/x/y\"}]}",
		/* never written back by us */
		"{\"bound\": true, \"routed\": false, \"sequence\": 1, \"home_interface\": \"\", "
		"\"settings\": [{\"path\": \"/etc/passwd\", \"before\": \"x\"}]}",
		"{\"bound\": true, \"routed\": false, \"sequence\": 1, \"home_interface\": \"\", "
		"\"settings\": [{\"path\": \"/proc/sys/net/ipv6/conf/../../kernel/x\", \"before\": "
		"\"1\"}]}",
	};
	struct state state;

	for (size_t n = 0; n < sizeof(broken) / sizeof(*broken); n++) {
		write_file(f, broken[n]);
		assert_int_equal(state_load(f->file, &state), 0);
		assert_false(state.known);
		assert_false(state.bound);
		assert_int_equal(state.setting_count, 0);
	}
}

static void a_good_file_is_believed(void **context)
{
	struct fixture *f = *context;
	struct state state;

	write_file(f,
		"{\"bound\": true, \"routed\": false, \"sequence\": 1, \"home_interface\": \"\", "
		"\"settings\": [{\"path\": \"/proc/sys/net/ipv6/conf/x/y\", \"before\": \"1\"}]}");
	assert_int_equal(state_load(f->file, &state), 0);
	assert_true(state.known);
	assert_int_equal(state.setting_count, 1);
}

static void says_when_it_cannot_be_written(void **context)
{
	struct fixture *f = *context;
	struct state state = {0};
	char file[128];

	snprintf(file, sizeof(file), "%s/absent/state", f->folder);
	assert_int_equal(state_save(file, &state), -ENOENT);
}

static void settings_that_do_not_exist_are_left_alone(void **context)
{
	(void)context;
	struct state state = {0};

	state_setting_change(&state, STATE_SETTINGS_FOLDER "no-such-interface/optimistic_dad", "1");
	assert_int_equal(state.setting_count, 0);
	state_settings_restore(&state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_file_means_nothing_is_known),
		T(reads_what_it_wrote),
		T(broken_files_are_not_believed),
		T(a_good_file_is_believed),
		T(says_when_it_cannot_be_written),
		T(settings_that_do_not_exist_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
