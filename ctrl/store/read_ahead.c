#include "ctrl/store/read_ahead.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Before key and record in a block. */
struct head {
	uint32_t key_len, record_len;
};

static_assert(sizeof(struct head) + STORE_KEY_MAX + STORE_RECORD_MAX < READ_AHEAD_BLOCK,
	"any record fits into an empty block");

struct block {
	size_t len;
	uint8_t octets[READ_AHEAD_BLOCK];
};

struct read_ahead {
	read_ahead_source_fn *source;
	void *source_arg;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned filled, used; /* blocks so far; only ever rise */
	bool ended, cancelled;
	int result; /* of the source, once it has ended */
	struct block blocks[READ_AHEAD_BLOCKS];
};

static struct block *block_at(struct read_ahead *ahead, unsigned number)
{
	return &ahead->blocks[number % READ_AHEAD_BLOCKS];
}

/* The block that is being filled is whole. Waits for the next one to be free. */
static bool next_block(struct read_ahead *ahead)
{
	bool cancelled;

	pthread_mutex_lock(&ahead->lock);
	ahead->filled++;
	pthread_cond_signal(&ahead->changed);
	while (!ahead->cancelled && ahead->filled - ahead->used == READ_AHEAD_BLOCKS)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	cancelled = ahead->cancelled;
	pthread_mutex_unlock(&ahead->lock);
	block_at(ahead, ahead->filled)->len = 0;
	return !cancelled;
}

int read_ahead_put(struct read_ahead *ahead, const void *key, size_t key_len, const void *record,
	size_t record_len)
{
	const struct head head = {.key_len = (uint32_t)key_len, .record_len = (uint32_t)record_len};
	struct block *block = block_at(ahead, ahead->filled);
	uint8_t *at;

	if (block->len + sizeof(head) + key_len + record_len > READ_AHEAD_BLOCK) {
		if (!next_block(ahead))
			return -ECANCELED;
		block = block_at(ahead, ahead->filled);
	}
	at = block->octets + block->len;
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), key, key_len);
	memcpy(at + sizeof(head) + key_len, record, record_len);
	block->len += sizeof(head) + key_len + record_len;
	return 0;
}

static void *run_source(void *arg)
{
	struct read_ahead *ahead = arg;
	int result = ahead->source(ahead->source_arg, ahead);

	pthread_mutex_lock(&ahead->lock);
	ahead->filled++;
	ahead->ended = true;
	ahead->result = result;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

static int use_block(const struct block *block, store_each_fn *fn, void *arg)
{
	int result = 0;

	for (size_t at = 0; at < block->len && !result;) {
		struct head head;
		const uint8_t *key = block->octets + at + sizeof(head);

		memcpy(&head, block->octets + at, sizeof(head));
		result = fn(arg, key, head.key_len, key + head.key_len, head.record_len);
		at += sizeof(head) + head.key_len + head.record_len;
	}
	return result;
}

/* A block that was filled; NULL: there are no more. */
static const struct block *wait_for_block(struct read_ahead *ahead)
{
	bool more;

	pthread_mutex_lock(&ahead->lock);
	while (ahead->filled == ahead->used && !ahead->ended)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	more = ahead->filled != ahead->used;
	pthread_mutex_unlock(&ahead->lock);
	return more ? block_at(ahead, ahead->used) : NULL;
}

static void give_back(struct read_ahead *ahead, bool cancel)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->used++;
	ahead->cancelled = cancel;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
}

static int use_blocks(struct read_ahead *ahead, store_each_fn *fn, void *arg)
{
	const struct block *block;
	int result = 0;

	while (!result && (block = wait_for_block(ahead))) {
		result = use_block(block, fn, arg);
		give_back(ahead, result != 0);
	}
	return result;
}

int read_ahead_run(read_ahead_source_fn *source, void *source_arg, store_each_fn *fn, void *fn_arg)
{
	struct read_ahead *ahead = calloc(1, sizeof(*ahead));
	pthread_t thread;
	int result;

	if (!ahead)
		return -ENOMEM;
	ahead->source = source;
	ahead->source_arg = source_arg;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	result = -pthread_create(&thread, NULL, run_source, ahead);
	if (!result) {
		result = use_blocks(ahead, fn, fn_arg);
		pthread_join(thread, NULL);
		if (!result)
			result = ahead->result;
	}
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
	return result;
}
