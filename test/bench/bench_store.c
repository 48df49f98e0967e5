/*
 * bench_store [FOLDER]: durable writes a second of the two embedded engines that dmm-ctrl could
 * use, and of the bare journal that is the floor: nothing durable can be faster on this disk.
 *
 * Each engine holds 200,000 records first; then records of 280 octets under random keys of 16 are
 * written in batches of 1, 10, 100 and 1000, each batch durable before the next begins.
 */
#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY = 17, RECORD = 280, BINDINGS = 200000 };

struct engine {
	const char *name;
	void *(*open)(const char *path);
	void (*write)(void *engine, size_t first, size_t count);
	void (*close)(void *engine);
};

static uint8_t record[RECORD];

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, why);
	exit(1);
}

/* The i-th key: scattered over the key space, one of BINDINGS. */
static void key_of(size_t i, uint8_t key[KEY])
{
	uint64_t n = i % BINDINGS;
	uint64_t hash = (n + 1) * 0x9e3779b97f4a7c15u;

	memset(key, 0, KEY);
	key[0] = 3;
	memcpy(key + 1, &hash, 8);
	memcpy(key + 9, &n, 8);
}

static void *journal_open(const char *path)
{
	static int fd;

	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path, strerror(errno));
	return &fd;
}

static void journal_write(void *engine, size_t first, size_t count)
{
	static uint8_t buf[BINDINGS][KEY + RECORD];
	int fd = *(int *)engine;

	for (size_t i = 0; i < count; i++) {
		key_of(first + i, buf[i]);
		memcpy(buf[i] + KEY, record, RECORD);
	}
	if (write(fd, buf, count * sizeof(buf[0])) < 0 || fdatasync(fd) < 0)
		die("journal", strerror(errno));
}

static void journal_close(void *engine)
{
	close(*(int *)engine);
}

struct rocks {
	rocksdb_options_t *options;
	rocksdb_writeoptions_t *sync;
	rocksdb_t *db;
};

static void *rocks_open(const char *path)
{
	static struct rocks r;
	char *why = NULL;

	r.options = rocksdb_options_create();
	rocksdb_options_set_create_if_missing(r.options, 1);
	rocksdb_options_set_write_buffer_size(r.options, 16u << 20);
	rocksdb_options_set_compression(r.options, rocksdb_no_compression);
	r.sync = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(r.sync, 1);
	r.db = rocksdb_open(r.options, path, &why);
	if (why)
		die("rocksdb", why);
	return &r;
}

static void rocks_write(void *engine, size_t first, size_t count)
{
	struct rocks *r = engine;
	rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
	char *why = NULL;

	for (size_t i = 0; i < count; i++) {
		uint8_t key[KEY];

		key_of(first + i, key);
		rocksdb_writebatch_put(batch, (char *)key, KEY, (char *)record, RECORD);
	}
	rocksdb_write(r->db, r->sync, batch, &why);
	if (why)
		die("rocksdb", why);
	rocksdb_writebatch_destroy(batch);
}

static void rocks_close(void *engine)
{
	struct rocks *r = engine;

	rocksdb_close(r->db);
	rocksdb_writeoptions_destroy(r->sync);
	rocksdb_options_destroy(r->options);
}

struct lm {
	MDB_env *env;
	MDB_dbi dbi;
};

static void lm_check(int rc)
{
	if (rc)
		die("lmdb", mdb_strerror(rc));
}

static void *lm_open(const char *path)
{
	static struct lm l;
	MDB_txn *txn;

	if (mkdir(path, 0700) < 0)
		die(path, strerror(errno));
	lm_check(mdb_env_create(&l.env));
	lm_check(mdb_env_set_mapsize(l.env, (size_t)8 << 30));
	lm_check(mdb_env_open(l.env, path, 0, 0600));
	lm_check(mdb_txn_begin(l.env, NULL, 0, &txn));
	lm_check(mdb_dbi_open(txn, NULL, MDB_CREATE, &l.dbi));
	lm_check(mdb_txn_commit(txn));
	return &l;
}

static void lm_write(void *engine, size_t first, size_t count)
{
	struct lm *l = engine;
	MDB_txn *txn;

	lm_check(mdb_txn_begin(l->env, NULL, 0, &txn));
	for (size_t i = 0; i < count; i++) {
		uint8_t key[KEY];

		key_of(first + i, key);
		MDB_val k = {.mv_size = KEY, .mv_data = key};
		MDB_val v = {.mv_size = RECORD, .mv_data = record};

		lm_check(mdb_put(txn, l->dbi, &k, &v, 0));
	}
	lm_check(mdb_txn_commit(txn));
}

static void lm_close(void *engine)
{
	struct lm *l = engine;

	mdb_env_close(l->env);
}

static const struct engine engines[] = {
	{"journal", journal_open, journal_write, journal_close},
	{"rocksdb", rocks_open, rocks_write, rocks_close},
	{"lmdb", lm_open, lm_write, lm_close},
};

/* Writes batches for about a second and a half and prints records a second. */
static void measure(const struct engine *e, void *engine, size_t batch)
{
	uint64_t start = clock_mono_ns(), now = start;
	size_t done = 0;

	while (now - start < 1500 * CLOCK_NS_PER_MS) {
		e->write(engine, done * 7919, batch);
		done += batch;
		now = clock_mono_ns();
	}
	printf(" %10.0f", (double)done * 1e9 / (double)(now - start));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const size_t batches[] = {1, 10, 100, 1000};
	const char *root = argc > 1 ? argv[1] : "/tmp";

	printf("%-8s %10s %10s %10s %10s   records of %d octets a second, by batch\n", "engine",
		"1", "10", "100", "1000", RECORD);
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		const struct engine *e = &engines[i];
		char path[512], cleanup[600];

		snprintf(path, sizeof(path), "%s/bench_store.%d.%s", root, (int)getpid(), e->name);
		void *engine = e->open(path);

		for (size_t n = 0; n < BINDINGS; n += 10000)
			e->write(engine, n, 10000);
		printf("%-8s", e->name);
		for (size_t b = 0; b < sizeof(batches) / sizeof(batches[0]); b++)
			measure(e, engine, batches[b]);
		printf("\n");
		e->close(engine);
		snprintf(cleanup, sizeof(cleanup), "rm -rf '%s'", path);
		if (system(cleanup) != 0)
			fprintf(stderr, "bench_store: cannot remove %s\n", path);
	}
	return 0;
}
