/*
 * The store: what must outlive the process. One embedded engine is behind it (store/rocksdb.c).
 *
 * A table maps keys to records, both octets to the store. Changes are gathered in a transaction
 * and committed together: after store_commit() returned 0 they are all on the disk and survive a
 * kill -9 and a loss of power; after an error none of them has happened. A folder is used by one
 * process at a time. For one thread.
 *
 * Records begin with a version octet of their own, so that a later release can read those of an
 * earlier one; the store itself has a marker record with the version of its layout.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_table {
	STORE_META = 1,       /* marker of the layout, counters that must never go back */
	STORE_SUBSCRIBER = 2, /* key: MN-ID */
	STORE_BINDING = 3,    /* key: home address (16 octets) and BID (2) */
	STORE_SESSION = 4,    /* key: number of a mobility session (8 octets), of an anchor */
	STORE_FLOW = 5,       /* key: home address (16 octets) and FID (2) */
	STORE_ATTACHMENT = 6, /* key: number of an attachment (8 octets), of an access gateway */
	STORE_MEMBER = 7,     /* key: home address (16 octets): what its node listens to */
};

enum {
	STORE_KEY_MAX = 512,
	STORE_RECORD_MAX = 4096,
	STORE_FORMAT = 1, /* layout of the tables */
};

struct store;

/* Why a store could not be opened, for people; one line. */
struct store_why {
	char text[512];
};

/*
 * Opens the store in a folder, which is made when it is missing (its parent must exist or can be
 * made too). Nothing is touched until the folder is locked and known to be ours. Returns 0 and the
 * store, or, with *why filled in:
 *   -EBUSY   another process has it open
 *   -ENOTEMPTY  the folder holds files of somebody else
 *   -EUCLEAN    the data is damaged, or the marker says another format
 *   -EACCES, -EIO, -ENOSPC, ...  the file system says so
 */
int store_open(struct store **store, const char *path, struct store_why *why);

/* Closes it. A transaction that was not committed is forgotten. NULL is allowed. */
void store_close(struct store *store);

/* "rocksdb 7.8.3" */
const char *store_engine(const struct store *store);

/* Its folder, as it was opened. */
const char *store_path(const struct store *store);

/* Whether the last commit succeeded. */
bool store_ok(const struct store *store);

/*
 * Adds a change to the current transaction; key and record are copied. Returns 0, -EINVAL (empty
 * or too long) or -ENOMEM.
 */
int store_put(struct store *store, enum store_table table, const void *key, size_t key_len,
	const void *record, size_t record_len);
int store_delete(struct store *store, enum store_table table, const void *key, size_t key_len);

/* Changes in the current transaction. */
size_t store_pending(const struct store *store);

/*
 * Makes the transaction durable and starts an empty one; an empty one is no work. Returns 0; -EIO
 * or -ENOSPC when the disk refused, in which case the changes are forgotten. Later commits try
 * again; the first that succeeds also makes sure that nothing of what was refused has reached the
 * disk.
 */
int store_commit(struct store *store);

/* Forgets the current transaction. */
void store_rollback(struct store *store);

/* Called for each record; not 0 ends the walk and becomes its result. */
typedef int store_each_fn(
	void *arg, const void *key, size_t key_len, const void *record, size_t record_len);

/*
 * Walks a table in the order of its keys, committed records only, which a thread of its own
 * reads ahead (store/read_ahead.h); fn is called on the caller's and may change the store. Returns
 * 0, what fn returned, -ENOMEM, -EAGAIN (no thread), or -EIO when a record cannot be read
 * (damaged).
 */
int store_each(struct store *store, enum store_table table, store_each_fn *fn, void *arg);

/*
 * Reads one record into buf. Returns its length, -ENOENT, -ENOSPC (size is too small) or -EIO.
 */
int store_get(struct store *store, enum store_table table, const void *key, size_t key_len,
	void *buf, size_t size);
