/*
 * Keys of CURVE, the encryption of ZeroMQ (RFC 26): a pair for each program that speaks over TCP.
 *
 * As text a key is 64 hexadecimal digits. In a file it stands behind a word that says which half
 * it is, so that one cannot be given for the other:
 *
 *	dmm-curve-public 3f0c...      NAME.pub, for everybody
 *	dmm-curve-secret 91ab...      NAME.key, for its owner only
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CURVE_KEY_LEN = 32,
	CURVE_TEXT_SIZE = 2 * CURVE_KEY_LEN + 1, /* with the end of the text */
};

struct curve_key {
	uint8_t b[CURVE_KEY_LEN];
};

/* Reads 64 hexadecimal digits, and nothing else. 0 or -EINVAL. */
int curve_parse(const char *text, struct curve_key *key);

/* Writes them; returns text. Only for public keys, unless into a file that is the owner's. */
const char *curve_text(const struct curve_key *key, char text[static CURVE_TEXT_SIZE]);

/* Whether two public keys are the same; takes no care of time. */
bool curve_equal(const struct curve_key *a, const struct curve_key *b);

/* A new pair. 0, or -ENOTSUP when libzmq was built without CURVE. */
int curve_generate(struct curve_key *public_key, struct curve_key *secret_key);

/* The public half of a secret key. 0 or -EINVAL. */
int curve_public(const struct curve_key *secret_key, struct curve_key *public_key);

/* Overwrites a secret key. */
void curve_wipe(struct curve_key *secret_key);

/*
 * Reads a key file. 0, or a negative errno after writing to `why` what is wrong, without the name
 * of the file: -EINVAL for one that holds no such key, -EACCES also for a secret file that others
 * than its owner may read, ... On error *key is zero.
 */
int curve_read_public(const char *path, struct curve_key *key, char *why, size_t why_size);
int curve_read_secret(const char *path, struct curve_key *key, char *why, size_t why_size);

/*
 * Writes a pair to two new files with the permissions 0644 and 0600, whatever the umask. 0 or a
 * negative errno, *failed is then the path that it belongs to and neither file is left behind:
 * -EEXIST when one is there already, which is then left alone.
 */
int curve_write_pair(const char *public_path, const struct curve_key *public_key,
	const char *secret_path, const struct curve_key *secret_key, const char **failed);
