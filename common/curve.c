#include "common/curve.h"

#include "common/hex.h"
#include "common/hmac.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define WORD_PUBLIC "dmm-curve-public "
#define WORD_SECRET "dmm-curve-secret "

enum {
	WORD_LEN = sizeof(WORD_PUBLIC) - 1,
	Z85_SIZE = 41,
	FILE_SIZE = WORD_LEN + CURVE_TEXT_SIZE + 1, /* a newline, the end */
};
_Static_assert(sizeof(WORD_PUBLIC) == sizeof(WORD_SECRET), "one length for both");

int curve_parse(const char *text, struct curve_key *key)
{
	struct curve_key read = {0};

	const int error = hex_octets(text, read.b, sizeof(read.b));

	if (!error)
		*key = read;
	curve_wipe(&read);
	return error;
}

const char *curve_text(const struct curve_key *key, char text[static CURVE_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < CURVE_KEY_LEN; i++) {
		text[2 * i] = digits[key->b[i] >> 4];
		text[2 * i + 1] = digits[key->b[i] & 15];
	}
	text[CURVE_TEXT_SIZE - 1] = '\0';
	return text;
}

bool curve_equal(const struct curve_key *a, const struct curve_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void curve_wipe(struct curve_key *secret_key)
{
	hmac_wipe(secret_key, sizeof(*secret_key));
}

int curve_generate(struct curve_key *public_key, struct curve_key *secret_key)
{
	char public_text[Z85_SIZE], secret_text[Z85_SIZE];
	int rc = 0;

	if (zmq_curve_keypair(public_text, secret_text) < 0)
		return -ENOTSUP;
	if (!zmq_z85_decode(public_key->b, public_text) ||
		!zmq_z85_decode(secret_key->b, secret_text))
		rc = -EINVAL;
	hmac_wipe(secret_text, sizeof(secret_text));
	return rc;
}

int curve_public(const struct curve_key *secret_key, struct curve_key *public_key)
{
	char public_text[Z85_SIZE], secret_text[Z85_SIZE];
	int rc = -EINVAL;

	if (zmq_z85_encode(secret_text, secret_key->b, CURVE_KEY_LEN) &&
		zmq_curve_public(public_text, secret_text) == 0 &&
		zmq_z85_decode(public_key->b, public_text))
		rc = 0;
	hmac_wipe(secret_text, sizeof(secret_text));
	return rc;
}

/* Reads the start of a file, from a descriptor whose permissions were looked at. */
static int read_text(
	const char *path, bool secret, char text[static FILE_SIZE + 1], char *why, size_t why_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;
	int rc = 0;

	if (fd >= 0 && fstat(fd, &st) == 0)
		n = read(fd, text, FILE_SIZE);
	if (n < 0) {
		rc = -errno;
		snprintf(why, why_size, "%s", strerror(errno));
	} else if (secret && st.st_mode & 077) {
		rc = -EACCES;
		snprintf(why, why_size,
			"its permissions are %04o, but only its owner may read a secret key (chmod "
			"600)",
			(unsigned)st.st_mode & 07777);
	}
	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return rc;
}

static int read_key(
	const char *path, bool secret, struct curve_key *key, char *why, size_t why_size)
{
	const char *word = secret ? WORD_SECRET : WORD_PUBLIC;
	const char *other = secret ? WORD_PUBLIC : WORD_SECRET;
	char text[FILE_SIZE + 1];
	int rc = read_text(path, secret, text, why, why_size);

	*key = (struct curve_key){0};
	if (rc == 0) {
		char *end = strchr(text, '\n');

		if (end && end[1] == '\0')
			*end = '\0';
		if (strncmp(text, other, WORD_LEN) == 0) {
			rc = -EINVAL;
			snprintf(why, why_size, "it holds a %s key, a %s one is needed",
				secret ? "public" : "secret", secret ? "secret" : "public");
		} else if (strncmp(text, word, WORD_LEN) != 0 ||
			   curve_parse(text + WORD_LEN, key) < 0) {
			rc = -EINVAL;
			snprintf(why, why_size, "it holds no %s key as `dmmctl keygen` writes them",
				secret ? "secret" : "public");
		}
	}
	hmac_wipe(text, sizeof(text));
	return rc;
}

int curve_read_public(const char *path, struct curve_key *key, char *why, size_t why_size)
{
	return read_key(path, false, key, why, why_size);
}

int curve_read_secret(const char *path, struct curve_key *key, char *why, size_t why_size)
{
	return read_key(path, true, key, why, why_size);
}

/* Writes a new file with these permissions from the start. */
static int write_key(const char *path, const char *word, const struct curve_key *key, mode_t mode)
{
	char digits[CURVE_TEXT_SIZE], text[FILE_SIZE];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = 0;

	if (fd < 0)
		return -errno;
	int len = snprintf(text, sizeof(text), "%s%s\n", word, curve_text(key, digits));
	ssize_t n = write(fd, text, (size_t)len);
	if (n != len)
		rc = n < 0 ? -errno : -ENOSPC;
	else if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc < 0)
		unlink(path);
	hmac_wipe(digits, sizeof(digits));
	hmac_wipe(text, sizeof(text));
	return rc;
}

int curve_write_pair(const char *public_path, const struct curve_key *public_key,
	const char *secret_path, const struct curve_key *secret_key, const char **failed)
{
	int rc = write_key(secret_path, WORD_SECRET, secret_key, 0600);

	*failed = secret_path;
	if (rc < 0)
		return rc;
	rc = write_key(public_path, WORD_PUBLIC, public_key, 0644);
	*failed = public_path;
	if (rc < 0)
		unlink(secret_path);
	return rc;
}
