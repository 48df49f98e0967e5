#include "ctrl/store/store.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];
static char path[128];
static struct store_why why;

static int make_root(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/dmm-store-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(path, sizeof(path), "%s/a/b", root);
	return 0;
}

static int remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

/*
 * Runs this program again for one of the parts that end badly: RocksDB's threads do not survive a
 * fork. `told` becomes the standard output. Returns the process.
 */
static pid_t run_part(const char *part, int told)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (told >= 0)
			dup2(told, STDOUT_FILENO);
		execl("/proc/self/exe", "test_store", part, path, NULL);
		_exit(99);
	}
	assert_true(pid > 0);
	return pid;
}

static struct store *open_ok(void)
{
	struct store *s;
	int error = store_open(&s, path, &why);

	if (error)
		fail_msg("store_open: %d: %s", error, why.text);
	return s;
}

static void put(struct store *s, enum store_table table, const char *key, const char *value)
{
	assert_int_equal(store_put(s, table, key, strlen(key), value, strlen(value)), 0);
}

static void assert_has(struct store *s, enum store_table table, const char *key, const char *value)
{
	char buf[64];
	int len = store_get(s, table, key, strlen(key), buf, sizeof(buf));

	assert_int_equal(len, (int)strlen(value));
	assert_memory_equal(buf, value, strlen(value));
}

static void assert_has_not(struct store *s, enum store_table table, const char *key)
{
	char buf[64];

	assert_int_equal(store_get(s, table, key, strlen(key), buf, sizeof(buf)), -ENOENT);
}

static void keeps_what_was_committed(void **state)
{
	struct store *s = open_ok();

	(void)state;
	assert_int_equal(store_commit(s), 0);
	put(s, STORE_BINDING, "k1", "one");
	put(s, STORE_BINDING, "k2", "two");
	put(s, STORE_SUBSCRIBER, "k1", "other table");
	assert_int_equal(store_pending(s), 3);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_pending(s), 0);
	assert_int_equal(store_delete(s, STORE_BINDING, "k2", 2), 0);
	assert_int_equal(store_commit(s), 0);
	put(s, STORE_BINDING, "k3", "not committed");
	store_close(s);

	s = open_ok();
	assert_has(s, STORE_BINDING, "k1", "one");
	assert_has(s, STORE_SUBSCRIBER, "k1", "other table");
	assert_has_not(s, STORE_BINDING, "k2");
	assert_has_not(s, STORE_BINDING, "k3");
	assert_true(store_ok(s));
	assert_non_null(strstr(store_engine(s), "rocksdb "));
	assert_string_equal(store_path(s), path);
	store_close(s);
}

static void forgets_what_was_rolled_back(void **state)
{
	struct store *s = open_ok();

	(void)state;
	put(s, STORE_BINDING, "k", "v");
	store_rollback(s);
	assert_int_equal(store_pending(s), 0);
	assert_int_equal(store_commit(s), 0);
	assert_has_not(s, STORE_BINDING, "k");
	store_close(s);
}

struct walk {
	char text[256];
	int stop_after;
};

static int append(void *arg, const void *key, size_t key_len, const void *record, size_t record_len)
{
	struct walk *w = arg;
	size_t n = strlen(w->text);

	snprintf(w->text + n, sizeof(w->text) - n, "%.*s=%.*s ", (int)key_len, (const char *)key,
		(int)record_len, (const char *)record);
	return --w->stop_after == 0 ? 7 : 0;
}

static void walks_one_table_in_order(void **state)
{
	struct store *s = open_ok();
	struct walk all = {.stop_after = -1}, first = {.stop_after = 1}, none = {.stop_after = -1};

	(void)state;
	put(s, STORE_SUBSCRIBER, "b", "2");
	put(s, STORE_SUBSCRIBER, "a", "1");
	put(s, STORE_SUBSCRIBER, "c", "3");
	put(s, STORE_META, "z", "9");
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_each(s, STORE_SUBSCRIBER, append, &all), 0);
	assert_string_equal(all.text, "a=1 b=2 c=3 ");
	assert_int_equal(store_each(s, STORE_SUBSCRIBER, append, &first), 7);
	assert_string_equal(first.text, "a=1 ");
	assert_int_equal(store_each(s, STORE_BINDING, append, &none), 0);
	assert_string_equal(none.text, "");
	store_close(s);
}

static void refuses_bad_sizes(void **state)
{
	static char big[STORE_RECORD_MAX + 1];
	struct store *s = open_ok();
	char small[2];

	(void)state;
	assert_int_equal(store_put(s, STORE_BINDING, "k", 0, "v", 1), -EINVAL);
	assert_int_equal(store_put(s, STORE_BINDING, "k", 1, "v", 0), -EINVAL);
	assert_int_equal(store_put(s, STORE_BINDING, big, STORE_KEY_MAX + 1, "v", 1), -EINVAL);
	assert_int_equal(store_put(s, STORE_BINDING, "k", 1, big, sizeof(big)), -EINVAL);
	assert_int_equal(store_delete(s, STORE_BINDING, "k", 0), -EINVAL);
	assert_int_equal(store_pending(s), 0);
	put(s, STORE_BINDING, "k", "long");
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_get(s, STORE_BINDING, "k", 1, small, sizeof(small)), -ENOSPC);
	store_close(s);
}

/* Number of entries of a folder, "." and ".." not counted. */
static int entries(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char file[300];
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void refuses_a_foreign_folder_untouched(void **state)
{
	struct store *s;

	(void)state;
	write_file(root, "letters.txt", "dear diary");
	assert_int_equal(store_open(&s, root, &why), -ENOTEMPTY);
	assert_null(s);
	assert_non_null(strstr(why.text, "letters.txt"));
	assert_non_null(strstr(why.text, root));
	assert_int_equal(entries(root), 1);
}

static void refuses_a_file(void **state)
{
	struct store *s;

	(void)state;
	write_file(root, "a", "not a folder");
	assert_int_equal(store_open(&s, path, &why), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/a", root);
	assert_int_equal(store_open(&s, path, &why), -ENOTDIR);
	assert_non_null(strstr(why.text, path));
}

static void refuses_another_format(void **state)
{
	struct store *s = open_ok();

	(void)state;
	store_close(s);
	write_file(path, "DMM-STORE", "dmm-store 2 rocksdb ready\n");
	assert_int_equal(store_open(&s, path, &why), -EUCLEAN);
	assert_non_null(strstr(why.text, "format 2"));
	write_file(path, "DMM-STORE", "dmm-store 1 lmdb ready\n");
	assert_int_equal(store_open(&s, path, &why), -EUCLEAN);
	assert_non_null(strstr(why.text, "lmdb"));
	write_file(path, "DMM-STORE", "what is this");
	assert_int_equal(store_open(&s, path, &why), -EUCLEAN);
	write_file(path, "DMM-STORE", "");
	assert_int_equal(store_open(&s, path, &why), -EUCLEAN);
}

static void refuses_a_store_without_its_database(void **state)
{
	struct store *s = open_ok();
	char command[256];

	(void)state;
	put(s, STORE_BINDING, "k", "v");
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	snprintf(command, sizeof(command), "rm -rf '%s/db'", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(store_open(&s, path, &why), -EUCLEAN);
	snprintf(command, sizeof(command), "%s/db/CURRENT", path);
	assert_int_not_equal(access(command, F_OK), 0);
}

static void makes_an_unfinished_store_anew(void **state)
{
	struct store *s = open_ok();

	(void)state;
	put(s, STORE_BINDING, "k", "v");
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	/* As a process leaves it that is killed before the first transaction is complete. */
	write_file(path, "DMM-STORE", "dmm-store 1 rocksdb creating\n");
	write_file(path, "DMM-STORE.tmp", "dmm-st");
	s = open_ok();
	assert_has_not(s, STORE_BINDING, "k");
	store_close(s);
}

/* The write-ahead log of the database: the only file that ends in .log. */
static void find_log(char *file, size_t size)
{
	char folder[200];
	DIR *dir;
	struct dirent *e;

	snprintf(folder, sizeof(folder), "%s/db", path);
	dir = opendir(folder);
	assert_non_null(dir);
	file[0] = '\0';
	while ((e = readdir(dir)))
		if (strlen(e->d_name) > 4 && !strcmp(e->d_name + strlen(e->d_name) - 4, ".log"))
			snprintf(file, size, "%s/%s", folder, e->d_name);
	closedir(dir);
	assert_true(file[0] != '\0');
}

/* Fills the log with ten transactions. */
static int part_write_and_die(void)
{
	struct store *s;

	if (store_open(&s, path, &why) < 0)
		return 1;
	for (int i = 0; i < 10; i++) {
		char key[16], value[600];

		snprintf(key, sizeof(key), "key%d", i);
		memset(value, 'a' + i, sizeof(value));
		store_put(s, STORE_BINDING, key, strlen(key), value, sizeof(value));
		if (store_commit(s) < 0)
			return 1;
	}
	return kill(getpid(), SIGKILL);
}

static void write_and_die(void)
{
	pid_t pid = run_part("write-and-die", -1);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void takes_an_unfinished_end_of_the_log(void **state)
{
	char file[600], buf[600];
	struct stat st;
	struct store *s;

	(void)state;
	write_and_die();
	find_log(file, sizeof(file));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(truncate(file, st.st_size - 100), 0);
	s = open_ok();
	assert_int_equal(store_get(s, STORE_BINDING, "key8", 4, buf, sizeof(buf)), sizeof(buf));
	assert_int_equal(store_get(s, STORE_BINDING, "key9", 4, buf, sizeof(buf)), -ENOENT);
	store_close(s);
}

static void refuses_damage_within_the_log(void **state)
{
	char file[600];
	struct stat st;
	struct store *s;
	int fd;

	(void)state;
	write_and_die();
	find_log(file, sizeof(file));
	assert_int_equal(stat(file, &st), 0);
	fd = open(file, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "XXXX", 4, st.st_size / 2), 4);
	close(fd);
	assert_int_equal(store_open(&s, path, &why), -EUCLEAN);
	assert_non_null(strstr(why.text, path));
}

static void is_used_by_one_process(void **state)
{
	struct store *s = open_ok(), *second;

	(void)state;
	put(s, STORE_BINDING, "k", "v");
	assert_int_equal(store_open(&second, path, &why), -EBUSY);
	assert_null(second);
	assert_non_null(strstr(why.text, "another process"));
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	s = open_ok();
	assert_has(s, STORE_BINDING, "k", "v");
	store_close(s);
}

/* Commits one record after another, tells each, and never ends. */
static int part_write_forever(void)
{
	struct store *s;

	if (store_open(&s, path, &why) < 0)
		return 1;
	for (uint32_t i = 0;; i++) {
		store_put(s, STORE_BINDING, &i, sizeof(i), "value", 5);
		store_put(s, STORE_SUBSCRIBER, &i, sizeof(i), "twin", 4);
		if (store_commit(s) < 0 || write(STDOUT_FILENO, &i, sizeof(i)) != sizeof(i))
			return 1;
	}
}

static void survives_being_killed(void **state)
{
	uint32_t last = 0, n, committed = 0;
	int told[2], status;
	struct store *s;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(told), 0);
	pid = run_part("write-forever", told[1]);
	close(told[1]);
	while (committed < 200) {
		assert_int_equal(read(told[0], &last, sizeof(last)), sizeof(last));
		committed++;
	}
	kill(pid, SIGKILL);
	while (read(told[0], &n, sizeof(n)) == sizeof(n))
		last = n;
	close(told[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	s = open_ok();
	for (uint32_t i = 0; i <= last; i++) {
		char buf[8];

		assert_int_equal(store_get(s, STORE_BINDING, &i, sizeof(i), buf, sizeof(buf)), 5);
		assert_int_equal(
			store_get(s, STORE_SUBSCRIBER, &i, sizeof(i), buf, sizeof(buf)), 4);
	}
	store_close(s);
}

static void limit_files(rlim_t octets)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = octets;
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* A disk that takes no more is played by a limit of the file size. */
static void fill_the_disk(void **state)
{
	char value[2000];
	struct store *s;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	memset(value, 'x', sizeof(value));
	s = open_ok();
	put(s, STORE_BINDING, "old", "before");
	assert_int_equal(store_commit(s), 0);
	limit_files(1000);
	assert_int_equal(store_put(s, STORE_BINDING, "old", 3, value, sizeof(value)), 0);
	assert_int_equal(store_put(s, STORE_BINDING, "new", 3, value, sizeof(value)), 0);
	assert_int_equal(store_commit(s), -ENOSPC);
	assert_false(store_ok(s));
	assert_has(s, STORE_BINDING, "old", "before");
	assert_has_not(s, STORE_BINDING, "new");
	put(s, STORE_BINDING, "other", "refused too");
	assert_true(store_commit(s) < 0);
	limit_files(RLIM_INFINITY);
	for (int i = 0; i < 1000 && !store_ok(s); i++) {
		put(s, STORE_BINDING, "later", "taken");
		if (store_commit(s) < 0)
			usleep(10000);
	}
	assert_true(store_ok(s));
	store_close(s);
	s = open_ok();
	assert_has(s, STORE_BINDING, "old", "before");
	assert_has_not(s, STORE_BINDING, "new");
	assert_has_not(s, STORE_BINDING, "other");
	assert_has(s, STORE_BINDING, "later", "taken");
	store_close(s);
}

static void resumes_when_the_disk_does(void **state)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), status;
	pid_t pid = run_part("fill-the-disk", null);

	(void)state;
	close(null);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A disk that takes everything and then does not say that it is durable. */
static bool sync_fails;

int fdatasync(int fd)
{
	if (sync_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static void what_was_refused_does_not_come_back(void **state)
{
	struct store *s = open_ok();

	(void)state;
	put(s, STORE_BINDING, "old", "before");
	assert_int_equal(store_commit(s), 0);
	sync_fails = true;
	put(s, STORE_BINDING, "old", "after");
	put(s, STORE_BINDING, "new", "refused");
	assert_int_equal(store_commit(s), -EIO);
	sync_fails = false;
	assert_has(s, STORE_BINDING, "old", "before");
	assert_has_not(s, STORE_BINDING, "new");
	for (int i = 0; i < 1000 && !store_ok(s); i++) {
		put(s, STORE_BINDING, "later", "taken");
		if (store_commit(s) < 0)
			usleep(10000);
	}
	store_close(s);
	s = open_ok();
	assert_has(s, STORE_BINDING, "old", "before");
	assert_has_not(s, STORE_BINDING, "new");
	assert_has(s, STORE_BINDING, "later", "taken");
	store_close(s);
}

static int run_named_part(const char *part, const char *where)
{
	const struct CMUnitTest full[] = {cmocka_unit_test(fill_the_disk)};

	snprintf(path, sizeof(path), "%s", where);
	if (strcmp(part, "write-and-die") == 0)
		return part_write_and_die();
	if (strcmp(part, "write-forever") == 0)
		return part_write_forever();
	return cmocka_run_group_tests_name("store, full disk", full, NULL, NULL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_root, remove_root)

int main(int argc, char **argv)
{
	if (argc == 3)
		return run_named_part(argv[1], argv[2]);

	const struct CMUnitTest tests[] = {
		TEST(keeps_what_was_committed),
		TEST(forgets_what_was_rolled_back),
		TEST(walks_one_table_in_order),
		TEST(refuses_bad_sizes),
		TEST(refuses_a_foreign_folder_untouched),
		TEST(refuses_a_file),
		TEST(refuses_another_format),
		TEST(refuses_a_store_without_its_database),
		TEST(makes_an_unfinished_store_anew),
		TEST(takes_an_unfinished_end_of_the_log),
		TEST(refuses_damage_within_the_log),
		TEST(is_used_by_one_process),
		TEST(survives_being_killed),
		TEST(resumes_when_the_disk_does),
		TEST(what_was_refused_does_not_come_back),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
