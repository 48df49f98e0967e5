/*
 * The store on RocksDB.
 *
 * Why RocksDB: test/bench/bench_store.c, two virtual processors and a virtual disk, 200,000 records
 * there, durable writes of 280 octets a second in batches of
 *
 *                    1       10      100     1000
 *   bare journal  13600   118000   768000  2130000
 *   RocksDB       12000    76000   173000   256000
 *   LMDB           4600    15000    22000    54000
 *
 * A registration storm is many small records under scattered keys: RocksDB appends them to one log
 * and syncs it once, LMDB rewrites a page for each and syncs twice.
 *
 * Layout: FOLDER/DMM-STORE (store/folder.h), FOLDER/db (RocksDB). A key is led by the octet of its
 * table. Writes are synced to the write-ahead log. At start the log is read in the mode that takes
 * only an unfinished record at its very end for the trace of a crash; damage before that refuses
 * to open, so that nothing acknowledged vanishes silently.
 *
 * What was written last is kept in memory as it came, and sorted when it goes to a file: a table
 * that is sorted all the time (RocksDB's usual) takes a quarter of the time of a registration, and
 * nobody reads it, since the bindings are in memory. A reader pays for it by sorting a copy, so it
 * takes one iterator for many keys.
 *
 * When a commit fails, RocksDB does not say how much of it reached the disk and takes no more
 * writes. So the state before is remembered (repair), and a later commit first opens the database
 * anew and writes it: what was refused cannot come back later.
 *
 * RocksDB's own log of events is off: Debian's library is built with assertions, and one of them
 * ends the process when that log is written to after it could not be (a full disk).
 */
#include "common/clock.h"
#include "ctrl/store/folder.h"
#include "ctrl/store/read_ahead.h"

#include <errno.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENGINE     "rocksdb"
#define MARKER_KEY "format"

/* A database that refused a commit is opened anew at most so often: it reads all of its log. */
#define RECOVER_NS (200 * CLOCK_NS_PER_MS)

enum {
	/* Files of changes that wait before all is merged anew. Refreshes come under keys at
	 * random, so that each merge reads and writes nearly the whole store, beside the control
	 * thread. */
	FILES_BEFORE_MERGE = 12,
	WAL_TOLERATE_CORRUPTED_TAIL = 0, /* kTolerateCorruptedTailRecords */
	INFO_LOG_NONE = 6,
};

struct store {
	struct store_folder folder;
	char db_path[512];
	rocksdb_options_t *options;
	rocksdb_readoptions_t *read;
	rocksdb_writeoptions_t *sync;
	rocksdb_block_based_table_options_t *table;
	rocksdb_cache_t *cache;
	rocksdb_t *db;
	rocksdb_writebatch_t *batch;
	rocksdb_writebatch_t *repair; /* NULL, or what a failed commit may have overwritten */
	uint64_t recover_ns;          /* not before this time */
	bool ok;
};

/* The errno of a message of RocksDB, which is freed. */
static int error_of(char *message)
{
	int error = -EIO;

	if (strstr(message, "No space left") || strstr(message, "Disk quota exceeded") ||
		strstr(message, "File too large"))
		error = -ENOSPC;
	else if (strstr(message, "lock"))
		error = -EBUSY;
	else if (strstr(message, "Permission denied"))
		error = -EACCES;
	else if (!strncmp(message, "Corruption", 10) || strstr(message, "does not exist") ||
		 strstr(message, "No such file"))
		error = -EUCLEAN;
	rocksdb_free(message);
	return error;
}

static void set_options(struct store *s)
{
	s->options = rocksdb_options_create();
	rocksdb_options_set_paranoid_checks(s->options, 1);
	rocksdb_options_set_wal_recovery_mode(s->options, WAL_TOLERATE_CORRUPTED_TAIL);
	rocksdb_options_set_write_buffer_size(s->options, 12u << 20);
	rocksdb_options_set_max_write_buffer_number(s->options, 3);
	rocksdb_options_set_max_background_jobs(s->options, 2);
	rocksdb_options_set_level0_file_num_compaction_trigger(s->options, FILES_BEFORE_MERGE);
	rocksdb_options_set_bytes_per_sync(s->options, 512 << 10); /* or a commit waits for files */
	rocksdb_options_set_compression(s->options, rocksdb_no_compression);
	rocksdb_options_set_info_log_level(s->options, INFO_LOG_NONE);
	rocksdb_options_set_memtable_vector_rep(s->options);
	rocksdb_options_set_allow_concurrent_memtable_write(s->options, 0);
	rocksdb_options_set_keep_log_file_num(s->options, 2);
	s->cache = rocksdb_cache_create_lru(8u << 20);
	s->table = rocksdb_block_based_options_create();
	rocksdb_block_based_options_set_block_cache(s->table, s->cache);
	rocksdb_options_set_block_based_table_factory(s->options, s->table);
	s->read = rocksdb_readoptions_create();
	rocksdb_readoptions_set_verify_checksums(s->read, 1);
	s->sync = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(s->sync, 1);
	s->batch = rocksdb_writebatch_create();
}

static int open_db(struct store *s, struct store_why *why)
{
	char *message = NULL;

	s->db = rocksdb_open(s->options, s->db_path, &message);
	if (!message)
		return 0;
	store_why_set(why, 0, "store %s: %s", s->folder.path, message);
	return error_of(message);
}

/* Makes the engine's part; what a process killed while making one has left goes first. */
static int create_db(struct store *s, struct store_why *why)
{
	char *message = NULL;
	int error = store_folder_mark(&s->folder, ENGINE, false);

	if (error)
		return store_why_set(why, error, "store %s: cannot write the marker: %s",
			s->folder.path, strerror(-error));
	rocksdb_destroy_db(s->options, s->db_path, &message);
	if (message) {
		store_why_set(why, 0, "store %s: %s", s->folder.path, message);
		return error_of(message);
	}
	rocksdb_options_set_create_if_missing(s->options, 1);
	error = open_db(s, why);
	rocksdb_options_set_create_if_missing(s->options, 0);
	if (error)
		return error;
	const uint8_t format = STORE_FORMAT;

	error = store_put(s, STORE_META, MARKER_KEY, strlen(MARKER_KEY), &format, 1);
	if (!error)
		error = store_commit(s);
	if (!error)
		error = store_folder_mark(&s->folder, ENGINE, true);
	if (error)
		store_why_set(why, 0, "store %s: cannot make the database: %s", s->folder.path,
			strerror(-error));
	return error;
}

static int check_marker(struct store *s, struct store_why *why)
{
	uint8_t format = 0;
	int len = store_get(s, STORE_META, MARKER_KEY, strlen(MARKER_KEY), &format, 1);

	if (len == 1 && format == STORE_FORMAT)
		return 0;
	return store_why_set(why, -EUCLEAN,
		"store %s: the database holds no record of format %d: it is damaged or of another "
		"release",
		s->folder.path, STORE_FORMAT);
}

int store_open(struct store **store, const char *path, struct store_why *why)
{
	struct store *s = calloc(1, sizeof(*s));
	int error;

	*store = NULL;
	if (!s)
		return store_why_set(why, -ENOMEM, "store %s: no memory", path);
	error = store_folder_open(&s->folder, path, ENGINE, why);
	if (error) {
		free(s);
		return error;
	}
	snprintf(s->db_path, sizeof(s->db_path), "%s/db", path);
	s->ok = true;
	set_options(s);
	error = s->folder.ready ? open_db(s, why) : create_db(s, why);
	if (!error)
		error = check_marker(s, why);
	if (error) {
		store_close(s);
		return error;
	}
	*store = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->db)
		rocksdb_close(s->db);
	if (s->repair)
		rocksdb_writebatch_destroy(s->repair);
	rocksdb_writebatch_destroy(s->batch);
	rocksdb_writeoptions_destroy(s->sync);
	rocksdb_readoptions_destroy(s->read);
	rocksdb_options_destroy(s->options);
	rocksdb_block_based_options_destroy(s->table);
	rocksdb_cache_destroy(s->cache);
	store_folder_close(&s->folder);
	free(s);
}

const char *store_engine(const struct store *store)
{
	(void)store;
	return ENGINE " " STORE_ENGINE_VERSION; /* the build knows the library's version */
}

const char *store_path(const struct store *store)
{
	return store->folder.path;
}

bool store_ok(const struct store *store)
{
	return store->ok;
}

/* The key as RocksDB has it: the table's octet, then the key. Returns its length, 0: no key. */
static size_t full_key(
	char out[STORE_KEY_MAX + 1], enum store_table table, const void *key, size_t key_len)
{
	if (key_len == 0 || key_len > STORE_KEY_MAX)
		return 0;
	out[0] = (char)table;
	memcpy(out + 1, key, key_len);
	return key_len + 1;
}

int store_put(struct store *s, enum store_table table, const void *key, size_t key_len,
	const void *record, size_t record_len)
{
	char full[STORE_KEY_MAX + 1];
	size_t len = full_key(full, table, key, key_len);

	if (!len || !record_len || record_len > STORE_RECORD_MAX)
		return -EINVAL;
	rocksdb_writebatch_put(s->batch, full, len, record, record_len);
	return 0;
}

int store_delete(struct store *s, enum store_table table, const void *key, size_t key_len)
{
	char full[STORE_KEY_MAX + 1];
	size_t len = full_key(full, table, key, key_len);

	if (!len)
		return -EINVAL;
	rocksdb_writebatch_delete(s->batch, full, len);
	return 0;
}

size_t store_pending(const struct store *s)
{
	return (size_t)rocksdb_writebatch_count(s->batch);
}

void store_rollback(struct store *s)
{
	rocksdb_writebatch_clear(s->batch);
}

/* The failed commit, and an iterator over what was there before it. */
struct remembering {
	struct store *store;
	rocksdb_iterator_t *it;
};

/* Adds the record that is under this key now to the repair; nothing there: its deletion. */
static void remember(const struct remembering *r, const char *key, size_t key_len)
{
	size_t found_len, len;
	char *message = NULL;
	const char *found;

	rocksdb_iter_seek(r->it, key, key_len);
	rocksdb_iter_get_error(r->it, &message);
	/* A record that cannot be read cannot be saved either; the next open will tell of it. */
	if (message) {
		rocksdb_free(message);
		return;
	}
	found = rocksdb_iter_valid(r->it) ? rocksdb_iter_key(r->it, &found_len) : NULL;
	if (found && found_len == key_len && memcmp(found, key, key_len) == 0) {
		const char *record = rocksdb_iter_value(r->it, &len);

		rocksdb_writebatch_put(r->store->repair, key, key_len, record, len);
	} else {
		rocksdb_writebatch_delete(r->store->repair, key, key_len);
	}
}

static void remember_put(void *arg, const char *key, size_t key_len, const char *record, size_t len)
{
	(void)record;
	(void)len;
	remember(arg, key, key_len);
}

static void remember_delete(void *arg, const char *key, size_t key_len)
{
	remember(arg, key, key_len);
}

/* Remembers all that the batch may have overwritten. */
static void remember_batch(struct store *s)
{
	struct remembering r = {.store = s, .it = rocksdb_create_iterator(s->db, s->read)};

	s->repair = rocksdb_writebatch_create();
	rocksdb_writebatch_iterate(s->batch, &r, remember_put, remember_delete);
	rocksdb_iter_destroy(r.it);
}

/* Opens a database that has refused a commit anew and undoes what may have reached the disk. */
static int recover(struct store *s)
{
	struct store_why why;
	char *message = NULL;

	if (clock_mono_ns() < s->recover_ns)
		return -EIO;
	s->recover_ns = clock_mono_ns() + RECOVER_NS;
	if (s->db)
		rocksdb_close(s->db);
	s->db = NULL;
	int error = open_db(s, &why);

	if (error)
		return error == -ENOSPC ? -ENOSPC : -EIO;
	rocksdb_write(s->db, s->sync, s->repair, &message);
	if (message)
		return error_of(message);
	rocksdb_writebatch_destroy(s->repair);
	s->repair = NULL;
	return 0;
}

int store_commit(struct store *s)
{
	char *message = NULL;
	int error = 0;

	if (!store_pending(s))
		return 0;
	if (s->repair)
		error = recover(s);
	if (!error) {
		rocksdb_write(s->db, s->sync, s->batch, &message);
		if (message) {
			error = error_of(message) == -ENOSPC ? -ENOSPC : -EIO;
			s->recover_ns = clock_mono_ns() + RECOVER_NS;
			remember_batch(s);
		}
	}
	s->ok = !error;
	rocksdb_writebatch_clear(s->batch);
	return error;
}

struct walk {
	struct store *store;
	enum store_table table;
};

static int read_table(void *arg, struct read_ahead *ahead)
{
	const struct walk *walk = arg;
	const char first = (char)walk->table;
	rocksdb_iterator_t *it = rocksdb_create_iterator(walk->store->db, walk->store->read);
	char *message = NULL;
	int error = 0;

	for (rocksdb_iter_seek(it, &first, 1); !error && rocksdb_iter_valid(it);
		rocksdb_iter_next(it)) {
		size_t key_len, len;
		const char *key = rocksdb_iter_key(it, &key_len);
		const char *record = rocksdb_iter_value(it, &len);

		if (key[0] != first)
			break;
		error = read_ahead_put(ahead, key + 1, key_len - 1, record, len);
	}
	rocksdb_iter_get_error(it, &message);
	rocksdb_iter_destroy(it);
	if (message) {
		rocksdb_free(message);
		return -EIO;
	}
	return error;
}

int store_each(struct store *s, enum store_table table, store_each_fn *fn, void *arg)
{
	struct walk walk = {.store = s, .table = table};

	return s->db ? read_ahead_run(read_table, &walk, fn, arg) : -EIO;
}

int store_get(struct store *s, enum store_table table, const void *key, size_t key_len, void *buf,
	size_t size)
{
	char full[STORE_KEY_MAX + 1];
	size_t full_len = full_key(full, table, key, key_len), len;
	char *message = NULL, *record;
	int result;

	if (!full_len)
		return -EINVAL;
	if (!s->db)
		return -EIO;
	record = rocksdb_get(s->db, s->read, full, full_len, &len, &message);
	if (message) {
		rocksdb_free(message);
		return -EIO;
	}
	if (!record)
		return -ENOENT;
	result = len > size ? -ENOSPC : (int)len;
	if (result >= 0)
		memcpy(buf, record, len);
	rocksdb_free(record);
	return result;
}
