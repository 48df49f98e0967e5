#include "common/log.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int pipe_fds[2];
static char text[1 << 16];

/* What has been logged since the last call. */
static const char *logged(void)
{
	ssize_t n = read(pipe_fds[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int setup(void **state)
{
	(void)state;
	if (pipe2(pipe_fds, O_NONBLOCK) < 0)
		return -1;
	unsetenv("JOURNAL_STREAM");
	log_set_fd(pipe_fds[1]);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_set_fd(2);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return 0;
}

/* The line behind its time stamp. */
static const char *after_stamp(const char *line)
{
	unsigned y, mo, d, h, mi, s, us;
	char z;

	assert_int_equal(
		sscanf(line, "ts=%4u-%2u-%2uT%2u:%2u:%2u.%6u%c", &y, &mo, &d, &h, &mi, &s, &us, &z),
		8);
	assert_int_equal(z, 'Z');
	return strchr(line, ' ') + 1;
}

static void one_line_an_event(void **state)
{
	(void)state;
	LOG_INFO("ha", "registered", "home=%s lifetime=%u", "2001:db8::1", 420u);
	assert_string_equal(after_stamp(logged()),
		"level=info module=ha event=registered home=2001:db8::1 lifetime=420\n");
	LOG_ERROR("store", "failed");
	assert_string_equal(after_stamp(logged()), "level=error module=store event=failed\n");
}

static void levels_filter(void **state)
{
	enum log_level level = LOG_LEVEL_WARN;

	(void)state;
	LOG_DEBUG("m", "quiet");
	assert_string_equal(logged(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	LOG_DEBUG("m", "loud");
	assert_non_null(strstr(logged(), "event=loud"));
	log_set_level(LOG_LEVEL_ERROR);
	LOG_WARN("m", "quiet");
	assert_string_equal(logged(), "");
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("chatty", &level), -EINVAL);
}

static void values_are_quoted(void **state)
{
	(void)state;
	LOG_INFO("m", "e", "a=%s b=%s c=%s d=%s", LOG_QUOTE("plain"), LOG_QUOTE("two words"),
		LOG_QUOTE("say \"hi\"\\\n"), LOG_QUOTE(NULL));
	assert_non_null(
		strstr(logged(), " a=plain b=\"two words\" c=\"say \\\"hi\\\"\\\\?\" d=-\n"));
	assert_string_equal(LOG_QUOTE(""), "\"\"");
	/* Cut, but closed. */
	char small[8];
	assert_string_equal(log_quote(small, sizeof(small), "a b c d e f"), "\"a b c\"");
	assert_string_equal(log_quote(small, sizeof(small), "\"\"\"\"\"\""), "\"\\\"\\\"\"");
	assert_string_equal(log_quote(small, sizeof(small), "abcdefghij"), "abcdefg");
}

static void no_value_forges_a_line(void **state)
{
	(void)state;
	LOG_INFO("m", "e", "v=%s", "x\nts=1 level=error\x1b[1m");
	const char *line = logged();
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_null(strchr(line, '\x1b'));
}

static void long_lines_are_cut(void **state)
{
	char big[4096];

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	LOG_INFO("m", "e", "v=%s", big);
	const char *line = logged();
	assert_in_range(strlen(line), LOG_LINE_MAX - 8, LOG_LINE_MAX);
	assert_int_equal(line[strlen(line) - 1], '\n');
}

static void journal_priority_leads(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	LOG_WARN("m", "e");
	assert_memory_equal(logged(), "<4>ts=", 6);
	unsetenv("JOURNAL_STREAM");
}

static void limit_counts_what_it_hides(void **state)
{
	struct log_limit limit = LOG_LIMIT(2);
	uint64_t hidden = 99;

	(void)state;
	assert_true(log_limit_pass_at(&limit, 0, &hidden));
	assert_int_equal(hidden, 0);
	assert_true(log_limit_pass_at(&limit, 0, &hidden));
	assert_false(log_limit_pass_at(&limit, 0, &hidden));
	assert_false(log_limit_pass_at(&limit, 0, &hidden));
	assert_true(log_limit_pass_at(&limit, 1, &hidden));
	assert_int_equal(hidden, 2);
	assert_true(log_limit_pass_at(&limit, 1, &hidden));
	assert_int_equal(hidden, 0);
}

static void limited_line_says_suppressed(void **state)
{
	struct log_limit limit = LOG_LIMIT(1000000);

	(void)state;
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "m", "e", "a=%d", 1);
	assert_non_null(strstr(logged(), "event=e a=1\n"));
	limit.suppressed = 7;
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "m", "e", "a=2");
	assert_non_null(strstr(logged(), "event=e a=2 suppressed=7\n"));
	/* A level that is off uses nothing up. */
	limit.suppressed = 7;
	LOG_LIMITED(&limit, LOG_LEVEL_DEBUG, "m", "e", "a=3");
	assert_string_equal(logged(), "");
	assert_int_equal(limit.suppressed, 7);
}

static void *log_many(void *arg)
{
	for (int i = 0; i < 50; i++)
		LOG_INFO("m", "e", "who=%s tail=%s", (const char *)arg, "0123456789");
	return NULL;
}

static void threads_do_not_mix_lines(void **state)
{
	pthread_t threads[4];
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_many, "thread"), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	char *save, *all = (char *)logged();
	for (char *l = strtok_r(all, "\n", &save); l; l = strtok_r(NULL, "\n", &save), lines++)
		assert_string_equal(
			after_stamp(l), "level=info module=m event=e who=thread tail=0123456789");
	assert_int_equal(lines, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_line_an_event, setup, teardown),
		cmocka_unit_test_setup_teardown(levels_filter, setup, teardown),
		cmocka_unit_test_setup_teardown(values_are_quoted, setup, teardown),
		cmocka_unit_test_setup_teardown(no_value_forges_a_line, setup, teardown),
		cmocka_unit_test_setup_teardown(long_lines_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(journal_priority_leads, setup, teardown),
		cmocka_unit_test(limit_counts_what_it_hides),
		cmocka_unit_test_setup_teardown(limited_line_says_suppressed, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_do_not_mix_lines, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
